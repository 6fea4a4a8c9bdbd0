import { isNeighbourTalk } from "../trace/main-flow.ts";
import type { Flow, Hop, Step, Trace } from "../trace/records.ts";
import { type Inventory, emptyInventory } from "./inventory.ts";

/*
 * What a trace shows of the cluster: the places that its packets saw, nested as they are on a machine.
 *
 *   node ─▶ namespace ─▶ element: process (sends and receives), stack (routes and rules), bridge, tunnel, interface
 *   link: a cable between two interfaces, or the way inside a namespace
 */

export interface Scene {
  readonly nodes: readonly SceneNode[];
  /** Namespaces on no node: switches, routers, hosts outside. */
  readonly fabric: readonly SceneNamespace[];
  readonly links: readonly SceneLink[];
  /** In a large cluster the nodes that no packet saw, by zone and name. */
  readonly tiles: readonly SceneTile[];
}

export interface SceneTile {
  readonly name: string;
  readonly zone?: string;
  readonly pods: readonly string[];
}

export interface SceneNode {
  readonly name: string;
  readonly host: SceneNamespace;
  readonly pods: readonly SceneNamespace[];
  /** Its pods that no packet saw. */
  readonly idle: readonly string[];
}

export interface SceneNamespace {
  readonly name: string;
  readonly elements: readonly SceneElement[];
}

/** `state` is what a namespace remembers: its connections, a bridge's addresses. */
export type ElementKind = "process" | "stack" | "bridge" | "tunnel" | "interface" | "state";

export interface SceneElement {
  readonly id: string;
  readonly namespace: string;
  readonly kind: ElementKind;
  readonly name: string;
}

export interface SceneLink {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly kind: "cable" | "inside";
}

/** In a cluster of so many nodes all of them are drawn in full. */
const smallCluster = 5;

/** What goes over the loopback device never leaves the stack: it has no box of its own. */
export const loopback = "lo";

/** Names an element across scenes, so that a box keeps its place when the trace changes. */
export function elementId(namespace: string, name: string): string {
  return `${namespace}|${name}`;
}

export function stackId(namespace: string): string {
  return elementId(namespace, "#stack");
}

export function processId(namespace: string): string {
  return elementId(namespace, "#process");
}

/** The flows that tell the story; all of them where there is nothing but neighbour talk. */
export function mainFlows(trace: Trace): readonly Flow[] {
  const main = trace.flows.filter((flow) => !isNeighbourTalk(flow));
  return main.length > 0 ? main : trace.flows;
}

export function conntrackId(namespace: string): string {
  return elementId(namespace, "#conntrack");
}

export function fdbId(namespace: string, bridge: string): string {
  return elementId(namespace, `#fdb ${bridge}`);
}

/**
 * Collects every place of some flows, and what else is in the cluster; the order is by name, so that it does not depend
 * on the packets.
 */
export function buildScene(flows: readonly Flow[], inventory: Inventory = emptyInventory): Scene {
  const survey = new Survey(inventory);
  for (const flow of flows) {
    for (const step of flow.steps) survey.step(step);
    for (const packet of flow.packets) for (const hop of packet.hops) survey.hop(hop);
  }
  return survey.scene();
}

class Survey {
  readonly #nodeOf = new Map<string, string | undefined>();
  readonly #elements = new Map<string, SceneElement>();
  readonly #ports = new Map<string, string>();
  readonly #cables = new Map<string, string>();
  readonly #inventory: Inventory;
  #pods: ReadonlyMap<string, readonly string[]> | undefined;

  constructor(inventory: Inventory) {
    this.#inventory = inventory;
  }

  hop(hop: Hop): void {
    this.#namespace(hop.namespace, hop.node);
    if (hop.device !== undefined) this.#element(hop.namespace, hop.device, "interface");
    for (const step of hop.steps) this.step(step);
  }

  step(step: Step): void {
    const { namespace } = step;
    this.#namespace(namespace);
    switch (step.kind) {
      case "socket":
      case "resolver":
      case "timer":
      case "bpf":
      case "proxy":
        this.#process(step);
        break;
      case "device":
        this.#element(namespace, step.device, "interface");
        if (step.peer !== undefined) this.#cable(elementId(namespace, step.device), step.peer);
        break;
      case "bridge":
        this.#element(namespace, step.bridge, "bridge");
        this.#element(namespace, `#fdb ${step.bridge}`, "state", "FDB");
        for (const port of [step.inPort, ...(step.outPorts ?? [])]) {
          if (port === undefined || port === step.bridge) continue;
          this.#element(namespace, port, "interface");
          this.#ports.set(elementId(namespace, port), elementId(namespace, step.bridge));
        }
        break;
      case "tunnel":
        this.#element(namespace, step.tunnel, "tunnel");
        break;
      case "neighbour":
        this.#element(namespace, step.device, "interface");
        break;
      case "route":
        this.#stack(namespace);
        if (step.device !== undefined) this.#element(namespace, step.device, "interface");
        break;
      case "conntrack":
        this.#stack(namespace);
        this.#element(namespace, "#conntrack", "state", "conntrack");
        break;
      case "hook":
      case "rule":
      case "chain":
      case "map":
      case "nat":
      case "ipset":
      case "ipvs":
      case "icmp":
      case "drop":
        this.#stack(namespace);
        break;
    }
  }

