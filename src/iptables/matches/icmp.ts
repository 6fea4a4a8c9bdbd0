import { icmpEchoType } from "../../trace/packet-record.ts";
import type { Transport } from "../../wire/packet.ts";
import { transportName } from "../protocols.ts";
import type { OptionReader } from "../option.ts";
import { type MatchModule, printOption } from "./module.ts";

/** `-m icmp --icmp-type`, `-m icmp6 --icmpv6-type`: a type and a range of codes (0 to 255: any). */
export interface IcmpMatch {
  readonly kind: "icmp" | "icmp6";
  /** 255: any type, in IPv4. */
  readonly type: number;
  readonly firstCode: number;
  readonly lastCode: number;
  readonly inverted: boolean;
}

type TypeAndCodes = Pick<IcmpMatch, "type" | "firstCode" | "lastCode">;

/** Names of types and codes: extensions/libxt_icmp.h. A code of -1 is any. */
const icmpNames: Readonly<Record<string, readonly [type: number, code: number]>> = {
  any: [255, -1],
  "echo-reply": [0, -1],
  pong: [0, -1],
  "destination-unreachable": [3, -1],
  "network-unreachable": [3, 0],
  "host-unreachable": [3, 1],
  "protocol-unreachable": [3, 2],
  "port-unreachable": [3, 3],
  "fragmentation-needed": [3, 4],
  "source-route-failed": [3, 5],
  "network-unknown": [3, 6],
  "host-unknown": [3, 7],
  "network-prohibited": [3, 9],
  "host-prohibited": [3, 10],
  "TOS-network-unreachable": [3, 11],
  "TOS-host-unreachable": [3, 12],
  "communication-prohibited": [3, 13],
  "host-precedence-violation": [3, 14],
  "precedence-cutoff": [3, 15],
  "source-quench": [4, -1],
  redirect: [5, -1],
  "network-redirect": [5, 0],
  "host-redirect": [5, 1],
  "TOS-network-redirect": [5, 2],
  "TOS-host-redirect": [5, 3],
  "echo-request": [8, -1],
  ping: [8, -1],
  "router-advertisement": [9, -1],
  "router-solicitation": [10, -1],
  "time-exceeded": [11, -1],
  "ttl-exceeded": [11, -1],
  "ttl-zero-during-transit": [11, 0],
  "ttl-zero-during-reassembly": [11, 1],
  "parameter-problem": [12, -1],
  "ip-header-bad": [12, 0],
  "required-option-missing": [12, 1],
  "timestamp-request": [13, -1],
  "timestamp-reply": [14, -1],
  "address-mask-request": [17, -1],
  "address-mask-reply": [18, -1],
};

const icmp6Names: typeof icmpNames = {
  "destination-unreachable": [1, -1],
  "no-route": [1, 0],
  "communication-prohibited": [1, 1],
  "beyond-scope": [1, 2],
  "address-unreachable": [1, 3],
  "port-unreachable": [1, 4],
  "failed-policy": [1, 5],
  "reject-route": [1, 6],
  "packet-too-big": [2, -1],
  "time-exceeded": [3, -1],
  "ttl-exceeded": [3, -1],
  "ttl-zero-during-transit": [3, 0],
  "ttl-zero-during-reassembly": [3, 1],
  "parameter-problem": [4, -1],
  "bad-header": [4, 0],
  "unknown-header-type": [4, 1],
  "unknown-option": [4, 2],
  "echo-request": [128, -1],
  ping: [128, -1],
  "echo-reply": [129, -1],
  pong: [129, -1],
  "router-solicitation": [133, -1],
  "router-advertisement": [134, -1],
  "neighbour-solicitation": [135, -1],
  "neighbor-solicitation": [135, -1],
  "neighbour-advertisement": [136, -1],
  "neighbor-advertisement": [136, -1],
  redirect: [137, -1],
};

