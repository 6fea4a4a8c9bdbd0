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
import type { InputOptions } from "../../scenario/input.ts";
import type { ParsedScenario } from "../../scenario/parse.ts";
import type { ManifestSource } from "../../cluster/load/load.ts";
import { runScenario } from "../../scenario/run.ts";
import type { Trace } from "../../trace/records.ts";
import { inventoryOf } from "./inventory-of.ts";
import type { Answer, OfferedFlow, Problem, RunRequest } from "./protocol.ts";
import { settingsOf } from "./settings-of.ts";

type InputProblem = InputProblems["problems"][number];
type Problems = { readonly problems: readonly Problem[] };
type Result = Answer | Problems;

/** What is run: a request without what only its sender needs. */
type Question = Omit<RunRequest, "id" | "beside">;

/** Told now and then while it works. */
export type Progress = (doing: string, objects?: number) => void;

/** A cluster with more pods is drawn only where packets go, unless somebody asks for all of it. */
const mostPodsDrawn = 10_000;

/** The input of a request, read and built. */
export interface Opened {
  readonly input: ClusterInput;
  readonly parsed?: ParsedScenario;
  readonly readFile: ReadFile;
}

/** A flow of a scenario, or one probe through its cluster or through plain manifests. `files` may be named by the text. */
export function answerOf(request: Question, files: ReadonlyMap<string, string>, progress: Progress = () => {}): Result {
  const opened = openInput(request, files, progress);
  if ("problems" in opened) return opened;
  progress("Sending the packets");
  const { input, parsed } = opened;
  const traced =
    parsed && request.probe === undefined ? scenarioFlow(request, parsed, opened) : oneProbe(request, input);
  if ("problems" in traced) return traced;
  const flows = parsed === undefined ? [{ name: "your own", ...traced.trace.probe }] : offered(parsed);
  const stated = new Set(Object.keys(parsed?.scenario.cluster ?? {}));
  const leftOut = request.whole === true || input.cluster.pods.length <= mostPodsDrawn ? 0 : input.cluster.pods.length;
  return {
    trace: traced.trace,
    flows,
    inventory: inventoryOf(leftOut > 0 ? { ...input.cluster, pods: [] } : input.cluster),
    settings: settingsOf(input.cluster, stated, traced.trace.seed),
    listens: listensOf(parsed),
    warnings: problemsOf({ problems: input.warnings }, request.file),
    notes: input.notes,
    ...(leftOut > 0 && { podsLeftOut: leftOut }),
  };
}

/** Reads the files of a request and lets the controllers work. */
export function openInput(
  request: Pick<Question, "file" | "text">,
  files: ReadonlyMap<string, string>,
  progress: Progress = () => {},
): Opened | Problems {
  const { file, text } = request;
  const readFile = (name: string): ManifestSource => {
    const found = files.get(name);
    if (found === undefined)
      throw new FileError(`the page cannot read ${name}; put its manifests below the scenario, after a line \`---\``);
    return { name, text: found };
  };
  progress("Reading");
  const options: InputOptions = { progress: (objects) => progress("Reading", objects) };
  if (!looksLikeScenario(text)) {
    const input = loadInput([{ name: file, text }], options);
    return "problems" in input ? { problems: problemsOf(input, file) } : { input, readFile };
  }
  const parsed = parseScenario(file, text);
  if ("problems" in parsed) return { problems: parsed.problems };
  const input = readScenarioInput({ name: file, text }, parsed, readFile, options);
  return "problems" in input ? { problems: problemsOf(input, file) } : { input, parsed, readFile };
}

function scenarioFlow(
  { file, flow, seed, pins }: Question,
  { scenario }: ParsedScenario,
  { input, readFile }: Opened,
): { readonly trace: Trace } | Problems {
  const report = runScenario(file, scenario, input, readFile, {
    level: "rule",
    ...(seed !== undefined && { seed }),
    ...(pins && { pins }),
  });
  if ("problems" in report) return { problems: problemsOf(report, file) };
  const chosen = report.flows[Math.min(flow, report.flows.length - 1)];
  return (
    chosen ?? {
      problems: [
        { code: "NO_FLOW", file, line: 1, column: 1, message: "the scenario has no flow; write one under `flows:`" },
      ],
    }
  );
}

function oneProbe(
  { file, seed, pins, ...request }: Question,
  input: ClusterInput,
): { readonly trace: Trace } | Problems {
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
  return { trace };
}

/** What to try when nobody has said: a pod calls a Service of its namespace that it is not itself behind. */
function firstProbe({ cluster }: ClusterInput): { readonly from: string; readonly run: string } | undefined {
  const { pods, services } = cluster;
  const isOwn = ({
    metadata: { namespace, name },
  }: {
    readonly metadata: { namespace: string; name: string };
  }): boolean => namespace !== "kube-system" && !(namespace === "default" && name === "kubernetes");
  const service = services.find(isOwn);
  const near = pods.filter(
    (pod) => isOwn(pod) && (service === undefined || pod.metadata.namespace === service.metadata.namespace),
  );
  const pod =
    near.find(({ metadata }) => service === undefined || !selects(service.spec.selector, metadata.labels)) ??
    near[0] ??
    pods.find(isOwn) ??
    pods[0];
  if (pod === undefined) return undefined;
  const { name, namespace } = pod.metadata;
  const port = service?.spec.ports.find(({ protocol }) => protocol === "TCP")?.port ?? 80;
  const host = service === undefined ? "localhost" : `${service.metadata.name}.${service.metadata.namespace}`;
  return { from: `${namespace}/pod/${name}`, run: `curl http://${host}${port === 80 ? "" : `:${port}`}` };
}

function selects(
  selector: Readonly<Record<string, string>> | undefined,
  labels: Readonly<Record<string, string>>,
): boolean {
  const entries = Object.entries(selector ?? {});
  return entries.length > 0 && entries.every(([key, value]) => labels[key] === value);
}

function offered({ scenario }: ParsedScenario): readonly OfferedFlow[] {
  return scenario.flows.map(({ name, from, run }) => ({ name, from, run }));
}

/** `{ "deploy/web": "8080, 53/udp" }`. */
function listensOf(parsed: ParsedScenario | undefined): Answer["listens"] {
  const stated = Object.entries(parsed?.scenario.listens ?? {});
  return Object.fromEntries(
    stated.map(([who, ports]) => [
      who,
      ports.map(({ port, protocol }) => (protocol === "tcp" ? String(port) : `${port}/${protocol}`)).join(", "),
    ]),
  );
}

function problemsOf({ problems }: InputProblems, file: string): readonly Problem[] {
  return problems.map((problem) => toProblem(problem, file));
}

function toProblem(problem: Problem | InputProblem, file: string): Problem {
  if ("line" in problem) return problem;
  const { code, message, fix, origin, severity } = problem;
  return {
    severity,
    code,
    message: `${message}; ${fix}`,
    file: origin?.file ?? file,
    line: origin?.line ?? 1,
    column: origin?.column ?? 1,
  };
}
