import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { parseScenario } from "../../src/scenario/parse.ts";
import { type SettingValue, withSetting } from "../../src/scenario/edit.ts";

const probe = { from: "shop/pod/client", run: "curl http://web" };
const flows = "flows: [{ name: one, from: shop/pod/client, run: curl http://web }]\n";
const pod = "apiVersion: v1\nkind: Pod\nmetadata: { name: client, namespace: shop }\n";

function edit(text: string, path: readonly [string, string], value: SettingValue | undefined): string {
  const edited = withSetting({ file: "mine.yaml", text, beside: [] }, path, value, probe);
  if ("problem" in edited) throw new Error(edited.problem);
  return edited.text;
}

describe("one setting is written where it belongs, and nothing else moves", () => {
  const cases: readonly (readonly [string, string, readonly [string, string], SettingValue | undefined, string])[] = [
    [
      "into braces",
      `# a comment\nname: x\ncluster: { nodes: 2, seed: 1 } # two\n${flows}---\n${pod}`,
      ["cluster", "proxyMode"],
      "ipvs",
      `# a comment\nname: x\ncluster: { nodes: 2, seed: 1, proxyMode: ipvs } # two\n${flows}---\n${pod}`,
    ],
    [
      "over another value",
      `name: x\ncluster: { nodes: 2, seed: 1 }\n${flows}`,
      ["cluster", "nodes"],
      5,
      `name: x\ncluster: { nodes: 5, seed: 1 }\n${flows}`,
    ],
    [
      "into empty braces",
      `name: x\ncluster: {}\n${flows}`,
      ["cluster", "seed"],
      3,
      `name: x\ncluster: { seed: 3 }\n${flows}`,
    ],
    [
      "among lines",
      `name: x\ncluster:\n  nodes: 2 # two\n${flows}`,
      ["cluster", "kernel"],
      "5.15",
      `name: x\ncluster:\n  nodes: 2 # two\n  kernel: "5.15"\n${flows}`,
    ],
    [
      "where there is no section yet",
      `name: x\n${flows}---\n${pod}`,
      ["cluster", "cni"],
      "ptp",
      `name: x\ncluster: { cni: ptp }\n${flows}---\n${pod}`,
    ],
    [
      "into an empty section",
      `name: x\ncluster:\n${flows}`,
      ["cluster", "seed"],
      3,
      `name: x\ncluster: { seed: 3 }\n${flows}`,
    ],
    [
      "a list",
      `name: x\n${flows}`,
      ["cluster", "podCidrs"],
      ["10.1.0.0/16", "fd00::/48"],
      `name: x\ncluster: { podCidrs: [ 10.1.0.0/16, fd00::/48 ] }\n${flows}`,
    ],
    [
      "who listens",
      `name: x\n${flows}`,
      ["listens", "shop/pod/web-0"],
      [8080, "53/udp"],
      `name: x\nlistens: { shop/pod/web-0: [ 8080, 53/udp ] }\n${flows}`,
    ],
    [
      "out of braces, first",
      `name: x\ncluster: { nodes: 2, seed: 1 }\n${flows}`,
      ["cluster", "nodes"],
      undefined,
      `name: x\ncluster: { seed: 1 }\n${flows}`,
    ],
    [
      "out of braces, last",
      `name: x\ncluster: { nodes: 2, seed: 1 }\n${flows}`,
      ["cluster", "seed"],
      undefined,
      `name: x\ncluster: { nodes: 2 }\n${flows}`,
    ],
    [
      "out of braces, alone",
      `name: x\ncluster: { nodes: 2 }\n${flows}`,
      ["cluster", "nodes"],
      undefined,
      `name: x\ncluster: { }\n${flows}`,
    ],
    [
      "out of lines",
      `name: x\ncluster:\n  nodes: 2\n  seed: 1\n${flows}`,
      ["cluster", "nodes"],
      undefined,
      `name: x\ncluster:\n  seed: 1\n${flows}`,
    ],
    [
      "out of lines, alone",
      `name: x\ncluster:\n  nodes: 2\n${flows}`,
      ["cluster", "nodes"],
      undefined,
      `name: x\ncluster: {}\n${flows}`,
    ],
    ["out of where it is not", `name: x\n${flows}`, ["cluster", "nodes"], undefined, `name: x\n${flows}`],
    [
      "behind a first ---",
      `---\nname: x\n${flows}---\n${pod}`,
      ["cluster", "seed"],
      2,
      `---\nname: x\ncluster: { seed: 2 }\n${flows}---\n${pod}`,
    ],
  ];
  test.each(cases)("%s", (_, text, path, value, expected) => {
    expect(edit(text, path, value)).toBe(expected);
  });
});

test("manifests alone get a scenario in front, with what was sent as its flow", () => {
  const text = edit(`---\n${pod}`, ["cluster", "cni"], "ptp");
  const parsed = parseScenario("mine.yaml", text);
  if ("problems" in parsed) throw new Error(JSON.stringify(parsed.problems));
  expect(parsed.hasManifests).toBe(true);
  expect(parsed.scenario).toMatchObject({ cluster: { cni: "ptp" }, flows: [{ name: probe.run, ...probe }] });
  expect(text.endsWith(`---\n${pod}`)).toBe(true);
});

test("a JSON dump stays as it is, beside a scenario that names it", () => {
  const json = '{ "kind": "List", "items": [] }';
  const edited = withSetting({ file: "dump.json", text: json, beside: [] }, ["cluster", "nodes"], 3, probe);
  expect(edited).toMatchObject({ file: "scenario.yaml", beside: [{ name: "dump.json", text: json }] });
  expect("text" in edited && parse(edited.text)).toMatchObject({ manifests: ["dump.json"], cluster: { nodes: 3 } });
});

test("a scenario that cannot be read is left alone", () => {
  expect(
    withSetting({ file: "a", text: "name: x\nflows: []\ncluster: 7\n", beside: [] }, ["cluster", "seed"], 1, probe),
  ).toHaveProperty("problem");
});

const key = fc.constantFrom("nodes", "seed", "cni", "kernel", "podCidrs");
const value: fc.Arbitrary<SettingValue | undefined> = fc.oneof(
  fc.nat(9),
  fc.boolean(),
  fc.constantFrom("ptp", "5.15", "1.30", "a: b", "#x", "", "- y", "'", '"', "true"),
  fc.array(fc.constantFrom("10.0.0.0/8", "fd00::/48", "a, b"), { minLength: 1, maxLength: 3 }),
  fc.constant(undefined),
);

test("whatever is written in whatever order is what is read", () => {
  fc.assert(
    fc.property(
      fc.constantFrom("cluster: { nodes: 2, seed: 1 }\n", "cluster:\n  nodes: 2\n  seed: 1\n", "", "cluster: {}\n"),
      fc.array(fc.tuple(key, value), { maxLength: 8 }),
      (section, edits) => {
        const expected: Record<string, unknown> = { ...(parse(`x: 1\n${section}`) as { cluster?: object }).cluster };
        let text = `name: x\n${section}${flows}---\n${pod}`;
        for (const [name, next] of edits) {
          text = edit(text, ["cluster", name], next);
          if (next === undefined) delete expected[name];
          else expected[name] = next;
        }
        const [first, second] = parseAllDocuments(text);
        expect((first?.toJS() as { cluster?: object } | undefined)?.cluster ?? {}).toEqual(expected);
        expect(second?.toJS()).toEqual(parse(pod));
      },
    ),
    { numRuns: 300 },
  );
});
