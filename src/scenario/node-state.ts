import { applyEdit } from "../cluster/edit.ts";
import { type ManifestSource, loadManifests } from "../cluster/load/load.ts";
import { hasErrors } from "../cluster/problem.ts";
import type { ClusterState } from "../cluster/reconcile.ts";
import { saveSets } from "../iptables/ipset/text.ts";
import { printRuleset } from "../iptables/print.ts";
import { type ProxySection, proxySections } from "../sim/proxy-sections.ts";
import { showAddresses, showFdb, showNeighbours, showRoutes, showRules } from "../topology/show.ts";
import type { NetworkNamespace } from "../kernel/namespace.ts";
import type { Family } from "../wire/address.ts";
import type { ClusterInput, InputProblems } from "./input.ts";
import { worldOf } from "./probe.ts";

/** Objects of an update that carry this annotation are deleted. */
const deleteAnnotation = "kpo/delete";

/** The input's state, and the state after each update on top of the one before. */
export function updatedStates(
  input: ClusterInput,
  updates: readonly ManifestSource[],
): readonly ClusterState[] | InputProblems {
  const states = [input.state];
  for (const update of updates) {
    const { namespace, state } = input;
    const { objects, problems } = loadManifests([update], { namespace, isAsGiven: state.context.isAsGiven });
    if (hasErrors(problems)) return { problems };
    const gone = objects.filter(({ metadata }) => metadata.annotations[deleteAnnotation] === "true");
    let next = applyEdit(states.at(-1) as ClusterState, {
      kind: "apply",
      objects: objects.filter((object) => !gone.includes(object)),
    });
    for (const { kind, metadata } of gone) {
      if (hasErrors(next.problems)) break;
      next = applyEdit(next.state, {
        kind: "delete",
        target: { kind, namespace: metadata.namespace, name: metadata.name },
        cascade: "orphan",
      });
    }
    if (hasErrors(next.problems)) return { problems: next.problems };
    states.push(next.state);
  }
  return states;
}

/** What kube-proxy tells a node of these states at its last sync; undefined when there is no such node. */
export function kubeProxySections(
  states: readonly ClusterState[],
  node: string,
  family: Family,
): readonly ProxySection[] | undefined {
  return proxySections(
    states.map(({ cluster }) => cluster),
    node,
    family,
  );
}

/** The state of a running node as the system's own tools print it. */
export interface NodeText {
  readonly iptablesSave: string;
  readonly ipset: string;
  readonly ip: string;
}

/** Boots a node and prints what it holds; undefined when there is no such node. */
export function nodeText(input: ClusterInput, node: string, family: Family): NodeText | undefined {
  if (!input.cluster.nodes.some(({ metadata }) => metadata.name === node)) return undefined;
  const { host, iptables } = worldOf(input, { level: "off" }).node(node);
  return {
    iptablesSave: printRuleset(iptables.ruleset(family)),
    ipset: saveSets(iptables.sets),
    ip: ipText(host, family),
  };
}

/** What iproute2 prints of a namespace, each part under its command. */
function ipText(host: NetworkNamespace, family: Family): string {
  const version = family === "ipv4" ? "-4" : "-6";
  const sysctls = host.sysctls.entries().map(([name, value]) => `${name} = ${value}\n`);
  const parts = [
    ["ip addr", showAddresses(host)],
    [`ip ${version} rule`, showRules(host, family)],
    [`ip ${version} route`, showRoutes(host, family)],
    ["ip neigh", showNeighbours(host)],
    ["bridge fdb", showFdb(host)],
    ["sysctl, as set", sysctls.join("")],
  ] as const;
  return parts.map(([command, text]) => `# ${command}\n${text}`).join("\n");
}
