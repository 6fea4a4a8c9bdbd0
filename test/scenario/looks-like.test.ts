import fc from "fast-check";
import { expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { looksLikeScenario } from "../../src/index.ts";

const cases: readonly (readonly [string, string, boolean])[] = [
  ["a scenario", "name: x\nflows: []\n", true],
  ["behind comments and ---", "# a\n%YAML 1.2\n---\n# b\nflows: []\n---\nkind: Pod\n", true],
  ["in braces", "{ name: x, flows: [] }", true],
  ["as JSON", '{ "name": "x", "flows": [] }', true],
  ["with quoted keys", '"name": x\n"flows": []\n', true],
  ["with a byte order mark", "\uFEFFflows: []\n", true],
  ["behind a tag", "!!map\nflows: []\n", true],
  ["a Pod", "apiVersion: v1\nkind: Pod\nflows: x\n", false],
  ["a scenario that comes second", "kind: Pod\n---\nflows: []\n", false],
  ["flows further in", "spec:\n  flows: []\n", false],
  ["flows in a text", "spec: |\n  a\n  flows:\n", false],
  ["nothing", "", false],
];

test.each(cases)("%s", (_, text, expected) => {
  expect(looksLikeScenario(text)).toBe(expected);
});

test("a long dump is seen to be none at once", () => {
  const pods = Array.from({ length: 50_000 }, (_, index) => `{"kind":"Pod","metadata":{"name":"p${index}"}}`).join(",");
  const list = "- { kind: Pod, metadata: { name: a } }\n".repeat(100_000);
  const before = process.cpuUsage();
  expect(looksLikeScenario(`{"apiVersion":"v1","kind":"List","items":[${pods}]}`)).toBe(false);
  expect(looksLikeScenario(`apiVersion: v1\nkind: List\nitems:\n${list}`)).toBe(false);
  // Parsing them takes seconds.
  expect(process.cpuUsage(before).user / 1000).toBeLessThan(500);
});

const key = fc.constantFrom("flows", "apiVersion", "kind", "name", '"flows"', "'flows'", "spec");
const value = fc.constantFrom(
  "x",
  "[]",
  "{ flows: 1 }",
  "|\n  flows: 1\n  b",
  "\n  flows: 1",
  "\n- flows",
  '"a\n  flows: b"',
);

test("what is seen at once is what parsing finds", () => {
  fc.assert(
    fc.property(
      fc.constantFrom("", "---\n", "# flows: x\n", "# a\n--- # b\n"),
      fc.uniqueArray(fc.tuple(key, value), {
        minLength: 1,
        maxLength: 4,
        selector: ([name]) => name.replaceAll(/["']/g, ""),
      }),
      fc.constantFrom("", "---\nflows: []\n", "---\napiVersion: v1\n"),
      (head, entries, tail) => {
        const text = `${head}${entries.map(([name, text]) => `${name}: ${text}\n`).join("")}${tail}`;
        const first: unknown = parseAllDocuments(text)[0]?.toJS();
        const expected = typeof first === "object" && first !== null && "flows" in first && !("apiVersion" in first);
        expect(looksLikeScenario(text)).toBe(expected);
      },
    ),
    { numRuns: 300 },
  );
});
