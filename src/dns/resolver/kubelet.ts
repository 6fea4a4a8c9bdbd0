import type { Pod } from "../../cluster/objects.ts";
import { type Address, formatAddress, parseAddress } from "../../wire/address.ts";
import { type ResolvConf, withoutFinalDot } from "./conf.ts";

/** What a kubelet knows about DNS. */
export interface KubeletDns {
  /** `clusterDNS`: the ClusterIP of kube-dns; empty when nobody set it. */
  readonly clusterDns: readonly Address[];
  /** `clusterDomain`. */
  readonly clusterDomain: string;
  /** The node's own file (`resolvConf`); undefined where that is set to "". */
  readonly nodeConf: ResolvConf | undefined;
}

const maxNameservers = 3;
const maxSearchDomains = 32;
const maxSearchCharacters = 2048;
const loopback = parseAddress("127.0.0.1") as Address;

/**
 * The resolv.conf of a pod by its dnsPolicy, and the events the kubelet tells about it.
 * kubernetes pkg/kubelet/network/dns/dns.go (GetPodDNS).
 */
export function podResolvConf(
  pod: Pod,
  kubelet: KubeletDns,
): { readonly conf: ResolvConf; readonly events: readonly string[] } {
  const events: string[] = [];
  const base = baseConf(pod, kubelet, events);
  return { conf: fitted(merged(base, pod), events), events };
}

function baseConf(pod: Pod, kubelet: KubeletDns, events: string[]): ResolvConf {
  const { dnsPolicy, hostNetwork } = pod.spec;
  const { clusterDns, clusterDomain, nodeConf } = kubelet;
  if (dnsPolicy === "None") return { nameservers: [], search: [], options: new Map() };
  // ClusterFirst on the host's network means the host's DNS; ClusterFirstWithHostNet is there for the other wish.
  const wantsCluster = dnsPolicy === "ClusterFirstWithHostNet" || (dnsPolicy === "ClusterFirst" && !hostNetwork);
  if (wantsCluster && clusterDns.length > 0) {
    const own = [`${pod.metadata.namespace}.svc.${clusterDomain}`, `svc.${clusterDomain}`, clusterDomain];
    return {
      nameservers: clusterDns,
      search: unique([...own, ...(nodeConf?.search ?? [])]),
      options: new Map([["ndots", "5"]]),
    };
  }
  if (wantsCluster) {
    events.push(
      `MissingClusterDNS: kubelet does not have ClusterDNS IP configured and cannot create Pod using "${dnsPolicy}" policy. Falling back to "Default" policy.`,
    );
  }
  return nodeConf ?? { nameservers: [loopback], search: ["."], options: new Map() };
}

/** `dnsConfig` adds servers and domains, and overrides options by name. */
function merged(base: ResolvConf, pod: Pod): ResolvConf {
  const { dnsConfig } = pod.spec;
  if (dnsConfig === undefined) return base;
  const nameservers = [...base.nameservers, ...dnsConfig.nameservers.flatMap((text) => parseAddress(text) ?? [])];
  return {
    nameservers: unique(nameservers),
    search: unique([...base.search, ...dnsConfig.searches.map(withoutFinalDot)]),
    options: new Map([...base.options, ...dnsConfig.options.map(({ name, value }) => [name, value ?? ""] as const)]),
  };
}

function fitted(conf: ResolvConf, events: string[]): ResolvConf {
  const nameservers = conf.nameservers.slice(0, maxNameservers);
  if (nameservers.length < conf.nameservers.length) {
    const line = nameservers.map(formatAddress).join(" ");
    events.push(
      `DNSConfigForming: Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: ${line}`,
    );
  }
  const search = fittedSearch(conf.search);
  if (search.length < conf.search.length) {
    events.push(
      `DNSConfigForming: Search Line limits were exceeded, some search paths have been omitted, the applied search line is: ${search.join(" ")}`,
    );
  }
  return { ...conf, nameservers, search };
}

function fittedSearch(domains: readonly string[]): readonly string[] {
  const usable = domains.filter((domain) => domain.length <= 253).slice(0, maxSearchDomains);
  let characters = -1;
  const end = usable.findIndex((domain) => (characters += domain.length + 1) > maxSearchCharacters);
  return end < 0 ? usable : usable.slice(0, end);
}

function unique<T>(items: readonly T[]): readonly T[] {
  return [...new Set(items)];
}
