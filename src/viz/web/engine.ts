import type { Trace } from "../../trace/records.ts";
import exampleUrl from "../../../test/trace/fixtures/curl-across-nodes.json?url";
import type { RunReply, RunRequest } from "./protocol.ts";

/** Answers a request of the page. */
export async function simulate(request: RunRequest): Promise<RunReply> {
  const trace = (await (await fetch(exampleUrl)).json()) as Trace;
  return { id: request.id, kind: "trace", trace, flows: [{ name: "example", ...trace.probe }] };
}
