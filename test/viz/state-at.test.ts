import { describe, expect, test } from "vitest";
import type { NamespaceState, Step, Trace } from "../../src/trace/records.ts";
import { buildCourse } from "../../src/viz/moments.ts";
import { stateAt } from "../../src/viz/state-at.ts";

const base = { timeNanos: 0, text: "", namespace: "node-a" };
const key = "src=10.244.0.3 dst=10.96.0.11 sport=40004 dport=80";
const route = "10.244.1.0/24 via 172.18.0.3 dev eth0";
const steps: readonly Step[] = [
  {
    ...base,
    id: 1,
    kind: "bridge",
    action: "learn",
    bridge: "cni0",
    stateChanges: [{ table: "fdb", action: "add", key: "cni0 02:01", after: "dev veth1" }],
  },
  { ...base, id: 2, kind: "route", at: "input", destination: "10.244.1.3", result: "forward", route, table: "main" },
  {
    ...base,
    id: 3,
    kind: "neighbour",
    action: "resolved",
    address: "172.18.0.3",
    device: "eth0",
    stateChanges: [
      {
        table: "neighbour",
        action: "update",
        key: "172.18.0.3 dev eth0",
        before: "FAILED",
        after: "lladdr 02:03 REACHABLE",
      },
    ],
  },
  {
    ...base,
    id: 4,
    kind: "conntrack",
    action: "confirm",
    stateChanges: [{ table: "conntrack", action: "add", key, after: `tcp SYN_SENT ${key}` }],
  },
  { ...base, id: 5, kind: "conntrack", action: "found", entry: `tcp 6 119 SYN_SENT ${key} [UNREPLIED] src=1 dst=2` },
];
const before: readonly NamespaceState[] = [
  {
    namespace: "node-a",
    beforeStep: 1,
    tables: [
      { table: "route", entries: ["default via 172.18.0.1 dev eth0", route].map((text) => ({ key: text, text })) },
      { table: "neighbour", entries: [{ key: "172.18.0.3 dev eth0", text: "FAILED" }], leftOut: 7 },
    ],
  },
  { namespace: "node-b", beforeStep: 9, tables: [{ table: "route", entries: [{ key: "x", text: "x" }] }] },
];
const packet = { protocol: "tcp", src: "10.244.0.3", dst: "10.96.0.11", length: 60 };
const course = buildCourse({
  outcome: "answered",
  flows: [
    {
      id: 1,
      protocol: "tcp",
      from: "",
      to: "",
      purpose: "",
      steps: [],
      packets: [
        {
          id: 1,
          direction: "original",
          attempt: 1,
          verdict: "delivered",
          hops: [{ namespace: "node-a", packet, steps }],
        },
      ],
    },
  ],
} as unknown as Trace);

function table(name: string, index: number, since?: number) {
  const [here] = stateAt(course, index, { before, ...(since !== undefined && { since }) });
  return here?.tables.find((one) => one.table === name);
}

describe("the state at a step", () => {
  test("begins with what the namespace held, and knows nothing of namespaces not yet entered", () => {
    expect(stateAt(course, 0, { before }).map(({ namespace }) => namespace)).toEqual(["node-a"]);
    expect(table("route", 0)?.entries.map(({ text }) => text)).toEqual(["default via 172.18.0.1 dev eth0", route]);
    expect(table("neighbour", 0)).toMatchObject({ leftOut: 7, entries: [{ text: "FAILED" }] });
  });

  test("marks the route that the step looked up, and lists it first", () => {
    expect(table("route", 1)?.entries[0]).toEqual({ key: route, text: route, used: true });
    expect(table("route", 2)?.entries[0]?.used).toBeUndefined();
  });

  test("shows an entry that the step changed as it was and as it is", () => {
    expect(table("neighbour", 2)?.entries).toEqual([
      { key: "172.18.0.3 dev eth0", text: "lladdr 02:03 REACHABLE", change: "update", before: "FAILED" },
    ]);
  });

  test("marks the connection that a packet was found to belong to", () => {
    expect(table("conntrack", 4)?.entries).toEqual([{ key, text: `tcp SYN_SENT ${key}`, used: true }]);
  });

  test("of a whole stop marks all that its steps did", () => {
    expect(table("fdb", 4, 0)?.entries[0]?.change).toBe("add");
    expect(table("fdb", 4)?.entries[0]?.change).toBeUndefined();
  });

  test("begins anew where an event changed what the namespace holds", () => {
    const [first] = before;
    const after = {
      namespace: "node-a",
      beforeStep: 4,
      tables: [{ table: "route", entries: [{ key: "y", text: "y" }] }],
    } as const;
    const routes = (index: number) =>
      stateAt(course, index, { before: [...(first ? [first] : []), after] })[0]
        ?.tables.find((one) => one.table === "route")
        ?.entries.map(({ text }) => text);
    expect(routes(2)).toContain(route);
    expect(routes(3)).toEqual(["y"]);
  });

  test("without the state before tells what was changed and looked up", () => {
    const tables = stateAt(course, 1)[0]?.tables.map((one) => one.table);
    expect(tables).toEqual(["route", "fdb"]);
  });
});
