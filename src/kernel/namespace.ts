import type { Recorder } from "../trace/recorder.ts";
import type { Family } from "../wire/address.ts";
import type { Chance } from "./chance.ts";
import type { Clock } from "./clock.ts";
import type { Conntrack } from "./conntrack/table.ts";
import type { Device } from "./device.ts";
import type { Fib } from "./fib.ts";
import type { Neighbours } from "./neighbour.ts";
import type { IpState } from "./ip/state.ts";
import type { Hooks } from "./netfilter.ts";
import type { ArpSkb, Skb } from "./skb.ts";
import type { Sockets } from "./socket/api.ts";

/** Carries frames between namespaces. */
export interface Wire {
  /** The frame leaves `device`; it arrives at the other end in an event of its own. */
  transmit(from: NetworkNamespace, device: Device, skb: Skb | ArpSkb): void;
  /** False when the other end of a veth pair is down, as far as that is known: then nothing leaves at all. */
  hasCarrier?(device: Device): boolean;
}

/** What a run hands to every namespace. */
export interface Surroundings {
  readonly clock: Clock;
  readonly chance: Chance;
  readonly wire: Wire;
  readonly recorder: Recorder;
  readonly profile: KernelProfile;
}

/** What differs between kernel versions as far as it is modelled. */
export interface KernelProfile {
  readonly name: string;
  /** Seconds after the first SYN at which it is sent again; the connect fails one further interval later. */
  readonly synRetransmitSeconds: readonly number[];
  /** Seconds after the first SYN at which connect(2) gives up with ETIMEDOUT. */
  readonly synTimeoutSeconds: number;
}

/**
 * The network stack of a pod or a host. It knows nothing of Kubernetes: what it does follows from devices,
 * routes, rules and sysctls alone.
 */
export interface NetworkNamespace {
  readonly name: string;
  /** The Kubernetes node it lives on, for the trace only. */
  readonly node?: string;
  readonly surroundings: Surroundings;
  readonly devices: Map<string, Device>;
  readonly fib: Readonly<Record<Family, Fib>>;
  readonly neighbours: Neighbours;
  readonly hooks: Hooks;
  readonly conntrack: Conntrack;
  readonly sockets: Sockets;
  readonly sysctls: Sysctls;
  /** What the stack keeps besides: identifiers, fragments, path MTUs, redirect pace. Owned by kernel/ip. */
  readonly ip: IpState;
}

/** Sysctls by their dotted name, as sysctl(8) takes them; unset ones have the kernel's default. */
export interface Sysctls {
  get(name: string): number;
  /** Names that are not modelled are kept and have no effect. */
  set(name: string, value: number): void;
  /** The IPv4 settings in force for a device: `all` and the device's own, joined as the kernel joins them. */
  device(name: string): DeviceSettings;
  /** Grows with each change. */
  version(): number;
  /** What was set, for printing. */
  entries(): readonly (readonly [string, number])[];
}

/** `net.ipv4.conf` (and of IPv6 what is named so), as it is in force for one device: include/linux/inetdevice.h. */
export interface DeviceSettings {
  readonly forwarding: boolean;
  readonly forwarding6: boolean;
  readonly disabled6: boolean;
  readonly rpFilter: 0 | 1 | 2;
  readonly routeLocalnet: boolean;
  readonly acceptLocal: boolean;
  readonly srcValidMark: boolean;
  readonly sendRedirects: boolean;
  readonly sharedMedia: boolean;
  readonly arpIgnore: number;
  readonly arpAnnounce: number;
  readonly arpFilter: boolean;
  readonly proxyArp: boolean;
  readonly proxyNdp: boolean;
  readonly acceptRedirects: boolean;
  readonly promoteSecondaries: boolean;
}
