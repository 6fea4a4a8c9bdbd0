import { parseAddress } from "../wire/address.ts";
import { type Cidr, formatCidr, overlaps, parseCidr } from "../wire/cidr.ts";
import type { ProblemCode } from "./codes.ts";
import type { ClusterSettings } from "./cluster.ts";
import { namedPort, serviceNameLabel } from "./controllers/endpoint-slices.ts";
import { internalIPs } from "./controllers/nodes.ts";
import { type SliceRun, keyOfSlice } from "./controllers/services.ts";
import { groupBy } from "./group.ts";
import { objectKey } from "./load/load.ts";
import { type Path, originOf } from "./load/origin.ts";
import { pathText } from "./decode/reader.ts";
import type { EndpointSlice, Endpoints, KubernetesObject, NetworkPolicy, Node, Pod } from "./objects.ts";
import type { ProblemList } from "./problem.ts";
import { matches, selectorText } from "./selector.ts";

export type Report = (code: ProblemCode, object: KubernetesObject, path: Path, message: string, fix?: string) => void;

export function reporter(problems: ProblemList): Report {
  return (code, object, path, message, fix) => {
    const key = objectKey(object);
    const origin = originOf(object, path);
    problems.add(code, `${key}: ${message}`, { object: key, path: pathText(path), ...(origin && { origin }) }, fix);
  };
}

/** Addresses that must be apart: of nodes, of their pod CIDRs, of the Services. */
export function checkNodes(nodes: readonly Node[], settings: ClusterSettings, report: Report): void {
  const owners = new Map<string, Node>();
  const blocks: { readonly node: Node; readonly block: Cidr }[] = [];
  const services = settings.serviceCidrs.flatMap((text) => parseCidr(text) ?? []);
  for (const node of nodes) {
    for (const text of internalIPs(node)) {
      const other = owners.get(text);
      if (other !== undefined)
        report(
          "ADDRESS_TAKEN",
          node,
          ["status", "addresses"],
          `${text} is already the address of ${other.metadata.name}`,
        );
      owners.set(text, node);
      const address = parseAddress(text);
      const block =
        address === undefined
          ? undefined
          : services.find((service) =>
              overlaps(service, { base: address, prefixLength: typeof address === "number" ? 32 : 128 }),
            );
      if (block)
        report(
          "CIDR_OVERLAP",
          node,
          ["status", "addresses"],
          `its address ${text} lies in the service CIDR ${formatCidr(block)}`,
        );
    }
    for (const text of node.spec.podCIDRs) {
      const block = parseCidr(text);
      if (block === undefined) continue;
      blocks.push({ node, block });
      const service = services.find((other) => overlaps(other, block));
      if (service)
        report("CIDR_OVERLAP", node, ["spec"], `its podCIDR ${text} overlaps the service CIDR ${formatCidr(service)}`);
    }
  }
  // In order of their first address, blocks that overlap are neighbours or inside an earlier one.
  const sorted = blocks.toSorted((a, b) => compareBlocks(a.block, b.block));
  let widest = sorted[0];
  for (const entry of sorted.slice(1)) {
    if (widest !== undefined && overlaps(widest.block, entry.block)) {
      const message = `its podCIDR ${formatCidr(entry.block)} overlaps ${formatCidr(widest.block)} of ${widest.node.metadata.name}`;
      report("CIDR_OVERLAP", entry.node, ["spec"], message);
    } else widest = entry;
  }
}

function compareBlocks(a: Cidr, b: Cidr): number {
  const family = Number(typeof a.base === "bigint") - Number(typeof b.base === "bigint");
  return family || (a.base < b.base ? -1 : a.base > b.base ? 1 : a.prefixLength - b.prefixLength);
}

/** Two running pods with one address: one of them can never be reached. */
export function checkPodAddresses(pods: readonly Pod[], report: Report): void {
  const owners = new Map<string, Pod>();
  for (const pod of pods) {
    if (pod.spec.hostNetwork || pod.status.phase === "Succeeded" || pod.status.phase === "Failed") continue;
    for (const address of pod.status.podIPs) {
      const other = owners.get(address);
      if (other === undefined) owners.set(address, pod);
      else
        report(
          "ADDRESS_TAKEN",
          pod,
          ["status"],
          `${address} is already the address of ${other.metadata.namespace}/${other.metadata.name}`,
        );
    }
  }
}

/** Services that lead nowhere, by what their selectors take. */
export function checkServices({ selected, slices, made }: SliceRun, report: Report): void {
  for (const { service, lack } of made.values()) {
    if (lack !== undefined) report("TOPOLOGY_HINTS_DISABLED", service, ["metadata", "annotations"], lack);
  }
  let served: ReadonlySet<string> | undefined;
  for (const [key, { service, pods }] of selected) {
    if (pods.length === 0) {
      served ??= new Set(slices.filter(({ endpoints }) => endpoints.length > 0).map(keyOfSlice));
      if (served.has(key)) continue;
      const labels = selectorText({ matchLabels: service.spec.selector ?? {}, matchExpressions: [] });
      const message = `no pod in ${service.metadata.namespace} has the labels ${labels}`;
      report("SELECTOR_MATCHES_NOTHING", service, ["spec", "selector"], message);
    }
    for (const [index, { targetPort, protocol }] of service.spec.ports.entries()) {
      if (typeof targetPort === "number") continue;
      const without = pods.find((pod) => namedPort(pod, targetPort, protocol) === undefined);
      if (without === undefined) continue;
      const message = `${without.metadata.name} has no ${protocol} port named ${targetPort}`;
      report("TARGET_PORT_NAME_UNKNOWN", service, ["spec", "ports", index, "targetPort"], message);
    }
  }
}

export function checkPolicies(policies: readonly NetworkPolicy[], pods: readonly Pod[], report: Report): void {
  if (policies.length === 0) return;
  const byNamespace = groupBy(pods, ({ metadata }) => metadata.namespace);
  for (const policy of policies) {
    const { namespace } = policy.metadata;
    const { podSelector } = policy.spec;
    if ((byNamespace.get(namespace) ?? []).some((pod) => matches(podSelector, pod.metadata.labels))) continue;
    report(
      "POLICY_SELECTS_NOTHING",
      policy,
      ["spec", "podSelector"],
      `no pod in ${namespace} matches ${selectorText(podSelector)}`,
    );
  }
}

export function checkSlices(
  slices: readonly EndpointSlice[],
  endpoints: readonly Endpoints[],
  services: ReadonlyMap<string, unknown>,
  report: Report,
): void {
  for (const slice of slices) {
    const name = slice.metadata.labels[serviceNameLabel];
    if (name === undefined || !services.has(keyOfSlice(slice))) {
      report(
        "SLICE_WITHOUT_SERVICE",
        slice,
        ["metadata"],
        name === undefined ? "it has no label kubernetes.io/service-name" : `there is no Service ${name}`,
      );
    }
  }
  for (const object of endpoints) {
    if (!services.has(`${object.metadata.namespace}/${object.metadata.name}`)) {
      report("SLICE_WITHOUT_SERVICE", object, ["metadata", "name"], `there is no Service ${object.metadata.name}`);
    }
  }
}
