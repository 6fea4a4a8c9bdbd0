import type { Iptables } from "../iptables/netns.ts";
import { applyEvent } from "../scenario/events.ts";
import type { ClusterInput } from "../scenario/input.ts";
import { worldOf } from "../scenario/probe.ts";
import type { ReadFile } from "../scenario/read-file.ts";
import type { Scenario } from "../scenario/scenario.ts";
import { parseProbe } from "../sim/probe/command.ts";
import type { ProbeRequest } from "../sim/simulation.ts";
import { findWho, isProblem } from "../sim/who.ts";
import type { World } from "../sim/world.ts";
import { bootAll } from "./plan.ts";

/** A scenario, loaded. */
export interface LoadedScenario {
  readonly file: string;
  readonly scenario: Scenario;
  readonly input: ClusterInput;
  readonly readFile: ReadFile;
}

/** A world at the moment in which a flow starts, and what is to be sent. */
export interface Stage {
  readonly world: World;
  readonly request: ProbeRequest;
}

/** A mistake in a scenario's flow. */
export class FlowProblem extends Error {}

/**
 * The world as flow number `index` finds it: everything is booted, the events before it have happened, no packet was
 * sent yet. Throws a FlowProblem when the flow names nobody, or no probe.
 */
export function stageOf(loaded: LoadedScenario, index: number, pins: Readonly<Record<string, number>> = {}): Stage {
  const { scenario, input, file, readFile } = loaded;
  const flow = scenario.flows[index];
  if (flow === undefined) throw new RangeError(`the scenario has no flow ${index}`);
  const world = worldOf(input, { level: "step", pins });
  bootAll(world);
  for (const { metadata } of world.cluster.nodes) addRawTables(world.node(metadata.name).iptables);
  const startNanos = Math.max(0, ...scenario.flows.slice(0, index + 1).map(({ atNanos = 0 }) => atNanos));
  const context = { world, input, file, readFile, state: input.state };
  for (const event of scenario.events.toSorted((a, b) => a.atNanos - b.atNanos)) {
    if (event.atNanos > startNanos) break;
    world.clock.run({ untilNanos: event.atNanos });
    applyEvent(context, event);
  }
  world.clock.run({ untilNanos: startNanos });
  const command = parseProbe(flow.run.trim().split(/\s+/));
  if ("code" in command) throw new FlowProblem(command.message);
  const who = findWho(world.cluster, flow.from, input.namespace);
  if (isProblem(who)) throw new FlowProblem(who.message);
  world.namespaceOf(who);
  return { world, request: { who, command, from: flow.from, run: flow.run } };
}

/** The kernel's trace is asked for in table raw, so that one exists on every node. */
function addRawTables(iptables: Iptables): void {
  for (const family of ["ipv4", "ipv6"] as const) {
    if (!iptables.ruleset(family).tables.has("raw"))
      iptables.restore({ family, tables: [{ table: "raw", commands: [] }] });
  }
}
