import { receiveIp } from "../src/kernel/ip/input.ts";
import { createSkb } from "../src/kernel/skb.ts";
import { callOf, flowKeyOf, loadedNode } from "./node.ts";

/*
 * New UDP flows per second through one node with kube-proxy's iptables rules, nothing recorded: a pod's packet to a
 * Service, from PREROUTING to POSTROUTING and out by eth0, conntrack entry included. Each flow is a new tuple, the
 * Services come in turn and their endpoints by chance. User CPU time of all threads (the garbage collector's too), the
 * making of the packet included.
 * `node --import tsx bench/new-flows.ts [SERVICES [ENDPOINTS [FLOWS]]]`. Prints one JSON object.
 */
const [services = 10_000, endpoints = 10, flows = 1_000_000] = process.argv.slice(2).map(Number);
const { namespace, cni, sent, loadMillis } = loadedNode(services, endpoints, "UDP", "off");

/** CPU time, milliseconds. */
function run(count: number, from: number): number {
  const start = process.cpuUsage().user;
  for (let i = from; i < from + count; i++) {
    receiveIp(namespace, cni, createSkb({ packet: callOf(i, services, "udp"), flowKey: flowKeyOf(i) }));
  }
  return (process.cpuUsage().user - start) / 1000;
}

// As on a node that is at it for long: the rules were all met, and the connection table has grown to its size.
run(flows, 0);
namespace.conntrack.flush();
const before = sent();
const millis = run(flows, flows);
console.log(
  JSON.stringify({
    bench: "new-flows",
    size: `${services}x${endpoints}`,
    loadMillis,
    flows,
    sent: sent() - before,
    entries: namespace.conntrack.entries().length,
    flowsPerSecond: Math.round((flows / millis) * 1000),
    microsPerFlow: Math.round((millis / flows) * 1e6) / 1e3,
    rssMegabytes: Math.round(process.memoryUsage().rss / 2 ** 20),
  }),
);
