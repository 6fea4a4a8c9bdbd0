import { applyEdit } from "../src/cluster/edit.ts";
import { loadManifests } from "../src/cluster/load/load.ts";
import type { ClusterState } from "../src/cluster/reconcile.ts";
import { type ClusterInput, type InputOptions, formatProblem, isRequestProblem, loadInput } from "../src/index.ts";
import { probeIn, worldOf } from "../src/scenario/probe.ts";
import type { World } from "../src/sim/world.ts";
import { generatedCluster } from "./clusters.ts";

/*
 * From an edit to the new trace, in a cluster of N Services of ten endpoints: the controllers run, the running nodes sync,
 * a `curl` is traced. Once in the running world, as an event of a scenario does it, and once in a fresh world of the
 * edited cluster. `node --import tsx bench/edit.ts [SERVICES [PODS [NODES]]]`. Prints one JSON object; times in ms, the
 * median of each kind of edit and the worst of all.
 */
const [services = 10_000, pods = 0, nodes = 2] = process.argv.slice(2).map(Number);
const options: InputOptions = {
  namespace: "bench",
  settings: { podCidrs: ["10.0.0.0/9"], serviceCidrs: ["10.200.0.0/14"], systemComponents: "assumed" },
};
const loaded = loadInput([generatedCluster({ services, pods, nodes })], options);
if ("problems" in loaded) throw new Error(loaded.problems.map(formatProblem).join("\n"));
const input: ClusterInput = loaded;
let { state } = input;
const running = worldOf(input, { level: "step" });
curl(running);

/** What is applied in the n-th round. */
const edits: Readonly<Record<string, (round: number) => object>> = {
  slice: (round) => ({
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: `svc-${round}-slice`, labels: { "kubernetes.io/service-name": `svc-${round}` } },
    addressType: "IPv4",
    ports: [{ port: 8080, protocol: "TCP" }],
    endpoints: [{ addresses: [`10.0.0.${100 + round}`], nodeName: "node-0", conditions: { ready: true } }],
  }),
  service: (round) => ({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: `new-${round}` },
    spec: { selector: { app: "web" }, ports: [{ port: 80, targetPort: 8080 }] },
  }),
  pod: (round) => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: `web-${round + 1}`, labels: { app: "web" } },
    spec: { nodeName: "node-0", containers: [{ name: "main", image: "bench", ports: [{ containerPort: 8080 }] }] },
  }),
  policy: (round) => ({
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: { name: `policy-${round}` },
    spec: { podSelector: { matchLabels: { app: "web" } }, ingress: [{}] },
  }),
};

const rounds = 11;
const figures: Record<string, object> = {};
let worst = 0;
for (const [kind, objectOf] of Object.entries(edits)) {
  const runs = Array.from({ length: rounds }, (_, round) => measure(objectOf(round)));
  const median = runs.toSorted((a, b) => a.runningMillis - b.runningMillis)[rounds >> 1];
  figures[kind] = median ?? {};
  worst = Math.max(worst, ...runs.map(({ runningMillis }) => runningMillis));
}
console.log(
  JSON.stringify({
    bench: "edit",
    size: `${services} Services, ${pods + 2} pods, ${nodes} nodes`,
    ...figures,
    worstRunningMillis: round2(worst),
  }),
);

interface Run {
  /** Controllers. */
  readonly editMillis: number;
  /** The running nodes. */
  readonly syncMillis: number;
  readonly traceMillis: number;
  /** All of it in the running world. */
  readonly runningMillis: number;
  /** What that took of the CPUs, all threads: on a busy machine it says more than the clock. */
  readonly runningCpuMillis: number;
  /** Controllers, and the first trace in a fresh world. */
  readonly freshMillis: number;
}

function measure(object: object): Run {
  const text = JSON.stringify(object);
  const cpu = process.cpuUsage();
  const start = performance.now();
  state = applied(state, text);
  const edited = performance.now();
  running.update(state.cluster);
  const synced = performance.now();
  curl(running);
  const traced = performance.now();
  const { user, system } = process.cpuUsage(cpu);
  curl(worldOf({ ...input, cluster: state.cluster, state }, { level: "step" }));
  const done = performance.now();
  return {
    editMillis: round2(edited - start),
    syncMillis: round2(synced - edited),
    traceMillis: round2(traced - synced),
    runningMillis: round2(traced - start),
    runningCpuMillis: round2((user + system) / 1000),
    freshMillis: round2(edited - start + (done - traced)),
  };
}

function applied(before: ClusterState, text: string): ClusterState {
  const { objects, problems } = loadManifests([{ name: "edit.json", text }], { namespace: "bench" });
  const { state: after, problems: found } = applyEdit(before, { kind: "apply", objects });
  const errors = [...problems, ...found].filter(({ severity }) => severity === "error");
  if (errors.length > 0) throw new Error(errors.map(formatProblem).join("\n"));
  return after;
}

function curl(world: World): void {
  const trace = probeIn(world, "bench", { from: "pod/client", run: "curl http://web" });
  if (isRequestProblem(trace)) throw new Error(trace.message);
  if (trace.outcome !== "answered") throw new Error(`${trace.outcome}: ${trace.message}`);
}

function round2(millis: number): number {
  return Math.round(millis * 100) / 100;
}
