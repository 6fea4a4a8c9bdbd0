import { formatConnection } from "../kernel/conntrack/format.ts";
import { recordOf } from "../sim/replay-record.ts";
import type { ProbeResult } from "../sim/probe/probe.ts";
import { simulate } from "../sim/simulation.ts";
import type { World } from "../sim/world.ts";
import { AgentProcess } from "./agent-process.ts";
import { type BuiltNamespace, buildNamespaces, removeNamespaces } from "./build.ts";
import { essentials, whyNotHere } from "./capabilities.ts";
import { startCapture } from "./capture.ts";
import { type LabRecord, type Section, compare } from "./compare.ts";
import { probeOnLinux } from "./linux-probe.ts";
import { type TracedPacket, connections, frameLines, tracedPackets } from "./linux-record.ts";
import { type Conversations, LinuxSockets } from "./linux-sockets.ts";
import { pinsOf } from "./pins.ts";
import { type PlannedNamespace, planOf, tablesOf } from "./plan.ts";
import { realClock } from "./real-clock.ts";
import { type LoadedScenario, type Stage, stageOf } from "./stage.ts";

/** A flow that ran twice, or the reason why it did not. */
export type LabFlow = { readonly name: string; readonly from: string; readonly run: string } & (
  | { readonly skipped: string }
  | { readonly sections: readonly Section[]; readonly outcome: string }
);

export interface LabOptions {
  /** What this kernel lacks: `missingFeatures()`. */
  readonly missing: ReadonlyMap<string, string>;
  /** A probe that takes longer is given up. */
  readonly patienceSeconds: number;
}

/** The log of rules is handed over at the latest after this long (nfnetlink_log's flush timer). */
const ruleLogMillis = 1100;

/** Outcomes behind which there are time-outs: how often something was sent again is a matter of time. */
const slowOutcomes: readonly string[] = ["timed-out", "dns-error", "unreachable"];

/**
 * Runs one flow of a scenario twice, each time in a fresh world: on Linux, then in the engine, which takes the branches
 * that Linux took. To be called inside a private world. Throws a LabError when Linux refuses something.
 */
export async function runLabFlow(loaded: LoadedScenario, index: number, options: LabOptions): Promise<LabFlow> {
  const { name, from, run } = loaded.scenario.flows[index] as LoadedScenario["scenario"]["flows"][number];
  const about = { name, from, run };
  const stage = stageOf(loaded, index);
  const plan = planOf(stage.world);
  const skipped = whySkipped(stage, plan, options);
  if (skipped !== undefined) return { ...about, skipped };
  const linux = await runOnLinux(stage, plan, options);
  if (linux === undefined) {
    return { ...about, skipped: `it had not ended after ${options.patienceSeconds} seconds of real time` };
  }
  const second = stageOf(loaded, index, linux.pins);
  const engine = runInEngine(second);
  if (engine.outcome === "unknown")
    return { ...about, skipped: `kubehop itself says unknown: ${engine.record.result[1]}` };
  const firstOnly = slowOutcomes.includes(engine.outcome) || slowOutcomes.includes(linux.outcome);
  const { knownPorts } = linux;
  const sections = compare(linux.record, engine.record, { knownPorts, bridges: bridgesOf(plan), firstOnly });
  return { ...about, sections, outcome: linux.outcome };
}

function bridgesOf(plan: readonly PlannedNamespace[]): ReadonlySet<string> {
  const devices = plan.flatMap(({ ns }) => [...ns.devices.values()].map((device) => ({ ns, device })));
  return new Set(devices.flatMap(({ ns, device }) => (device.kind === "bridge" ? [`${ns.name} ${device.name}`] : [])));
}

function whySkipped(
  { world, request }: Stage,
  plan: readonly PlannedNamespace[],
  { missing }: LabOptions,
): string | undefined {
  const essential = essentials.find((feature) => missing.has(feature));
  if (essential !== undefined) return `this kernel lacks ${essential} (${missing.get(essential)})`;
  if (world.cluster.settings.proxyMode === "ipvs" && missing.has("ip_vs")) {
    return `nodes balance with IPVS, and there is no ip_vs here (${missing.get("ip_vs")})`;
  }
  if (world.network.isDown(world.namespaceOf(request.who).name)) return "the sender itself has no power";
  return whyNotHere(plan, missing);
}

