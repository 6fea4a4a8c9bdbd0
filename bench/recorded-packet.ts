import { receiveIp } from "../src/kernel/ip/input.ts";
import { createSkb } from "../src/kernel/skb.ts";
import { callOf, flowKeyOf, loadedNode } from "./node.ts";

/*
 * A SYN to a Service through one node with kube-proxy's iptables rules, every step recorded, each a new connection.
 * `node --import tsx bench/recorded-packet.ts [SERVICES [ENDPOINTS]]`. Prints one JSON object.
 */
const [services = 10_000, endpoints = 10] = process.argv.slice(2).map(Number);
const { namespace, cni, recorder } = loadedNode(services, endpoints, "TCP", "step");

/** Sends one and returns what it took, microseconds, and the steps recorded. */
function send(index: number): { readonly micros: number; readonly steps: number } {
  recorder.begin();
  const packet = callOf(index, services, "tcp");
  const start = performance.now();
  const track = recorder.flow({ protocol: "tcp", from: "pod", to: "service", purpose: "bench" })?.packet("original");
  track?.enter({ namespace: namespace.name, device: cni.name }, { body: packet });
  receiveIp(namespace, cni, createSkb({ packet, flowKey: flowKeyOf(index), ...(track && { track }) }));
  const micros = (performance.now() - start) * 1000;
  const hops = recorder.flows.flatMap((flow) => flow.packets.flatMap((each) => each.hops));
  return { micros, steps: hops.reduce((sum, hop) => sum + hop.steps.length, 0) };
}

for (let i = 0; i < 5000; i++) send(i);
const sent = Array.from({ length: 5000 }, (_, index) => send(5000 + index)).sort((a, b) => a.micros - b.micros);
const median = sent[sent.length >> 1] ?? { micros: 0, steps: 0 };
console.log(
  JSON.stringify({
    bench: "recorded-packet",
    size: `${services}x${endpoints}`,
    micros: Math.round(median.micros * 10) / 10,
    worstMicros: Math.round(sent.at(-1)?.micros ?? 0),
    steps: median.steps,
  }),
);
