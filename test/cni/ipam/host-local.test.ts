import { expect, test } from "vitest";
import type { Node, Pod } from "../../../src/cluster/objects.ts";
import { hostLocal } from "../../../src/cni/ipam/host-local.ts";

const node = (...podCIDRs: string[]): Node => ({
  kind: "Node",
  metadata: { name: "n", namespace: "", labels: {}, annotations: {} },
  spec: { podCIDRs },
  status: { addresses: [] },
});
const pod = {} as Pod;

function ask(
  podCIDRs: readonly string[],
  taken: readonly string[] = [],
  last: readonly string[] = [],
): readonly string[] | undefined {
  return hostLocal(node(...podCIDRs), pod, { isTaken: (address) => taken.includes(address), last });
}

// containernetworking plugins, plugins/ipam/host-local/README.md and backend/allocator/allocator_test.go: first pod .2,
// round robin from the last reserved address, the gateway and the ends are never given.
test.for([
  {
    name: "the gateway has the first address",
    cidrs: ["10.244.1.0/24"],
    taken: [],
    last: [],
    expected: ["10.244.1.2"],
  },
  {
    name: "it goes on from the last one",
    cidrs: ["10.244.1.0/24"],
    taken: [],
    last: ["10.244.1.7"],
    expected: ["10.244.1.8"],
  },
  {
    name: "taken addresses are left out",
    cidrs: ["10.244.1.0/24"],
    taken: ["10.244.1.2", "10.244.1.3"],
    last: [],
    expected: ["10.244.1.4"],
  },
  {
    name: "it wraps before the broadcast address",
    cidrs: ["10.0.0.0/29"],
    taken: [],
    last: ["10.0.0.6"],
    expected: ["10.0.0.2"],
  },
  { name: "a full range has none", cidrs: ["10.0.0.0/30"], taken: ["10.0.0.2"], last: [], expected: undefined },
  { name: "a range of two addresses has none", cidrs: ["10.0.0.0/31"], taken: [], last: [], expected: undefined },
  {
    name: "both families",
    cidrs: ["10.244.1.0/24", "fd00:10:244:1::/64"],
    taken: [],
    last: [],
    expected: ["10.244.1.2", "fd00:10:244:1::2"],
  },
  {
    name: "a last address of another range is forgotten",
    cidrs: ["10.244.1.0/24"],
    taken: [],
    last: ["10.244.9.9"],
    expected: ["10.244.1.2"],
  },
])("host-local: $name", ({ cidrs, taken, last, expected }) => {
  expect(ask(cidrs, taken, last)).toEqual(expected);
});

test("host-local gives 253 addresses of a /24", () => {
  const taken: string[] = [];
  for (let next = ask(["10.244.1.0/24"]); next !== undefined; next = ask(["10.244.1.0/24"], taken, next))
    taken.push(...next);
  expect([taken.length, taken.at(-1)]).toEqual([253, "10.244.1.254"]);
});
