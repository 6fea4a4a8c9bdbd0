import type { RunReply, RunRequest } from "./protocol.ts";
import type { Store } from "./store.ts";

/** Sends requests to the worker and takes the answer to the last one. */
export class Runner {
  readonly #worker: Worker;
  readonly #store: Store;
  #last = 0;
  #file = "";

  constructor(store: Store) {
    this.#store = store;
    this.#worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
    this.#worker.addEventListener("message", (event: MessageEvent<RunReply>) => this.#take(event.data));
    this.#worker.addEventListener("error", () =>
      store.update({ busy: false, failure: "The engine could not be started." }),
    );
  }

  run(request: Omit<RunRequest, "id">): void {
    this.#last++;
    this.#file = request.file;
    this.#store.update({ busy: true });
    this.#worker.postMessage({ id: this.#last, ...request } satisfies RunRequest);
  }

  #take(reply: RunReply): void {
    if (reply.id !== this.#last) return;
    switch (reply.kind) {
      case "trace":
        return this.#store.load(reply.trace, reply.flows, this.#file);
      case "problems":
        return this.#store.update({ busy: false, problems: reply.problems, failure: undefined });
      case "failed":
        return this.#store.update({ busy: false, failure: reply.message });
    }
  }
}
