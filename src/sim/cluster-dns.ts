import type { Cluster } from "../cluster/cluster.ts";
import type { Pod, Service } from "../cluster/objects.ts";
import { CoreDns } from "../dns/coredns/server.ts";
import type { UpstreamQuery, UpstreamReply } from "../dns/coredns/plugin.ts";
import { upstreamFrom } from "../dns/coredns/upstream.ts";
import { serveDns } from "../dns/serve.ts";
import type { NetworkNamespace } from "../kernel/namespace.ts";
import { parseAddress } from "../wire/address.ts";
import type { World } from "./world.ts";

/** The Corefile of the ConfigMap kube-system/coredns; every cluster that is built has one. */
function corefileOf(cluster: Cluster): string | undefined {
  const map = cluster.configMaps.find(
    ({ metadata }) => metadata.namespace === "kube-system" && metadata.name === "coredns",
  );
  return map?.data["Corefile"];
}

/** The Service that pods ask for names: `kube-dns` in kube-system, or what stands in its place. */
export function dnsService(cluster: Cluster): Service | undefined {
  const inSystem = cluster.services.filter(({ metadata }) => metadata.namespace === "kube-system");
  return (
    inSystem.find(({ metadata }) => metadata.name === "kube-dns") ??
    inSystem.find(({ metadata }) => metadata.labels["k8s-app"] === "kube-dns")
  );
}

/** Whether a pod is one of those behind the DNS Service. */
function isDnsPod(cluster: Cluster, pod: Pod): boolean {
  const selector = dnsService(cluster)?.spec.selector;
  return (
    selector !== undefined &&
    pod.metadata.namespace === "kube-system" &&
    Object.entries(selector).every(([key, value]) => pod.metadata.labels[key] === value)
  );
}

/** Starts CoreDNS in the pods behind the DNS Service. Undefined for every other pod. */
export function startClusterDns(world: World, pod: Pod, namespace: NetworkNamespace): CoreDns | undefined {
  const { cluster, recorder } = world;
  const corefile = corefileOf(cluster);
  if (corefile === undefined || !isDnsPod(cluster, pod)) return undefined;
  const server = new CoreDns({
    corefile,
    corefileName: "ConfigMap kube-system/coredns",
    cluster,
    localAddresses: pod.status.podIPs.flatMap((text) => parseAddress(text) ?? []),
    chance: namespace.surroundings.chance,
  });
  serveDns(namespace, server, {
    upstream: upstreamOf(world),
    upstreamAssumption,
    unknown: (reason) => recorder.doubt(reason),
  });
  return server;
}

/** The id of the assumption about the resolver that CoreDNS forwards to. */
export const upstreamAssumption = "upstream";

/**
 * The resolver behind CoreDNS's `forward`: what the input says of it. Where it says nothing, names without a dot do not
 * exist there, and of all others nothing is known.
 */
function upstreamOf({ options }: World): (asked: UpstreamQuery) => UpstreamReply {
  const stated = options.upstream && upstreamFrom(options.upstream);
  const nothing = upstreamFrom({});
  return (asked) => {
    if (stated) return stated(asked);
    const { name } = asked.query.question;
    if (!name.slice(0, -1).includes(".")) return nothing(asked);
    const reason = `nothing says what the resolver outside the cluster answers for ${name}; state it with \`upstream:\` in a scenario`;
    return { kind: "unknown", reason };
  };
}
