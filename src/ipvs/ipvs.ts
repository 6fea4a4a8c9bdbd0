import { headerChanges } from "../kernel/conntrack/record.ts";
import { makeTuple } from "../kernel/conntrack/tuple.ts";
import { drop } from "../kernel/drop.ts";
import { linkFailure, reject, sendIcmpError } from "../kernel/icmp.ts";
import { localOut } from "../kernel/ip/output.ts";
import { lookupOutput } from "../kernel/ip/route.ts";
import type { NetworkNamespace } from "../kernel/namespace.ts";
import type { HookState, HookVerdict } from "../kernel/netfilter.ts";
import type { RoutedTo, Skb } from "../kernel/skb.ts";
import type { HookName, IpvsStep } from "../trace/records.ts";
import { type Address, type Family, formatEndpoint, isIPv4, isLoopback } from "../wire/address.ts";
import { type IcmpError, type Packet, packetBytes } from "../wire/packet.ts";
import { type IpvsConnection, connectionText } from "./connection.ts";
import { type IpvsDropCode, ipvsDropCodes } from "./drop-codes.ts";
import { endsOf, errorOf, opens, reverse, withDestination, withSource } from "./packet-ends.ts";
import { ServiceTable } from "./service-table.ts";
import { type RealServer, type VirtualServer, serviceText } from "./virtual-server.ts";

/** What `-m ipvs` may ask about a packet. */
export interface IpvsPacketView {
  readonly virtualAddress: Address;
  readonly virtualPort: number;
  /** Undefined: the packet is not tracked. */
  readonly direction: "ORIGINAL" | "REPLY" | undefined;
  readonly method: "MASQ";
  /** Virtual port of the client's persistence entry. */
  readonly controlPort?: number;
}

/** Where IPVS hooks in: ip_vs_ops4 and ip_vs_ops6, net/netfilter/ipvs/ip_vs_core.c. */
const hooks: readonly { readonly hook: HookName; readonly priority: number; readonly way: "in" | "out" }[] = [
  { hook: "INPUT", priority: 98, way: "out" },
  { hook: "INPUT", priority: 99, way: "in" },
  { hook: "OUTPUT", priority: -99, way: "out" },
  { hook: "OUTPUT", priority: -98, way: "in" },
  { hook: "FORWARD", priority: 100, way: "out" },
];

/*
 * client ─▶ INPUT ─ ip_vs_in: dst = real server ─▶ OUTPUT ─▶ POSTROUTING ─▶ real server
 * client ◀─ POSTROUTING ◀─ ip_vs_out: src = virtual address ◀─ FORWARD ◀─ real server
 */

/** IPVS of one network namespace. Only masquerading (`ipvsadm -m`) is modelled. */
export class Ipvs {
  readonly table: ServiceTable;
  readonly #namespace: NetworkNamespace;
  /** Packets that have been through (skb->ipvs_property). */
  readonly #done = new WeakSet<Skb>();

  constructor(namespace: NetworkNamespace) {
    this.#namespace = namespace;
    // The module's own default (ip_vs_control_net_init_sysctl); all others are 0.
    const reuse = "net.ipv4.vs.conn_reuse_mode";
    if (!namespace.sysctls.entries().some(([name]) => name === reuse)) namespace.sysctls.set(reuse, 1);
    this.table = new ServiceTable(() => namespace.surroundings.clock.nowNanos());
    for (const family of ["ipv4", "ipv6"] as const) this.#register(family);
  }

