import { receiveIp } from "../src/kernel/ip/input.ts";
import { createSkb } from "../src/kernel/skb.ts";
import { callOf, flowKeyOf, loadedNode } from "./node.ts";

/*
 * A SYN to a Service through one node with kube-proxy's iptables rules, every step recorded, each a new connection.
 * User CPU time of all threads, the garbage collector's too.
 * `node --import tsx bench/recorded-packet.ts [SERVICES [ENDPOINTS]]`. Prints one JSON object.
 */
const [services = 10_000, endpoints = 10] = process.argv.slice(2).map(Number);
const { namespace, cni, recorder } = loadedNode(services, endpoints, "TCP", "step");

/** Sends some, each with a trace of its own; the steps recorded. */
function send(count: number, from: number): number {
  let steps = 0;
  for (let i = from; i < from + count; i++) {
    recorder.begin();
    const packet = callOf(i, services, "tcp");
    const track = recorder.flow({ protocol: "tcp", from: "pod", to: "service", purpose: "bench" })?.packet("original");
    track?.enter({ namespace: namespace.name, device: cni.name }, { body: packet });
    receiveIp(namespace, cni, createSkb({ packet, flowKey: flowKeyOf(i), ...(track && { track }) }));
    steps += track?.packet.hops[0]?.steps.length ?? 0;
  }
  return steps;
}

const packets = 10_000;
send(packets, 0);
const start = process.cpuUsage().user;
const steps = send(packets, packets);
console.log(
  JSON.stringify({
    bench: "recorded-packet",
    size: `${services}x${endpoints}`,
    micros: Math.round(((process.cpuUsage().user - start) / packets) * 10) / 10,
    steps: Math.round((steps / packets) * 10) / 10,
  }),
);
