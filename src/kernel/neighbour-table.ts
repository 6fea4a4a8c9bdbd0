import type { FlowRecorder } from "../trace/recorder.ts";
import type { NeighbourStep, Owner, StateChange } from "../trace/records.ts";
import { type Address, familyOf, formatAddress } from "../wire/address.ts";
import type { Mac } from "../wire/mac.ts";
import { requestArp } from "./arp.ts";
import { type Timer, nanosPerMilli, nanosPerSecond } from "./clock.ts";
import type { Device } from "./device.ts";
import { drop } from "./drop.ts";
import type { NetworkNamespace } from "./namespace.ts";
import { solicitNeighbour } from "./ndp.ts";
import type { Neighbour, Neighbours } from "./neighbour.ts";
import type { Skb } from "./skb.ts";

interface Waiting {
  readonly skb: Skb;
  readonly send: (mac: Mac) => void;
  readonly failed: () => void;
}

interface Entry extends Neighbour {
  /** A frame was sent to it, so its header is cached (neigh->hh). */
  used: boolean;
  /** Until then a REACHABLE entry needs no new confirmation. */
  reachableUntilNanos: number;
  /** When somebody last said its MAC. */
  updatedNanos: number;
  probes: number;
  queue: Waiting[];
  timer: Timer | undefined;
  flow: FlowRecorder | undefined;
}

/** The conversation of one resolution: its flow in the trace, and the packet that asked. */
export interface Solicitation {
  readonly device: Device;
  readonly target: Address;
  /** Known MAC that is only probed; absent: everybody on the link is asked. */
  readonly mac?: Mac;
  /** Source address of the packet that waits. */
  readonly forSource: Address | undefined;
  readonly flow: FlowRecorder | undefined;
  readonly attempt: number;
}

/**
 * The neighbour tables of a namespace: the state machine of net/core/neighbour.c. A reachable entry grows stale
 * when it is next looked at; nothing is collected as garbage.
 */
export class NeighbourTable implements Neighbours {
  readonly #devices = new Map<string, Map<Address, Entry>>();
  readonly #namespace: () => NetworkNamespace;
  /** The entry used last: one packet after the other goes to the same next hop. */
  #last: Entry | undefined;
  /** As `ip neigh show proxy` prints them. */
  readonly proxies: Set<string> = new Set();

  constructor(namespace: () => NetworkNamespace) {
    this.#namespace = namespace;
  }

  get(device: string, address: Address): Neighbour | undefined {
    const entry = this.#devices.get(device)?.get(address);
    if (entry !== undefined) this.#age(entry);
    return entry;
  }

  set(neighbour: Neighbour): void {
    const old = this.#devices.get(neighbour.device)?.get(neighbour.address);
    old?.timer?.cancel();
    const entry = this.#create(neighbour.device, neighbour.address, neighbour.state, neighbour.owner);
    if (neighbour.mac !== undefined) entry.mac = neighbour.mac;
    this.#confirm(entry);
    if (old !== undefined) entry.queue = old.queue;
    if (entry.mac !== undefined) this.#release(entry);
  }

  delete(device: string, address: Address): void {
    this.#last = undefined;
    const entries = this.#devices.get(device);
    entries?.get(address)?.timer?.cancel();
    entries?.delete(address);
  }

  setProxy(device: string, address: Address, on: boolean): void {
    const key = proxyKey(device, address);
    if (on) this.proxies.add(key);
    else this.proxies.delete(key);
  }

  isProxy(device: string, address: Address): boolean {
    return this.proxies.size > 0 && this.proxies.has(proxyKey(device, address));
  }

