import type { PacketRecorder } from "../trace/recorder.ts";
import type { Address } from "../wire/address.ts";
import type { Mac } from "../wire/mac.ts";
import type { Arp, Packet } from "../wire/packet.ts";
import type { Connection } from "./conntrack/connection.ts";
import type { ConntrackZone } from "./conntrack/zone.ts";
import type { Device } from "./device.ts";
import type { Route } from "./fib.ts";
import type { Listener } from "./socket/api.ts";

/**
 * A packet inside one network namespace, with what the kernel hangs on it (struct sk_buff). Mutable, and gone
 * when the packet leaves: only the frame, the recorder and the flow key cross a wire.
 */
export interface Skb {
  packet: Packet;
  /** Ethernet addresses; undefined until a locally made packet has been resolved. */
  srcMac?: Mac | undefined;
  dstMac?: Mac | undefined;
  mark: number;
  /** The device it came in by, as netfilter sees it: the bridge for a bridged frame. Undefined for local packets. */
  inDevice?: Device | undefined;
  /** What the bridge remembers of a frame that crosses br_netfilter (struct nf_bridge_info). */
  bridge?: BridgeInfo | undefined;
  conntrack?: ConntrackInfo | undefined;
  /** NOTRACK was said. */
  untracked: boolean;
  /** What a CT target said of the zone, before conntrack looked (a template). */
  zone?: ConntrackZone | undefined;
  /** The local socket that sent it: what `-m owner` and `-m socket` look at. */
  socket?: SkbSocket | undefined;
  /** The listener that TPROXY gave it to (nf_tproxy_assign_sock). */
  assigned?: Listener | undefined;
  /** Names the conversation in choice ids: stable from run to run. */
  readonly flowKey: string;
  /** Undefined when nothing is recorded. */
  track?: PacketRecorder | undefined;
  /** Whom the frame it came in is addressed to (skb->pkt_type); absent: us. */
  packetType?: "host" | "other-host" | "broadcast" | "multicast" | undefined;
  /** Where it goes, once that is known (skb_dst). */
  route?: RoutedTo | undefined;
  /** The packet inside a tunnel's outer packet: hands its recorder and flow key to the other end. */
  inner?: Skb | ArpSkb | undefined;
  /** What a fragment was cut from, so that no payload bytes need be kept. */
  datagram?: Datagram | undefined;
  /** Longest fragment it was put together from, bytes (IPCB(skb)->frag_max_size); absent: none was; 0: not known any more. */
  fragMaxSize?: number | undefined;
  /** Links the frame has crossed since somebody made it: tells a loop of bridges. */
  crossings?: number | undefined;
  /** Sent with IP_PMTUDISC_PROBE: learned path MTUs do not count. */
  pmtuProbe?: boolean | undefined;
}

/** A packet as it begins in a namespace. All skbs are made here, so that they have one shape: property access stays fast. */
export function createSkb(start: Pick<Skb, "packet" | "flowKey"> & Partial<Skb>): Skb {
  return {
    packet: start.packet,
    srcMac: start.srcMac,
    dstMac: start.dstMac,
    mark: start.mark ?? 0,
    inDevice: undefined,
    bridge: undefined,
    conntrack: start.conntrack,
    untracked: false,
    zone: undefined,
    socket: start.socket,
    assigned: undefined,
    flowKey: start.flowKey,
    track: start.track,
    packetType: undefined,
    route: undefined,
    inner: start.inner,
    datagram: start.datagram,
    fragMaxSize: undefined,
    crossings: start.crossings,
    pmtuProbe: undefined,
  };
}

/** A datagram in pieces: the whole packet and its recorder, which goes on where it is put together again. */
export interface Datagram {
  readonly packet: Packet;
  readonly track: PacketRecorder | undefined;
}

/** An ARP frame inside a namespace. It meets no hook: arptables are not modelled. */
export interface ArpSkb {
  readonly arp: Arp;
  srcMac: Mac;
  dstMac: Mac;
  packetType?: Skb["packetType"];
  crossings?: number | undefined;
  readonly flowKey: string;
  track?: PacketRecorder | undefined;
}

export function isArp(skb: Skb | ArpSkb): skb is ArpSkb {
  return "arp" in skb;
}

/** Result of a route lookup, as a packet carries it (struct rtable). */
export interface RoutedTo {
  readonly kind: "local" | "forward" | "output" | "broadcast" | "multicast";
  readonly route: Route;
  /** Device it leaves by; the loopback for local ones. */
  readonly device: Device;
  /** Whose link address is asked for: the gateway, or the destination itself. */
  readonly nextHop: Address;
  /** Looked up for an incoming packet (rt_is_input_route). */
  readonly input: boolean;
  /** The sender could have gone to the next hop by itself (IPSKB_DOREDIRECT). */
  readonly redirect: boolean;
}

export interface BridgeInfo {
  readonly physIn: Device;
  physOut?: Device | undefined;
  /** PREROUTING ran in the bridge already: not again in IP (ip_sabotage_in). */
  preroutingDone: boolean;
  /** The frame went to the neighbour layer for a new MAC and then on in the bridge (bridged_dnat). */
  bridgedDnat?: boolean;
  /** Longest fragment it was put together from in the bridge, bytes. */
  fragMaxSize?: number;
}

/** How a packet relates to its connection (enum ip_conntrack_info). */
export interface ConntrackInfo {
  readonly entry: Connection;
  readonly direction: "original" | "reply";
  readonly state: "new" | "established" | "related";
}

/** Without ids: a socket of the kernel's own, which no process opened (inet_ctl_sock_create). */
export interface SkbSocket {
  readonly uid?: number;
  readonly gid?: number;
}

/** The sender of ICMP messages and of resets without a connection. */
export const kernelSocket: SkbSocket = {};

/** How many tunnels deep a packet is wrapped. */
export function tunnelDepth(skb: Skb | ArpSkb): number {
  let depth = 0;
  let at: Skb | ArpSkb | undefined = skb;
  while (at !== undefined && !isArp(at) && at.inner !== undefined) {
    depth++;
    at = at.inner;
  }
  return depth;
}

/** What is wrapped so often is not wrapped once more: the tunnel leads into itself (measured on Linux 6.18, iptunnel_xmit). */
export const tunnelLimit = 3;
