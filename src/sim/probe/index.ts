import type { ProbeCommand } from "./command.ts";
import { runCurl } from "./curl.ts";
import { runDig } from "./dig.ts";
import { runPing } from "./ping.ts";
import { runPort } from "./port.ts";
import type { RunProbe } from "./probe.ts";

/** Starts the probe that the command names. */
export const runProbe: RunProbe<ProbeCommand> = (command, context, done) => {
  switch (command.tool) {
    case "curl":
      return runCurl(command, context, done);
    case "dig":
      return runDig(command, context, done);
    case "ping":
      return runPing(command, context, done);
    case "tcp":
    case "udp":
    case "sctp":
      return runPort(command, context, done);
  }
};
