import { type Chance, seededChance } from "../kernel/chance.ts";
import { EventQueue, nanosPerMilli, wakeUpNanos } from "../kernel/clock.ts";
import { formatConnection } from "../kernel/conntrack/format.ts";
import { pathMtu } from "../kernel/ip/path-mtu.ts";
import type { KernelProfile, NetworkNamespace, Surroundings } from "../kernel/namespace.ts";
import { Network } from "../kernel/network.ts";
import { kernelProfiles } from "../kernel/profile.ts";

import type { Iptables } from "../iptables/netns.ts";
import type { TableName } from "../iptables/rule.ts";
import { type BuiltNamespace, buildTopology } from "../topology/build.ts";
import type { FlowLine } from "../topology/flow-line.ts";
import type { Topology } from "../topology/topology.ts";
import { Recorder } from "../trace/recorder.ts";
import type { Flow } from "../trace/records.ts";
import { type Address, address } from "../wire/address.ts";
import { type ClientResult, answerPayload, pass, runClient } from "./replay-client.ts";
import { type ReplayRecord, recordOf } from "./replay-record.ts";

/** One flow in the shape of the kernel cases' golden.json. */
export interface ReplayFlow extends ClientResult, ReplayRecord {
  readonly name: string;
  readonly from: string;
  readonly proto: string;
  readonly dst: string;
  readonly size?: number;
  /** Why the result is `unknown`: what is not modelled. */
  readonly unknownBecause?: readonly string[];
  /** What the sender's kernel then believes the path takes, bytes. */
  readonly pmtu?: number;
  /** By namespace, the connections after the exchange, before it is closed. */
  readonly conntrack: Readonly<Record<string, readonly string[]>>;
}

export interface ReplayOptions {
  readonly seed?: number;
  /** Option taken per choice id. */
  readonly pins?: Readonly<Record<string, number>>;
  /** Decides by chance instead of seed and pins. */
  readonly chance?: Chance;
  readonly profile?: KernelProfile;
  /** Runs only flows that say yes. */
  only?(flow: FlowLine): boolean;
  /** Called after each flow with what was recorded of it. */
  recorded?(flow: FlowLine, flows: readonly Flow[]): void;
}

/** Time between two flows: the ends of a connection are exchanged meanwhile. */
const gapNanos = 20 * nanosPerMilli;

/**
 * Builds a topology and runs its flows one after another in one world: neighbours, FDB and IPVS state stay;
 * connections and learned path MTUs are forgotten before each flow, unless it says `fresh=0`. Throws a TextError.
 */
export function replay(topology: Topology, options: ReplayOptions = {}): ReplayFlow[] {
  const { clock, recorder, built } = bootTopology(topology, options);
  const sized = topology.flows.some((flow) => flow.options["size"] !== undefined);
  const results: ReplayFlow[] = [];
  for (const flow of topology.flows) {
    if (options.only !== undefined && !options.only(flow)) continue;
    results.push(runFlow(flow, built, clock, recorder, sized));
    options.recorded?.(flow, recorder.flows as readonly Flow[]);
  }
  return results;
}

/** A topology that stands in the engine, its servers open. */
export interface BootedTopology {
  readonly clock: EventQueue;
  readonly recorder: Recorder;
  readonly built: ReadonlyMap<string, BuiltNamespace>;
}

/** Builds a topology as the recorder of the kernel cases did. Throws a TextError. */
export function bootTopology(topology: Topology, options: ReplayOptions = {}): BootedTopology {
  const clock = new EventQueue();
  const network = new Network(clock);
  const recorder = new Recorder("step", () => clock.nowNanos());
  const surroundings: Surroundings = {
    clock,
    chance: options.chance ?? seededChance(options.seed ?? 1, options.pins),
    wire: network,
    recorder,
    profile: options.profile ?? kernelProfiles["6.18"],
  };
  const built = buildTopology(topology, { network, surroundings });
  for (const own of built.values()) {
    addRecorderTable(own.iptables);
    openAnsweringServers(own);
  }
  return { clock, recorder, built };
}

