import type { Step } from "./steps.ts";

/**
 * What a run recorded: Trace > Flow > PacketTrace > Hop > Step, as plain JSON data (addresses as text, times in
 * virtual nanoseconds). This is the format that every face reads; schema/trace.json describes it.
 */

/** The Kubernetes object or component that caused a piece of state (a rule, a route, a device, a set entry). */
export interface Owner {
  /** `Service`, `Pod`, `NetworkPolicy`, ... or `Component` for kube-proxy, the CNI plugin, the route controller. */
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  /** What in the object, where that says more: `port http`, `spec.ingress[0]`. */
  readonly detail?: string;
  /** Where the manifest says it. */
  readonly origin?: Origin;
}

/** A place in an input. Line and column count from 1. */
export interface Origin {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export type Outcome =
  | "answered"
  | "refused"
  | "reset"
  | "timed-out"
  | "unreachable"
  | "name-not-found"
  | "dns-error"
  | "unknown";

/** A packet's fate: an end it reached, an answer that refuses it, silence, or something that is not modelled. */
export type PacketVerdict = "delivered" | "rejected" | "dropped" | "unknown";

export interface Trace {
  readonly schemaVersion: 1;
  readonly probe: { readonly from: string; readonly run: string };
  readonly outcome: Outcome;
  /** The text that curl 7.88.1, dig 9.18 or ping would print at the end. */
  readonly message: string;
  readonly exitCode: number;
  /** `ECONNREFUSED`, ... where the application saw one. */
  readonly errno?: string;
  /** The namespace whose process answered, or whose kernel refused; absent when nobody did. */
  readonly answeredBy?: string;
  /** The ICMP error behind an outcome, where there was one. */
  readonly icmp?: { readonly type: number; readonly code: number };
  /** Why the outcome is `unknown`: what is read but not modelled. */
  readonly unknownBecause?: readonly string[];
  /** Virtual time from the start of the probe to its outcome. */
  readonly durationNanos: number;
  readonly seed: number;
  readonly assumptions: readonly Assumption[];
  /** What the control plane did meanwhile, on the same clock. */
  readonly events: readonly TraceEvent[];
  readonly flows: readonly Flow[];
  /**
   * At the level `rule`: what each namespace held when the trace first came into it, and first after each event. State
   * changes go on from there.
   */
  readonly before?: readonly NamespaceState[];
}

/** The tables of a namespace as text. */
export interface NamespaceState {
  readonly namespace: string;
  readonly node?: string;
  /** The id of the step before which it was so. */
  readonly beforeStep: number;
  readonly tables: readonly {
    readonly table: StateTable;
    readonly entries: readonly StateEntry[];
    /** Entries of a long table that are not listed. */
    readonly leftOut?: number;
  }[];
}

/** An entry by the key that state changes name it by. */
export interface StateEntry {
  readonly key: string;
  readonly text: string;
}

/** Something the input does not state. `id` is stable, so that a step can name it. */
export interface Assumption {
  readonly id: string;
  readonly text: string;
  /** How to state it instead: a flag or a scenario key. */
  readonly override?: string;
}

export interface TraceEvent {
  readonly timeNanos: number;
  readonly text: string;
  readonly owner?: Owner;
}

/** What caused a flow or a packet. */
export interface Cause {
  readonly flow?: number;
  readonly packet?: number;
  readonly step?: number;
  /** Why, in a few words: `retransmission`, `flooded copy`, `outer packet of the tunnel`, `ICMP error`. */
  readonly reason: string;
}

/** One conversation: a DNS query and its answer, a TCP connection, an ICMP exchange, an ARP resolution. */
export interface Flow {
  readonly id: number;
  readonly protocol: string;
  /** As the initiator sees the ends: `10.244.0.3:40004`. */
  readonly from: string;
  readonly to: string;
  /** What it is for, in a few words: `A web.default.svc.cluster.local.`, `GET /`. */
  readonly purpose: string;
  readonly causedBy?: Cause;
  /** Steps outside any packet: socket calls, the resolver's decisions, timers. */
  readonly steps: readonly Step[];
  readonly packets: readonly PacketTrace[];
}

/** One packet on its way. A retransmission, a flooded copy, an outer frame and an ICMP error are packets of their own. */
export interface PacketTrace {
  readonly id: number;
  readonly direction: "original" | "reply";
  /** 1, and higher for retransmissions. */
  readonly attempt: number;
  readonly causedBy?: Cause;
  readonly verdict: PacketVerdict;
  readonly hops: readonly Hop[];
}

/** One stay of a packet in one network namespace. */
export interface Hop {
  readonly namespace: string;
  /** The Kubernetes node that the namespace lives on; absent outside of nodes. */
  readonly node?: string;
  /** The device it came in by; absent where it was made here. */
  readonly device?: string;
  /** The packet as it entered. `packetAt` folds the steps' changes into it. */
  readonly packet: PacketRecord;
  readonly steps: readonly Step[];
}

/** A packet as text and numbers. */
export interface PacketRecord {
  readonly srcMac?: string;
  readonly dstMac?: string;
  /** `arp`, `tcp`, `udp`, `icmp`, `icmpv6`, `sctp`, or the number of another IP protocol. */
  readonly protocol: string;
  readonly src: string;
  readonly dst: string;
  readonly ttl?: number;
  /** TOS or traffic class, DSCP above two bits of ECN (RFC 2474, 3168), where it is not 0. */
  readonly tos?: number;
  readonly srcPort?: number;
  readonly dstPort?: number;
  /** TCP flags in tcpdump's letters: `S`, `SA`, `A`, `PA`, `FA`, `R`. */
  readonly flags?: string;
  /** The chunks of an SCTP packet in their order: `init`, `sack+data`. */
  readonly chunks?: string;
  readonly seq?: number;
  readonly ack?: number;
  readonly icmpType?: number;
  readonly icmpCode?: number;
  readonly ident?: number;
  readonly sequence?: number;
  readonly mtu?: number;
  readonly dontFragment?: boolean;
  readonly fragment?: { readonly offset: number; readonly more: boolean };
  /** Total IP length, bytes. */
  readonly length: number;
  readonly mark?: number;
  /** One line about the payload: `A? web.shop.svc.cluster.local.`, `GET / HTTP/1.1`. */
  readonly payload?: string;
  readonly vni?: number;
  /** The encapsulated packet (VXLAN, IPIP) or the packet quoted by an ICMP error. */
  readonly inner?: PacketRecord;
}

/** One header field rewritten; `from` or `to` is absent where the field was or is. */
export interface FieldChange {
  /** A key of PacketRecord. `inner` (the packet that an ICMP error quotes) changes as a whole. */
  readonly field: keyof PacketRecord;
  readonly from?: string | number | PacketRecord | undefined;
  readonly to?: string | number | PacketRecord | undefined;
}

export type StateTable =
  | "conntrack"
  | "fdb"
  | "neighbour"
  | "route"
  | "ipvs"
  | "ipset"
  | "socket"
  | "recent"
  | "counter";

/** A change of state that outlives the packet. */
export interface StateChange {
  readonly table: StateTable;
  readonly action: "add" | "update" | "delete";
  readonly key: string;
  readonly before?: string;
  readonly after?: string;
}

/** A random or scheduled decision. Pinning `id` to an option index replays that branch. */
export interface Choice {
  readonly id: string;
  readonly options: readonly { readonly label: string; readonly probability?: number }[];
  readonly taken: number;
  /** `random`, or the schedule by which it was taken: `rr`, `hash`. */
  readonly by: string;
}

export type {
  BpfStep,
  BridgeStep,
  ChainStep,
  ConntrackStep,
  DeviceStep,
  DropStep,
  HookName,
  HookStep,
  IcmpStep,
  IpsetStep,
  IpvsStep,
  JudgedTerm,
  MapStep,
  MissedRule,
  NatStep,
  NeighbourStep,
  ProxyStep,
  ResolverStep,
  RouteStep,
  RuleStep,
  SocketStep,
  Step,
  StepInput,
  TimerStep,
  TunnelStep,
} from "./steps.ts";