  #register(family: Family): void {
    for (const { hook, priority, way } of hooks) {
      const run = (state: HookState): HookVerdict => (way === "in" ? this.#in(state) : this.#out(state));
      this.#namespace.hooks.register(family, hook, { name: `ipvs-${way}`, priority, run });
    }
    this.#namespace.hooks.register(family, "FORWARD", {
      name: "ipvs-icmp",
      priority: 99,
      run: (state) => (errorOf(state.skb.packet) === undefined ? "accept" : this.#in(state)),
    });
  }

  /** A request on its way to a real server, for `-m ipvs` (xt_ipvs looks for the reply's connection, reversed). */
  view({ skb }: HookState): IpvsPacketView | undefined {
    const ends = endsOf(skb.packet);
    const connection = ends && this.table.connections.byReply(reverse(ends));
    if (connection === undefined) return undefined;
    const { address, port } = connection.service;
    const { conntrack } = skb;
    const direction = conntrack && (conntrack.direction === "reply" ? "REPLY" : "ORIGINAL");
    const control = connection.template === undefined ? {} : { controlPort: port };
    return { virtualAddress: address, virtualPort: port, direction, method: "MASQ", ...control };
  }

  /** ip_vs_in(): requests to virtual servers. */
  #in(state: HookState): HookVerdict {
    const { skb } = state;
    if (this.table.size === 0 || this.#done.has(skb)) return "accept";
    if (state.hook !== "OUTPUT" && (skb.packetType ?? "host") !== "host") return "accept";
    const { packet } = skb;
    const error = errorOf(packet);
    if (error !== undefined) return this.#errorIn(state, error);
    const ends = endsOf(packet);
    if (ends === undefined) return "accept";
    let connection = this.table.connections.byRequest(ends);
    if (connection !== undefined && this.#beginsAnew(connection, packet)) connection = undefined;
    if (connection !== undefined) {
      if (!connection.server.available && this.#sysctl("expire_nodest_conn")) {
        this.table.connections.delete(connection);
        connection = undefined;
      } else if (!connection.server.available) return this.#drop(skb, "IPVS_SERVER_GONE");
      else
        this.#step(skb, "found", connection, "The packet belongs to an IPVS connection and goes to the same server.");
    }
    if (connection === undefined) {
      const service = this.table.find({ protocol: ends.protocol, address: packet.dst, port: ends.dstPort });
      if (service === undefined || !opens(packet)) return "accept";
      connection = this.#schedule(state, service);
      if (connection === undefined) return this.#refuse(state, service);
    }
    this.table.connections.advance(connection, "input", packet);
    return this.#transmit(state, connection);
  }

  /** A SYN that meets the rest of an old connection: conn_reuse_mode, ip_vs_in_hook(). */
  #beginsAnew(connection: IpvsConnection, packet: Packet): boolean {
    if (connection.protocol !== "tcp" || !opens(packet)) return false;
    const reuse = this.#namespace.sysctls.get("net.ipv4.vs.conn_reuse_mode") !== 0;
    if (
      !(reuse && connection.state === "TIME_WAIT") &&
      !(this.#sysctl("expire_nodest_conn") && connection.server.weight === 0)
    ) {
      return false;
    }
    this.table.connections.delete(connection);
    return true;
  }

  #schedule({ skb }: HookState, service: VirtualServer): IpvsConnection | undefined {
    this.table.expireQuiescentTemplates = this.#sysctl("expire_quiescent_template");
    const connection = this.table.schedule(service, skb.packet, this.#sysctl("conntrack"));
    const { track } = skb;
    if (track === undefined || connection === undefined) return connection;
    const { server } = connection;
    track.step({
      kind: "ipvs",
      action: "schedule",
      service: serviceText(service),
      server: formatEndpoint(server.address, server.port),
      scheduler: service.schedulerName,
      connection: connectionText(connection),
      stateChanges: [{ table: "ipvs", action: "add", key: connectionText(connection) }],
      ...(server.owner && { owner: server.owner }),
      choice: {
        id: `${this.#namespace.name}/ipvs/${serviceText(service)}/${skb.flowKey}`,
        options: service.servers.map(({ address, port }) => ({ label: formatEndpoint(address, port) })),
        taken: service.servers.indexOf(server),
        by: service.schedulerName,
      },
      text: `IPVS takes the packet for ${serviceText(service)}; the scheduler ${service.schedulerName} picks ${formatEndpoint(server.address, server.port)}.`,
    });
    return connection;
  }

  /** ip_vs_leave(): nobody takes the connection. */
  #refuse({ skb, namespace }: HookState, service: VirtualServer): HookVerdict {
    const text = `${serviceText(service)} has no real server that takes connections.`;
    skb.track?.step({
      kind: "ipvs",
      action: "no-server",
      service: serviceText(service),
      scheduler: service.schedulerName,
      ...(service.owner && { owner: service.owner }),
      text,
    });
    this.#drop(skb, "IPVS_NO_SERVER");
    const message = isIPv4(skb.packet.src) ? { type: 3, code: 3 } : { type: 1, code: 4 };
    if (sendIcmpError(namespace, skb, message)) skb.track?.verdict("rejected");
    return "drop";
  }

  /** ip_vs_nat_xmit(): to the real server. A remote one is reached by OUTPUT and POSTROUTING, not by FORWARD. */
  #transmit(state: HookState, connection: IpvsConnection): HookVerdict {
    const { skb, namespace } = state;
    const { server } = connection;
    const routed = this.#route(state, server);
    if (typeof routed === "string") return routed;
    this.#rewriteRequest(skb, connection, routed.kind !== "local");
    this.#done.add(skb);
    this.#updateConntrack(skb, connection);
    if (routed.kind === "local") return "accept";
    skb.route = routed;
    skb.track?.step({
      kind: "ipvs",
      action: "reinject",
      service: serviceText(connection.service),
      server: formatEndpoint(server.address, server.port),
      text: `The packet goes on as one that the node itself sends, by ${routed.device.name}.`,
    });
    localOut(namespace, skb, skb.inDevice);
    return "stolen";
  }

  /** __ip_vs_get_out_rt(): a route, a TTL, an MTU; otherwise the sender is told. */
  #route({ skb, namespace }: HookState, { address }: RealServer): RoutedTo | HookVerdict {
    const routed = lookupOutput(namespace, { dst: address, mark: 0 });
    if (routed.kind === "none") {
      drop(skb, routed.code);
      linkFailure(namespace, skb);
      return "stolen";
    }
    const { to } = routed;
    if (to.kind === "local") return to;
    const { packet } = skb;
    const v4 = isIPv4(packet.dst);
    if (isLoopback(packet.src)) return this.#drop(skb, "IPVS_LOOPBACK_SOURCE");
    if (packet.ttl <= 1) {
      reject(namespace, skb, "TTL_EXCEEDED", { type: v4 ? 11 : 3, code: 0 });
      return "stolen";
    }
    const mtu = to.route.mtu ?? to.device.mtu;
    if (packetBytes(packet) > mtu && packet.dontFragment) {
      // The TTL has fallen by then (decrement_ttl).
      skb.packet = { ...packet, ttl: packet.ttl - 1 };
      reject(namespace, skb, "MTU_EXCEEDED", v4 ? { type: 3, code: 4, mtu } : { type: 2, code: 0, mtu });
      return "stolen";
    }
    return to;
  }

  /** ip_vs_update_conntrack(), or ip_vs_notrack() where net.ipv4.vs.conntrack was 0. */
  #updateConntrack(skb: Skb, { tracked, server }: IpvsConnection): void {
    if (!tracked) {
      skb.conntrack = undefined;
      skb.untracked = true;
      return;
    }
    const info = skb.conntrack;
    if (info === undefined || info.entry.confirmed || info.direction !== "original") return;
    const { protocol, dst, dstPort } = info.entry.reply;
    info.entry.reply = makeTuple(protocol, server.address, dst, server.port, dstPort);
  }

  /** ip_vs_out(): answers of real servers get the virtual address back. */
  #out(state: HookState): HookVerdict {
    const { skb } = state;
    if (this.table.size === 0 || this.#done.has(skb)) return "accept";
    const error = errorOf(skb.packet);
    if (error !== undefined) return this.#errorOut(skb, error);
    const ends = endsOf(skb.packet);
    const connection = ends && this.table.connections.byReply(ends);
    if (connection === undefined) return "accept";
    this.table.connections.advance(connection, "output", skb.packet);
    this.#rewriteReply(skb, connection);
    this.#done.add(skb);
    if (!connection.tracked) this.#updateConntrack(skb, connection);
    return "accept";
  }

  /** An ICMP error about a packet that went to a real server: it speaks of the virtual address now. ip_vs_out_icmp(). */
  #errorOut(skb: Skb, error: IcmpError): HookVerdict {
    const ends = endsOf(error.quoted);
    const connection = ends && this.table.connections.byReply(reverse(ends));
    if (connection === undefined) return "accept";
    const { address, port } = connection.service;
    const { packet } = skb;
    skb.packet = {
      ...packet,
      src: address,
      transport: { ...error, quoted: withDestination(error.quoted, address, port) },
    };
    this.#done.add(skb);
    this.#step(skb, "reply", connection, "The ICMP error now comes from, and speaks of, the virtual address.", packet);
    return "accept";
  }

  /** An ICMP error of the client's side about an answer: it goes to the real server. ip_vs_in_icmp(). */
  #errorIn(state: HookState, error: IcmpError): HookVerdict {
    const ends = endsOf(error.quoted);
    const connection = ends && this.table.connections.byRequest(reverse(ends));
    if (connection === undefined) return "accept";
    const routed = this.#route(state, connection.server);
    if (typeof routed === "string") return routed;
    const { skb, namespace } = state;
    const { address, port } = connection.server;
    const { packet } = skb;
    const quoted = withSource(error.quoted, address, port);
    const ttl = routed.kind === "local" ? packet.ttl : packet.ttl - 1;
    skb.packet = { ...packet, dst: address, ttl, transport: { ...error, quoted } };
    this.#done.add(skb);
    const text = "The ICMP error is about an answer of a real server and goes there.";
    this.#step(skb, routed.kind === "local" ? "found" : "reinject", connection, text, packet);
    if (routed.kind === "local") return "accept";
    skb.route = routed;
    localOut(namespace, skb, skb.inDevice);
    return "stolen";
  }

  /** The real server for the virtual one; a packet that goes on to another host is a router's, so its TTL falls. */
  #rewriteRequest(skb: Skb, connection: IpvsConnection, routed: boolean): void {
    const { service, server } = connection;
    const before = skb.packet;
    const rewritten = withDestination(before, server.address, server.port);
    skb.packet = routed ? { ...rewritten, ttl: before.ttl - 1 } : rewritten;
    if (skb.track === undefined) return;
    const text = `IPVS sends the packet for ${formatEndpoint(service.address, service.port)} to ${formatEndpoint(server.address, server.port)}.`;
    this.#step(skb, "new", connection, text, before);
  }

  #rewriteReply(skb: Skb, connection: IpvsConnection): void {
    const { service } = connection;
    const before = skb.packet;
    skb.packet = withSource(before, service.address, service.port);
    if (skb.track === undefined) return;
    const text = `IPVS gives the answer its virtual source ${formatEndpoint(service.address, service.port)} back.`;
    this.#step(skb, "reply", connection, text, before);
  }

  #step(skb: Skb, action: IpvsStep["action"], connection: IpvsConnection, text: string, before?: Packet): void {
    const { service, server } = connection;
    const changes = before && headerChanges(before, skb.packet);
    if (before !== undefined && before.ttl !== skb.packet.ttl) {
      changes?.push({ field: "ttl", from: before.ttl, to: skb.packet.ttl });
    }
    skb.track?.step({
      kind: "ipvs",
      action,
      service: serviceText(service),
      server: formatEndpoint(server.address, server.port),
      connection: connectionText(connection),
      ...(changes && { changes }),
      ...(server.owner && { owner: server.owner }),
      text,
    });
  }

  #drop(skb: Skb, code: IpvsDropCode): "drop" {
    skb.track?.step({ kind: "drop", code, text: ipvsDropCodes[code].meaning });
    skb.track?.verdict("dropped");
    return "drop";
  }

  #sysctl(name: "conntrack" | "expire_nodest_conn" | "expire_quiescent_template"): boolean {
    return this.#namespace.sysctls.get(`net.ipv4.vs.${name}`) !== 0;
  }
}