  scene(): Scene {
    const elements = [...this.#elements.values()];
    const namespaces = [...this.#nodeOf.keys()].toSorted(compare).map((name): SceneNamespace => {
      const own = elements.filter((element) => element.namespace === name);
      return { name, elements: own.toSorted((a, b) => compare(a.id, b.id)) };
    });
    const seen = [...this.#nodeOf.values()].filter((name) => name !== undefined);
    const small = this.#inventory.nodes.length <= smallCluster ? this.#inventory.nodes.map(({ name }) => name) : [];
    const nodeNames = [...new Set([...seen, ...small])].toSorted(compare);
    const nodes = nodeNames.map((name): SceneNode => {
      const here = namespaces.filter((namespace) => this.#nodeOf.get(namespace.name) === name);
      const host = here.find((namespace) => namespace.name === name) ?? { name, elements: [] };
      const idle = this.#podsOn(name).filter((pod) => !this.#nodeOf.has(pod));
      return { name, host, pods: here.filter((namespace) => namespace !== host), idle };
    });
    const fabric = namespaces.filter((namespace) => this.#nodeOf.get(namespace.name) === undefined);
    const tiles = this.#inventory.nodes
      .filter(({ name }) => !nodeNames.includes(name))
      .map((node): SceneTile => ({ ...node, pods: this.#podsOn(node.name) }))
      .toSorted((a, b) => natural(a.zone ?? "", b.zone ?? "") || natural(a.name, b.name));
    return { nodes, fabric, links: this.#links(elements), tiles };
  }

  #podsOn(node: string): readonly string[] {
    return this.#byNode().get(node) ?? [];
  }

  #byNode(): ReadonlyMap<string, readonly string[]> {
    if (this.#pods) return this.#pods;
    const pods = new Map<string, string[]>();
    for (const { node, name } of this.#inventory.pods) {
      const known = pods.get(node);
      if (known) known.push(name);
      else pods.set(node, [name]);
    }
    for (const names of pods.values()) names.sort(natural);
    this.#pods = pods;
    return pods;
  }

  #links(elements: readonly SceneElement[]): SceneLink[] {
    const known = new Set(elements.map(({ id }) => id));
    const inside = elements
      .filter(({ kind }) => kind !== "stack" && kind !== "state")
      .map(({ id, namespace }) => link(id, this.#ports.get(id) ?? stackId(namespace), "inside"));
    const cables = [...this.#cables].map(([from, to]) => link(from, to, "cable"));
    const all = [...inside, ...cables].filter(({ from, to }) => known.has(from) && known.has(to));
    return [...new Map(all.map((one) => [one.id, one])).values()].toSorted((a, b) => compare(a.id, b.id));
  }

  #namespace(name: string, node?: string): void {
    if (!this.#nodeOf.has(name) || node !== undefined) this.#nodeOf.set(name, node);
  }

  #stack(namespace: string): void {
    this.#element(namespace, "#stack", "stack", "routes and rules");
  }

  #process(step: Step): void {
    const process = step.kind === "socket" ? step.process : undefined;
    const known = this.#elements.get(processId(step.namespace));
    // The name that matters is the application's; its resolver speaks first, but is only a part of it.
    const vague = known?.name === "process" || known?.name === "resolver";
    if (known === undefined || (vague && process !== undefined)) {
      this.#element(step.namespace, "#process", "process", process ?? "process");
    }
  }

  #element(namespace: string, key: string, kind: ElementKind, name = key): void {
    if (key === loopback) return this.#stack(namespace);
    const id = elementId(namespace, key);
    const known = this.#elements.get(id);
    // A bridge or tunnel may have been seen as a mere device before.
    if (known !== undefined && (kind === "interface" || known.kind === kind) && kind !== "process") return;
    this.#elements.set(id, { id, namespace, kind, name });
  }

  /** A packet that never arrived leaves its far end without a hop: a pod is then where its cable ends. */
  #cable(from: string, peer: string): void {
    const slash = peer.lastIndexOf("/");
    if (slash < 1) return;
    const namespace = peer.slice(0, slash);
    const here = from.slice(0, from.indexOf("|"));
    if (!this.#nodeOf.has(namespace))
      this.#namespace(namespace, namespace.includes("/") ? this.#nodeOf.get(here) : undefined);
    this.#element(namespace, peer.slice(slash + 1), "interface");
    this.#cables.set(from, elementId(namespace, peer.slice(slash + 1)));
  }
}

function link(a: string, b: string, kind: SceneLink["kind"]): SceneLink {
  const [from, to] = compare(a, b) <= 0 ? [a, b] : [b, a];
  return { id: `${from}--${to}`, from, to, kind };
}

/** Numbers in names count as numbers: n9 stands before n10. */
function natural(a: string, b: string): number {
  const key = (name: string): string => name.replaceAll(/\d+/g, (digits) => digits.padStart(9, "0"));
  return compare(key(a), key(b)) || compare(a, b);
}

/** By code units: the same on every machine. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
