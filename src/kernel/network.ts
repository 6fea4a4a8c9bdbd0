import { packetBytes } from "../wire/packet.ts";
import { type Clock, nanosPerMilli } from "./clock.ts";
import type { Device } from "./device.ts";
import { drop } from "./drop.ts";
import type { NetworkNamespace, Wire } from "./namespace.ts";
import { receiveFrame } from "./receive.ts";
import { type ArpSkb, type Skb, createSkb, isArp } from "./skb.ts";

/** Latencies in nanoseconds where a link states none: a veth pair costs a soft interrupt, a cable a switch. */
const defaultLatencyNanos = { veth: 10_000, physical: nanosPerMilli / 10 };

/** An Ethernet header with a VLAN tag may stick out over the MTU (is_skb_forwardable). */
const vlanSlackBytes = 4;

/** Far more than a frame needs between two routers. */
const mostCrossings = 32;

/**
 * Bridges that form a loop by more than two links multiply a flooded frame at each turn. Real links are then full
 * and lose frames; here, of those that have crossed `manyCrossings` links, so many may be on the way at a time.
 */
const manyCrossings = 6;
const mostOfManyCrossings = 256;

/** The namespaces of a run and the cables between them. */
export class Network implements Wire {
  readonly #clock: Clock;
  readonly #namespaces = new Map<string, NetworkNamespace>();
  readonly #make: ((name: string) => NetworkNamespace | undefined) | undefined;
  readonly #entering: ((namespace: NetworkNamespace, skb: Skb | ArpSkb) => void) | undefined;
  readonly #latencies = new Map<string, number>();
  readonly #down = new Set<string>();
  /** Frames on the way that have crossed many links. */
  #circling = 0;

  /**
   * `make` builds a namespace when it is first asked for; what it returns is kept. `entering` sees every frame before
   * it enters a namespace.
   */
  constructor(
    clock: Clock,
    make?: (name: string) => NetworkNamespace | undefined,
    entering?: (namespace: NetworkNamespace, skb: Skb | ArpSkb) => void,
  ) {
    this.#clock = clock;
    this.#make = make;
    this.#entering = entering;
  }

  add(namespace: NetworkNamespace): void {
    this.#namespaces.set(namespace.name, namespace);
  }

  remove(name: string): void {
    this.#namespaces.delete(name);
  }

  /** The namespace of that name, made now when there is a factory for it. */
  get(name: string): NetworkNamespace | undefined {
    const known = this.#namespaces.get(name);
    if (known !== undefined || this.#make === undefined) return known;
    const made = this.#make(name);
    if (made !== undefined) this.#namespaces.set(name, made);
    return made;
  }

  /** Those that exist already. */
  namespaces(): readonly NetworkNamespace[] {
    return [...this.#namespaces.values()];
  }

  /** Time a frame takes from this device to its peer. */
  setLatency(namespace: string, device: string, nanos: number): void {
    this.#latencies.set(`${namespace}/${device}`, nanos);
  }

  /** Takes a namespace (`node-a`) or one end of a link (`node-a/eth0`) down: frames from and to it vanish. */
  setDown(what: string, down = true): void {
    if (down) this.#down.add(what);
    else this.#down.delete(what);
  }

  /** Whether a whole namespace was taken down. */
  isDown(namespace: string): boolean {
    return this.#down.has(namespace);
  }

  hasCarrier(device: Device): boolean {
    if (device.kind !== "veth" || device.peer === undefined) return true;
    // Asking makes no namespace: what does not run yet is up.
    return this.#namespaces.get(device.peer.namespace)?.devices.get(device.peer.device)?.up !== false;
  }

  transmit(from: NetworkNamespace, device: Device, skb: Skb | ArpSkb): void {
    if (device.kind !== "veth" && device.kind !== "physical") return;
    const { peer } = device;
    if (this.#isEndDown(from.name, device.name)) return drop(skb, "LINK_DOWN");
    if (peer === undefined) return drop(skb, "NO_PEER");
    const crossings = (skb.crossings ?? 0) + 1;
    const isCircling = crossings > manyCrossings;
    if (crossings > mostCrossings || (isCircling && this.#circling >= mostOfManyCrossings)) {
      return drop(skb, "FRAME_LOOP");
    }
    const latency =
      (this.#latencies.size > 0 ? this.#latencies.get(`${from.name}/${device.name}`) : undefined) ??
      defaultLatencyNanos[device.kind];
    const frame = crossing(skb, crossings);
    if (isCircling) this.#circling++;
    this.#clock.after(latency, () => {
      if (isCircling) this.#circling--;
      this.#arrive(peer.namespace, peer.device, frame);
    });
  }

  #arrive(namespace: string, device: string, skb: Skb | ArpSkb): void {
    if (this.#isEndDown(namespace, device)) return drop(skb, "LINK_DOWN");
    const ns = this.get(namespace);
    const end = ns?.devices.get(device);
    if (ns === undefined || end === undefined) return drop(skb, "NO_PEER");
    if (!isArp(skb) && packetBytes(skb.packet) > end.mtu + vlanSlackBytes) {
      return drop(
        skb,
        "MTU_EXCEEDED",
        `${device} takes frames of at most ${end.mtu} bytes of IP: this one has ${packetBytes(skb.packet)}.`,
      );
    }
    this.#entering?.(ns, skb);
    receiveFrame(ns, end, skb);
  }

  #isEndDown(namespace: string, device: string): boolean {
    return this.#down.size > 0 && (this.#down.has(namespace) || this.#down.has(`${namespace}/${device}`));
  }
}

/** What of a packet crosses a wire: the frame, the recorder, the flow key (skb_scrub_packet). */
function crossing(skb: Skb | ArpSkb, crossings: number): Skb | ArpSkb {
  const { flowKey, track } = skb;
  if (isArp(skb)) return { arp: skb.arp, srcMac: skb.srcMac, dstMac: skb.dstMac, flowKey, track, crossings };
  const { packet, srcMac, dstMac, inner, datagram } = skb;
  return createSkb({ packet, srcMac, dstMac, flowKey, track, inner, datagram, crossings });
}
