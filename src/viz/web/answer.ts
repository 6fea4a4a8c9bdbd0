import {
  type ClusterInput,
  FileError,
  type InputProblems,
  type ReadFile,
  isRequestProblem,
  loadInput,
  looksLikeScenario,
  parseScenario,
  readScenarioInput,
  traceProbe,
} from "../../index.ts";
import type { ParsedScenario } from "../../scenario/parse.ts";
import type { ManifestSource } from "../../cluster/load/load.ts";
import { runScenario } from "../../scenario/run.ts";
import { inventoryOf } from "./inventory-of.ts";
import type { Answer, OfferedFlow, Problem, RunRequest } from "./protocol.ts";

type InputProblem = InputProblems["problems"][number];
type Result = Answer | { readonly problems: readonly Problem[] };

/** What is run: a request without what only its sender needs. */
type Question = Omit<RunRequest, "id" | "beside">;

/** A flow of a scenario, or one probe through its cluster or through plain manifests. `files` may be named by the text. */
export function answerOf(request: Question, files: ReadonlyMap<string, string>): Result {
  const readFile = (name: string): ManifestSource => {
    const text = files.get(name);
    if (text === undefined)
      throw new FileError(`the page cannot read ${name}; put its manifests below the scenario, after a line \`---\``);
    return { name, text };
  };
  if (!looksLikeScenario(request.text)) return manifestsAlone(request);
  const parsed = parseScenario(request.file, request.text);
  if ("problems" in parsed) return { problems: parsed.problems };
  const input = readScenarioInput({ name: request.file, text: request.text }, parsed, readFile);
  return request.probe === undefined
    ? scenarioFlow(request, parsed, input, readFile)
    : oneProbe(request, input, offered(parsed));
}

function scenarioFlow(
  { file, flow, seed, pins }: Question,
  parsed: ParsedScenario,
  input: ClusterInput | InputProblems,
  readFile: ReadFile,
): Result {
  if ("problems" in input) return { problems: input.problems.map((problem) => toProblem(problem, file)) };
  const report = runScenario(file, parsed.scenario, input, readFile, {
    level: "rule",
    ...(seed !== undefined && { seed }),
    ...(pins && { pins }),
  });
  if ("problems" in report) return { problems: report.problems.map((problem) => toProblem(problem, file)) };
  const chosen = report.flows[Math.min(flow, report.flows.length - 1)];
  if (!chosen)
    return {
      problems: [
        { code: "NO_FLOW", file, line: 1, column: 1, message: "the scenario has no flow; write one under `flows:`" },
      ],
    };
  return { trace: chosen.trace, flows: offered(parsed), inventory: inventoryOf(input.cluster) };
}

function manifestsAlone(request: Question): Result {
  return oneProbe(request, loadInput([{ name: request.file, text: request.text }]), []);
}

function oneProbe(request: Question, input: ClusterInput | InputProblems, flows: readonly OfferedFlow[]): Result {
  const { file, seed, pins } = request;
  if ("problems" in input) return { problems: input.problems.map((problem) => toProblem(problem, file)) };
  const probe = request.probe ?? firstProbe(input);
  if (probe === undefined)
    return { problems: [{ code: "NO_POD", file, line: 1, column: 1, message: "there is no pod to send from" }] };
  const trace = traceProbe(input, {
    ...probe,
    level: "rule",
    ...(seed !== undefined && { seed }),
    ...(pins && { pins }),
  });
  if (isRequestProblem(trace))
    return { problems: [{ code: trace.code, file, line: 1, column: 1, message: trace.message }] };
  return {
    trace,
    flows: flows.length > 0 ? flows : [{ name: "your own", ...probe }],
    inventory: inventoryOf(input.cluster),
  };
}

/** What to try when nobody has said: the first pod calls the first Service. */
function firstProbe({ cluster }: ClusterInput): { readonly from: string; readonly run: string } | undefined {
  const own = <T extends { readonly metadata: { readonly namespace: string } }>(all: readonly T[]): T | undefined =>
    all.find(({ metadata }) => !["kube-system", ""].includes(metadata.namespace)) ?? all[0];
  const pod = own(cluster.pods);
  const service = own(cluster.services);
  if (pod === undefined) return undefined;
  const { name, namespace } = pod.metadata;
  const target = service === undefined ? "localhost" : `${service.metadata.name}.${service.metadata.namespace}`;
  return { from: `${namespace}/pod/${name}`, run: `curl http://${target}` };
}

function offered({ scenario }: ParsedScenario): readonly OfferedFlow[] {
  return scenario.flows.map(({ name, from, run }) => ({ name, from, run }));
}

function toProblem(problem: Problem | InputProblem, file: string): Problem {
  if ("line" in problem) return problem;
  const { code, message, fix, origin } = problem;
  return {
    code,
    message: `${message}; ${fix}`,
    file: origin?.file ?? file,
    line: origin?.line ?? 1,
    column: origin?.column ?? 1,
  };
}
