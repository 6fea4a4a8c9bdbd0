import {
  type ClusterInput,
  type InputProblems,
  type Trace,
  isRequestProblem,
  loadInput,
  looksLikeScenario,
  parseScenario,
  readScenarioInput,
  runScenarioText,
  traceProbe,
} from "../../index.ts";
import type { ParsedScenario } from "../../scenario/parse.ts";
import type { ManifestSource } from "../../cluster/load/load.ts";
import { ScenarioRequestError } from "../../scenario/run.ts";
import type { OfferedFlow, Problem, RunReply, RunRequest } from "./protocol.ts";
import { folderFiles } from "./samples.ts";

type InputProblem = InputProblems["problems"][number];
type Answer =
  | { readonly trace: Trace; readonly flows: readonly OfferedFlow[] }
  | { readonly problems: readonly Problem[] };

/** Answers a request of the page: a flow of a scenario, or one probe through its cluster or through plain manifests. */
export async function simulate(request: RunRequest): Promise<RunReply> {
  const answer = answerOf(request, await folderFiles(request.text));
  return { id: request.id, ...("trace" in answer ? { kind: "trace", ...answer } : { kind: "problems", ...answer }) };
}

function answerOf(request: RunRequest, files: ReadonlyMap<string, string>): Answer {
  const readFile = (name: string): ManifestSource => {
    const text = files.get(name);
    if (text === undefined) throw new MissingFileError(name);
    return { name, text };
  };
  try {
    if (!looksLikeScenario(request.text)) return manifestsAlone(request);
    const parsed = parseScenario(request.file, request.text);
    if ("problems" in parsed) return { problems: parsed.problems };
    return request.probe === undefined
      ? scenarioFlow(request, parsed, readFile)
      : oneProbe(
          request,
          readScenarioInput({ name: request.file, text: request.text }, parsed, readFile),
          offered(parsed),
        );
  } catch (error) {
    if (error instanceof ScenarioRequestError)
      return { problems: [{ code: error.code, file: request.file, ...error.place, message: error.message }] };
    if (error instanceof MissingFileError)
      return { problems: [{ code: "NO_SUCH_FILE", file: request.file, line: 1, column: 1, message: error.message }] };
    throw error;
  }
}

function scenarioFlow(request: RunRequest, parsed: ParsedScenario, readFile: (name: string) => ManifestSource): Answer {
  const { file, text, flow, seed, pins } = request;
  const report = runScenarioText(file, text, readFile, {
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
  return { trace: chosen.trace, flows: offered(parsed) };
}

function manifestsAlone(request: RunRequest): Answer {
  return oneProbe(request, loadInput([{ name: request.file, text: request.text }]), []);
}

function oneProbe(request: RunRequest, input: ClusterInput | InputProblems, flows: readonly OfferedFlow[]): Answer {
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
  return { trace, flows: flows.length > 0 ? flows : [{ name: "your own", ...probe }] };
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

class MissingFileError extends Error {
  constructor(name: string) {
    super(`the page cannot read ${name}; put its manifests below the scenario, after a line \`---\``);
  }
}
