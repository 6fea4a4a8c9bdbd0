import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { type ReplayFlow, replay } from "../../src/sim/replay.ts";
import { parseTopology } from "../../src/topology/topology.ts";
import type { GoldenFlow } from "../kernel/golden-compare.ts";
import { readFolder } from "../kernel/read-topology.ts";

/*
 * docs/packet-walk.md claims nothing that was not recorded: each block behind a command holds lines of the flows that
 * the command runs, as the real kernel's recording and the replay both have them. A line `no TEXT` says that no line of
 * theirs begins with TEXT.
 */

interface Claim {
  readonly folder: string;
  readonly only: string;
  readonly lines: readonly string[];
}

const block = /```sh\nnpx kubehop replay (\S+)\/topology --only '(.+)'\n```\n```text\n([^`]+)```/g;
const page = readFileSync("docs/packet-walk.md", "utf8");
const claims = [...page.matchAll(block)].map(([, folder = "", only = "", text = ""]): Claim => ({
  folder,
  only,
  lines: text.trim().split("\n"),
}));

function flowsOf(folder: string): readonly GoldenFlow[] {
  const { flows } = JSON.parse(readFileSync(`${folder}/golden.json`, "utf8")) as {
    readonly flows: readonly GoldenFlow[];
  };
  return flows;
}

/** All that a flow may be quoted with. */
function linesOf(flow: GoldenFlow | ReplayFlow): string[] {
  const answer = Object.entries(flow.answer ?? {}).map(([key, value]) => `answer ${key}=${String(value)}`);
  const rules = Object.entries(flow.trace).flatMap(([namespace, packets]) =>
    packets.flatMap(({ steps }) => steps.map((step) => `${namespace} ${step}`)),
  );
  const connections = Object.entries(flow.conntrack).flatMap(([namespace, own]) =>
    own.map((line) => `${namespace} ${line}`),
  );
  const sends = flow.sends === undefined ? [] : [`sends ${flow.sends.join(", ")}`];
  return [`result ${flow.result}`, ...answer, ...sends, ...flow.wire, ...rules, ...connections];
}

/** Rules may be quoted without what stands behind their target. */
function holds(line: string, lines: readonly string[]): boolean {
  const wanted = line.startsWith("no ") ? line.slice(3) : line;
  const pattern = wanted.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", "[^ >]+");
  const regex = new RegExp(line.startsWith("no ") ? `^${pattern}` : `^${pattern}( |$)`);
  return lines.some((own) => regex.test(own)) !== line.startsWith("no ");
}

test("every command of the page is followed by what it shows", () => {
  expect(page.match(/^npx kubehop replay/gm)).toHaveLength(claims.length);
});

describe.for(claims)("$folder $only", ({ folder, only, lines }) => {
  let recorded: readonly string[];
  let replayed: readonly string[];
  beforeAll(() => {
    const chosen = ({ name }: { readonly name: string }): boolean => new RegExp(only).test(name);
    recorded = flowsOf(folder).filter(chosen).flatMap(linesOf);
    replayed = replay(parseTopology(readFolder(`${folder}/topology`)), { only: chosen }).flatMap(linesOf);
  });

  test.for(lines)("%s", (line) => {
    expect(recorded).not.toHaveLength(0);
    expect(holds(line, recorded), "stands in the recording").toBe(true);
    expect(holds(line, replayed), "stands in the replay").toBe(true);
  });
});

/** Whether each of node1's passages of the client's SYN met the nat table. */
function natVisits({ trace }: GoldenFlow | ReplayFlow): boolean[] {
  return (trace["node1"] ?? [])
    .filter(({ at }) => at.endsWith(" tcp S ttl=64"))
    .map(({ steps }) => steps.some((step) => step.startsWith("nat:")));
}

test.for([
  {
    folder: "brnf0",
    flow: "svc-local",
    says: "a retransmitted SYN of a confirmed connection meets no nat chain",
    second: false,
  },
  { folder: "nohairpin", flow: "hairpin", says: "one whose first SYN never left does", second: true },
])("$folder, $flow: $says", ({ folder, flow, second }) => {
  const path = `test/referee/kernel/${folder}`;
  const flows = flowsOf(path);
  const replayed = replay(parseTopology(readFolder(`${path}/topology`)), { only: ({ name }) => name === flow });
  for (const own of [flows.find(({ name }) => name === flow), replayed[0]]) {
    expect(own && natVisits(own).slice(0, 2)).toEqual([true, second]);
  }
});
