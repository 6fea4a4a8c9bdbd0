import type { Answer, DumpRequest, RunReply, RunRequest } from "./protocol.ts";
import type { Opening, Request, Store } from "./store.ts";

/** Sends requests to the worker and takes the answer to the last one. */
export class Runner {
  readonly #store: Store;
  /** Started when it is first needed: it is the largest part of the page. */
  #worker: Worker | undefined;
  #id = 0;
  /** The id of the run whose answer is awaited. */
  #last = 0;
  #opening: Opening = {};
  readonly #dumps = new Map<number, (text: string | undefined) => void>();

  constructor(store: Store) {
    this.#store = store;
  }

  run(request: Request, opening: Opening = {}): void {
    this.#last = ++this.#id;
    this.#opening = opening;
    this.#store.update({ busy: true, empty: false, doing: undefined, request });
    this.#started().postMessage({ id: this.#last, ...request } satisfies RunRequest);
  }

  /** The last request again, with other odds: a new seed draws every random choice anew. */
  again(): void {
    const { request, loaded } = this.#store.state;
    if (request === undefined) return;
    const { pins: _pins, ...rest } = request;
    this.run({ ...rest, seed: ((loaded?.trace.seed ?? 0) % 1_000_000) + 1 });
  }

  /** What a node holds, as text; undefined when the input has problems. */
  dump(request: Request, dump: DumpRequest["dump"]): Promise<string | undefined> {
    const id = ++this.#id;
    return new Promise((resolve) => {
      this.#dumps.set(id, resolve);
      this.#started().postMessage({ id, ...request, dump } satisfies DumpRequest);
    });
  }

  /** Gives up what is being computed. */
  cancel(): void {
    this.#last = ++this.#id;
    this.#worker?.terminate();
    this.#worker = undefined;
    for (const resolve of this.#dumps.values()) resolve(undefined);
    this.#dumps.clear();
    this.#store.update({ busy: false, doing: undefined });
  }

  /** The input is gone: what runs is of no use. */
  clear(): void {
    this.#last = ++this.#id;
    this.#store.update({ busy: false, empty: true, problems: [], failure: undefined });
  }

  /** Takes an answer that is known already. */
  preset(request: Request, answer: Answer, opening: Opening): void {
    this.#last = ++this.#id;
    this.#store.update({ request });
    this.#store.load(answer, request.file, opening);
  }

  /** Loads the engine before somebody asks for it. */
  warmUp(): void {
    this.#started();
  }

  #started(): Worker {
    this.#worker ??= this.#start();
    return this.#worker;
  }

  #start(): Worker {
    const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
    worker.addEventListener("message", (event: MessageEvent<RunReply>) => this.#take(event.data));
    worker.addEventListener("error", () =>
      this.#store.update({ busy: false, failure: "The engine could not be started." }),
    );
    return worker;
  }

  #take(reply: RunReply): void {
    const dump = this.#dumps.get(reply.id);
    if (dump) {
      this.#dumps.delete(reply.id);
      return dump(reply.kind === "dump" ? reply.text : undefined);
    }
    if (reply.id !== this.#last) return;
    switch (reply.kind) {
      case "trace":
        return this.#store.load(reply, this.#store.state.request?.file ?? "", this.#opening);
      case "problems":
        return this.#store.update({ busy: false, problems: reply.problems, failure: undefined });
      case "failed":
        return this.#store.update({ busy: false, failure: reply.message });
      case "progress": {
        const { doing, objects } = reply;
        return this.#store.update({
          doing: objects === undefined ? doing : `${doing}: ${objects.toLocaleString("en")} objects`,
        });
      }
      case "dump":
        return;
    }
  }
}