interface LinuxRun {
  readonly outcome: string;
  readonly record: LabRecord;
  readonly pins: Readonly<Record<string, number>>;
  readonly knownPorts: ReadonlySet<number>;
}

async function runOnLinux(
  { world, request }: Stage,
  plan: readonly PlannedNamespace[],
  { patienceSeconds }: LabOptions,
): Promise<LinuxRun | undefined> {
  const conversations: Conversations = { flowKeys: new Map(), ports: new Set() };
  const running: { stop(): void }[] = [];
  try {
    const built = await buildNamespaces(plan);
    const sockets = await openSockets(built, conversations, running);
    const capture = await startCapture(built);
    running.push(capture);
    running.push(keepTime(world));
    const sender = world.namespaceOf(request.who).name;
    const result = await probeOnLinux(world, request, sockets.get(sender) as LinuxSockets, patienceSeconds);
    if (result === undefined) return undefined;
    const lit = built.filter(({ dark }) => !dark);
    const conntrack = Object.fromEntries(lit.map(({ ns, id }) => [ns.name, connections(id)]));
    await new Promise((resolve) => setTimeout(resolve, ruleLogMillis));
    const traced = new Map(
      lit.map((own): [string, readonly TracedPacket[]] => [
        own.ns.name,
        tracedPackets(capture.rules.get(own.ns.name) ?? [], own),
      ]),
    );
    return {
      outcome: result.outcome,
      record: {
        result: resultLines(result),
        trace: Object.fromEntries([...traced].filter(([, packets]) => packets.length > 0)),
        wire: frameLines(capture.frames),
        conntrack,
      },
      pins: pinsOf(built, traced, conversations.flowKeys),
      knownPorts: conversations.ports,
    };
  } finally {
    for (const process of running) process.stop();
    removeNamespaces(plan);
  }
}

/** The clock of a world whose servers answer on Linux goes as the clock of the wall does. */
function keepTime(world: World): { stop(): void } {
  const clock = realClock(world.clock.nowNanos());
  const timer = setInterval(() => world.clock.run({ untilNanos: clock.nowNanos() }), 1);
  return { stop: () => clearInterval(timer) };
}

/** Real servers on every port that the engine's have, and an agent for the sender. */
async function openSockets(
  built: readonly BuiltNamespace[],
  conversations: Conversations,
  running: { stop(): void }[],
): Promise<ReadonlyMap<string, LinuxSockets>> {
  const own = built.filter(({ dark }) => !dark).map(({ ns, id }) => ({ ns, agent: new AgentProcess(id) }));
  running.push(...own.map(({ agent }) => agent));
  await Promise.all(own.map(({ agent }) => agent.ready()));
  const sockets = new Map(own.map(({ ns, agent }) => [ns.name, new LinuxSockets(ns, agent, conversations)]));
  for (const { ns } of own) for (const listener of ns.sockets.listeners) sockets.get(ns.name)?.listen(listener);
  await Promise.all([...sockets.values()].flatMap(({ opening }) => opening));
  return sockets;
}

function runInEngine({ world, request }: Stage): { readonly outcome: string; readonly record: LabRecord } {
  const startNanos = world.clock.nowNanos();
  const tables = tablesOf(world);
  const trace = simulate(world, request);
  const conntrack = world.network
    .namespaces()
    .filter(({ name }) => !world.network.isDown(name))
    .map((ns): [string, readonly string[]] => [ns.name, ns.conntrack.entries().map(formatConnection).sort()]);
  return {
    outcome: trace.outcome,
    record: {
      result: resultLines(trace),
      ...recordOf(trace.flows, startNanos, false, (name) => tables.get(name)),
      conntrack: Object.fromEntries(conntrack),
    },
  };
}

/** Outcome, exit code and the tool's words, without the milliseconds in them. */
function resultLines({ outcome, exitCode, message }: Pick<ProbeResult, "outcome" | "exitCode" | "message">): string[] {
  const words = message.replace(/\b\d+ (ms|milliseconds)\b/g, "* $1");
  return [outcome, `exit code ${exitCode}`, ...words.split("\n")];
}
