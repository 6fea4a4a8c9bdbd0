import { createIptables } from "../../../src/iptables/netns.ts";
import { restoreSets, saveSets } from "../../../src/iptables/ipset/text.ts";
import { parseRestore } from "../../../src/iptables/parse.ts";
import { printRuleset } from "../../../src/iptables/print.ts";
import { addAddress, linkLocalOf, removeAddress } from "../../../src/kernel/address.ts";
import { seededChance } from "../../../src/kernel/chance.ts";
import { EventQueue, nanosPerSecond } from "../../../src/kernel/clock.ts";
import { formatEntry } from "../../../src/kernel/conntrack/format.ts";
import { addDevice, enslave, setUp } from "../../../src/kernel/link.ts";
import { createNamespace } from "../../../src/kernel/namespace-create.ts";
import type { NetworkNamespace } from "../../../src/kernel/namespace.ts";
import { kernelProfiles } from "../../../src/kernel/profile.ts";
import { receiveFrame } from "../../../src/kernel/receive.ts";
import { addRoute } from "../../../src/kernel/routes.ts";
import { createSkb, isArp } from "../../../src/kernel/skb.ts";
import { type RecordLevel, Recorder } from "../../../src/trace/recorder.ts";
import { address } from "../../../src/wire/address.ts";
import { cidr } from "../../../src/wire/cidr.ts";
import type { Mac } from "../../../src/wire/mac.ts";
import type { Packet } from "../../../src/wire/packet.ts";
import type { Load, Shown } from "./kernel.ts";
import { addresses, bridgeMac, defaultRoutes, farOf, hostOn, hosts, ports, sysctls } from "./layout.ts";

/** A packet with its link addresses, by the number of the far end it is sent from or arrives at. */
export interface NumberedPacket {
  readonly port: number;
  readonly srcMac: Mac;
  readonly dstMac: Mac;
  readonly packet: Packet;
}

/** The same router as KernelRouter, in the engine. */
export class EngineRouter {
  readonly #clock = new EventQueue();
  readonly recorder: Recorder;
  /** A port was drawn: the kernel draws another. */
  drewLots = false;
  readonly #namespace: NetworkNamespace;
  readonly #iptables: ReturnType<typeof createIptables>;
  #arrived: NumberedPacket[] = [];
  #sent = 0;

  constructor(load: Load, level: RecordLevel = "step") {
    this.recorder = new Recorder(level, () => this.#clock.nowNanos());
    const chance = seededChance(1);
    const ns = createNamespace({
      name: "r",
      surroundings: {
        clock: this.#clock,
        chance: {
          choose: (id, odds) => chance.choose(id, odds),
          integer: (id, below) => {
            this.drewLots = true;
            return chance.integer(id, below);
          },
        },
        recorder: this.recorder,
        profile: kernelProfiles["6.18"],
        wire: {
          transmit: (_, device, skb) => {
            const port = ports.findIndex((own) => own.device === device.name);
            if (isArp(skb) || skb.srcMac === undefined || skb.dstMac === undefined) return;
            this.#arrived.push({ port, srcMac: skb.srcMac, dstMac: skb.dstMac, packet: skb.packet });
          },
        },
      },
    });
    this.#namespace = ns;
    for (const { device, mac, far } of ports) {
      addDevice(ns, { kind: "veth", name: device, mac, peer: { namespace: "w", device: far } });
    }
    const bridge = addDevice(ns, { kind: "bridge", name: "br0", mac: bridgeMac });
    for (const port of ["bp0", "bp1"]) enslave(ns, port, "br0");
    if (bridge.kind === "bridge") {
      for (const { device, farMac } of ports.slice(2)) {
        bridge.fdb.set(farMac, { mac: farMac, port: device, permanent: false, updatedAtNanos: 0 });
      }
    }
    for (const device of ["in0", "out0", "bp0", "bp1", "br0"]) setUp(ns, device);
    // As addr_gen_mode says to the kernel.
    for (const device of ns.devices.values()) {
      if (device.name !== "lo") removeAddress(ns, device.name, linkLocalOf(device.mac));
    }
    for (const [name, value] of Object.entries(sysctls)) ns.sysctls.set(name, value);
    for (const [device, own, length] of addresses) {
      addAddress(ns, device, address(own), length);
      for (const host of hosts) {
        const mac = farOf(device, host).farMac;
        ns.neighbours.set({ device, address: address(hostOn(own, host)), mac, state: "PERMANENT" });
      }
    }
    for (const via of defaultRoutes.map(address)) {
      const destination = cidr(address(typeof via === "number" ? "0.0.0.0" : "::"), 0);
      addRoute(ns, { destination, via });
    }
    this.#iptables = createIptables(ns);
    restoreSets(this.#iptables.sets, load.sets, "sets");
    for (const family of ["ipv4", "ipv6"] as const) {
      this.#iptables.restore(parseRestore(load[family], { family }), { noFlush: false });
    }
  }

  /** Sends packets in order; what arrived at the far ends. */
  send(packets: readonly NumberedPacket[]): readonly NumberedPacket[] {
    this.#arrived = [];
    for (const { port, srcMac, dstMac, packet } of packets) {
      const flow = this.recorder.flow({ protocol: "ip", from: "w", to: "r", purpose: "differential test" });
      const track = flow?.packet("original");
      const device = this.#namespace.devices.get(ports[port]?.device ?? "");
      if (device === undefined) throw new Error(`no port ${port}`);
      const skb = createSkb({ packet, srcMac, dstMac, flowKey: `flow ${this.#sent++}`, ...(track && { track }) });
      receiveFrame(this.#namespace, device, skb);
      // As long as the real packets take, and no timer of a connection.
      this.#clock.run({ untilNanos: this.#clock.nowNanos() + nanosPerSecond / 1000 });
    }
    return this.#arrived;
  }

  show(): Shown {
    const connections = this.#namespace.conntrack.entries().map((entry) => formatEntry(entry, this.#clock.nowNanos()));
    const rules = (family: "ipv4" | "ipv6"): string => printRuleset(this.#iptables.ruleset(family), { counters: true });
    return { rules: { ipv4: rules("ipv4"), ipv6: rules("ipv6") }, sets: saveSets(this.#iptables.sets), connections };
  }
}
