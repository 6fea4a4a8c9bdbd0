import type { Cluster } from "../cluster/cluster.ts";
import { serviceEnvironment } from "../cluster/controllers/service-environment.ts";
import type { RecordLevel } from "../trace/recorder.ts";
import type { Trace } from "../trace/records.ts";
import { parseProbe } from "../sim/probe/command.ts";
import { simulate } from "../sim/simulation.ts";
import { type Who, type WhoProblem, findWho, isProblem, podsOf, workloadKindOf } from "../sim/who.ts";
import { World } from "../sim/world.ts";
import type { ClusterInput } from "./input.ts";

/** One probe against one input. */
export interface ProbeOptions {
  readonly from: string;
  /** `curl http://web`. */
  readonly run: string;
  readonly seed?: number;
  readonly pins?: Readonly<Record<string, number>>;
  readonly level?: RecordLevel;
}

/** A request that names no probe or no sender. */
export interface RequestProblem {
  readonly code: "BAD_PROBE" | WhoProblem["code"];
  readonly message: string;
}

export function isRequestProblem(value: Trace | RequestProblem): value is RequestProblem {
  return "code" in value;
}

/** A trace knows the input it came from, so that a question about it can run it again. */
const sources = new WeakMap<Trace, { readonly input: ClusterInput; readonly options: ProbeOptions }>();

/** Sends one probe through a fresh world. */
export function traceProbe(input: ClusterInput, options: ProbeOptions): Trace | RequestProblem {
  const world = worldOf(input, options);
  const trace = probeIn(world, input.namespace, options);
  if (!isRequestProblem(trace)) sources.set(trace, { input, options });
  return trace;
}

/** A fresh world of an input. */
export function worldOf(input: ClusterInput, options: Pick<ProbeOptions, "seed" | "pins" | "level">): World {
  return new World(input.cluster, {
    seed: options.seed ?? input.seed,
    level: options.level ?? "step",
    listens: input.listens,
    namespace: input.namespace,
    ...(input.upstream && { upstream: input.upstream }),
    ...(options.pins && { pins: options.pins }),
  });
}

/** Sends one probe through a world that runs already. */
export function probeIn(
  world: World,
  namespace: string,
  options: Pick<ProbeOptions, "from" | "run">,
): Trace | RequestProblem {
  const who = findWho(world.cluster, options.from, namespace);
  const command = parseProbe(expanded(options.run, who, world.cluster).trim().split(/\s+/));
  if ("code" in command) return command;
  if (isProblem(who)) return who;
  return simulate(world, { who, command, from: options.from, run: options.run });
}

/** As a shell in the pod reads `curl $WEB_SERVICE_HOST`; a variable that is not set is the empty text there. */
function expanded(run: string, who: Who | WhoProblem, cluster: Cluster): string {
  if (!run.includes("$") || isProblem(who) || who.kind !== "pod") return run;
  const variables = serviceEnvironment(who.pod, cluster.services);
  return run.replaceAll(/\$(?:\{(\w+)\}|(\w+))/g, (_, braced: string | undefined, bare: string | undefined) => {
    const name = braced ?? bare ?? "";
    return Object.hasOwn(variables, name) ? (variables[name] as string) : "";
  });
}

/** The namespaces that a pod or workload stands for, in the input a trace came from. */
export function namespacesOf(trace: Trace, who: string): readonly string[] {
  const source = sources.get(trace);
  return source === undefined ? [who] : namespacesIn(source.input.cluster, who, source.input.namespace);
}

/** The namespaces of a pod, of all pods of a workload, or of a node. */
export function namespacesIn(cluster: Cluster, who: string, namespace: string): readonly string[] {
  const parts = who.split("/");
  const [kind = "", name = ""] = parts.slice(-2);
  const inNamespace = parts.length === 3 ? (parts[0] as string) : namespace;
  const workloadKind = workloadKindOf(kind);
  if (workloadKind !== undefined) {
    return podsOf(cluster, inNamespace, workloadKind, name).map(
      ({ metadata }) => `${metadata.namespace}/${metadata.name}`,
    );
  }
  if (kind === "pod" || kind === "po") return [`${inNamespace}/${name}`];
  return kind === "node" || kind === "no" ? [name] : [who];
}

/** The same probe with all NetworkPolicies lifted; undefined when there are none, or the input is not known. */
export function withPoliciesLifted(trace: Trace): Trace | undefined {
  const source = sources.get(trace);
  if (source === undefined || source.input.cluster.networkPolicies.length === 0) return undefined;
  const cluster = { ...source.input.cluster, networkPolicies: [] };
  const lifted = traceProbe({ ...source.input, cluster }, source.options);
  return isRequestProblem(lifted) ? undefined : lifted;
}
