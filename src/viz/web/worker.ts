import { simulate } from "./engine.ts";
import type { DumpRequest, RunReply, RunRequest } from "./protocol.ts";

/** Runs one request after the other; the page takes only the answer to its last one. */
addEventListener("message", (event: MessageEvent<RunRequest | DumpRequest>) => {
  const { id } = event.data;
  const progress = (doing: string, objects?: number): void =>
    postMessage({ id, kind: "progress", doing, ...(objects !== undefined && { objects }) } satisfies RunReply);
  simulate(event.data, progress).then(
    (reply) => postMessage(reply satisfies RunReply),
    (error: unknown) => postMessage({ id, kind: "failed", message: String(error) } satisfies RunReply),
  );
});
