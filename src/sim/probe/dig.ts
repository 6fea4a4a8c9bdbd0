import { type Dug, dig } from "../../dns/resolver/dig.ts";
import { timedOut } from "../../dns/resolver/exchange.ts";
import type { Outcome } from "../../trace/records.ts";
import { formatAddress } from "../../wire/address.ts";
import type { Rcode } from "../../wire/dns.ts";
import { formatRecord } from "../../wire/dns-text.ts";
import type { ProbeCommand } from "./command.ts";
import type { ProbeResult, RunProbe } from "./probe.ts";

type DigCommand = Extract<ProbeCommand, { tool: "dig" }>;

/** dig 9.18: one question, as it stands; `+search` walks the search domains. */
export const runDig: RunProbe<DigCommand> = (command, context, done) => {
  const { name, type, server, search, tcp } = command;
  const resolver = context.resolver(`dig ${name} ${type}`, server);
  if ("reason" in resolver) {
    const { reason } = resolver;
    return done({ outcome: "unknown", message: reason, exitCode: 0, unknownBecause: [reason] });
  }
  const { conf, io } = resolver;
  const options = { conf, search, tcp, ...(server !== undefined && { server }) };
  dig({ name, type }, options, io, (dug) => done(resultOf(dug)));
};

/** bind9 lib/isc/result.c. */
const resultTexts: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset",
  EHOSTUNREACH: "host unreachable",
  ENETUNREACH: "network unreachable",
  EPERM: "permission denied",
  EACCES: "permission denied",
  ETIMEDOUT: "timed out",
};

function resultOf(dug: Dug): ProbeResult {
  if (dug.kind === "no-server") {
    const lines = dug.errors.map(
      ({ server, text }) => `;; communications error to ${formatAddress(server)}#53: ${resultTexts[text] ?? text}`,
    );
    const seen = new Set(dug.errors.map(({ text }) => text));
    return {
      outcome:
        seen.size === 1 && seen.has("ECONNREFUSED") ? "refused" : seen.has(timedOut) ? "timed-out" : "unreachable",
      message: [...lines, ";; no servers could be reached"].join("\n"),
      exitCode: 9,
    };
  }
  const { rcode, answer } = dug.message;
  const status = `status: ${rcode}, ANSWER: ${answer.length}`;
  return { outcome: outcomes[rcode], message: [status, ...answer.map(formatRecord)].join("\n"), exitCode: 0 };
}

const outcomes: Readonly<Record<Rcode, Outcome>> = {
  NOERROR: "answered",
  NXDOMAIN: "name-not-found",
  SERVFAIL: "dns-error",
  REFUSED: "dns-error",
  FORMERR: "dns-error",
  NOTIMP: "dns-error",
};
