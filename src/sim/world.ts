import type { Cluster } from "../cluster/cluster.ts";
import type { Node, Pod } from "../cluster/objects.ts";
import { seededChance } from "../kernel/chance.ts";
import { EventQueue } from "../kernel/clock.ts";
import type { UpstreamData } from "../dns/coredns/upstream.ts";
import { createNamespace } from "../kernel/namespace-create.ts";
import type { NetworkNamespace, Surroundings } from "../kernel/namespace.ts";
import { Network } from "../kernel/network.ts";
import { type ArpSkb, type Skb, isArp } from "../kernel/skb.ts";
import { kernelProfiles } from "../kernel/profile.ts";
import { type RecordLevel, Recorder } from "../trace/recorder.ts";
import type { Assumption } from "../trace/records.ts";
import { type Address, parseAddress } from "../wire/address.ts";
import { type ListenPort, type Listens, hostAssumption, listenAssumption, openServers } from "./listens.ts";
import { upstreamAssumption } from "./cluster-dns.ts";
import { namespaceState } from "./namespace-state.ts";
import { RunningNode } from "./node.ts";
import { type Underlay, internalAddresses, planUnderlay } from "./underlay.ts";
import {
  buildOutside,
  buildRouter,
  endAtTheUnknown,
  buildSwitch,
  outsideName,
  routerName,
  switchName,
} from "./underlay-build.ts";
import { type Who, findWho, isProblem } from "./who.ts";

export interface WorldOptions {
  readonly seed: number;
  /** Choice ids and the options to take. */
  readonly pins?: Readonly<Record<string, number>>;
  readonly level: RecordLevel;
  readonly listens: Listens;
  /** What the resolver outside the cluster answers, by name and type; absent: nothing is known of it. */
  readonly upstream?: UpstreamData;
  /** Namespace of names in `listens` that state none. */
  readonly namespace: string;
}

/** An assumption; `always` ones hold for the whole world, others are listed where they mattered. */
export interface WorldAssumption extends Assumption {
  readonly always: boolean;
}

/**
 * The running cluster. Nodes, with their pods, become namespaces when a packet first enters them. From then on
 * kernel state is all there is: nothing here answers for a packet.
 */
export class World {
  readonly seed: number;
  readonly clock: EventQueue = new EventQueue();
  readonly recorder: Recorder;
  readonly network: Network;
  readonly options: WorldOptions;
  readonly #surroundings: Surroundings;
  readonly #underlay: Underlay;
  readonly #nodes = new Map<string, RunningNode>();
  #cluster: Cluster;
  #nodesByName: ReadonlyMap<string, Node> | undefined;
  #addresses: ReadonlyMap<string, readonly Address[]> | undefined;

