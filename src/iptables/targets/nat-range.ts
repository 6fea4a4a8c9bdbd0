import type { NatRange } from "../../kernel/conntrack/table.ts";
import type { HookState } from "../../kernel/netfilter.ts";
import type { Address } from "../../wire/address.ts";
import type { OptionReader } from "../option.ts";
import { portOfService } from "../services.ts";
import type { TargetVerdict } from "./module.ts";

/* What all targets of the nat table share: ranges of ports, and how the kernel is asked for them. */

/** A port, or a range of ports, as `--to-ports` states it. */
export interface PortSpan {
  readonly port?: number;
  /** End of a range of ports. */
  readonly lastPort?: number;
  /** What stands behind the range of a DNAT after a slash: ports keep their distance from it. */
  readonly basePort?: number;
}

/** Reads `8080`, `http` or `8080-8090`. */
export function readPorts(read: OptionReader, text: string): PortSpan {
  const [first = "", last] = text.split("-");
  const bound = (word: string): number => portOfService(word) ?? read.number(1, 65_535, word);
  const port = bound(first);
  const lastPort = last === undefined ? port : bound(last);
  if (port > lastPort) read.fail("BAD_RANGE", `${text} ends before it begins`);
  return { port, ...(lastPort !== port && { lastPort }) };
}

export function printPorts({ port, lastPort, basePort }: PortSpan): string {
  return `${port}${lastPort === undefined ? "" : `-${lastPort}`}${basePort === undefined ? "" : `/${basePort}`}`;
}

/** The flags behind the range, each with a blank before it. */
export function flagsOf(target: {
  readonly random?: true;
  readonly randomFully?: true;
  readonly persistent?: true;
}): string {
  return (
    (target.random ? " --random" : "") +
    (target.randomFully ? " --random-fully" : "") +
    (target.persistent ? " --persistent" : "")
  );
}

/** The range as connection tracking takes it. */
export function rangeOf(
  target: PortSpan & { readonly random?: true; readonly randomFully?: true; readonly persistent?: true },
  own: Address | undefined,
  last: Address | undefined,
): NatRange {
  return {
    ...(own !== undefined && { address: own }),
    ...(last !== undefined && { lastAddress: last }),
    ...(target.port !== undefined && { port: target.port }),
    ...(target.lastPort !== undefined && { lastPort: target.lastPort }),
    ...(target.basePort !== undefined && { basePort: target.basePort }),
    randomPort: target.randomFully ? "random-fully" : target.random ? "random" : "no",
    persistent: target.persistent === true,
  };
}

/** Settles one end of the connection by the range. */
export function bind(state: HookState, manip: "dst" | "src", range: NatRange): TargetVerdict {
  const verdict = state.namespace.conntrack.setupNat(state, manip, range);
  return verdict === "accept" ? "accept" : verdict === "unknown" ? "unknown" : "drop";
}
