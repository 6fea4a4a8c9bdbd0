import type { ResolverIo } from "../../dns/resolver/api.ts";
import type { ResolvConf } from "../../dns/resolver/conf.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { NetworkNamespace } from "../../kernel/namespace.ts";
import type { Errno, SocketError } from "../../kernel/socket/api.ts";
import type { FlowRecorder, FlowStart } from "../../trace/recorder.ts";
import type { Cause, Outcome } from "../../trace/records.ts";
import type { Address, Family } from "../../wire/address.ts";

/** What the application saw in the end. */
export interface ProbeResult {
  readonly outcome: Outcome;
  /** The text the tool prints. */
  readonly message: string;
  readonly exitCode: number;
  readonly errno?: Errno;
  readonly icmp?: { readonly type: number; readonly code: number };
  readonly unknownBecause?: readonly string[];
}

/** What name resolution gave. */
export type Resolution =
  | { readonly kind: "addresses"; readonly addresses: readonly Address[]; readonly cause?: Cause }
  | { readonly kind: "failed"; readonly error: "EAI_NONAME" | "EAI_AGAIN" | "EAI_FAIL"; readonly reason: string }
  | { readonly kind: "unknown"; readonly reason: string };

/** What a running probe works with. */
export interface ProbeContext {
  readonly namespace: NetworkNamespace;
  readonly clock: Clock;
  /** Addresses of a host name, by the pod's stub resolver; a literal address comes back at once. */
  resolve(host: string, families: readonly Family[], done: (resolution: Resolution) => void): void;
  /** What a resolver of its own (dig) works with; a reason where nothing says which server to ask. */
  resolver(
    purpose: string,
    server: Address | undefined,
  ): { readonly conf: ResolvConf; readonly io: ResolverIo } | { readonly reason: string };
  openFlow(start: FlowStart): FlowRecorder | undefined;
  /** Names this probe's conversations in choice ids: `curl#1`. */
  readonly key: string;
}

/** A probe: starts, and calls `done` exactly once. */
export type RunProbe<C> = (command: C, context: ProbeContext, done: (result: ProbeResult) => void) => void;

/** The outcome that a failed connect or send means to its user. */
export function outcomeOf(error: SocketError): Outcome {
  switch (error.errno) {
    case "ECONNREFUSED":
      return "refused";
    case "ECONNRESET":
      return "reset";
    case "ETIMEDOUT":
      return "timed-out";
    case "EHOSTUNREACH":
    case "ENETUNREACH":
    case "EACCES":
    case "EPERM":
    case "EMSGSIZE":
    case "EPROTO":
    case "ENOPROTOOPT":
    case "EHOSTDOWN":
    case "ENONET":
    case "EOPNOTSUPP":
    case "EADDRINUSE":
    case "EADDRNOTAVAIL":
    case "EINVAL":
      return "unreachable";
  }
}

/** Errno and ICMP error of a socket error, as results carry them. */
export function errorDetails(error: SocketError): Pick<ProbeResult, "errno" | "icmp"> {
  const { errno, icmp } = error;
  return { errno, ...(icmp && { icmp: { type: icmp.type, code: icmp.code } }) };
}

/** Runs only the first of the calls to it. */
export function once<A extends readonly unknown[]>(action: (...args: A) => void): (...args: A) => void {
  let ran = false;
  return (...args) => {
    if (ran) return;
    ran = true;
    action(...args);
  };
}
