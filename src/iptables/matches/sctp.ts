import { type SctpPacket, sctpChunks } from "../../wire/packet.ts";
import { transportName } from "../protocols.ts";
import type { OptionReader } from "../option.ts";
import { type MatchModule, printOption } from "./module.ts";
import { type PortRange, explainPorts, inRange, printRange, readPortRange } from "./ranges.ts";

/** `--chunk-types any DATA:U,SACK`: one type of chunk, and which of its flags must be set (upper case) or not. */
export interface ChunkType {
  readonly type: number;
  readonly flags?: string;
}

/** `-m sctp`. */
export interface SctpMatch {
  readonly kind: "sctp";
  readonly srcPorts?: PortRange;
  readonly dstPorts?: PortRange;
  readonly chunks?: {
    readonly mode: "any" | "all" | "only";
    /** In the order of their numbers. */
    readonly types: readonly ChunkType[];
    readonly inverted: boolean;
  };
}

/** Names and numbers of chunks (RFC 9260, 3.2; RFC 5061, 4758, 6525). extensions/libxt_sctp.c. */
const numbers: Readonly<Record<string, number>> = {
  DATA: 0,
  INIT: 1,
  INIT_ACK: 2,
  SACK: 3,
  HEARTBEAT: 4,
  HEARTBEAT_ACK: 5,
  ABORT: 6,
  SHUTDOWN: 7,
  SHUTDOWN_ACK: 8,
  ERROR: 9,
  COOKIE_ECHO: 10,
  COOKIE_ACK: 11,
  ECN_ECNE: 12,
  ECN_CWR: 13,
  SHUTDOWN_COMPLETE: 14,
  I_DATA: 64,
  RE_CONFIG: 130,
  PAD: 132,
  ASCONF: 193,
  ASCONF_ACK: 128,
  FORWARD_TSN: 192,
  I_FORWARD_TSN: 194,
};

function numbersOf(packet: SctpPacket): readonly number[] {
  return sctpChunks(packet).map((chunk) => numbers[chunk.toUpperCase().replaceAll("-", "_")] ?? -1);
}

const allTypes = 256;

function readChunks(read: OptionReader): NonNullable<SctpMatch["chunks"]> {
  const inverted = read.inverted();
  const mode = read.value();
  if (mode !== "any" && mode !== "all" && mode !== "only")
    return read.fail("BAD_VALUE", `${mode} is not all, any or only`);
  const text = read.value();
  if (text === "NONE") return { mode, types: [], inverted };
  if (text === "ALL") {
    return { mode, types: Array.from({ length: allTypes }, (_, type) => ({ type })), inverted };
  }
  const types = text.split(",").map((word): ChunkType => {
    const [name = "", flags] = word.split(":");
    const type = Object.hasOwn(numbers, name.toUpperCase()) ? numbers[name.toUpperCase()] : undefined;
    if (type === undefined) return read.fail("BAD_CHUNK", `${name} is not a type of chunk`);
    return flags === undefined ? { type } : { type, flags };
  });
  return { mode, types: types.sort((a, b) => a.type - b.type), inverted };
}

function printChunks({ mode, types, inverted }: NonNullable<SctpMatch["chunks"]>): string {
  const nameOf = (type: number): string => Object.keys(numbers).find((name) => numbers[name] === type) ?? String(type);
  const words = types.map(({ type, flags }) => `${nameOf(type)}${flags === undefined ? "" : `:${flags}`}`);
  const text = types.length === allTypes ? "ALL" : types.length === 0 ? "NONE" : words.join(",");
  return printOption(inverted, "--chunk-types", `${mode} ${text}`);
}

/** match_packet() of net/netfilter/xt_sctp.c; the flags of chunks are not modelled. */
function chunkHolds({ mode, types }: NonNullable<SctpMatch["chunks"]>, packet: SctpPacket): boolean | undefined {
  const own = numbersOf(packet);
  const found = types.filter(({ type }) => own.includes(type));
  if (mode === "all" && found.length < types.length) return false;
  if (mode === "only" && !own.every((number) => found.some(({ type }) => type === number))) return false;
  if (found.some(({ flags }) => flags !== undefined)) return undefined;
  return mode === "all" || found.length > 0;
}

export const sctp: MatchModule<SctpMatch> = {
  options: {
    "--sport": (draft, read) => void (draft.srcPorts = readPortRange(read)),
    "--source-port": (draft, read) => void (draft.srcPorts = readPortRange(read)),
    "--dport": (draft, read) => void (draft.dstPorts = readPortRange(read)),
    "--destination-port": (draft, read) => void (draft.dstPorts = readPortRange(read)),
    "--chunk-types": (draft, read) => void (draft.chunks = readChunks(read)),
  },
  start: () => ({ kind: "sctp" }),
  print: ({ srcPorts, dstPorts, chunks }) =>
    [
      ...printRange("--sport", srcPorts),
      ...printRange("--dport", dstPorts),
      ...(chunks ? [printChunks(chunks)] : []),
    ].join(" "),
  matches(match, { state }) {
    const { transport, fragment } = state.skb.packet;
    if (transport.protocol !== "sctp" || (fragment !== undefined && fragment.offset > 0)) return false;
    if (match.srcPorts !== undefined && !inRange(match.srcPorts, transport.srcPort)) return false;
    if (match.dstPorts !== undefined && !inRange(match.dstPorts, transport.dstPort)) return false;
    if (match.chunks === undefined) return true;
    const holds = chunkHolds(match.chunks, transport);
    return holds === undefined ? undefined : holds !== match.chunks.inverted;
  },
  explain(match, { state }) {
    const { transport } = state.skb.packet;
    if (transport.protocol !== "sctp") return { term: "-m sctp", packet: transportName(transport) };
    return explainPorts(match, transport) ?? { term: sctp.print(match), packet: sctpChunks(transport).join("+") };
  },
};