/** The name of one type and code, as ipset prints it; undefined where there is none. */
export function icmpTypeName(protocol: "icmp" | "icmpv6", type: number, code: number): string | undefined {
  const names = Object.entries(protocol === "icmp" ? icmpNames : icmp6Names);
  const find = (wanted: number): string | undefined =>
    names.find(([, own]) => own[0] === type && own[1] === wanted)?.[0];
  const whole = find(-1);
  // A type that has codes of its own is no name for its code 0.
  return find(code) ?? (code === 0 && names.every(([, own]) => own[0] !== type || own[1] < 0) ? whole : undefined);
}

/** Type and code of such a name. */
export function icmpTypeByName(protocol: "icmp" | "icmpv6", name: string): readonly [number, number] | undefined {
  const names = protocol === "icmp" ? icmpNames : icmp6Names;
  const found = Object.hasOwn(names, name) ? names[name] : undefined;
  return found && [found[0], Math.max(0, found[1])];
}

function readType(names: typeof icmpNames, read: OptionReader): TypeAndCodes {
  const text = read.value();
  const named = Object.hasOwn(names, text) ? names[text] : undefined;
  if (named !== undefined) return span(named[0], named[1]);
  const [type = "", code] = text.split("/");
  return span(read.number(0, 255, type), code === undefined ? -1 : read.number(0, 255, code));
}

function span(type: number, code: number): TypeAndCodes {
  return { type, firstCode: code < 0 ? 0 : code, lastCode: code < 0 ? 255 : code };
}

function moduleOf(kind: IcmpMatch["kind"], option: string, names: typeof icmpNames): MatchModule<IcmpMatch> {
  const module: MatchModule<IcmpMatch> = {
    options: {
      [option]: (draft, read) => void Object.assign(draft, { inverted: read.inverted(), ...readType(names, read) }),
    },
    start: () => ({ kind }),
    finish({ type, firstCode = 0, lastCode = 255, inverted = false }, read) {
      if (type === undefined) return read.fail("MISSING_OPTION", `-m ${kind} needs ${option}`);
      return { kind, type, firstCode, lastCode, inverted };
    },
    print(match) {
      if (match.type === 255 && kind === "icmp") return printOption(match.inverted, option, "any");
      const code = match.firstCode === 0 && match.lastCode === 255 ? "" : `/${match.firstCode}`;
      return printOption(match.inverted, option, `${match.type}${code}`);
    },
    matches(match, { state }) {
      const { transport, fragment } = state.skb.packet;
      const protocol = kind === "icmp" ? "icmp" : "icmpv6";
      if (transport.protocol !== protocol || (fragment !== undefined && fragment.offset > 0)) return false;
      const [type, code] = icmpTypeOf(transport);
      const same = type === match.type && code >= match.firstCode && code <= match.lastCode;
      return ((match.type === 255 && kind === "icmp") || same) !== match.inverted;
    },
    explain(match, { state }) {
      const { transport } = state.skb.packet;
      const name = transportName(transport);
      const packet =
        transport.protocol === "icmp" || transport.protocol === "icmpv6"
          ? `${name} ${icmpTypeOf(transport).join("/")}`
          : name;
      return { term: module.print(match), packet };
    },
  };
  return module;
}

/** Type and code of an ICMP or ICMPv6 message. */
export function icmpTypeOf(transport: Transport & { readonly protocol: "icmp" | "icmpv6" }): [number, number] {
  switch (transport.kind) {
    case "error":
      return [transport.type, transport.code];
    case "neighbour-solicitation":
      return [135, 0];
    case "neighbour-advertisement":
      return [136, 0];
    case "echo-request":
    case "echo-reply":
      return [icmpEchoType(transport.protocol, transport.kind), 0];
  }
}

export const icmp: MatchModule<IcmpMatch> = moduleOf("icmp", "--icmp-type", icmpNames);
export const icmp6: MatchModule<IcmpMatch> = moduleOf("icmp6", "--icmpv6-type", icmp6Names);
