import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { expectedSyncs, recordedCases, sortedLines } from "../kube-proxy/recorded.ts";
import { kubehop, root } from "./kubehop.ts";

/* Expectations: what the real kube-proxy 1.30.5 programs (test/referee/kube-proxy). */

const inputs = join(root, "test/referee/kube-proxy/inputs");
const cidrs = "10.244.0.0/16,fd00:10:244::/48";

/** The -o of a section, by the first word of its heading in the recordings. */
const outputs: Readonly<Record<string, string>> = {
  events: "events",
  jumps: "jumps",
  "iptables-restore": "restore",
  dummy: "dummy",
  ipvs: "ipvs",
  ipsets: "ipset",
};

/** `kubehop rules` for node-a of a recorded input. */
function onNodeA(input: string, ...flags: readonly string[]): ReturnType<typeof kubehop> {
  return kubehop("rules", "-f", join(inputs, `${input}.json`), "--node", "node-a", ...flags);
}

async function rules(input: string, mode: string, ...flags: readonly string[]): Promise<string> {
  const { code, out, notes } = await onNodeA(input, "--proxy-mode", mode, "--cluster-cidr", cidrs, ...flags);
  if (code !== 0) throw new Error(notes);
  return out;
}

/** Holds every section against the recording: byte for byte, the events as a set. */
async function expectSections(
  expected: ReadonlyMap<string, string> | undefined,
  run: (output: string) => Promise<string>,
): Promise<void> {
  expect(expected?.size ?? 0).toBeGreaterThan(0);
  for (const [heading, text] of expected ?? []) {
    const printed = await run(outputs[heading] ?? heading);
    if (heading === "events") expect(sortedLines(printed.split("\n"))).toBe(sortedLines(text.split("\n")));
    else expect(printed, heading).toBe(text);
  }
}

describe.for(["iptables", "ipvs"])("kube-proxy in %s mode", (mode) => {
  test.for(recordedCases)("%s: every section as recorded", async (name) => {
    const families = ["ipv4", "ipv6"] as const;
    for (const [index, expected] of expectedSyncs(name, mode).entries()) {
      const family = families[index] ?? "ipv4";
      await expectSections(expected, (output) => rules(name, mode, "-o", output, "--family", family));
    }
  });

  test("dual stack has a recording for each family", () => {
    expect(expectedSyncs("l-dualstack", mode)).toHaveLength(2);
  });

  test.for([
    [0, []],
    [1, ["m-update1"]],
    [2, ["m-update1", "m-update2"]],
  ] as const)("m-updates after %i updates: the last sync alone", async ([index, updates]) => {
    const then = updates.flatMap((update) => ["--then", join(inputs, `${update}.json`)]);
    await expectSections(expectedSyncs("m-updates", mode)[index], (output) =>
      rules("m-mixed", mode, "-o", output, ...then),
    );
  });

  test("-o recorded is the whole file, with its headings", async () => {
    const printed = await rules("a-clusterip", mode, "-o", "recorded");
    const sections = printed.split(/^#### .*\n/m).slice(1);
    const headings = [...printed.matchAll(/^#### (\S+)/gm)].map(([, heading]) => heading);
    expect(headings).toEqual([...(expectedSyncs("a-clusterip", mode)[0]?.keys() ?? [])]);
    const recorded = [...(expectedSyncs("a-clusterip", mode)[0]?.values() ?? [])];
    for (const [index, heading] of headings.entries()) {
      if (heading !== "events") expect(sections[index]).toBe(recorded[index]);
    }
  });
});

test("a section that the mode does not have is a usage error", async () => {
  const run = await onNodeA("a-clusterip", "-o", "ipset");
  expect(run).toMatchObject({ code: 2, out: "" });
  expect(run.notes).toContain("makes no ipset; there are events, jumps, restore");
});

test("a mode that is not modelled is not guessed", async () => {
  const run = await onNodeA("a-clusterip", "-o", "recorded", "--proxy-mode", "nftables");
  expect(run).toMatchObject({ code: 4, out: "" });
  expect(run.notes).toContain("NOT_MODELLED");
});

test("a node that does not exist is a usage error that names those that do", async () => {
  const run = await kubehop("rules", "--scenario", join(root, "scenarios/curl-service.yaml"), "--node", "node-z");
  expect(run).toMatchObject({ code: 2, out: "" });
  expect(run.notes).toContain("NO_SUCH_NODE: no node is called node-z; there are node-a, node-b");
});

test("what a booted node holds is printed as the system's own tools do", async () => {
  const scenario = join(root, "scenarios/policy-lets-web-in.yaml");
  const show = async (output: string): Promise<string> => {
    const { code, out } = await kubehop("rules", "--scenario", scenario, "--node", "node-a", "-o", output);
    expect(code).toBe(0);
    return out;
  };
  const [saved, ip, all] = [await show("iptables-save"), await show("ip"), await show("all")];
  expect(saved).toMatch(/^\*\w+\n/m);
  expect(saved.match(/^COMMIT$/gm)?.length).toBe(saved.match(/^\*/gm)?.length);
  expect(saved).toContain("-j KUBE-SERVICES");
  expect(ip).toContain("10.244.1.0/24 via 172.18.0.3 dev eth0");
  expect(all).toContain(saved);
  expect(all).toContain(ip);
  expect(all).toContain("create KUBE-");
});
