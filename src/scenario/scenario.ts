import type { OwnerPattern } from "../analysis/checks.ts";
import type { ClusterSettings } from "../cluster/cluster.ts";
import type { UpstreamData } from "../dns/coredns/upstream.ts";
import type { Outcome } from "../trace/records.ts";

/** The first document of a scenario file. Further documents of the file are manifests. */
export interface Scenario {
  readonly name: string;
  /** One or two sentences for people who learn. */
  readonly about?: string;
  readonly cluster: ScenarioCluster;
  /** Paths of manifests, relative to the scenario file. */
  readonly manifests: readonly { readonly path: string; readonly place: Place }[];
  /** Who listens where, instead of what container ports and probes suggest. */
  readonly listens: Readonly<Record<string, readonly PortSpec[]>>;
  /** Where each key of `listens` stands. */
  readonly listenPlaces: ReadonlyMap<string, Place>;
  /** What the resolver outside the cluster answers: name, type, values. */
  readonly upstream?: UpstreamData;
  readonly events: readonly ScenarioEvent[];
  readonly flows: readonly ScenarioFlow[];
}

/** `8080`, `"53/udp"`, `"3868/sctp"`. */
export interface PortSpec {
  readonly port: number;
  readonly protocol: "tcp" | "udp" | "sctp";
}

export type ScenarioCluster = Partial<ClusterSettings> & { readonly nodes?: number; readonly seed?: number };

/** Something that happens to the cluster at a virtual time. */
export type ScenarioEvent = { readonly atNanos: number; readonly place: Place } & EventAction;

export type EventAction =
  | { readonly action: "apply"; readonly path: string }
  | { readonly action: "delete"; readonly object: string }
  | { readonly action: "scale"; readonly workload: string; readonly replicas: number }
  | { readonly action: "ready"; readonly pod: string; readonly ready: boolean }
  /** A node loses power: `node/node-b`, or `node of kube-system/deploy/coredns`. */
  | { readonly action: "kill"; readonly node: string }
  /** A component stops, and what it programmed goes stale: `kube-proxy`. */
  | { readonly action: "stop"; readonly component: string; readonly on: string }
  /** A command of `ip`, `bridge`, `sysctl` or `iptables` typed on a node or in a pod. */
  | { readonly action: "exec"; readonly on: string; readonly command: string };

export interface ScenarioFlow {
  readonly name: string;
  /** Virtual time of the start; absent: when the flow before has ended. */
  readonly atNanos?: number;
  readonly from: string;
  readonly run: string;
  readonly expect?: Expectation;
  readonly place: Place;
}

/** What a flow must show. Every member that is given must hold. */
export interface Expectation {
  readonly outcome?: Outcome;
  /** Text of the tool, with `*` as a wildcard. */
  readonly message?: string;
  readonly reaches?: string;
  /** Whatever the random choices: only these pods are reached. */
  readonly reachesOnly?: readonly string[];
  readonly goesThrough?: readonly string[];
  readonly notThrough?: readonly string[];
  readonly natTo?: string;
  readonly preservesSource?: boolean;
  readonly droppedBy?: OwnerPattern;
  readonly rejectedBy?: OwnerPattern;
  /** Virtual time from start to outcome. */
  readonly takesUnderNanos?: number;
  readonly takesOverNanos?: number;
}

/** A place in the scenario file, from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}
