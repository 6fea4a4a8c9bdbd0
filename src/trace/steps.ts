import type { Choice, FieldChange, Owner, StateChange } from "./records.ts";

/*
 * One kind of step for each kind of decision. A Step is a plain record; the sentence for people is its `text`.
 */

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
  readonly failed?: readonly MissedRule[];
  /** Packets that the rule has matched so far, this one with them. */
  readonly packets?: number;
}

/** Why a rule did not match. */
export interface MissedRule {
  readonly rule: number;
  /** The first term that failed, where the kernel stopped. */
  readonly term: string;
  /** What the packet has instead. */
  readonly packet: string;
  /** All terms of the rule in iptables-save syntax; left out behind the first of a long run of misses. */
  readonly terms?: readonly JudgedTerm[];
  /** `-j KUBE-SVC-...`: what would have followed. */
  readonly target?: string;
}

/** One term of a rule that did not match: it held, or `packet` says what the packet has instead. */
export interface JudgedTerm {
  readonly term: string;
  readonly packet?: string;
  /** It cannot be asked without changing it (a counter, chance), or is not modelled. */
  readonly open?: true;
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