function runFlow(
  line: FlowLine,
  built: ReadonlyMap<string, BuiltNamespace>,
  clock: EventQueue,
  recorder: Recorder,
  sized: boolean,
): ReplayFlow {
  const namespace = built.get(line.from)?.namespace;
  if (namespace === undefined) throw new RangeError(`flow ${line.name} starts in ${line.from}, which is no namespace`);
  const routes = line.options["size"] !== undefined;
  if (line.options["fresh"] !== "0") for (const { namespace } of built.values()) forget(namespace, { routes });
  const startNanos = clock.nowNanos();
  recorder.doubts = [];
  const flow = recorder.flow({ protocol: line.protocol, from: line.from, to: line.destination, purpose: line.name });
  const conntrack: Record<string, readonly string[]> = {};
  const ended = (): void => {
    for (const [name, own] of built) {
      const entries = own.namespace.conntrack.entries().map(formatConnection);
      if (entries.length > 0) conntrack[name] = entries.sort();
    }
  };
  const client = runClient(line, { clock, namespace, ended, ...(flow && { flow }) });
  pass(clock, gapNanos);
  const { size } = line.options;
  const believesMtu = size !== undefined && line.protocol !== "icmp";
  return {
    name: line.name,
    from: line.from,
    proto: line.protocol,
    dst: line.destination,
    ...client,
    ...(recorder.doubts.length > 0 && !certain.includes(client.result) && doubtful(recorder.doubts)),
    ...(size !== undefined && { size: Number(size) }),
    ...(believesMtu && {
      pmtu: pathMtu(namespace, address(line.destination.replace(/:\d+$/, "").replace(/[[\]]/g, ""))),
    }),
    ...recordOf(recorder.flows as readonly Flow[], startNanos, sized, (name) => built.get(name)?.iptables),
    conntrack,
  };
}

/** Results that stand whatever else was met on the way. */
const certain: readonly string[] = ["connected", "reply", "sent"];

/** Something that is not modelled could have made another result of it. */
function doubtful(reasons: readonly string[]): Pick<ReplayFlow, "result" | "unknownBecause"> {
  return { result: "unknown", unknownBecause: [...reasons] };
}

/** What the recorder did before each flow; route caches it flushed where sizes matter (`ip route flush cache`). */
export function forget(namespace: NetworkNamespace, { routes }: { readonly routes: boolean } = { routes: true }): void {
  namespace.conntrack.flush();
  if (routes) namespace.ip.exceptions.clear();
}

/** The recorder's TRACE rules stood in the raw tables of every namespace, so those existed everywhere. */
export function addRecorderTable(iptables: Iptables): void {
  for (const family of ["ipv4", "ipv6"] as const) {
    const table: TableName = "raw";
    if (iptables.ruleset(family).tables.has(table)) continue;
    const text = { family, tables: [{ table, commands: [] }] };
    iptables.restore(text);
  }
}

/** Servers that answer with who they are; TCP ones when the whole request has come. */
export function openAnsweringServers({ namespace, listens }: Pick<BuiltNamespace, "namespace" | "listens">): void {
  const { name, sockets, surroundings } = namespace;
  const later = (action: () => void): void => void surroundings.clock.after(wakeUpNanos, action);
  for (const { protocol, port, transparent = false } of listens) {
    if (protocol === "udp") {
      // The server tells the address that it was asked at: one socket per address stands for IP_PKTINFO.
      for (const own of ownAddresses(namespace)) {
        sockets.listen({
          protocol,
          port,
          address: own,
          process: "server",
          transparent,
          datagram: (socket, from) =>
            later(() => void socket.send(answerPayload(name, { address: own, port }, from), from)),
        });
      }
      continue;
    }
    sockets.listen({
      protocol,
      port,
      process: "server",
      transparent,
      accept: () => ({
        received: (connection) =>
          later(() => connection.send(answerPayload(name, connection.local, connection.remote))),
        ended: (connection) => later(() => connection.close()),
      }),
    });
  }
}

function ownAddresses(namespace: NetworkNamespace): Address[] {
  return [...namespace.devices.values()].flatMap(({ addresses }) => addresses.map((own) => own.address));
}
