import type { ManifestSource } from "../cluster/load/load.ts";
import { explore } from "../analysis/explore.ts";
import type { Trace } from "../trace/records.ts";
import type { RecordLevel } from "../trace/recorder.ts";
import { type EventContext, applyEvent } from "./events.ts";
import { type ExpectationContext, failuresOf } from "./expect.ts";
import { type ClusterInput, type InputOptions, type InputProblems, loadInput } from "./input.ts";
import { type ParsedScenario, type ScenarioProblem, parseScenario } from "./parse.ts";
import { isRequestProblem, namespacesIn, probeIn, worldOf } from "./probe.ts";
import type { Place, Scenario, ScenarioEvent, ScenarioFlow } from "./scenario.ts";

/** Reads a file that a scenario names. */
export type ReadFile = (path: string) => ManifestSource;

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
): ScenarioReport | { readonly problems: readonly (ScenarioProblem | InputProblems["problems"][number])[] } {
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
  const named = scenario.manifests.map((path) => readFile(resolvePath(file.name, path)));
  return loadInput([...own, ...named], {
    ...options,
    settings: { ...settings, ...options.settings },
    listens: scenario.listens,
    ...(scenario.upstream && { upstream: scenario.upstream }),
    ...((options.nodes ?? nodes) !== undefined && { nodes: options.nodes ?? nodes ?? 2 }),
    ...((options.seed ?? seed) !== undefined && { seed: options.seed ?? seed ?? 1 }),
  });
}

/** `path` relative to the folder of `file`; `/` separates, as in URLs. */
export function resolvePath(file: string, path: string): string {
  if (path.startsWith("/")) return path;
  const folder = file.includes("/") ? file.slice(0, file.lastIndexOf("/") + 1) : "";
  const parts: string[] = [];
  for (const part of `${folder}${path}`.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== ".") parts.push(part);
  }
  return parts.join("/");
}

/** Runs all flows of a scenario in one world, one after another, with its events in between. */
export function runScenario(
  file: string,
  scenario: Scenario,
  input: ClusterInput,
  readFile: ReadFile,
  options: ScenarioRunOptions = {},
): ScenarioReport {
  const traces = runFlows(file, scenario, input, readFile, options);
  const flows = scenario.flows.map((flow, index): FlowReport => {
    const trace = traces[index] as Trace;
    const context: ExpectationContext = {
      namespacesOf: (who) => namespacesIn(input.cluster, who, input.namespace),
      branches: () =>
        explore((pins) => runFlows(file, scenario, input, readFile, { ...options, pins })[index] as Trace).branches.map(
          (branch) => branch.trace,
        ),
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

function runFlows(
  file: string,
  scenario: Scenario,
  input: ClusterInput,
  readFile: ReadFile,
  options: ScenarioRunOptions,
): Trace[] {
  const world = worldOf(input, options);
  const pending = scenario.events.toSorted((a, b) => a.atNanos - b.atNanos);
  const context: EventContext = { world, input, file, readFile, state: input.state };
  const due = (untilNanos: number): void => {
    while ((pending[0]?.atNanos ?? Number.POSITIVE_INFINITY) <= untilNanos) {
      const event = pending.shift() as ScenarioEvent;
      world.clock.run({ untilNanos: event.atNanos });
      applyEvent(context, event);
    }
  };
  return scenario.flows.map((flow) => {
    const startNanos = Math.max(flow.atNanos ?? 0, world.clock.nowNanos());
    due(startNanos);
    world.clock.run({ untilNanos: startNanos });
    return runFlow(world, input, flow, pending, (event) => applyEvent(context, event));
  });
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
