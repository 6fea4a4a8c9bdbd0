import type { Family } from "../wire/address.ts";

/** The sets of IPVS mode. pkg/proxy/ipvs/ipset.go and proxier.go (ipsetInfo). */
export interface SetKind {
  /** IPv4 name. */
  readonly name: string;
  readonly type: "hash:ip" | "hash:ip,port" | "hash:ip,port,ip" | "hash:ip,port,net" | "bitmap:port";
  readonly comment: string;
}

export type SetId =
  | "loopBack"
  | "clusterIP"
  | "externalIP"
  | "externalIPLocal"
  | "loadBalancer"
  | "loadBalancerFirewall"
  | "loadBalancerLocal"
  | "loadBalancerSourceIP"
  | "loadBalancerSourceCidr"
  | "nodePortTcp"
  | "nodePortLocalTcp"
  | "nodePortUdp"
  | "nodePortLocalUdp"
  | "nodePortSctp"
  | "nodePortLocalSctp"
  | "healthCheck"
  | "ipvsIPs";

function kind(name: string, type: SetKind["type"], comment: string): SetKind {
  return { name, type, comment };
}

const local = "with externalTrafficPolicy=local";

export const sets: Readonly<Record<SetId, SetKind>> = {
  loopBack: kind(
    "KUBE-LOOP-BACK",
    "hash:ip,port,ip",
    "Kubernetes endpoints dst ip:port, source ip for solving hairpin purpose",
  ),
  clusterIP: kind("KUBE-CLUSTER-IP", "hash:ip,port", "Kubernetes service cluster ip + port for masquerade purpose"),
  externalIP: kind(
    "KUBE-EXTERNAL-IP",
    "hash:ip,port",
    "Kubernetes service external ip + port for masquerade and filter purpose",
  ),
  externalIPLocal: kind("KUBE-EXTERNAL-IP-LOCAL", "hash:ip,port", `Kubernetes service external ip + port ${local}`),
  loadBalancer: kind("KUBE-LOAD-BALANCER", "hash:ip,port", "Kubernetes service lb portal"),
  loadBalancerFirewall: kind(
    "KUBE-LOAD-BALANCER-FW",
    "hash:ip,port",
    "Kubernetes service load balancer ip + port for load balancer with sourceRange",
  ),
  loadBalancerLocal: kind(
    "KUBE-LOAD-BALANCER-LOCAL",
    "hash:ip,port",
    `Kubernetes service load balancer ip + port ${local}`,
  ),
  loadBalancerSourceIP: kind(
    "KUBE-LOAD-BALANCER-SOURCE-IP",
    "hash:ip,port,ip",
    "Kubernetes service load balancer ip + port + source IP for packet filter purpose",
  ),
  loadBalancerSourceCidr: kind(
    "KUBE-LOAD-BALANCER-SOURCE-CIDR",
    "hash:ip,port,net",
    "Kubernetes service load balancer ip + port + source cidr for packet filter purpose",
  ),
  nodePortTcp: kind("KUBE-NODE-PORT-TCP", "bitmap:port", "Kubernetes nodeport TCP port for masquerade purpose"),
  nodePortLocalTcp: kind("KUBE-NODE-PORT-LOCAL-TCP", "bitmap:port", `Kubernetes nodeport TCP port ${local}`),
  nodePortUdp: kind("KUBE-NODE-PORT-UDP", "bitmap:port", "Kubernetes nodeport UDP port for masquerade purpose"),
  nodePortLocalUdp: kind("KUBE-NODE-PORT-LOCAL-UDP", "bitmap:port", `Kubernetes nodeport UDP port ${local}`),
  nodePortSctp: kind(
    "KUBE-NODE-PORT-SCTP-HASH",
    "hash:ip,port",
    "Kubernetes nodeport SCTP port for masquerade purpose with type 'hash ip:port'",
  ),
  nodePortLocalSctp: kind(
    "KUBE-NODE-PORT-LOCAL-SCTP-HASH",
    "hash:ip,port",
    `Kubernetes nodeport SCTP port ${local} with type 'hash ip:port'`,
  ),
  healthCheck: kind("KUBE-HEALTH-CHECK-NODE-PORT", "bitmap:port", "Kubernetes health check node port"),
  ipvsIPs: kind("KUBE-IPVS-IPS", "hash:ip", "Addresses on the ipvs interface"),
};

/** In IPv6, `KUBE-6-...`, cut to the 31 characters a set name may have. */
export function setName(id: SetId, family: Family): string {
  const { name } = sets[id];
  return family === "ipv4" ? name : name.replace("KUBE-", "KUBE-6-").slice(0, 31);
}

/** What `ipset create NAME` is followed by. */
export function setOptions(id: SetId, family: Family): string {
  const { type } = sets[id];
  if (type === "bitmap:port") return `${type} range 0-65535`;
  return `${type} family ${family === "ipv4" ? "inet" : "inet6"} hashsize 1024 maxelem 65536`;
}

/** All sets, ordered by name. */
export const setIds: readonly SetId[] = (Object.keys(sets) as SetId[]).sort((a, b) =>
  sets[a].name < sets[b].name ? -1 : 1,
);
