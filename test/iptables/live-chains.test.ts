import { describe, expect, test } from "vitest";
import { type ChainBundle, LiveChains } from "../../src/iptables/live-chains.ts";
import { RuleMemory } from "../../src/iptables/rule-memory.ts";
import type { Chain } from "../../src/iptables/rule.ts";

/** A bundle that tells when its chains are made. */
function bundle(name: string, ...inner: readonly string[]): ChainBundle & { readonly made: () => boolean } {
  let chains: readonly Chain[] | undefined;
  return {
    entries: [`SVC-${name}`],
    innerPrefix: "SEP-",
    get chains() {
      return (chains ??= [`SVC-${name}`, ...inner].map((chain) => ({ name: chain, rules: [] })));
    },
    made: () => chains !== undefined,
  };
}

function chainsWith(...bundles: readonly ChainBundle[]): LiveChains {
  const chains = new LiveChains(new RuleMemory(() => undefined));
  chains.put({ name: "PREROUTING", policy: "ACCEPT", rules: [] });
  for (const one of bundles) chains.putBundle(one);
  return chains;
}

function namesOf(chains: LiveChains): readonly string[] {
  return Array.from(chains.all(), ({ name }) => name).sort();
}

describe("chains of a bundle", () => {
  test("are made when a packet comes to an entry, and those of others are not", () => {
    const [web, api] = [bundle("WEB", "SEP-1"), bundle("API", "SEP-2")];
    const chains = chainsWith(web, api);
    expect(chains.get("PREROUTING")?.name).toBe("PREROUTING");
    expect([web.made(), api.made()]).toEqual([false, false]);
    expect(chains.get("SVC-WEB")?.name).toBe("SVC-WEB");
    expect([web.made(), api.made()]).toEqual([true, false]);
    expect(chains.get("SEP-1")?.name).toBe("SEP-1");
    expect(api.made()).toBe(false);
  });

  test("are found by an inner name, too; a name that nobody has opens nothing", () => {
    const web = bundle("WEB", "SEP-1");
    const chains = chainsWith(web);
    expect(chains.get("OTHER")).toBeUndefined();
    expect(web.made()).toBe(false);
    expect(chains.get("SEP-1")?.name).toBe("SEP-1");
    expect(chains.get("SEP-2")).toBeUndefined();
  });

  test("are all there when the table is printed", () => {
    expect(namesOf(chainsWith(bundle("WEB", "SEP-1"), bundle("API", "SEP-2")))).toEqual([
      "PREROUTING",
      "SEP-1",
      "SEP-2",
      "SVC-API",
      "SVC-WEB",
    ]);
  });

  test("that are put again leave those behind that they do not have any more, until these are deleted", () => {
    const chains = chainsWith(bundle("WEB", "SEP-1", "SEP-2"));
    chains.putBundle(bundle("WEB", "SEP-2", "SEP-3"));
    expect(namesOf(chains)).toEqual(["PREROUTING", "SEP-1", "SEP-2", "SEP-3", "SVC-WEB"]);
    chains.delete(["SEP-1"]);
    expect(namesOf(chains)).toEqual(["PREROUTING", "SEP-2", "SEP-3", "SVC-WEB"]);
  });

  test("are deleted unseen", () => {
    const chains = chainsWith(bundle("WEB", "SEP-1"), bundle("API", "SEP-2"));
    chains.delete(["SEP-1", "SVC-WEB"]);
    expect(namesOf(chains)).toEqual(["PREROUTING", "SEP-2", "SVC-API"]);
  });
});
