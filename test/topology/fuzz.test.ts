import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { TextError } from "../../src/iptables/text-error.ts";
import { replay } from "../../src/sim/replay.ts";
import { parseTopology } from "../../src/topology/topology.ts";
import { readFolder } from "../kernel/read-topology.ts";

/*
 * Dumps of a real node in which words are missing, doubled, changed or out of place: they are read, or refused with a
 * code and a place that exists. Nothing else may come of them.
 */

const dump = [...readFolder(join(import.meta.dirname, "odd-node"))];
const words = [...new Set(dump.flatMap(([, text]) => text.split(/\s+/)))];

interface Change {
  readonly file: number;
  readonly line: number;
  readonly word: number;
  readonly by: string;
}

const change: fc.Arbitrary<Change> = fc.record({
  file: fc.nat(dump.length - 1),
  line: fc.nat(200),
  word: fc.nat(20),
  by: fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...words) },
    fc.constantFrom("", "-1", "4294967296", "999.1.1.1", "fe80::g", "\u0000", "__proto__", "x".repeat(300)),
    fc.string({ unit: "grapheme", maxLength: 8 }),
  ),
});

function changed(text: string, { line, word, by }: Change): string {
  const lines = text.split("\n");
  const at = line % lines.length;
  const parts = (lines[at] ?? "").split(" ");
  parts[word % parts.length] = by;
  lines[at] = parts.join(" ");
  return lines.join("\n");
}

test("a damaged dump is read, or refused with a code and a place", () => {
  let refused = 0;
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
      const texts = dump.map(([, text], index) =>
        changes.filter(({ file }) => file === index).reduce((sum, own) => changed(sum, own), text),
      );
      const files = new Map<string, string>(dump.map(([file], index) => [`node1/${file}`, texts[index] ?? ""]));
      files.set("links", "node1:eth0 sw:node1\nnode1:vethp1a pa:eth0\n");
      files.set("flows", "ping pa icmp 10.244.0.1 timeout=0.1\n");
      files.set("pa/ip", "addr add 10.244.0.2/24 dev eth0\n");
      try {
        expect(replay(parseTopology(files))).toHaveLength(1);
      } catch (error) {
        if (!(error instanceof TextError)) throw error;
        refused++;
        for (const { code, file, line, column, message } of error.problems) {
          expect(code).toMatch(/^[A-Z][A-Z_]+$/);
          // What is missing at the end is missed behind the last line.
          expect(line).toBeLessThanOrEqual((files.get(file) ?? "").split("\n").length + 1);
          expect([line, column].every((number) => number >= 1)).toBe(true);
          expect(message).not.toBe("");
        }
      }
    }),
    { numRuns: Number(process.env["KUBEHOP_FUZZ"] ?? 150), seed: 1 },
  );
  expect(refused).toBeGreaterThan(0);
});
