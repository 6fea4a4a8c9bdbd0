/** Why a packet ends. Codes are stable; docs/drop-codes.md is made from this table. */
export interface DropCode {
  /** One sentence about the cause. */
  readonly meaning: string;
  /** SKB_DROP_REASON_..., where the kernel has one: include/net/dropreason-core.h. */
  readonly kernelReason?: string;
}

export type KernelDropCode =
  | "LINK_DOWN"
  | "NO_PEER"
  | "DEVICE_DOWN"
  | "DUMMY_DEVICE"
  | "FOREIGN_DEVICE"
  | "OTHER_HOST"
  | "IPV6_DISABLED"
  | "NO_ROUTE"
  | "NO_ROUTE_IN"
  | "NOT_FORWARDING"
  | "ROUTE_UNREACHABLE"
  | "ROUTE_PROHIBIT"
  | "ROUTE_BLACKHOLE"
  | "MARTIAN_SOURCE"
  | "MARTIAN_DESTINATION"
  | "RP_FILTER"
  | "LOOPBACK_SOURCE"
  | "LINK_LOCAL_SOURCE"
  | "TTL_EXCEEDED"
  | "MTU_EXCEEDED"
  | "FRAGMENT_TIMEOUT"
  | "NEIGHBOUR_FAILED"
  | "NEIGHBOUR_QUEUE_FULL"
  | "BRIDGE_NO_PORT"
  | "BRIDGE_SAME_PORT"
  | "BRIDGE_PORT_DISABLED"
  | "BRIDGE_ISOLATED"
  | "TUNNEL_NO_REMOTE"
  | "TUNNEL_NO_DEVICE"
  | "TUNNEL_LOOP"
  | "FRAME_LOOP"
  | "ICMP_IGNORED";

/** The drop codes of the packet path. Those of rules, connection tracking and sockets stand in their own folders. */
export const kernelDropCodes: Readonly<Record<KernelDropCode, DropCode>> = {
  LINK_DOWN: { meaning: "The link or the node at its other end is down." },
  NO_PEER: { meaning: "The cable has no other end: the peer device does not exist." },
  DEVICE_DOWN: { meaning: "The device is down.", kernelReason: "DEV_READY" },
  FOREIGN_DEVICE: { meaning: "Nobody knows what is behind the device." },
  DUMMY_DEVICE: { meaning: "A dummy device swallows what is sent to it." },
  OTHER_HOST: { meaning: "The frame is addressed to another MAC address.", kernelReason: "OTHERHOST" },
  IPV6_DISABLED: { meaning: "IPv6 is switched off on the device.", kernelReason: "IPV6DISABLED" },
  NO_ROUTE: { meaning: "No route leads to the destination.", kernelReason: "IP_OUTNOROUTES" },
  NO_ROUTE_IN: {
    meaning: "No route leads to the destination of a packet that came in.",
    kernelReason: "IP_INNOROUTES",
  },
  NOT_FORWARDING: {
    meaning: "The packet is for another host, and forwarding is off on the device it came in by.",
    kernelReason: "IP_INADDRERRORS",
  },
  ROUTE_UNREACHABLE: { meaning: "A route of type unreachable holds the destination." },
  ROUTE_PROHIBIT: { meaning: "A route of type prohibit holds the destination." },
  ROUTE_BLACKHOLE: { meaning: "A route of type blackhole holds the destination." },
  MARTIAN_SOURCE: {
    meaning: "The source address cannot be real on this device: loopback, group, or one of the node's own.",
    kernelReason: "IP_LOCAL_SOURCE",
  },
  MARTIAN_DESTINATION: {
    meaning: "The destination address must not come in by this device, such as 127.0.0.0/8 without route_localnet.",
    kernelReason: "IP_LOCALNET",
  },
  RP_FILTER: {
    meaning: "Reverse path filter: an answer to the source would not leave by the device the packet came in by.",
    kernelReason: "IP_RPFILTER",
  },
  LOOPBACK_SOURCE: { meaning: "A packet from 127.0.0.0/8 must not leave the node without route_localnet." },
  LINK_LOCAL_SOURCE: { meaning: "A packet from a link-local IPv6 address must not leave its link." },
  TTL_EXCEEDED: { meaning: "The TTL is used up.", kernelReason: "IP_INHDR" },
  MTU_EXCEEDED: {
    meaning: "The packet is longer than the MTU ahead and must not be fragmented.",
    kernelReason: "PKT_TOO_BIG",
  },
  FRAGMENT_TIMEOUT: {
    meaning: "The other fragments of the datagram did not arrive in time.",
    kernelReason: "FRAG_REASM_TIMEOUT",
  },
  NEIGHBOUR_FAILED: {
    meaning: "Nobody answered for the next hop's address on the link.",
    kernelReason: "NEIGH_FAILED",
  },
  NEIGHBOUR_QUEUE_FULL: {
    meaning: "Too many packets wait for the next hop's link address.",
    kernelReason: "NEIGH_QUEUEFULL",
  },
  BRIDGE_NO_PORT: { meaning: "The bridge has no port to send the frame to." },
  BRIDGE_SAME_PORT: {
    meaning: "The frame would leave by the bridge port it came in by, and hairpin mode is off on that port.",
  },
  BRIDGE_PORT_DISABLED: { meaning: "The bridge port is in the state disabled." },
  BRIDGE_ISOLATED: { meaning: "Both bridge ports are isolated from each other." },
  TUNNEL_NO_REMOTE: { meaning: "The tunnel does not know where the inner destination MAC address lives." },
  TUNNEL_NO_DEVICE: { meaning: "No tunnel device here takes this outer packet." },
  TUNNEL_LOOP: { meaning: "The tunnel's outer packet would go into the same tunnel.", kernelReason: "RECURSION_LIMIT" },
  FRAME_LOOP: {
    meaning: "The frame has crossed so many links that bridges must form a loop; spanning tree is not modelled.",
  },
  ICMP_IGNORED: { meaning: "The stack does not answer this ICMP message." },
};
