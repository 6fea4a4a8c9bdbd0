import type { Owner } from "../trace/records.ts";
import type { Address } from "../wire/address.ts";
import type { Mac } from "../wire/mac.ts";
import type { ArpSkb, Skb } from "./skb.ts";

/** An address on a device, as `ip addr` shows it. */
export interface InterfaceAddress {
  readonly address: Address;
  readonly prefixLength: number;
  /** The other end of a point-to-point address: the prefix is its. */
  readonly peer?: Address;
  readonly scope: "global" | "link" | "host";
  /** It made no connected route. */
  readonly noPrefixRoute?: boolean;
  readonly owner?: Owner;
}

/** Settings of a device that is a bridge port. bridge(8), `bridge link set`. */
export interface BridgePort {
  readonly bridge: BridgeDevice;
  hairpin: boolean;
  isolated: boolean;
  learning: boolean;
  /** Whether frames for unknown MAC addresses, for everybody and for groups are sent by it. */
  flood: boolean;
  broadcastFlood: boolean;
  multicastFlood: boolean;
  /** Without spanning tree a port forwards unless somebody disabled it (br_port_state_selection). */
  disabled: boolean;
}

/** What `ip link ... type bridge_slave` and `bridge link set` switch on and off. */
export type PortSwitches = Partial<Omit<BridgePort, "bridge">>;

interface DeviceBase {
  readonly ifindex: number;
  readonly name: string;
  mac: Mac;
  /** Bytes. */
  mtu: number;
  up: boolean;
  promiscuous: boolean;
  /** Carries the owner to the trace: the CNI plugin, a pod. */
  readonly owner?: Owner;
  readonly addresses: InterfaceAddress[];
  /** Set while the device is a port of a bridge. */
  port?: BridgePort | undefined;
}

export interface Loopback extends DeviceBase {
  readonly kind: "loopback";
}

/** A device whose frames leave by a cable: one end of a veth pair, or a network card. */
export interface WiredDevice extends DeviceBase {
  readonly kind: "veth" | "physical";
  /** The other end, looked up when a frame crosses, so that namespaces can be made on demand. */
  readonly peer?: DeviceRef;
}

export interface DeviceRef {
  readonly namespace: string;
  readonly device: string;
}

/** An entry of a bridge's forwarding database. */
export interface FdbEntry {
  readonly mac: Mac;
  /** Port name; the bridge's own name for its own address. */
  port: string;
  readonly permanent: boolean;
  updatedAtNanos: number;
  readonly owner?: Owner;
}

export interface BridgeDevice extends DeviceBase {
  readonly kind: "bridge";
  /** The MTU was set: it does not follow the ports' any more (BROPT_MTU_SET_BY_USER). */
  mtuIsSet: boolean;
  /** Port device names in the order they were enslaved in. */
  readonly ports: string[];
  readonly fdb: Map<Mac, FdbEntry>;
  ageingNanos: number;
  /** Shows its frames to iptables and ip6tables even where the sysctls say no (`nf_call_iptables 1`). */
  callsIptables: boolean;
  callsIp6tables: boolean;
  /** No MAC was given: it has the lowest one of its ports. */
  readonly inheritsMac?: boolean;
  /**
   * Tells, for a switch of very many hosts, whether the host behind a port would do more with a flooded frame than
   * ignore it. Such a frame is counted and not carried there. Absent: every port gets its copy.
   */
  heeds?: (port: string, skb: Skb | ArpSkb) => boolean;
}

/** Where a VXLAN device sends frames for an inner MAC: an entry of `bridge fdb ... dst`. */
export interface VxlanFdbEntry {
  readonly mac: Mac;
  readonly remote: Address;
  /** What goes there leaves by the device below, whatever the routes say: so is the entry that comes with the device (`via`). */
  readonly isBound?: true;
  /** Further remote ends: each gets a copy (`bridge fdb append`). */
  readonly others?: readonly Address[];
  /** When a frame last came from there; absent: somebody added the entry. */
  seenNanos?: number;
  readonly owner?: Owner;
}

export interface VxlanDevice extends DeviceBase {
  readonly kind: "vxlan";
  readonly vni: number;
  /** Source of the outer packets; absent: the route's choice. */
  readonly local?: Address;
  /** Multicast group that it listens to and sends what it knows no place for (`group`). */
  readonly group?: Address;
  readonly dstPort: number;
  /** Source ports of the outer packets (`srcport`); absent: the namespace's local port range. */
  readonly srcPorts?: { readonly first: number; readonly end: number };
  /** Device the outer packets leave by, where it was given. */
  readonly lower?: string;
  /** TTL of the outer packet, or the inner one's; absent: the namespace's default, 1 to a group. */
  readonly ttl?: number | "inherit";
  /** DF of the outer IPv4 packet; not set where absent. */
  readonly df?: "set" | "inherit";
  readonly learning: boolean;
  ageingNanos: number;
  readonly fdb: Map<Mac, VxlanFdbEntry>;
}

export interface IpipDevice extends DeviceBase {
  readonly kind: "ipip";
  readonly local?: Address;
  readonly remote?: Address;
  /** Device the outer packets leave by, where it was given. */
  readonly lower?: string;
  /** TTL of the outer packet; absent: the inner one's. */
  readonly ttl?: number;
  /** The outer packet has DF only where the inner one has (`nopmtudisc`). */
  readonly inheritsDf: boolean;
  /** ICMP errors about the remote end that no sender was told yet, and when the last one came. */
  errors: number;
  errorNanos: number;
}

/** A device that swallows what is sent to it; kube-ipvs0 and nodelocaldns are of this kind. */
export interface DummyDevice extends DeviceBase {
  readonly kind: "dummy";
}

/** A device that exists, with its addresses and routes, and of which nobody knows what is behind it. */
export interface ForeignDevice extends DeviceBase {
  readonly kind: "foreign";
  /** What `ip -d link` calls it: `wireguard`, `macvlan`; `veth` or `physical` where its other end is not known. */
  readonly type: string;
}

export type Device = Loopback | WiredDevice | BridgeDevice | VxlanDevice | IpipDevice | DummyDevice | ForeignDevice;
