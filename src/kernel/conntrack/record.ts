import { recordPacket } from "../../trace/packet-record.ts";
import { formatAddress, formatEndpoint } from "../../wire/address.ts";
import type { FieldChange, StateChange } from "../../trace/records.ts";
import type { Packet } from "../../wire/packet.ts";
import { hasPorts } from "../../wire/packet.ts";
import type { Skb } from "../skb.ts";
import type { ConntrackEntry, Tuple } from "./entry.ts";
import { formatConnection, formatEntry, formatTuple } from "./format.ts";

type Action = "new" | "found" | "invalid" | "untracked" | "confirm" | "update" | "related" | "clash";

/** Records what conntrack made of a packet; `text` where the step's own sentence would be wrong. */
export function recordConntrack(
  skb: Skb,
  action: Action,
  nowNanos: number,
  { text, change }: { readonly text?: string; readonly change?: StateChange | undefined } = {},
): void {
  const { track, conntrack } = skb;
  if (track === undefined) return;
  track.step({
    kind: "conntrack",
    action,
    ...(conntrack && {
      entry: formatEntry(conntrack.entry, nowNanos),
      state: conntrack.state.toUpperCase(),
      direction: conntrack.direction,
    }),
    ...(conntrack === undefined && { state: action === "untracked" ? "UNTRACKED" : "INVALID" }),
    ...(text !== undefined && { text }),
    ...(change && { stateChanges: [change] }),
  });
}

export function entryChange(action: StateChange["action"], entry: ConntrackEntry, before?: string): StateChange {
  return {
    table: "conntrack",
    action,
    key: formatTuple(entry.original),
    ...(before !== undefined && { before }),
    ...(action !== "delete" && { after: formatConnection(entry) }),
  };
}

/** One end of a tuple as text: `10.0.0.1:80`, or the address alone where there are no ports. */
export function formatEnd(tuple: Tuple, end: "src" | "dst"): string {
  const address = end === "src" ? tuple.src : tuple.dst;
  const port = end === "src" ? tuple.srcPort : tuple.dstPort;
  switch (tuple.protocol) {
    case "tcp":
    case "udp":
    case "sctp":
      return formatEndpoint(address, port);
    case "icmp":
    case "icmpv6":
      return `${formatAddress(address)} (id ${port})`;
    case "other":
      return formatAddress(address);
  }
}

/** The header fields in which two packets differ, as steps record them. */
export function headerChanges(before: Packet, after: Packet): FieldChange[] {
  const changes: FieldChange[] = [];
  if (before.src !== after.src)
    changes.push({ field: "src", from: formatAddress(before.src), to: formatAddress(after.src) });
  if (before.dst !== after.dst)
    changes.push({ field: "dst", from: formatAddress(before.dst), to: formatAddress(after.dst) });
  const from = before.transport;
  const to = after.transport;
  if (hasPorts(from) && hasPorts(to)) {
    if (from.srcPort !== to.srcPort) changes.push({ field: "srcPort", from: from.srcPort, to: to.srcPort });
    if (from.dstPort !== to.dstPort) changes.push({ field: "dstPort", from: from.dstPort, to: to.dstPort });
  } else if ("ident" in from && "ident" in to && from.ident !== to.ident) {
    changes.push({ field: "ident", from: from.ident, to: to.ident });
  } else if ("quoted" in from && "quoted" in to && from.quoted !== to.quoted) {
    changes.push({ field: "inner", from: recordPacket({ body: from.quoted }), to: recordPacket({ body: to.quoted }) });
  }
  return changes;
}