  entries(): readonly Neighbour[] {
    const all = [...this.#devices.values()].flatMap((entries) => [...entries.values()]);
    for (const entry of all) this.#age(entry);
    return all;
  }

  flush(device: string): void {
    this.#last = undefined;
    for (const entry of this.#devices.get(device)?.values() ?? []) entry.timer?.cancel();
    this.#devices.delete(device);
  }

  connected(device: string, address: Address): Mac | undefined {
    const entry = this.#devices.get(device)?.get(address);
    if (entry === undefined || !entry.used) return undefined;
    this.#age(entry);
    return entry.state === "REACHABLE" || entry.state === "PERMANENT" || entry.state === "NOARP"
      ? entry.mac
      : undefined;
  }

  usable(device: string, address: Address): Mac | undefined {
    const last = this.#last;
    const entry =
      last !== undefined && last.address === address && last.device === device
        ? last
        : this.#devices.get(device)?.get(address);
    if (entry === undefined) return undefined;
    this.#last = entry;
    this.#age(entry);
    switch (entry.state) {
      case "REACHABLE":
      case "DELAY":
      case "PROBE":
      case "PERMANENT":
      case "NOARP":
        entry.used = true;
        return entry.mac;
      case "STALE":
      case "FAILED":
      case "INCOMPLETE":
        return undefined;
    }
  }

  resolve(device: string, address: Address, skb: Skb, send: (mac: Mac) => void, failed: () => void): void {
    let entry = this.#devices.get(device)?.get(address);
    if (entry === undefined) entry = this.#create(device, address, "FAILED", undefined);
    else this.#age(entry);
    switch (entry.state) {
      case "STALE":
        this.#delay(entry);
        break;
      case "FAILED":
        this.#queue(entry, { skb, send, failed });
        this.#ask(entry, skb);
        return;
      case "INCOMPLETE":
        this.#queue(entry, { skb, send, failed });
        return;
      case "REACHABLE":
      case "DELAY":
      case "PROBE":
      case "PERMANENT":
      case "NOARP":
        break;
    }
    entry.used = true;
    send(entry.mac as Mac);
  }

  holds(flowKey: string): boolean {
    for (const entries of this.#devices.values()) {
      for (const { queue } of entries.values()) if (queue.some(({ skb }) => skb.flowKey === flowKey)) return true;
    }
    return false;
  }

  validOrAsk(device: string, address: Address, skb: Skb): boolean {
    const entry = this.#devices.get(device)?.get(address) ?? this.#create(device, address, "FAILED", undefined);
    this.#age(entry);
    if (entry.state === "FAILED") this.#ask(entry, skb);
    return entry.state !== "INCOMPLETE";
  }

  learn(
    device: string,
    address: Address,
    mac: Mac,
    options: { readonly create: boolean; readonly solicited: boolean; readonly override: boolean },
  ): StateChange | undefined {
    let entry = this.#devices.get(device)?.get(address);
    if (entry === undefined) {
      if (!options.create) return undefined;
      entry = this.#create(device, address, "FAILED", undefined);
    } else this.#age(entry);
    if (entry.state === "PERMANENT" || entry.state === "NOARP") return undefined;
    const before = textOf(entry);
    const valid = entry.state !== "INCOMPLETE" && entry.state !== "FAILED";
    if (valid && entry.mac !== mac && !options.override && this.#isLocked(entry)) return undefined;
    if (entry.mac !== mac || options.solicited) entry.updatedNanos = this.#now();
    if (options.solicited) {
      this.#stop(entry);
      entry.state = "REACHABLE";
      this.#confirm(entry);
    } else if (!valid || entry.mac !== mac) {
      this.#stop(entry);
      entry.state = "STALE";
    }
    entry.mac = mac;
    if (!valid) this.#release(entry);
    const after = textOf(entry);
    if (before === after) return undefined;
    const key = `${formatAddress(address)} dev ${device}`;
    return {
      table: "neighbour",
      action: before === "" ? "add" : "update",
      key,
      ...(before !== "" && { before }),
      after,
    };
  }

  #now(): number {
    return this.#namespace().surroundings.clock.nowNanos();
  }

  #create(device: string, address: Address, state: Neighbour["state"], owner: Owner | undefined): Entry {
    const entry: Entry = {
      device,
      address,
      state,
      ...(owner && { owner }),
      used: false,
      reachableUntilNanos: 0,
      updatedNanos: Number.NEGATIVE_INFINITY,
      probes: 0,
      queue: [],
      timer: undefined,
      flow: undefined,
    };
    this.#last = undefined;
    let entries = this.#devices.get(device);
    if (entries === undefined) this.#devices.set(device, (entries = new Map()));
    entries.set(address, entry);
    return entry;
  }

  #age(entry: Entry): void {
    if (entry.state !== "REACHABLE") return;
    if (this.#now() > entry.reachableUntilNanos) entry.state = "STALE";
  }

  #confirm(entry: Entry): void {
    entry.reachableUntilNanos = this.#now() + this.#setting(entry, "base_reachable_time_ms") * nanosPerMilli;
  }

