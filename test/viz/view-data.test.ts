import { describe, expect, test } from "vitest";
import { chainVisits } from "../../src/viz/chain-view.ts";
import { filterKeys, parseFilter } from "../../src/viz/filter.ts";
import { linkFragment, readLinkState } from "../../src/viz/link.ts";
import { buildCourse } from "../../src/viz/moments.ts";
import { ownedLines, ownerOfLine } from "../../src/viz/owned-lines.ts";
import { ribbonOf } from "../../src/viz/ribbon.ts";
import { stateAt } from "../../src/viz/state-at.ts";
import type { Step, Trace } from "../../src/trace/records.ts";

/** Two stops of one packet: a rule that missed and one that matched on node-a, then a connection noted on node-b. */
const owner = { kind: "Service", namespace: "shop", name: "web", origin: { file: "web.yaml", line: 12, column: 1 } };
const base = { timeNanos: 0, text: "" };
const place = { kind: "rule", hook: "PREROUTING", table: "nat", chain: "KUBE-SERVICES" } as const;
const onA: readonly Step[] = [
  {
    ...base,
    ...place,
    id: 1,
    namespace: "node-a",
    rule: 1,
    through: 2,
    matched: false,
    failed: [1, 2].map((rule) => ({ rule, term: "-p udp", packet: "tcp" })),
  },
  {
    ...base,
    ...place,
    id: 2,
    namespace: "node-a",
    rule: 3,
    matched: true,
    rules: "-d 10.96.0.11/32 -j KUBE-SVC-X",
    target: "KUBE-SVC-X",
    owner,
  },
];
const onB: readonly Step[] = [
  {
    ...base,
    kind: "conntrack",
    action: "confirm",
    id: 3,
    namespace: "node-b",
    stateChanges: [{ table: "conntrack", action: "add", key: "tcp a b", after: "tcp a b [UNREPLIED]" }],
  },
  {
    ...base,
    kind: "conntrack",
    action: "update",
    id: 4,
    namespace: "node-b",
    stateChanges: [
      {
        table: "conntrack",
        action: "update",
        key: "tcp a b",
        before: "tcp a b [UNREPLIED]",
        after: "tcp a b [ASSURED]",
      },
    ],
  },
  {
    ...base,
    kind: "conntrack",
    action: "expire",
    id: 5,
    namespace: "node-b",
    stateChanges: [{ table: "conntrack", action: "delete", key: "tcp a b", before: "tcp a b [ASSURED]" }],
  },
];
const packet = {
  protocol: "tcp",
  src: "10.244.0.3",
  dst: "10.96.0.11",
  srcPort: 40004,
  dstPort: 80,
  srcMac: "02:00:00:00:00:01",
  length: 60,
};
const trace: Trace = {
  schemaVersion: 1,
  probe: { from: "shop/pod/client", run: "curl http://web" },
  outcome: "answered",
  message: "",
  exitCode: 0,
  durationNanos: 0,
  seed: 1,
  assumptions: [],
  events: [],
  flows: [
    {
      id: 1,
      protocol: "tcp",
      from: "",
      to: "",
      purpose: "GET /",
      steps: [],
      packets: [
        {
          id: 1,
          direction: "original",
          attempt: 1,
          verdict: "delivered",
          hops: [
            { namespace: "node-a", packet, steps: onA },
            { namespace: "node-b", packet, steps: onB },
          ],
        },
      ],
    },
  ],
};
const course = buildCourse(trace);

