import { type Iptables, createIptables } from "../../src/iptables/netns.ts";
import { type ParseOptions, parseRestore } from "../../src/iptables/parse.ts";
import { addAddress } from "../../src/kernel/address.ts";
import { seededChance } from "../../src/kernel/chance.ts";
import { EventQueue } from "../../src/kernel/clock.ts";
import type { Device } from "../../src/kernel/device.ts";
import { addDevice, setUp } from "../../src/kernel/link.ts";
import { createNamespace } from "../../src/kernel/namespace-create.ts";
import type { NetworkNamespace } from "../../src/kernel/namespace.ts";
import { type HookState, type HookVerdict, runHook } from "../../src/kernel/netfilter.ts";
import { Network } from "../../src/kernel/network.ts";
import { kernelProfiles } from "../../src/kernel/profile.ts";
import type { Skb } from "../../src/kernel/skb.ts";
import { type RecordLevel, Recorder } from "../../src/trace/recorder.ts";
import type { HookName, Step } from "../../src/trace/records.ts";
import { address } from "../../src/wire/address.ts";
import { type Packet, type Transport, emptyPayload } from "../../src/wire/packet.ts";

/** A node with eth0 (10.0.0.1/24) and cni0 (10.1.0.1/24), and iptables. */
export interface Node {
  readonly clock: EventQueue;
  readonly namespace: NetworkNamespace;
  readonly iptables: Iptables;
  readonly recorder: Recorder;
}

export function node(level: RecordLevel = "step", seed = 1): Node {
  const clock = new EventQueue();
  const recorder = new Recorder(level, () => clock.nowNanos());
  const surroundings = {
    clock,
    chance: seededChance(seed),
    wire: new Network(clock),
    recorder,
    profile: kernelProfiles["6.18"],
  };
  const namespace = createNamespace({ name: "node", surroundings });
  for (const [name, own] of [
    ["eth0", "10.0.0.1"],
    ["cni0", "10.1.0.1"],
  ] as const) {
    addDevice(namespace, { kind: "dummy", name });
    setUp(namespace, name);
    addAddress(namespace, name, address(own), 24);
  }
  return { clock, namespace, iptables: createIptables(namespace), recorder };
}

/** Loads iptables-save text. */
export function load({ iptables }: Node, text: string, family: ParseOptions["family"] = "ipv4"): void {
  iptables.restore(parseRestore(text, { family }), { noFlush: false });
}

export interface PacketSpec {
  readonly src?: string;
  readonly dst?: string;
  readonly transport?: Transport;
  readonly mark?: number;
  readonly hook?: HookName;
  readonly in?: string;
  readonly out?: string;
  readonly skb?: Partial<Skb>;
  readonly flowKey?: string;
}

export const tcpSyn: Transport = {
  protocol: "tcp",
  srcPort: 40_000,
  dstPort: 80,
  flags: { syn: true },
  seq: 0,
  ack: 0,
};

/** Sends one packet through one hook. */
export function send(
  { namespace, recorder }: Node,
  spec: PacketSpec = {},
): { readonly verdict: HookVerdict; readonly steps: readonly Step[]; readonly skb: Skb } {
  const packet: Packet = {
    kind: "ip",
    src: address(spec.src ?? "10.0.0.2"),
    dst: address(spec.dst ?? "10.1.0.2"),
    ttl: 63,
    dontFragment: true,
    id: 1,
    transport: spec.transport ?? tcpSyn,
    payload: emptyPayload,
  };
  const flow = recorder.flow({ protocol: "tcp", from: "a", to: "b", purpose: "test" });
  const track = flow?.packet("original");
  track?.enter({ namespace: namespace.name }, { body: packet });
  const skb: Skb = {
    packet,
    mark: spec.mark ?? 0,
    untracked: false,
    flowKey: spec.flowKey ?? "flow",
    track,
    ...spec.skb,
  };
  const device = (name: string | undefined): Device | undefined =>
    name === undefined ? undefined : namespace.devices.get(name);
  const inDevice = device(spec.in ?? "eth0");
  const outDevice = device(spec.out ?? "cni0");
  const state: HookState = {
    namespace,
    hook: spec.hook ?? "FORWARD",
    family: typeof packet.src === "number" ? "ipv4" : "ipv6",
    skb,
    ...(inDevice && { inDevice }),
    ...(outDevice && { outDevice }),
  };
  const verdict = runHook(state);
  return { verdict, steps: track?.packet.hops[0]?.steps ?? [], skb };
}
