import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { expect, test } from "vitest";
import { parseRestore } from "../../src/iptables/parse.ts";
import { printRuleset } from "../../src/iptables/print.ts";
import type { Chain } from "../../src/iptables/rule.ts";
import { type Node, load, node, send } from "./kernel.ts";

/*
 * Chains that come, go and are replaced while packets walk through them: the rows they are compared as
 * (src/iptables/rule-rows.ts) move and are cleared away. What a packet meets must be what a node meets into which the
 * same rules were loaded at once.
 */

const names = ["A", "B", "C"] as const;
const hosts = ["10.0.0.1", "10.0.0.2", "10.1.0.2"];

/** A user chain with so many rules that none concerns the packets, and one that does. */
function chainText(name: string, host: string, padding: number, jump: string): string {
  const idle = Array.from({ length: padding }, (_, index) => `-A ${name} -d 192.0.2.${index % 250} -j DROP`);
  return [...idle, `-A ${name} -d ${host} -j MARK --set-xmark 0x${padding + 1}/0xff`, `-A ${name} ${jump}`].join("\n");
}

function rulesOf(chains: ReadonlyMap<string, string>): string {
  const lines = [...chains.keys()].map((name) => `:${name} - [0:0]`);
  // A chain that is not there now cannot be jumped to.
  const texts = [...chains.values()].map((text) =>
    text
      .split("\n")
      .filter((line) => names.every((name) => !line.endsWith(`-j ${name}`) || chains.has(name)))
      .join("\n"),
  );
  const jumps = [...chains.keys()].map((name) => `-A FORWARD -j ${name}`);
  return `*filter\n:FORWARD ACCEPT [0:0]\n${lines.join("\n")}\n${texts.join("\n")}\n${jumps.join("\n")}\nCOMMIT\n`;
}

function chainsOf(text: string): ReadonlyMap<string, Chain> {
  const own = node("off");
  own.iptables.restore(parseRestore(text, { family: "ipv4" }), { noFlush: false });
  return own.iptables.ruleset("ipv4").tables.get("filter")?.chains ?? new Map();
}

function marks(own: Node): readonly number[] {
  return hosts.map((dst) => send(own, { dst }).skb.mark);
}

function counters(own: Node): string {
  return printRuleset(own.iptables.ruleset("ipv4"), { counters: true });
}

const change = fc.record({
  name: fc.constantFrom(...names),
  kind: fc.constantFrom("put", "put", "delete"),
  host: fc.constantFrom(...hosts),
  padding: fc.constantFrom(0, 3, 12, 600),
  // Only towards the end of the alphabet: the kernel takes no circles.
  jump: fc.boolean(),
});

test("chains that move in memory, go and come again are met as if they had been loaded at once", () => {
  fc.assert(
    fc.property(fc.boolean(), fc.array(change, { minLength: 1, maxLength: 25 }), (all, changes) => {
      const moving = node("off");
      const chains = new Map<string, string>();
      let before: ReadonlyMap<string, Chain> = new Map();
      load(moving, rulesOf(chains));
      for (const { name, kind, host, padding, jump } of changes) {
        if (kind === "delete") chains.delete(name);
        else {
          const next = names[names.indexOf(name) + 1];
          chains.set(name, chainText(name, host, padding, jump && next !== undefined ? `-j ${next}` : "-j RETURN"));
        }
        const wanted = chainsOf(rulesOf(chains));
        const deleted = names.filter((own) => !chains.has(own));
        // What stays keeps its rows, and what jumps there its way.
        const stays = (own: Chain): boolean => !all && isDeepStrictEqual(before.get(own.name)?.rules, own.rules);
        const put = [...wanted.values()].filter((own) => !stays(own));
        moving.iptables.replaceChains("ipv4", "filter", put, { deleted });
        before = wanted;
        const fresh = node("off");
        load(fresh, rulesOf(chains));
        expect(marks(moving)).toEqual(marks(fresh));
        if (all) expect(sorted(counters(moving))).toEqual(sorted(counters(fresh)));
      }
    }),
    { numRuns: 40 },
  );
});

/** Chains stand in the order they were made in, which is not compared. */
function sorted(text: string): readonly string[] {
  return text.split("\n").sort();
}
