import fc from "fast-check";
import { expect, test } from "vitest";
import { TextError } from "../../src/iptables/text-error.ts";
import { replay } from "../../src/sim/replay.ts";
import { type TopologyFiles, parseTopology } from "../../src/topology/topology.ts";
import { folder } from "./hostile.ts";

/*
 * Whatever Linux state somebody thinks of: each flow ends, or the text is refused with a place and a code. An
 * exception of any other kind, or a run that does not come back, fails.
 */

/** The results of all flows and every step of every packet; undefined when the text was refused. */
function run(files: TopologyFiles, seed: number): string | TextError {
  try {
    const recorded: unknown[] = [];
    const results = replay(parseTopology(files), { seed, recorded: (_line, flows) => recorded.push(flows) });
    return JSON.stringify({ results, recorded });
  } catch (error) {
    if (error instanceof TextError) return error;
    throw error;
  }
}

/** Takes out the lines that were refused, so that what is left is sent through. */
function withoutProblems(files: TopologyFiles, { problems }: TextError): TopologyFiles {
  return new Map(
    [...files].map(([file, text]) => {
      const own = problems.filter((problem) => problem.file === file);
      if (own.length === 0) return [file, text];
      const bad = new Set(own.map(({ line }) => line));
      return [
        file,
        text
          .split("\n")
          .filter((_, index) => !bad.has(index + 1))
          .join("\n"),
      ];
    }),
  );
}

/** Problems come in layers: a chain that is gone takes the rules with it that jump there. */
const tries = 6;

test("every random topology ends in a verdict per flow or in coded errors, and the same seed gives the same bytes", () => {
  let ran = 0;
  fc.assert(
    fc.property(folder, fc.nat(1000), (given, seed) => {
      let files = given;
      for (let attempt = 0; attempt < tries; attempt++) {
        const result = run(files, seed);
        if (typeof result === "string") {
          ran++;
          expect(run(files, seed)).toBe(result);
          return;
        }
        for (const { code, file, line, column, message } of result.problems) {
          expect(code).toMatch(/^[A-Z][A-Z_]+$/);
          expect(files.has(file), file).toBe(true);
          expect([line, column].every((number) => number >= 1)).toBe(true);
          expect(message).not.toBe("");
        }
        files = withoutProblems(files, result);
      }
    }),
    { numRuns: Number(process.env["KUBEHOP_FUZZ"] ?? 400), seed: 1 },
  );
  expect(ran).toBeGreaterThan(0);
});

test("a loop of bridges by three links multiplies an ARP request only until the links are full", () => {
  const ports = ["e0", "e1", "e2"];
  const ip = (own: string): string =>
    `link add br0 type bridge\n${ports.map((port) => `link set ${port} master br0\n`).join("")}link set br0 up\naddr add ${own} dev br0\n`;
  const files = new Map([
    ["links", ports.map((port) => `a:${port} b:${port}\n`).join("")],
    ["flows", "ping a icmp 10.0.0.9\n"],
    ["a/ip", ip("10.0.0.1/24")],
    ["b/ip", ip("10.0.0.2/24")],
  ]);
  expect(replay(parseTopology(files)).map(({ result }) => result)).toEqual(["timeout"]);
});