  #setting(entry: Entry, key: string): number {
    const family = familyOf(entry.address);
    return this.#namespace().sysctls.get(`net.${family}.neigh.${entry.device}.${key}`);
  }

  /** LOCKTIME, in hundredths of a second: of answers that come one after the other the first counts. */
  #isLocked(entry: Entry): boolean {
    return this.#now() <= entry.updatedNanos + this.#setting(entry, "locktime") * 10 * nanosPerMilli;
  }

  #stop(entry: Entry): void {
    entry.timer?.cancel();
    entry.timer = undefined;
    entry.flow = undefined;
  }

  /** A stale entry is used as it is; if nobody confirms it within the delay, it is probed. */
  #delay(entry: Entry): void {
    entry.state = "DELAY";
    const delay = this.#setting(entry, "delay_first_probe_time") * nanosPerSecond;
    entry.timer = this.#namespace().surroundings.clock.after(delay, () => {
      entry.state = "PROBE";
      entry.probes = 0;
      this.#solicit(entry, undefined);
    });
  }

  #queue(entry: Entry, waiting: Waiting): void {
    entry.queue.push(waiting);
    const { track } = waiting.skb;
    if (track !== undefined) {
      track.step({
        ...placeOf(entry, "queue"),
      });
    }
    if (entry.queue.length <= this.#setting(entry, "unres_qlen")) return;
    const first = entry.queue.shift();
    if (first !== undefined) drop(first.skb, "NEIGHBOUR_QUEUE_FULL");
  }

  #ask(entry: Entry, skb: Skb): void {
    entry.state = "INCOMPLETE";
    entry.probes = 0;
    entry.flow = this.#openFlow(entry, skb);
    this.#solicit(entry, skb.packet.src);
  }

  #openFlow(entry: Entry, skb: Skb): FlowRecorder | undefined {
    const { track } = skb;
    if (track === undefined) return undefined;
    const target = formatAddress(entry.address);
    return this.#namespace().surroundings.recorder.flow({
      protocol: typeof entry.address === "number" ? "arp" : "ndp",
      from: this.#namespace().name,
      to: target,
      purpose: `who has ${target}?`,
      causedBy: track.cause("the next hop's link address is not known"),
    });
  }

  #solicit(entry: Entry, forSource: Address | undefined): void {
    const ns = this.#namespace();
    const device = ns.devices.get(entry.device);
    if (device === undefined) return;
    entry.probes++;
    const most = this.#setting(entry, entry.state === "PROBE" ? "ucast_solicit" : "mcast_solicit");
    const wait = this.#setting(entry, "retrans_time_ms") * nanosPerMilli;
    // The timer stands before the question leaves: the answer may come within this very call.
    entry.timer = ns.surroundings.clock.after(wait, () => {
      if (entry.probes < most) this.#solicit(entry, forSource);
      else this.#fail(entry);
    });
    const solicitation: Solicitation = {
      device,
      target: entry.address,
      ...(entry.state === "PROBE" && entry.mac !== undefined && { mac: entry.mac }),
      forSource,
      flow: entry.flow,
      attempt: entry.probes,
    };
    if (typeof entry.address === "number") requestArp(ns, solicitation);
    else solicitNeighbour(ns, solicitation);
  }

  #fail(entry: Entry): void {
    this.#stop(entry);
    entry.state = "FAILED";
    const queue = entry.queue.splice(0);
    for (const { skb, failed } of queue) {
      skb.track?.step({
        ...placeOf(entry, "failed"),
      });
      drop(skb, "NEIGHBOUR_FAILED");
      failed();
    }
  }

  /** Sends what waited, in the order it came. */
  #release(entry: Entry): void {
    for (const { skb, send, failed } of entry.queue.splice(0)) {
      this.resolve(entry.device, entry.address, skb, send, failed);
    }
  }
}

function proxyKey(device: string, address: Address): string {
  return `${formatAddress(address)} dev ${device}`;
}

function textOf(entry: Entry): string {
  return entry.mac === undefined ? "" : `lladdr ${entry.mac} ${entry.state}`;
}

function placeOf(
  entry: Neighbour,
  action: NeighbourStep["action"],
): Omit<NeighbourStep, "id" | "timeNanos" | "namespace" | "text"> {
  return {
    kind: "neighbour",
    action,
    address: formatAddress(entry.address),
    device: entry.device,
    ...(entry.mac !== undefined && { mac: entry.mac }),
    state: entry.state,
  };
}
