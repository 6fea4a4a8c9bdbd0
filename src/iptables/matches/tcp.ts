import { formatTcpFlags } from "../../trace/packet-record.ts";
import type { TcpFlags, TcpSegment } from "../../wire/packet.ts";
import { transportName } from "../protocols.ts";
import type { OptionReader } from "../option.ts";
import { type MatchModule, printOption } from "./module.ts";
import { type PortRange, explainPorts, inRange, printRange, readPortRange } from "./ranges.ts";

/** `-m tcp`: ports, flags and options of a TCP segment. Without any of them it matches every one. */
export interface TcpMatch {
  readonly kind: "tcp";
  readonly srcPorts?: PortRange;
  readonly dstPorts?: PortRange;
  /** `--tcp-flags MASK COMPARE` as header bits: FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32. */
  readonly flags?: { readonly mask: number; readonly compare: number; readonly inverted: boolean };
  /** `--tcp-option NUMBER`. */
  readonly option?: { readonly number: number; readonly inverted: boolean };
}

const flagBits = { FIN: 1, SYN: 2, RST: 4, PSH: 8, ACK: 16, URG: 32 } as const;
const allFlags = 63;

export const tcp: MatchModule<TcpMatch> = {
  options: {
    "--sport": (draft, read) => void (draft.srcPorts = readPortRange(read)),
    "--source-port": (draft, read) => void (draft.srcPorts = readPortRange(read)),
    "--dport": (draft, read) => void (draft.dstPorts = readPortRange(read)),
    "--destination-port": (draft, read) => void (draft.dstPorts = readPortRange(read)),
    "--tcp-flags": (draft, read) =>
      void (draft.flags = { inverted: read.inverted(), mask: readFlags(read), compare: readFlags(read) }),
    "--syn": (draft, read) => void (draft.flags = { inverted: read.inverted(), mask: 1 | 2 | 4 | 16, compare: 2 }),
    "--tcp-option": (draft, read) => void (draft.option = { inverted: read.inverted(), number: read.number(1, 255) }),
  },
  start: () => ({ kind: "tcp" }),
  print(match) {
    const { flags, option } = match;
    return [
      ...printRange("--sport", match.srcPorts),
      ...printRange("--dport", match.dstPorts),
      ...(option ? [printOption(option.inverted, "--tcp-option", String(option.number))] : []),
      // Without a mask nothing is compared, and nothing printed.
      ...(flags && (flags.mask !== 0 || flags.inverted)
        ? [printOption(flags.inverted, "--tcp-flags", `${printFlags(flags.mask)} ${printFlags(flags.compare)}`)]
        : []),
    ].join(" ");
  },
  matches(match, { state }) {
    const { transport, fragment } = state.skb.packet;
    if (transport.protocol !== "tcp" || (fragment !== undefined && fragment.offset > 0)) return false;
    if (match.srcPorts !== undefined && !inRange(match.srcPorts, transport.srcPort)) return false;
    if (match.dstPorts !== undefined && !inRange(match.dstPorts, transport.dstPort)) return false;
    if (match.flags !== undefined) {
      const { mask, compare, inverted } = match.flags;
      if (((bitsOf(transport.flags) & mask) === compare) === inverted) return false;
    }
    return match.option === undefined || hasOption(transport, match.option.number) !== match.option.inverted;
  },
  explain(match, { state }) {
    const { transport } = state.skb.packet;
    if (transport.protocol !== "tcp") return { term: "-m tcp", packet: transportName(transport) };
    return (
      explainPorts(match, transport) ?? { term: tcp.print(match), packet: `flags ${formatTcpFlags(transport.flags)}` }
    );
  },
};

/** Whether a segment of Linux carries the option: its SYNs have four, what follows has timestamps. RFC 9293, 7323, 2018. */
function hasOption(segment: TcpSegment, number: number): boolean {
  const isSyn = segment.flags.syn === true;
  switch (number) {
    case 1:
      return segment.noOptions !== true;
    case 2:
      return segment.mss !== undefined;
    case 3:
    case 4:
      return isSyn;
    case 5:
      return segment.sackBlocks !== undefined;
    case 8:
      return segment.noOptions !== true;
    default:
      return false;
  }
}

function bitsOf(flags: TcpFlags): number {
  return (
    (flags.fin === true ? 1 : 0) |
    (flags.syn === true ? 2 : 0) |
    (flags.rst === true ? 4 : 0) |
    (flags.psh === true ? 8 : 0) |
    (flags.ack === true ? 16 : 0) |
    (flags.urg === true ? 32 : 0)
  );
}

function readFlags(read: OptionReader): number {
  let bits = 0;
  for (const name of read.value().split(",")) {
    if (name === "ALL") bits = allFlags;
    else if (name !== "NONE") {
      if (!Object.hasOwn(flagBits, name))
        read.fail("BAD_FLAG", `${name} is not one of SYN,ACK,FIN,RST,URG,PSH,ALL,NONE`);
      bits |= flagBits[name as keyof typeof flagBits];
    }
  }
  return bits;
}

/** In the order of libxt_tcp: FIN,SYN,RST,PSH,ACK,URG. */
function printFlags(bits: number): string {
  const names = Object.entries(flagBits).filter(([, bit]) => (bits & bit) !== 0);
  return names.length === 0 ? "NONE" : names.map(([name]) => name).join(",");
}
