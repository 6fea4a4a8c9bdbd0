import { protocolNumber } from "../../wire/packet.ts";
import { transportName } from "../protocols.ts";
import type { MatchModule } from "./module.ts";

/**
 * A match that is kept and printed but not modelled. Where every modelled term of its rule matches, the
 * verdict is unknown, unless it looks into a header that the packet has not.
 */
export interface UnmodelledMatch {
  readonly kind: "unmodelled";
  readonly name: string;
  /** The words behind `-m NAME`, as they were written, with their quotes. */
  readonly args: readonly string[];
}

/** Matches that track connections by being there. */
const ofConnections = new Set(["cluster", "connlabel", "helper"]);

/** The protocol whose header a match looks into: extension headers of IPv6, which no packet here has, and transports. */
const headers: Readonly<Record<string, number>> = {
  ah: 51,
  dccp: 33,
  dst: 60,
  esp: 50,
  hbh: 0,
  ipcomp: 108,
  mh: 135,
  rt: 43,
  srh: 43,
  udplite: 136,
};

export const unmodelled: MatchModule<UnmodelledMatch> = {
  options: {},
  start: () => ({ kind: "unmodelled" }),
  print: (match) => match.args.join(" "),
  matches({ name }, { state }) {
    const header = Object.hasOwn(headers, name) ? headers[name] : undefined;
    return header === undefined || header === protocolNumber(state.skb.packet.transport) ? undefined : false;
  },
  explain: (match, { state }) => ({
    term: `-m ${match.name} ${match.args.join(" ")}`.trim(),
    packet: transportName(state.skb.packet.transport),
  }),
  needsConntrack: (match) => ofConnections.has(match.name),
};
