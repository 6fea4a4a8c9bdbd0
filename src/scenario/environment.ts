import { serviceEnvironment } from "../cluster/controllers/service-environment.ts";
import { findWho, isProblem } from "../sim/who.ts";
import type { ClusterInput } from "./input.ts";
import type { RequestProblem } from "./probe.ts";

/**
 * The variables that the containers of a pod have for Services, in the kubelet's order, as if it were started now. `of`
 * names the pod, or a workload that stands for its first one.
 */
export function serviceVariables(
  { cluster, namespace }: ClusterInput,
  of: string,
): { readonly variables: Readonly<Record<string, string>> } | RequestProblem {
  const who = findWho(cluster, of, namespace);
  if (isProblem(who)) return who;
  if (who.kind !== "pod")
    return { code: "BAD_WHO", message: `\`${of}\` is no pod: the kubelet sets variables in pods alone` };
  return { variables: serviceEnvironment(who.pod, cluster.services) };
}
