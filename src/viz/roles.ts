import type { Trace } from "../trace/records.ts";
import { mainFlows } from "./scene.ts";

/** What a pod has to do with a trace. */
export type PodRole = "client" | "server" | "path" | "other";

export const roleWords: Readonly<Record<PodRole, string>> = {
  client: "sends",
  server: "answers",
  path: "on the way",
  other: "not involved",
};

/** The roles of the pods that a trace saw; all others have none. */
export function podRoles(trace: Trace): ReadonlyMap<string, PodRole> {
  const roles = new Map<string, PodRole>();
  const flows = mainFlows(trace);
  for (const { packets } of flows) {
    for (const { hops } of packets) for (const { namespace } of hops) roles.set(namespace, "path");
  }
  const first = flows[0];
  const sender = first?.steps[0]?.namespace ?? first?.packets[0]?.hops[0]?.namespace;
  if (sender !== undefined) roles.set(sender, "client");
  if (trace.answeredBy !== undefined) roles.set(trace.answeredBy, "server");
  return roles;
}
