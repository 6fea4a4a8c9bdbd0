import {
  type ClusterInput,
  type InputOptions,
  type InputProblems,
  type Trace,
  formatProblem,
  isRequestProblem,
  loadInput,
} from "../src/index.ts";
import { probeIn, worldOf } from "../src/scenario/probe.ts";
import { generatedCluster } from "./clusters.ts";

/*
 * A traced `curl` by name in a cluster of N Services of ten endpoints: loading, the first trace (both nodes boot) and
 * further ones in the running world. Loading and the first trace in wall-clock time, the others in user CPU time of all
 * threads (the garbage collector's too), the median of a hundred after as many to warm up.
 * `node --import tsx bench/traced-curl.ts [SERVICES [PODS [NODES]]]`. Prints one JSON object.
 */
const [services = 10_000, pods = 0, nodes = 2] = process.argv.slice(2).map(Number);
const source = generatedCluster({ services, pods, nodes });
const options: InputOptions = {
  namespace: "bench",
  settings: { podCidrs: ["10.0.0.0/9"], serviceCidrs: ["10.200.0.0/14"], systemComponents: "assumed" },
};

const start = performance.now();
const input = loaded(loadInput([source], options));
const loadMillis = performance.now() - start;
const world = worldOf(input, { level: "step" });
const first = curl();
const firstMillis = performance.now() - start - loadMillis;
const later = Array.from({ length: 200 }, () => {
  const before = process.cpuUsage().user;
  const trace = curl();
  return { millis: (process.cpuUsage().user - before) / 1000, steps: stepsIn(trace) };
}).slice(100);
const median = later.toSorted((a, b) => a.millis - b.millis)[later.length >> 1] ?? { millis: 0, steps: 0 };
const totalMillis = later.reduce((sum, { millis }) => sum + millis, 0);
const totalSteps = later.reduce((sum, { steps }) => sum + steps, 0);
console.log(
  JSON.stringify({
    bench: "traced-curl",
    size: `${services} Services, ${pods + 2} pods, ${nodes} nodes`,
    jsonMegabytes: Math.round(source.text.length / 2 ** 20),
    loadMillis: Math.round(loadMillis),
    firstTraceMillis: Math.round(firstMillis),
    traceMillis: Math.round(median.millis * 100) / 100,
    steps: stepsIn(first),
    stepsPerSecond: Math.round((totalSteps / totalMillis) * 1000),
    rssMegabytes: Math.round(process.memoryUsage().rss / 2 ** 20),
  }),
);

function curl(): Trace {
  const trace = probeIn(world, "bench", { from: "pod/client", run: "curl http://web" });
  if (isRequestProblem(trace)) throw new Error(trace.message);
  if (trace.outcome !== "answered") throw new Error(`${trace.outcome}: ${trace.message}`);
  return trace;
}

function loaded(result: ClusterInput | InputProblems): ClusterInput {
  if ("problems" in result) throw new Error(result.problems.slice(0, 5).map(formatProblem).join("\n"));
  return result;
}

function stepsIn(trace: Trace): number {
  const packets = trace.flows.flatMap((flow) => flow.packets);
  const inPackets = packets.flatMap((packet) => packet.hops).reduce((sum, hop) => sum + hop.steps.length, 0);
  return inPackets + trace.flows.reduce((sum, flow) => sum + flow.steps.length, 0);
}