  constructor(cluster: Cluster, options: WorldOptions) {
    this.#cluster = cluster;
    this.options = options;
    this.seed = options.seed;
    this.recorder = new Recorder(
      options.level,
      () => this.clock.nowNanos(),
      (name) => this.#stateOf(name),
    );
    this.#underlay = planUnderlay(cluster);
    this.network = new Network(
      this.clock,
      (name) => this.#create(name),
      (namespace, skb) => this.#wake(namespace, skb),
    );
    this.#surroundings = {
      clock: this.clock,
      chance: seededChance(options.seed, options.pins),
      wire: this.network,
      recorder: this.recorder,
      profile: kernelProfiles[cluster.settings.kernel] ?? (kernelProfiles["6.18"] as Surroundings["profile"]),
    };
  }

  get cluster(): Cluster {
    return this.#cluster;
  }

  /** The namespace of a sender; made now if it was not there. */
  namespaceOf(who: Who): NetworkNamespace {
    switch (who.kind) {
      case "pod":
        return this.node(nodeNameOf(who.pod)).namespaceOfPod(who.pod);
      case "node":
        return this.node(who.node.metadata.name).host;
      case "external":
        return this.#outside(who.address ?? (this.#underlay.outside[0]?.host as Address));
    }
  }

  /** The running node of that name. */
  node(name: string): RunningNode {
    const node = this.#nodes.get(name) ?? this.#makeNode(name);
    if (node === undefined) throw new RangeError(`there is no node ${name}`);
    node.start();
    return node;
  }

  #makeNode(name: string): RunningNode | undefined {
    this.#nodesByName ??= new Map(this.#cluster.nodes.map((node) => [node.metadata.name, node]));
    const node = this.#nodesByName.get(name);
    if (node === undefined) return undefined;
    const made = new RunningNode(this, node, this.#underlay);
    this.#nodes.set(name, made);
    return made;
  }

  /**
   * A question for another host's Ethernet address reaches every node of the segment. A node that it does not concern
   * needs its network card alone to ignore it: only the others start what runs on them.
   */
  #wake({ name }: NetworkNamespace, skb: Skb | ArpSkb): void {
    const node = this.#nodes.get(name);
    if (node !== undefined && concerns(node.addresses, skb)) node.start();
  }

  /** Whether a node's network card would do more with a frame than ignore it, as one that has not met any does. */
  #heeds(name: string, skb: Skb | ArpSkb): boolean {
    if (this.#nodes.has(name)) return true;
    this.#addresses ??= new Map(this.#cluster.nodes.map((node) => [node.metadata.name, internalAddresses(node)]));
    const addresses = this.#addresses.get(name);
    return addresses === undefined || concerns(addresses, skb);
  }

  /** Of a node that has its network card alone there is nothing to tell yet. */
  #stateOf(name: string): ReturnType<typeof namespaceState> | undefined {
    const node = this.#nodes.get(name);
    if (node?.isStarted === false) return undefined;
    const namespace = this.network.get(name);
    return namespace && namespaceState(namespace, node?.ipvs);
  }

  /** A new state of the cluster: running nodes wire and unwire pods, and their components sync. */
  update(next: Cluster): void {
    if (next.nodes !== this.#cluster.nodes) {
      this.#nodesByName = undefined;
      this.#addresses = undefined;
    }
    this.#cluster = next;
    for (const running of this.#nodes.values()) running.sync();
  }

  /** A node loses power: frames to and from it vanish. */
  kill(name: string): void {
    this.network.setDown(name);
    for (const pod of this.#cluster.pods) if (pod.spec.nodeName === name) this.network.setDown(podNamespaceName(pod));
  }

  assumptions(): readonly WorldAssumption[] {
    return [
      ...this.#cluster.assumptions.map((assumption) => ({ ...assumption, always: true })),
      ...this.#underlay.assumptions.map((assumption) => ({ ...assumption, always: true })),
      {
        id: listenAssumption,
        text: "pods listen on their container ports and probe ports, and answer",
        override: "`listens:` in a scenario",
        always: false,
      },
      {
        id: hostAssumption,
        text: "on every node a kubelet listens on port 10250, with TLS",
        always: false,
      },
      {
        id: upstreamAssumption,
        text:
          this.options.upstream === undefined
            ? "the resolver outside the cluster knows no name without a dot"
            : "the resolver outside the cluster knows the names that the scenario states, and no others",
        override: "`upstream:` in a scenario",
        always: false,
      },
    ];
  }

  #namespace(name: string, node?: string): NetworkNamespace {
    const namespace = createNamespace({ name, surroundings: this.#surroundings, ...(node !== undefined && { node }) });
    this.network.add(namespace);
    return namespace;
  }

  /** Makes the namespace that a frame is about to enter. */
  #create(name: string): NetworkNamespace | undefined {
    if (name === switchName) {
      const ns = this.#namespace(name);
      buildSwitch(ns, this.#cluster.nodes, (port, skb) => this.#heeds(port, skb));
      return ns;
    }
    if (name === routerName) {
      const ns = this.#namespace(name);
      buildRouter(ns, this.#underlay, this.#loadBalancerRoutes());
      endAtTheUnknown(ns, this.#cluster.settings);
      for (const [who, ports] of Object.entries(this.options.listens)) this.#openOutside(who, ports);
      return ns;
    }
    return (this.#nodes.get(name) ?? this.#makeNode(name))?.host;
  }

  /** A host outside that `listens` names. */
  #openOutside(who: string, ports: readonly ListenPort[]): void {
    const found = findWho(this.#cluster, who, this.options.namespace);
    if (isProblem(found) || found.kind !== "external") return;
    openServers(
      this.namespaceOf(found),
      ports.map((port) => ({ ...port, process: "server" })),
    );
  }

  #outside(address: Address): NetworkNamespace {
    const name = outsideName(address);
    const known = this.network.namespaces().find((namespace) => namespace.name === name);
    if (known) return known;
    const router = this.network.get(routerName) as NetworkNamespace;
    const ns = this.#namespace(name);
    buildOutside(router, ns, address, this.#underlay);
    return ns;
  }

  /** Load balancer and external addresses, which the router sends to the first node of their family. */
  #loadBalancerRoutes(): { readonly address: Address; readonly via: Address }[] {
    const nodes = this.#cluster.nodes.flatMap(({ status }) =>
      status.addresses.flatMap(({ type, address }) => (type === "InternalIP" ? (parseAddress(address) ?? []) : [])),
    );
    const texts = this.#cluster.services.flatMap(({ spec, status }) => [
      ...spec.externalIPs,
      ...status.loadBalancer.ingress.flatMap(({ ip }) => ip ?? []),
    ]);
    return [...new Set(texts)].flatMap((text) => {
      const address = parseAddress(text);
      const via = nodes.find((node) => typeof node === typeof address);
      return address === undefined || via === undefined || nodes.includes(address) ? [] : [{ address, via }];
    });
  }

  /** Makes an empty namespace for a pod. For RunningNode. */
  createPodNamespace(pod: Pod, node: string): NetworkNamespace {
    return this.#namespace(podNamespaceName(pod), node);
  }

  createHostNamespace(name: string): NetworkNamespace {
    return this.#namespace(name, name);
  }
}

export function podNamespaceName(pod: Pod): string {
  return `${pod.metadata.namespace}/${pod.metadata.name}`;
}

function nodeNameOf(pod: Pod): string {
  if (pod.spec.nodeName === undefined) throw new RangeError(`pod ${podNamespaceName(pod)} has no node`);
  return pod.spec.nodeName;
}

/** Whether a frame could be for a node with these addresses: all are, but questions for other hosts' Ethernet addresses. */
function concerns(addresses: readonly Address[], skb: Skb | ArpSkb): boolean {
  if (isArp(skb)) return addresses.includes(skb.arp.targetAddress);
  const { transport } = skb.packet;
  if (!("kind" in transport) || transport.kind !== "neighbour-solicitation") return true;
  return addresses.includes(transport.target);
}
