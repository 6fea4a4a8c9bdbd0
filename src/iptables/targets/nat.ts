import type { NatRange } from "../../kernel/conntrack/table.ts";
import { primaryAddress, selectIPv6 } from "../../kernel/ip/source-address.ts";
import type { HookState } from "../../kernel/netfilter.ts";
import { type Address, address, familyOf, formatAddress, parseAddress } from "../../wire/address.ts";
import type { Draft, OptionReader } from "../option.ts";
import type { TargetModule, TargetVerdict } from "./module.ts";

interface PortSpan {
  readonly port?: number;
  /** End of a range of ports. */
  readonly lastPort?: number;
}

/** `-j DNAT --to-destination`, `-j SNAT --to-source`. */
export interface NatTarget extends PortSpan {
  readonly kind: "DNAT" | "SNAT";
  /** Absent: the address stays (`:53`). */
  readonly address?: Address;
  /** End of a range of addresses. */
  readonly lastAddress?: Address;
  readonly random?: true;
  readonly randomFully?: true;
  readonly persistent?: true;
}

/** `-j MASQUERADE`: SNAT to the address of the device the packet leaves by. */
export interface MasqueradeTarget extends PortSpan {
  readonly kind: "MASQUERADE";
  readonly random?: true;
  readonly randomFully?: true;
}

/** `-j REDIRECT`: DNAT to the incoming device's own address, or to loopback for local packets. */
export interface RedirectTarget extends PortSpan {
  readonly kind: "REDIRECT";
  readonly random?: true;
}

function readPorts(read: OptionReader, text: string): PortSpan {
  const [first = "", last] = text.split("-");
  const port = read.number(1, 65_535, first);
  const lastPort = last === undefined ? port : read.number(1, 65_535, last);
  if (port > lastPort) read.fail("BAD_RANGE", `${text} ends before it begins`);
  return { port, ...(lastPort !== port && { lastPort }) };
}

function printPorts({ port, lastPort }: PortSpan): string {
  return lastPort === undefined ? String(port) : `${port}-${lastPort}`;
}

/** Reads `ADDRESS[-ADDRESS][:PORT[-PORT]]`; IPv6 addresses with ports stand in brackets. */
function readTarget(draft: Draft<NatTarget>, read: OptionReader): void {
  const text = read.value();
  const form =
    /^\[(.*)\](?::(.*))?$/.exec(text) ?? (read.family === "ipv4" ? /^([^:]*)(?::(.*))?$/ : /^(.*)$/).exec(text);
  const [, addresses = "", ports] = form ?? [];
  const [first = "", last] = addresses.split("-");
  if (first !== "") draft.address = natAddress(read, first);
  if (last !== undefined && last !== first) draft.lastAddress = natAddress(read, last);
  if (ports !== undefined) Object.assign(draft, readPorts(read, ports));
  if (first === "" && ports === undefined) read.fail("BAD_ADDRESS", `${text} is not ADDRESS[:PORT]`);
}

function natAddress(read: OptionReader, text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === undefined || familyOf(parsed) !== read.family) {
    return read.fail("BAD_ADDRESS", `${text} is not an ${read.family === "ipv4" ? "IPv4" : "IPv6"} address`);
  }
  return parsed;
}

function printTarget(target: NatTarget): string {
  const { address: first, lastAddress, port } = target;
  const own = first === undefined ? "" : formatAddress(first);
  const range = lastAddress === undefined ? own : `${own}-${formatAddress(lastAddress)}`;
  if (port === undefined) return range;
  return `${typeof first === "bigint" ? `[${range}]` : range}:${printPorts(target)}`;
}

function flagsOf(target: { readonly random?: true; readonly randomFully?: true; readonly persistent?: true }): string {
  return (
    (target.random ? " --random" : "") +
    (target.randomFully ? " --random-fully" : "") +
    (target.persistent ? " --persistent" : "")
  );
}

