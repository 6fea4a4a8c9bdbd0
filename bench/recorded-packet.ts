import { receiveIp } from "../src/kernel/ip/input.ts";
import { createSkb } from "../src/kernel/skb.ts";
import { callOf, flowKeyOf, loadedNode } from "./node.ts";

/*
 * A SYN to a Service through one node with kube-proxy's iptables rules, every step recorded, each a new connection.
 * User CPU time of all threads, the garbage collector's too. `firstMicros` is the packet that comes to a Service first:
 * its chains and their texts are made then. Other Services have been called before, so the code is as fast as it gets.
 * `node --import tsx bench/recorded-packet.ts [SERVICES [ENDPOINTS]]`. Prints one JSON object.
 */
const [services = 10_000, endpoints = 10] = process.argv.slice(2).map(Number);
const { namespace, cni, recorder } = loadedNode(services, endpoints, "TCP", "step");

/** Services that nobody calls before they are measured. */
const measured = Math.min(50, services / 2);

/** Sends one packet to each of the Services from `first` to before `end`, `rounds` times, each with a trace of its own. */
function send(first: number, end: number, rounds: number): { readonly micros: number; readonly steps: number } {
  let steps = 0;
  const start = process.cpuUsage().user;
  for (let round = 0; round < rounds; round++) {
    for (let service = first; service < end; service++) steps += sendOne(nextRound * services + service);
    nextRound++;
  }
  const packets = rounds * (end - first);
  return { micros: (process.cpuUsage().user - start) / packets, steps: steps / packets };
}
let nextRound = 0;

/** The steps recorded. */
function sendOne(index: number): number {
  recorder.begin();
  const packet = callOf(index, services, "tcp");
  const track = recorder.flow({ protocol: "tcp", from: "pod", to: "service", purpose: "bench" })?.packet("original");
  track?.enter({ namespace: namespace.name, device: cni.name }, { body: packet });
  receiveIp(namespace, cni, createSkb({ packet, flowKey: flowKeyOf(index), ...(track && { track }) }));
  return track?.packet.hops[0]?.steps.length ?? 0;
}

const others = Math.min(services - measured, 1000);
send(measured, measured + others, Math.ceil(20_000 / others));
const first = send(0, measured, 1);
send(0, measured, 100);
const again = send(0, measured, 200);
console.log(
  JSON.stringify({
    bench: "recorded-packet",
    size: `${services}x${endpoints}`,
    micros: round(again.micros),
    firstMicros: round(first.micros),
    steps: round(again.steps),
  }),
);

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
