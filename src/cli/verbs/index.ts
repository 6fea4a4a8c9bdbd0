import type { Command } from "commander";
import type { Shell } from "../io.ts";

/** A verb of the command line. Its code, and with it the engine, is loaded when it is asked for. */
export interface Verb {
  readonly name: string;
  /** Flags and arguments in short, and what it does: the line of `kubehop --help`. */
  readonly usage: string;
  readonly does: string;
  load(): Promise<(shell: Shell) => Command>;
}

export const verbs: readonly Verb[] = [
  {
    name: "trace",
    usage: "[options] <probe...>",
    does: "send one probe through the simulated cluster and show every decision",
    load: async () => (await import("./trace.ts")).traceVerb,
  },
  {
    name: "run",
    usage: "[options] <scenario...>",
    does: "run scenario files and check what they expect",
    load: async () => (await import("./run.ts")).runVerb,
  },
  {
    name: "rules",
    usage: "[options]",
    does: "print the rules, sets, routes and devices of a node",
    load: async () => (await import("./rules.ts")).rulesVerb,
  },
  {
    name: "env",
    usage: "[options]",
    does: "print the variables that a pod has for Services",
    load: async () => (await import("./env.ts")).envVerb,
  },
  {
    name: "replay",
    usage: "[options] <dir>",
    does: "run the flows of a folder of plain Linux state and print what happened, as JSON",
    load: async () => (await import("./replay.ts")).replayVerb,
  },
  {
    name: "lab",
    usage: "[options] <what...>",
    does: "run flows on the real Linux kernel, too, and compare both traces (Linux, root)",
    load: async () => (await import("./lab.ts")).labVerb,
  },
  {
    name: "view",
    usage: "[options] [scenario]",
    does: "open the browser view (served on 127.0.0.1 only)",
    load: async () => (await import("./view.ts")).viewVerb,
  },
  {
    name: "schema",
    usage: "[options] <what>",
    does: "print the JSON Schema of scenario files or of traces",
    load: async () => (await import("./schema.ts")).schemaVerb,
  },
];
