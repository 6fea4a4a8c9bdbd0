import type { Cluster } from "../cluster/cluster.ts";
import type { UnmodelledObject } from "../cluster/objects.ts";
import type { ProbeRequest } from "./simulation.ts";

/** Kinds that can forbid traffic between pods. */
const policyKinds = /Policy$|^GlobalNetworkPolicy|^ClusterwideNetworkPolicy/;

/**
 * What is read but not modelled and could matter to a probe: other kinds of policy wherever pods talk, and routing
 * objects (an Ingress, a Gateway) that name the host or the address that is called.
 */
export function doubtsAbout(cluster: Cluster, request: ProbeRequest): readonly string[] {
  return cluster.unmodelled
    .filter((object) => couldMatter(object, request))
    .map((object) => `${object.apiKind} ${nameOf(object)} is read but not modelled, and could decide this`);
}

function couldMatter(object: UnmodelledObject, { command, who }: ProbeRequest): boolean {
  if (policyKinds.test(object.apiKind)) return true;
  const target = command.tool === "dig" ? command.name : command.host;
  if (object.mentions.some((mention) => mention === target || mention.endsWith(`/${target}`)))
    return who.kind === "external";
  return false;
}

function nameOf({ metadata }: UnmodelledObject): string {
  return metadata.namespace === "" ? metadata.name : `${metadata.namespace}/${metadata.name}`;
}
