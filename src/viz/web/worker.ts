import { simulate } from "./engine.ts";
import type { RunReply, RunRequest } from "./protocol.ts";

/** Runs one request after the other; the page takes only the answer to its last one. */
addEventListener("message", (event: MessageEvent<RunRequest>) => {
  const { id } = event.data;
  simulate(event.data).then(
    (reply) => postMessage(reply satisfies RunReply),
    (error: unknown) => postMessage({ id, kind: "failed", message: String(error) } satisfies RunReply),
  );
});
