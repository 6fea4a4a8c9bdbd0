import { answerOf } from "./answer.ts";
import type { RunReply, RunRequest } from "./protocol.ts";
import { folderFiles } from "./samples.ts";

/** Answers a request of the page: a flow of a scenario, or one probe through its cluster or through plain manifests. */
export async function simulate(request: RunRequest): Promise<RunReply> {
  const beside = request.beside.map(({ name, text }) => [name, text] as const);
  const answer = answerOf(request, new Map([...(await folderFiles(request.text)), ...beside]));
  return { id: request.id, ...("trace" in answer ? { kind: "trace", ...answer } : { kind: "problems", ...answer }) };
}
