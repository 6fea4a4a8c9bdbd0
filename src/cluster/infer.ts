import { isIPv4, parseAddress } from "../wire/address.ts";
import { type Cidr, cidr, covers, formatCidr, hostCidr, overlaps, parseCidr } from "../wire/cidr.ts";
import type { Assumptions } from "./assumptions.ts";
import type { ClusterSettings } from "./cluster.ts";
import { isFromCluster } from "./controllers/system.ts";
import type { KubernetesObject, Service } from "./objects.ts";
import { settingsWith } from "./settings.ts";

/** The settings of the cluster: stated ones, and CIDRs that follow from the addresses that the input states. */
export function inferSettings(
  objects: readonly KubernetesObject[],
  stated: Partial<ClusterSettings>,
  assumptions: Assumptions,
): ClusterSettings {
  const settings = settingsWith(stated);
  const serviceCidrs =
    stated.serviceCidrs ?? inferBlocks(settings.serviceCidrs, clusterIPs(objects), { ipv4: 16, ipv6: 112 }, []);
  const services = serviceCidrs.flatMap((text) => parseCidr(text) ?? []);
  const podCidrs =
    stated.podCidrs ?? inferBlocks(settings.podCidrs, podBlocks(objects), { ipv4: 16, ipv6: 56 }, services);
  if (!stated.serviceCidrs)
    assumptions.add(
      "service-cidr",
      `the service CIDR is ${serviceCidrs.join(", ")}`,
      "--service-cidr, cluster.serviceCidrs",
    );
  if (!stated.podCidrs)
    assumptions.add("pod-cidr", `the pod CIDR is ${podCidrs.join(", ")}`, "--pod-cidr, cluster.podCidrs");
  const fromCluster = stated.systemComponents === undefined && isFromCluster(objects);
  if (fromCluster) {
    const text = "the input was read from a running cluster: what it does not hold is not there";
    assumptions.add("from-cluster", text, "cluster.systemComponents: assumed");
  }
  return { ...settings, serviceCidrs, podCidrs, ...(fromCluster && { systemComponents: "none" }) };
}

/** The API server's own Service first: its family is the cluster's. */
function clusterIPs(objects: readonly KubernetesObject[]): Cidr[] {
  const services = objects.filter((object): object is Service => object.kind === "Service");
  const own = services.filter(({ metadata }) => metadata.name === "kubernetes" && metadata.namespace === "default");
  return [...own, ...services].flatMap(({ spec }) => spec.clusterIPs.flatMap((text) => blockOf(text)));
}

function podBlocks(objects: readonly KubernetesObject[]): Cidr[] {
  const ofNodes = objects
    .flatMap((object) => (object.kind === "Node" ? object.spec.podCIDRs : []))
    .flatMap((text) => parseCidr(text) ?? []);
  if (ofNodes.length > 0) return ofNodes;
  return objects.flatMap((object) =>
    object.kind === "Pod" && !object.spec.hostNetwork ? object.status.podIPs.flatMap((text) => blockOf(text)) : [],
  );
}

function blockOf(text: string): Cidr[] {
  const address = parseAddress(text);
  return address === undefined ? [] : [hostCidr(address)];
}

/**
 * One block per family that covers what was seen: the default where it does, else the smallest of at least the usual
 * size. Where some of a family lie in the default and some do not, the default stays: the others are to be reported.
 */
function inferBlocks(
  defaults: readonly string[],
  seen: readonly Cidr[],
  usualPrefix: { readonly ipv4: number; readonly ipv6: number },
  apartFrom: readonly Cidr[],
): readonly string[] {
  const first = seen[0];
  if (first === undefined) return defaults;
  const known = defaults.flatMap((text) => parseCidr(text) ?? []);
  const families = isIPv4(first.base) ? [true, false] : [false, true];
  const blocks = families.flatMap((v4): Cidr[] => {
    const ofFamily = seen.filter(({ base }) => isIPv4(base) === v4);
    const fallback = known.find(({ base }) => isIPv4(base) === v4);
    const [start] = ofFamily;
    if (start === undefined) return fallback !== undefined && isIPv4(first.base) === v4 ? [fallback] : [];
    if (fallback !== undefined && ofFamily.some((block) => covers(fallback, block))) return [fallback];
    let block = cidr(start.base, Math.min(start.prefixLength, v4 ? usualPrefix.ipv4 : usualPrefix.ipv6));
    for (const other of ofFamily) while (!covers(block, other)) block = cidr(block.base, block.prefixLength - 1);
    const fits = !apartFrom.some((other) => overlaps(other, block));
    return fits ? [block] : fallback === undefined ? [] : [fallback];
  });
  return blocks.length === 0 ? defaults : blocks.map(formatCidr);
}
