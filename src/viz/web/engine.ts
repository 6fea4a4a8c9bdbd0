import { type Progress, answerOf, openInput } from "./answer.ts";
import type { DumpRequest, RunReply, RunRequest } from "./protocol.ts";
import { folderFiles } from "./samples.ts";

/** Answers a request of the page: a flow of a scenario, or one probe through its cluster or through plain manifests. */
export async function simulate(request: RunRequest | DumpRequest, progress: Progress): Promise<RunReply> {
  const beside = request.beside.map(({ name, text }) => [name, text] as const);
  const files = new Map([...(await folderFiles(request.text)), ...beside]);
  const { id } = request;
  if ("dump" in request) {
    const opened = openInput(request, files);
    if ("problems" in opened) return { id, kind: "problems", ...opened };
    const { dumpOf } = await import("./dump-of.ts");
    return { id, kind: "dump", text: dumpOf(opened.input, request.dump) };
  }
  const answer = answerOf(request, files, progress);
  return { id, ...("trace" in answer ? { kind: "trace", ...answer } : { kind: "problems", ...answer }) };
}
