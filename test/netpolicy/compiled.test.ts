import { describe, expect, test } from "vitest";
import type { Protocol } from "../../src/cluster/objects.ts";
import { createIptables } from "../../src/iptables/netns.ts";
import { runHook } from "../../src/kernel/netfilter.ts";
import type { NetworkNamespace } from "../../src/kernel/namespace.ts";
import { applyPolicies } from "../../src/netpolicy/apply.ts";
import { compilePolicies } from "../../src/netpolicy/compile.ts";
import { type Address, address } from "../../src/wire/address.ts";
import { type Transport, emptyPayload } from "../../src/wire/packet.ts";
import { namespaceNamed } from "../cni/namespaces.ts";
import { type Case, casesOf, rangesIn, viewOf } from "./cases.ts";
import { deviates } from "./deviations.ts";
import { cluster, node } from "./objects.ts";

/* The compiled chains, walked by the simulated iptables, against the suites: the real kernel's deviations included. */

const nodeA = node("node", "192.168.255.1", "10.244.0.0/16");
const protocols = ["TCP", "UDP", "SCTP"] as const;

/** The first packet of a new connection through FORWARD. */
function passes(namespace: NetworkNamespace, src: Address, dst: Address, protocol: Protocol, port: number): boolean {
  const ports = { srcPort: 40_000, dstPort: port };
  const transports: Readonly<Record<Protocol, Transport>> = {
    TCP: { protocol: "tcp", ...ports, flags: { syn: true }, seq: 0, ack: 0 },
    UDP: { protocol: "udp", ...ports },
    SCTP: { protocol: "sctp", ...ports, chunk: "init" },
  };
  const transport = transports[protocol];
  const packet = {
    kind: "ip",
    src,
    dst,
    ttl: 63,
    dontFragment: true,
    id: 1,
    transport,
    payload: emptyPayload,
  } as const;
  const skb = { packet, mark: 0, untracked: false, flowKey: "flow" };
  // Conntrack sees it in PREROUTING; it never gets to POSTROUTING, where the entry would be confirmed.
  const hooks = ["PREROUTING", "FORWARD"] as const;
  return hooks.every((hook) => runHook({ namespace, hook, family: "ipv4", skb }) === "accept");
}

function contradictions(one: Case): string[] {
  const { view, ids } = viewOf(one);
  const namespace = namespaceNamed("node");
  applyPolicies(
    createIptables(namespace),
    "ipv4",
    compilePolicies(cluster({ ...view, nodes: [nodeA] }), nodeA, "ipv4"),
  );
  const addressOf = (id: string): Address => address(ids.get(id)?.[0]?.status.podIPs[0] ?? "");
  return one.expect.flatMap((row) => {
    if (row.loopback) return [];
    const asked = rangesIn(row.ports).flatMap(({ first, last }) => [...new Set([first, last])]);
    return (row.proto === "ANY" ? protocols : [row.proto]).flatMap((protocol) =>
      asked
        .filter((port) => {
          const wanted = row.allowed !== deviates(one.case.name, row.src, row.dst, protocol, port);
          return passes(namespace, addressOf(row.src), addressOf(row.dst), protocol, port) !== wanted;
        })
        .map((port) => `${row.src} > ${row.dst} ${protocol} ${port}: should be ${row.allowed ? "allowed" : "denied"}`),
    );
  });
}

describe.for([
  { suite: "Kubernetes e2e", folder: "test/referee/netpol/e2e" },
  { suite: "cyclonus", folder: "../shared/suites/netpol/cyc" },
])("the compiled chains answer as the $suite suite says", ({ folder }) => {
  const cases = casesOf(folder);
  if (cases.length === 0) test("the suite", (context) => context.skip(`${folder} is absent`));
  test.for(cases.map((one) => [one.case.name, one] as const))("%s", ([, one]) => {
    expect(contradictions(one)).toEqual([]);
  });
});
