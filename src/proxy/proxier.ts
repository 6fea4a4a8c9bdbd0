import type { Address, Family } from "../wire/address.ts";
import type { LocalDetector } from "./local-detector.ts";
import { recordedRelease } from "../cluster/release.ts";
import type { ProxyObjects } from "./tracker.ts";

/** The node a proxier programs. */
export interface ProxyNode {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** The node's own (primary) address of each family. */
  readonly nodeIPs: Partial<Readonly<Record<Family, Address>>>;
  /** All addresses of its devices, loopback included, in the order of the devices. */
  readonly addresses: readonly { readonly device: string; readonly address: Address }[];
}

/** kube-proxy's configuration as far as it matters to the rules. pkg/proxy/apis/config/types.go. */
export interface ProxyOptions {
  readonly family: Family;
  /** The minor release of Kubernetes 1.x: release.ts says what it changes. */
  readonly release: number;
  readonly detector: LocalDetector;
  /** `--masquerade-all`. */
  readonly masqueradeAll: boolean;
  /** `--iptables-masquerade-bit`: which bit of the mark says "masquerade me". */
  readonly masqueradeBit: number;
  /** `--nodeport-addresses`: blocks of either family; empty: every local address. */
  readonly nodePortAddresses: readonly string[];
  /** `--iptables-localhost-nodeports`. IPv4 only. */
  readonly localhostNodePorts: boolean;
  /** The kernel and iptables know `MASQUERADE --random-fully`. */
  readonly randomFully: boolean;
  /** net.netfilter.nf_conntrack_tcp_be_liberal was set when kube-proxy started: then INVALID is not dropped. */
  readonly liberalTcp: boolean;
  /** `--ipvs-scheduler`. */
  readonly ipvsScheduler: string;
  /** `--ipvs-strict-arp`. */
  readonly ipvsStrictArp: boolean;
}

/** The defaults of kube-proxy. */
export function proxyOptions(options: Pick<ProxyOptions, "family" | "detector"> & Partial<ProxyOptions>): ProxyOptions {
  return {
    release: recordedRelease,
    masqueradeAll: false,
    masqueradeBit: 14,
    nodePortAddresses: [],
    localhostNodePorts: true,
    randomFully: true,
    liberalTcp: false,
    ipvsScheduler: "rr",
    ipvsStrictArp: false,
    ...options,
  };
}

/** What one sync did: the commands in the order kube-proxy gives them, and its other doings as text. */
export interface ProxySync<State, Command> {
  readonly state: State;
  readonly commands: readonly Command[];
  readonly events: readonly string[];
}

/**
 * A mode of kube-proxy for one address family: a pure function from objects to what a node is told. Given the
 * state of the previous sync it tells only what has to change, as kube-proxy does.
 */
export interface Proxier<State, Command> {
  readonly mode: string;
  sync(objects: ProxyObjects, node: ProxyNode, options: ProxyOptions, previous?: State): ProxySync<State, Command>;
}

/** Kernel settings and connections: commands that all modes share. */
export type NodeCommand =
  | { readonly kind: "sysctl"; readonly name: string; readonly value: number }
  /** `conntrack -D -p PROTOCOL ...`. */
  | {
      readonly kind: "delete-connections";
      readonly family: Family;
      readonly protocol: "UDP";
      /** Original destination. */
      readonly address?: string;
      readonly port?: number;
      /** Where DNAT sent it. */
      readonly endpoint?: string;
    }
  /**
   * Looks through all UDP connections and deletes those to one of these addresses and ports, or to one of these
   * nodePorts on whatever address, that do not lead to one of its endpoints.
   */
  | {
      readonly kind: "reconcile-connections";
      readonly family: Family;
      /** By `ip:port`: addresses of the serving endpoints. */
      readonly services: ReadonlyMap<string, ReadonlySet<string>>;
      readonly nodePorts: ReadonlyMap<number, ReadonlySet<string>>;
    };