function rangeOf(
  target: PortSpan & { readonly random?: true; readonly randomFully?: true; readonly persistent?: true },
  own: Address | undefined,
  last: Address | undefined,
): NatRange {
  return {
    ...(own !== undefined && { address: own }),
    ...(last !== undefined && { lastAddress: last }),
    ...(target.port !== undefined && { port: target.port }),
    ...(target.lastPort !== undefined && { lastPort: target.lastPort }),
    randomPort: target.randomFully ? "random-fully" : target.random ? "random" : "no",
    persistent: target.persistent === true,
  };
}

/** Settles one end of the connection by the range. */
export function bind(state: HookState, manip: "dst" | "src", range: NatRange): TargetVerdict {
  const verdict = state.namespace.conntrack.setupNat(state, manip, range);
  return verdict === "accept" ? "accept" : verdict === "unknown" ? "unknown" : "drop";
}

function natModule(kind: NatTarget["kind"], option: string): TargetModule<NatTarget> {
  return {
    options: {
      [option]: readTarget,
      "--random": (draft) => void (draft.random = true),
      "--random-fully": (draft) => void (draft.randomFully = true),
      "--persistent": (draft) => void (draft.persistent = true),
    },
    start: () => ({ kind }),
    finish(draft, read) {
      if (draft.address === undefined && draft.port === undefined)
        read.fail("MISSING_OPTION", `${kind} needs ${option}`);
      return { ...draft, kind };
    },
    print: (target) => `${option} ${printTarget(target)}${flagsOf(target)}`,
    run(target, evaluation) {
      const range = evaluation.targetMemory(() => rangeOf(target, target.address, target.lastAddress));
      return bind(evaluation.state, kind === "DNAT" ? "dst" : "src", range);
    },
    needsConntrack: true,
  };
}

export const dnat: TargetModule<NatTarget> = natModule("DNAT", "--to-destination");
export const snat: TargetModule<NatTarget> = natModule("SNAT", "--to-source");

export const masquerade: TargetModule<MasqueradeTarget> = {
  options: {
    "--to-ports": (draft, read) => void Object.assign(draft, readPorts(read, read.value())),
    "--random": (draft) => void (draft.random = true),
    "--random-fully": (draft) => void (draft.randomFully = true),
  },
  start: () => ({ kind: "MASQUERADE" }),
  print: (target) => `${target.port === undefined ? "" : `--to-ports ${printPorts(target)}`}${flagsOf(target)}`.trim(),
  run(target, { state }) {
    const { packet, route } = state.skb;
    // Source address 0.0.0.0 is left alone (nf_nat_masquerade_ipv4).
    if (packet.src === 0) return "accept";
    const { namespace, outDevice, family } = state;
    const own =
      outDevice &&
      (family === "ipv4"
        ? primaryAddress(namespace, outDevice, route?.nextHop ?? packet.dst)
        : selectIPv6(namespace, outDevice, packet.dst));
    return own === undefined ? "drop" : bind(state, "src", rangeOf(target, own, undefined));
  },
  needsConntrack: true,
};

export const redirect: TargetModule<RedirectTarget> = {
  options: {
    "--to-ports": (draft, read) => void Object.assign(draft, readPorts(read, read.value())),
    "--random": (draft) => void (draft.random = true),
  },
  start: () => ({ kind: "REDIRECT" }),
  print: (target) => `${target.port === undefined ? "" : `--to-ports ${printPorts(target)}`}${flagsOf(target)}`.trim(),
  run(target, { state }) {
    const family = state.family;
    const own =
      state.hook === "OUTPUT"
        ? address(family === "ipv4" ? "127.0.0.1" : "::1")
        : state.inDevice?.addresses.find((entry) => familyOf(entry.address) === family && entry.scope === "global")
            ?.address;
    return own === undefined ? "drop" : bind(state, "dst", rangeOf(target, own, undefined));
  },
  needsConntrack: true,
};