describe("filter", () => {
  const cases: readonly (readonly [string, readonly number[]])[] = [
    ["", [0, 1, 2, 3, 4]],
    ["kind:rule", [0, 1]],
    ["where:node-b -kind:rule", [2, 3, 4]],
    ["owner:shop/web", [1]],
    ['owner:"service shop/web"', [1]],
    ["chain:kube-services 10.96.0.11/32", [1]],
    ["line:12", [1]],
    ["line:web.yaml:12", [1]],
    ["line:13", []],
    ["addr:10.244.0.3:40004", [0, 1, 2, 3, 4]],
    ["http://nowhere", []],
    ["kind:rul", []],
  ];
  test.each(cases)("%s", (text, expected) => {
    const filter = parseFilter(text);
    if ("problem" in filter) throw new Error(filter.problem);
    expect(course.moments.filter(filter.matches).map(({ index }) => index)).toEqual(expected);
  });

  test.each(["colour:red", "line:x"])("%s is not understood", (text) => {
    expect(parseFilter(text)).toHaveProperty("problem");
  });

  test("every key that is offered is understood", () => {
    for (const key of filterKeys) expect(parseFilter(`${key}:1`)).toHaveProperty("matches");
  });
});

test("a chain is told rule by rule, with the term that failed", () => {
  const [first] = course.moments;
  if (first === undefined) throw new Error("no moments");
  expect(chainVisits(course, first)).toEqual([
    {
      hook: "PREROUTING",
      table: "nat",
      chain: "KUBE-SERVICES",
      lines: [
        { moment: 0, rule: "1", result: "missed", text: "", failed: { term: "-p udp", packet: "tcp" } },
        { moment: 0, rule: "2", result: "missed", text: "", failed: { term: "-p udp", packet: "tcp" } },
        { moment: 1, rule: "3", result: "matched", text: "-d 10.96.0.11/32 -j KUBE-SVC-X" },
      ],
    },
  ]);
});

test("state is folded up to the step, and what the step did is marked", () => {
  const entries = (index: number) =>
    stateAt(course, index).flatMap(({ tables }) => tables.flatMap((table) => table.entries));
  expect(entries(1)).toEqual([]);
  expect(entries(2)).toEqual([{ key: "tcp a b", text: "tcp a b [UNREPLIED]", change: "add" }]);
  expect(entries(3)).toEqual([
    { key: "tcp a b", text: "tcp a b [ASSURED]", change: "update", before: "tcp a b [UNREPLIED]" },
  ]);
  expect(entries(4)).toEqual([{ key: "tcp a b", text: "tcp a b [ASSURED]", change: "delete" }]);
});

test("the ribbon is the way of the packet, with the place of the cursor", () => {
  const at = course.moments[2];
  if (at === undefined) throw new Error("no moments");
  expect(ribbonOf(course, at).map(({ namespace, here }) => [namespace, here])).toEqual([
    ["node-a", false],
    ["node-b", true],
  ]);
});

test("a line of the input owns its steps, up to the end of its document", () => {
  const owned = ownedLines(course, "web.yaml");
  expect(owned).toEqual([{ line: 12, moments: [1], rules: 1 }]);
  const text = [...Array.from({ length: 14 }, () => "x: 1"), "---", "y: 1"].join("\n");
  expect(ownerOfLine(owned, 14, text)?.line).toBe(12);
  expect(ownerOfLine(owned, 16, text)).toBeUndefined();
  expect(ownerOfLine(owned, 11, text)).toBeUndefined();
});

describe("links", () => {
  test("what is written is read", () => {
    const state = {
      step: 17,
      grain: "step",
      flow: 2,
      probe: { from: "shop/pod/a", run: "curl http://web:80/?a=b&c" },
      seed: 3,
      pins: { "node-a/nat/KUBE-SVC-X/1/A? web, &=1": 1 },
      theme: "dark",
    } as const;
    const fragment = linkFragment("#s=abc_-", state);
    expect(fragment.startsWith("#s=abc_-&")).toBe(true);
    expect(readLinkState(fragment)).toEqual(state);
  });

  test.each([
    "#s=a&t=-1&g=wide&seed=x",
    "#s=a&b=[1]",
    "#s=a&b={%22a%22:-1}",
    "#s=a&b={",
    "#s=a&run=curl",
    "#s=a&from=%zz&run",
    "#s=a&theme=<script>",
  ])("%s: nonsense is left out", (fragment) => {
    expect(readLinkState(fragment)).not.toHaveProperty("step");
    expect(readLinkState(fragment)).not.toHaveProperty("theme");
    expect(readLinkState(fragment)).not.toHaveProperty("pins");
  });
});
