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
  readonly srcPort?: number;
  readonly dstPort?: number;
  /** TCP flags in tcpdump's letters: `S`, `SA`, `A`, `PA`, `FA`, `R`. */
  readonly flags?: string;
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

/** A change of state that outlives the packet. */
export interface StateChange {
  readonly table: "conntrack" | "fdb" | "neighbour" | "route" | "ipvs" | "ipset" | "socket" | "recent" | "counter";
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

interface StepBase {
  /** Unique in the trace, in the order of happening. */
  readonly id: number;
  readonly timeNanos: number;
  readonly namespace: string;
  /** One plain sentence: what happened and why. */
  readonly text: string;
  readonly changes?: readonly FieldChange[];
  readonly stateChanges?: readonly StateChange[];
  readonly owner?: Owner;
  readonly choice?: Choice;
  /** An assumption (its id) that mattered here. */
  readonly assumption?: string;
}

export interface SocketStep extends StepBase {
  readonly kind: "socket";
  readonly action: "listen" | "connect" | "connected" | "accept" | "send" | "receive" | "close" | "refuse" | "error";
  readonly protocol: string;
  readonly local?: string;
  readonly remote?: string;
  /** TCP state after the step; for `error` the errno. */
  readonly state?: string;
  /** The process: `curl`, `nginx`, `coredns`. */
  readonly process?: string;
}

export interface ResolverStep extends StepBase {
  readonly kind: "resolver";
  readonly action: "start" | "query" | "answer" | "next-name" | "next-server" | "retry" | "done" | "fail";
  readonly name: string;
  readonly type?: string;
  readonly server?: string;
  readonly rcode?: string;
  readonly addresses?: readonly string[];
  /** Why: `3 dots < ndots:5, so search domains come first`. */
  readonly reason?: string;
}

export interface RouteStep extends StepBase {
  readonly kind: "route";
  /** When it was looked up: for an incoming packet, a local one, or again after NAT in OUTPUT. */
  readonly at: "input" | "output" | "reroute";
  readonly destination: string;
  readonly result: "local" | "forward" | "output" | "broadcast" | "unreachable" | "prohibit" | "blackhole" | "martian";
  /** The route as `ip route` prints it; absent when none matched. */
  readonly route?: string;
  readonly table?: string;
  readonly via?: string;
  readonly device?: string;
  readonly source?: string;
}

export interface NeighbourStep extends StepBase {
  readonly kind: "neighbour";
  readonly action: "hit" | "solicit" | "queue" | "resolved" | "answer" | "ignore" | "failed" | "learn";
  readonly address: string;
  readonly device: string;
  readonly mac?: string;
  readonly state?: string;
}

export interface DeviceStep extends StepBase {
  readonly kind: "device";
  readonly action: "receive" | "transmit" | "fragment" | "reassemble" | "other-host";
  readonly device: string;
  /** The other end of a veth or wire, `namespace/device`. */
  readonly peer?: string;
}

export interface BridgeStep extends StepBase {
  readonly kind: "bridge";
  readonly action: "learn" | "forward" | "flood" | "to-bridge" | "netfilter" | "hairpin";
  readonly bridge: string;
  readonly inPort?: string;
  readonly outPorts?: readonly string[];
  readonly mac?: string;
}

export type HookName = "PREROUTING" | "INPUT" | "FORWARD" | "OUTPUT" | "POSTROUTING";

interface NetfilterPlace {
  readonly hook: HookName;
  readonly inDevice?: string;
  readonly outDevice?: string;
  /** Bridge ports of a bridged packet, as `-m physdev` sees them. */
  readonly physInDevice?: string;
  readonly physOutDevice?: string;
}

export interface HookStep extends StepBase, NetfilterPlace {
  readonly kind: "hook";
  readonly family: "ipv4" | "ipv6" | "bridge" | "inet";
  /** What is registered there, in order: `raw`, `conntrack`, `mangle`, `nat`, ... */
  readonly registered: readonly string[];
}

/** One rule that matched, or a run of rules that did not. */
export interface RuleStep extends StepBase, NetfilterPlace {
  readonly kind: "rule";
  readonly table: string;
  readonly chain: string;
  /** 1-based number of the rule; of the first one of a run of misses. */
  readonly rule: number;
  readonly matched: boolean;
  /** Last rule of a run of misses. */
  readonly through?: number;
  /** The rule in iptables-save or `nft list` syntax; of a run of misses only where it is one rule long. */
  readonly rules?: string;
  readonly target?: string;
  /** For misses, at the finest recording level: per rule the term that failed. */
  readonly failed?: readonly { readonly rule: number; readonly term: string; readonly packet: string }[];
  readonly packets?: number;
}

/** The end of a chain: a policy, a return, or a jump into one. */
export interface ChainStep extends StepBase, NetfilterPlace {
  readonly kind: "chain";
  readonly table: string;
  readonly chain: string;
  readonly action: "policy" | "return";
  /** The number iptables' TRACE gives this end: number of rules + 1. */
  readonly rule: number;
  readonly verdict?: string;
}

export interface ConntrackStep extends StepBase {
  readonly kind: "conntrack";
  readonly action: "new" | "found" | "invalid" | "untracked" | "confirm" | "update" | "related" | "clash" | "expire";
  /** The entry as `conntrack -L` prints it. */
  readonly entry?: string;
  readonly state?: string;
  readonly direction?: "original" | "reply";
}

export interface NatStep extends StepBase {
  readonly kind: "nat";
  readonly manip: "dst" | "src";
  /** `bind` decides the mapping of a connection, `apply` rewrites a packet by it. */
  readonly action: "bind" | "apply" | "none";
  readonly from?: string;
  readonly to?: string;
}

export interface IpsetStep extends StepBase {
  readonly kind: "ipset";
  readonly set: string;
  readonly element: string;
  readonly found: boolean;
}

/** A lookup in an nftables map or set: one key, at once, instead of rule after rule. */
export interface MapStep extends StepBase, NetfilterPlace {
  readonly kind: "map";
  readonly table: string;
  readonly chain: string;
  /** 1-based number of the rule that looks up. */
  readonly rule: number;
  readonly map: string;
  /** As nft prints it: `10.96.0.11 . tcp . 80`. */
  readonly key: string;
  readonly found: boolean;
  /** What the key leads to: a verdict (`goto service-...`) or a value; absent in a set. */
  readonly value?: string;
}

export interface IpvsStep extends StepBase {
  readonly kind: "ipvs";
  readonly action: "schedule" | "found" | "no-server" | "reinject" | "reply" | "new";
  readonly service?: string;
  readonly server?: string;
  readonly scheduler?: string;
  readonly connection?: string;
}

export interface TunnelStep extends StepBase {
  readonly kind: "tunnel";
  readonly action: "encapsulate" | "decapsulate";
  readonly tunnel: string;
  readonly local?: string;
  readonly remote?: string;
  readonly vni?: number;
}

export interface IcmpStep extends StepBase {
  readonly kind: "icmp";
  readonly action: "send" | "receive" | "suppress" | "echo";
  readonly type: number;
  readonly code: number;
  readonly reason: string;
}

export interface TimerStep extends StepBase {
  readonly kind: "timer";
  readonly timer: "retransmit" | "connect-timeout" | "resolver-timeout" | "neighbour" | "application";
  readonly attempt?: number;
}

export interface DropStep extends StepBase {
  readonly kind: "drop";
  /** Our stable code: docs/drop-codes.md. */
  readonly code: string;
  /** The kernel's skb drop reason, where it has one: `NETFILTER_DROP`. */
  readonly kernelReason?: string;
}

/** A decision of an eBPF program (socket-level load balancing rewrites before any packet exists). */
export interface BpfStep extends StepBase {
  readonly kind: "bpf";
  readonly program: string;
  readonly action: string;
  readonly from?: string;
  readonly to?: string;
}

/** A user-space proxy that joins two connections. */
export interface ProxyStep extends StepBase {
  readonly kind: "proxy";
  readonly proxy: string;
  readonly action: string;
  readonly upstreamFlow?: number;
}

export type Step =
  | SocketStep
  | ResolverStep
  | RouteStep
  | NeighbourStep
  | DeviceStep
  | BridgeStep
  | HookStep
  | RuleStep
  | ChainStep
  | ConntrackStep
  | NatStep
  | IpsetStep
  | MapStep
  | IpvsStep
  | TunnelStep
  | IcmpStep
  | TimerStep
  | DropStep
  | BpfStep
  | ProxyStep;

type Distribute<S> = S extends Step ? Omit<S, "id" | "timeNanos" | "namespace" | "text"> & { text?: string } : never;

/** What the engine hands to the recorder: the recorder adds id, time, namespace and, where absent, the sentence. */
export type StepInput = Distribute<Step>;
