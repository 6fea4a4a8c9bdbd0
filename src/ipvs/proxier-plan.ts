import type { SharedRule } from "../iptables/proxier-rules.ts";
import { addressTerm, drop } from "../iptables/proxier-terms.ts";
import type { Endpoint } from "../proxy/endpoints.ts";
import type { ServicePort } from "../proxy/service-port.ts";
import { parseCidrSloppy } from "../cluster/sloppy.ts";
import type { TrackedPort } from "../proxy/tracker.ts";
import type { Owner } from "../trace/records.ts";
import { type Address, address } from "../wire/address.ts";
import { addressBits, contains } from "../wire/cidr.ts";
import type { SetId } from "./proxier-sets.ts";
import type { IpvsProtocol } from "./virtual-server.ts";

/** A virtual server that a service port asks for. */
export interface PlannedService {
  readonly protocol: IpvsProtocol;
  readonly address: Address;
  readonly port: number;
  /** 0: none. */
  readonly persistenceSeconds: number;
  readonly servers: readonly PlannedServer[];
  readonly owner: Owner;
}

export interface PlannedServer {
  readonly address: Address;
  readonly port: number;
  readonly owner: Owner;
}

export interface PlannedMember {
  readonly set: SetId;
  readonly member: string;
  readonly owner: Owner;
}

/** All that a service port asks of IPVS, the sets and the dummy device. */
export interface PortPlan {
  readonly services: readonly PlannedService[];
  /** Addresses for kube-ipvs0. */
  readonly bound: readonly { readonly address: string; readonly owner: Owner }[];
  readonly members: readonly PlannedMember[];
  /** Rules of KUBE-IPVS-OUT-FILTER. */
  readonly outFilter: readonly SharedRule[];
}

export interface PlanContext {
  readonly nodeName: string;
  readonly nodeIP: Address | undefined;
  /** Addresses that nodePorts are served on. */
  readonly nodePortAddresses: readonly { readonly address: Address; readonly text: string }[];
  /** Addresses of the node's other devices, as text. */
  readonly ownAddresses: ReadonlySet<string>;
}

/** pkg/proxy/ipvs/proxier.go (syncProxyRules), the loop over service ports. */
export function portPlan({ port, endpoints, chosen }: TrackedPort, context: PlanContext): PortPlan {
  const { owner } = port;
  const protocol = port.protocol.toLowerCase() as IpvsProtocol;
  const services: PlannedService[] = [];
  const bound: { address: string; owner: Owner }[] = [];
  const members: PlannedMember[] = [];
  const outFilter: SharedRule[] = [];
  const add = (set: SetId, member: string): void => void members.push({ set, member, owner });
  const serve = (value: Address, number: number, localOnly: boolean): void => {
    // Without a local endpoint those of other nodes are taken: nothing is dropped, unlike in iptables mode.
    const list = localOnly && chosen.local.length > 0 ? chosen.local : chosen.cluster;
    services.push({
      protocol,
      address: value,
      port: number,
      persistenceSeconds: port.affinitySeconds ?? 0,
      servers: plannedServers(list),
      owner,
    });
  };
  const serveBound = (ip: string, localOnly: boolean): void => {
    serve(address(ip), port.port, localOnly);
    if (!context.ownAddresses.has(ip)) bound.push({ address: ip, owner });
  };

  for (const { address: ip, port: number, nodeName, owner: endpointOwner } of endpoints) {
    const member = `${ip},${protocol}:${number},${ip}`;
    if (nodeName === context.nodeName) members.push({ set: "loopBack", member, owner: endpointOwner });
  }
  add("clusterIP", `${port.clusterIP},${protocol}:${port.port}`);
  serve(address(port.clusterIP), port.port, port.internalPolicyLocal);
  bound.push({ address: port.clusterIP, owner });

  for (const ip of port.externalIPs) {
    add(port.externalPolicyLocal ? "externalIPLocal" : "externalIP", `${ip},${protocol}:${port.port}`);
    serveBound(ip, port.externalPolicyLocal);
  }
  for (const ip of port.loadBalancerIPs) {
    const entry = `${ip},${protocol}:${port.port}`;
    add("loadBalancer", entry);
    if (port.externalPolicyLocal) add("loadBalancerLocal", entry);
    if (port.sourceRanges.length > 0) {
      add("loadBalancerFirewall", entry);
      for (const range of port.sourceRanges) add("loadBalancerSourceCidr", `${entry},${range}`);
      if (allowsNode(port, context)) add("loadBalancerSourceIP", `${entry},${ip}`);
      else outFilter.push(outFilterRule(ip, port));
    }
    serveBound(ip, port.externalPolicyLocal);
  }
  const { nodePortAddresses } = context;
  if (port.nodePort !== 0 && nodePortAddresses.length > 0) {
    for (const [set, member] of nodePortMembers(port, context)) add(set, member);
    for (const { address: own } of nodePortAddresses) serve(own, port.nodePort, port.externalPolicyLocal);
  }
  // Where no address serves the nodePort, kube-proxy leaves the rest of the port out, too.
  const isLeftOut = port.nodePort !== 0 && nodePortAddresses.length === 0;
  if (port.healthCheckNodePort !== 0 && !isLeftOut) add("healthCheck", String(port.healthCheckNodePort));
  return { services, bound, members, outFilter };
}

/** Each address and port once: slices may spell one IPv6 address in several ways. */
function plannedServers(endpoints: readonly Endpoint[]): readonly PlannedServer[] {
  const servers = new Map<string, PlannedServer>();
  for (const { address: ip, port, owner } of endpoints) {
    const value = address(ip);
    const key = `${value}:${port}`;
    if (!servers.has(key)) servers.set(key, { address: value, port, owner });
  }
  return [...servers.values()];
}

function allowsNode({ sourceRanges }: ServicePort, { nodeIP }: PlanContext): boolean {
  return sourceRanges.some((text) => {
    const block = parseCidrSloppy(text);
    return block !== undefined && nodeIP !== undefined && contains(block, nodeIP);
  });
}

/** The node itself, which speaks to a load balancer IP from that very address, is outside the source ranges. */
function outFilterRule(ip: string, { protocol, port, owner }: ServicePort): SharedRule {
  const base = address(ip);
  const numbers = { TCP: 6, UDP: 17, SCTP: 132 } as const;
  return {
    chain: "KUBE-IPVS-OUT-FILTER",
    rule: {
      matches: [
        addressTerm("source", ip),
        {
          kind: "ipvs",
          virtualAddress: { base, prefixLength: addressBits(base), inverted: false },
          protocol: { number: numbers[protocol], inverted: false },
          virtualPort: { port, inverted: false },
        },
      ],
      target: drop,
      owner,
    },
  };
}

function nodePortMembers(port: ServicePort, context: PlanContext): [SetId, string][] {
  const { nodePort, protocol, externalPolicyLocal } = port;
  const both = (plain: SetId, local: SetId, member: string): [SetId, string][] =>
    externalPolicyLocal
      ? [
          [plain, member],
          [local, member],
        ]
      : [[plain, member]];
  switch (protocol) {
    case "TCP":
      return both("nodePortTcp", "nodePortLocalTcp", String(nodePort));
    case "UDP":
      return both("nodePortUdp", "nodePortLocalUdp", String(nodePort));
    case "SCTP":
      return context.nodePortAddresses.flatMap(({ text }) =>
        both("nodePortSctp", "nodePortLocalSctp", `${text},sctp:${nodePort}`),
      );
  }
}
