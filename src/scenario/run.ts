import { explore } from "../analysis/explore.ts";
import type { ManifestSource } from "../cluster/load/load.ts";
import type { RecordLevel } from "../trace/recorder.ts";
import { findWho, isProblem } from "../sim/who.ts";
import type { Trace } from "../trace/records.ts";
import { type EventContext, EventError, applyEvent } from "./events.ts";
import { type ExpectationContext, failuresOf } from "./expect.ts";
import { type ClusterInput, type InputOptions, type InputProblems, loadInput } from "./input.ts";
import { type ParsedScenario, type ScenarioProblem, parseScenario } from "./parse.ts";
import { isRequestProblem, namespacesIn, probeIn, worldOf } from "./probe.ts";
import { type ReadFile, readNamed } from "./read-file.ts";
import type { Place, Scenario, ScenarioEvent, ScenarioFlow } from "./scenario.ts";

export interface FlowReport {
  readonly name: string;
  readonly place: Place;
  readonly trace: Trace;
  /** True when the flow states what it expects. */
  readonly expected: boolean;
  /** One sentence per expectation that was not met. */
  readonly failures: readonly string[];
}

export interface ScenarioReport {
  readonly name: string;
  readonly file: string;
  readonly about?: string;
  readonly flows: readonly FlowReport[];
}

export interface ScenarioRunOptions {
  readonly level?: RecordLevel;
  readonly seed?: number;
  readonly pins?: Readonly<Record<string, number>>;
}

/** Parses, builds and runs a scenario; all its problems at once when it cannot be run. */
export function runScenarioText(
  file: string,
  text: string,
  readFile: ReadFile,
  options: ScenarioRunOptions = {},
): ScenarioReport | InputProblems {
  const parsed = parseScenario(file, text);
  if ("problems" in parsed) return parsed;
  const input = readScenarioInput({ name: file, text }, parsed, readFile);
  if ("problems" in input) return input;
  return runScenario(file, parsed.scenario, input, readFile, options);
}

/** The cluster of a scenario: its own documents, then the manifests that it names, relative to its folder. */
export function readScenarioInput(
  file: ManifestSource,
  { scenario, hasManifests }: ParsedScenario,
  readFile: ReadFile,
  options: InputOptions = {},
): ClusterInput | InputProblems {
  const { nodes, seed, ...settings } = scenario.cluster;
  const own = hasManifests ? [{ ...file, skipDocuments: 1 }] : [];
  const named = scenario.manifests.map(({ path, place }) => readNamed(readFile, file.name, path, place));
  const missing = named.filter((read) => "code" in read);
  if (missing.length > 0) return { problems: missing };
  const input = loadInput([...own, ...(named as ManifestSource[])], {
    ...options,
    settings: { ...settings, ...options.settings },
    listens: scenario.listens,
    ...(scenario.upstream && { upstream: scenario.upstream }),
    ...((options.nodes ?? nodes) !== undefined && { nodes: options.nodes ?? nodes ?? 2 }),
    ...((options.seed ?? seed) !== undefined && { seed: options.seed ?? seed ?? 1 }),
  });
  if ("problems" in input) return input;
  const problems = listenersNobodyIs(file.name, scenario, input);
  return problems.length > 0 ? { problems } : input;
}

/** Keys of `listens` that name no pod, in a scenario whose pods are all there from the start. */
function listenersNobodyIs(
  file: string,
  { listenPlaces, events }: Scenario,
  { cluster, namespace }: ClusterInput,
): readonly ScenarioProblem[] {
  if (events.some(({ action }) => action === "apply")) return [];
  return [...listenPlaces].flatMap(([who, place]) => {
    const found = findWho(cluster, who, namespace);
    return isProblem(found) ? [{ code: found.code, file, ...place, message: `listens: ${found.message}` }] : [];
  });
}

/** Runs all flows of a scenario in one world, one after another, with its events in between. */
export function runScenario(
  file: string,
  scenario: Scenario,
  input: ClusterInput,
  readFile: ReadFile,
  options: ScenarioRunOptions = {},
): ScenarioReport | InputProblems {
  const run = (pins?: ScenarioRunOptions["pins"]): FlowRun =>
    runFlows(file, scenario, input, readFile, { ...options, ...(pins && { pins }) });
  const { traces, problems } = run();
  if (problems.length > 0) return { problems };
  const flows = scenario.flows.map((flow, index): FlowReport => {
    const trace = traces[index] as Trace;
    const context: ExpectationContext = {
      namespacesOf: (who) => namespacesIn(input.cluster, who, input.namespace),
      branches: () => explore((pins) => run(pins).traces[index] as Trace).branches.map((branch) => branch.trace),
    };
    return {
      name: flow.name,
      place: flow.place,
      trace,
      expected: flow.expect !== undefined,
      failures: flow.expect === undefined ? [] : failuresOf(trace, flow.expect, context),
    };
  });
  return { name: scenario.name, file, ...(scenario.about !== undefined && { about: scenario.about }), flows };
}

/** The traces of the flows, in their order, and the flows and events that name what does not exist. */
interface FlowRun {
  readonly traces: readonly (Trace | undefined)[];
  readonly problems: readonly ScenarioProblem[];
}

function runFlows(
  file: string,
  scenario: Scenario,
  input: ClusterInput,
  readFile: ReadFile,
  options: ScenarioRunOptions,
): FlowRun {
  const world = worldOf(input, options);
  const pending = scenario.events.toSorted((a, b) => a.atNanos - b.atNanos);
  const context: EventContext = { world, input, file, readFile, state: input.state };
  const problems: ScenarioProblem[] = [];
  const attempt = <T>(action: () => T): T | undefined => {
    try {
      return action();
    } catch (error) {
      if (!(error instanceof EventError || error instanceof ScenarioRequestError)) throw error;
      problems.push({ code: error.code, file, ...error.place, message: error.message });
      return undefined;
    }
  };
  const apply = (event: ScenarioEvent): void => attempt(() => applyEvent(context, event));
  const due = (untilNanos: number): void => {
    while ((pending[0]?.atNanos ?? Number.POSITIVE_INFINITY) <= untilNanos) {
      const event = pending.shift() as ScenarioEvent;
      world.clock.run({ untilNanos: event.atNanos });
      apply(event);
    }
  };
  const traces = scenario.flows.map((flow) => {
    const startNanos = Math.max(flow.atNanos ?? 0, world.clock.nowNanos());
    due(startNanos);
    world.clock.run({ untilNanos: startNanos });
    return attempt(() => runFlow(world, input, flow, pending, apply));
  });
  return { traces, problems };
}

/** Events that fall due while the flow runs happen in the middle of it. */
function runFlow(
  world: ReturnType<typeof worldOf>,
  input: ClusterInput,
  flow: ScenarioFlow,
  pending: ScenarioEvent[],
  apply: (event: ScenarioEvent) => void,
): Trace {
  const startNanos = world.clock.nowNanos();
  const timers = pending.map((event) =>
    world.clock.after(event.atNanos - startNanos, () => {
      pending.splice(pending.indexOf(event), 1);
      apply(event);
    }),
  );
  const trace = probeIn(world, input.namespace, { from: flow.from, run: flow.run });
  for (const timer of timers) timer.cancel();
  if (isRequestProblem(trace)) throw new ScenarioRequestError(trace.code, flow, trace.message);
  return trace;
}

/** A flow names a sender or probe that does not exist. */
export class ScenarioRequestError extends Error {
  readonly code: string;
  readonly place: Place;

  constructor(code: string, flow: ScenarioFlow, message: string) {
    super(message);
    this.code = code;
    this.place = flow.place;
  }
}
