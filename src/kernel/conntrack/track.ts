import type { Packet } from "../../wire/packet.ts";
import type { HookState, HookVerdict } from "../netfilter.ts";
import type { Skb } from "../skb.ts";
import { Accountant } from "./accounting.ts";
import type { Connection } from "./connection.ts";
import { makeRoom } from "./early-drop.ts";
import { formatConnection } from "./format.ts";
import type { TupleTable } from "./hash-table.ts";
import { relatedTo } from "./icmp-error.ts";
import { trackProtocol } from "./protocol.ts";
import { entryChange, recordConntrack } from "./record.ts";
import type { ConntrackSettings } from "./settings.ts";
import { TupleKey } from "./tuple-key.ts";
import { findInZone } from "./zone.ts";

/** The tracking side of one namespace: gives each packet its connection, and keeps those that get through. */
export class Tracker {
  readonly table: TupleTable;
  readonly #nowNanos: () => number;
  readonly #settings: () => ConntrackSettings;
  readonly #remove = (entry: Connection): void => this.table.delete(entry);
  readonly #accountant = new Accountant();
  /** The tuple of the packet at hand. */
  readonly #key = new TupleKey();

  constructor(table: TupleTable, nowNanos: () => number, settings: () => ConntrackSettings) {
    this.table = table;
    this.#nowNanos = nowNanos;
    this.#settings = settings;
  }

  /** The hook function at PREROUTING and OUTPUT: nf_conntrack_in(). */
  track(state: HookState): HookVerdict {
    const { skb } = state;
    if (skb.untracked) {
      if (skb.track) recordConntrack(skb, "untracked", this.#nowNanos());
      return "accept";
    }
    // Seen before: a packet on the loopback keeps its connection, and so does the error that answers one.
    if (skb.conntrack !== undefined) return "accept";
    const { packet } = skb;
    const { transport } = packet;
    if ((transport.protocol === "icmp" || transport.protocol === "icmpv6") && "kind" in transport) {
      // A redirect whose first option is no quotation is not looked into (nf_conntrack_icmpv6_redirect).
      if (transport.kind === "error" && transport.type === 137 && transport.linkLayer !== undefined)
        return this.#invalid(skb);
      if (transport.kind === "error") return this.#trackError(skb, transport.quoted);
      if (transport.kind === "neighbour-solicitation" || transport.kind === "neighbour-advertisement") {
        skb.untracked = true;
        if (skb.track)
          recordConntrack(skb, "untracked", this.#nowNanos(), { text: "Neighbour discovery is not tracked." });
        return "accept";
      }
    }
    // What is sent from here is believed to be right (tcp_error).
    if (transport.protocol === "tcp" && transport.badChecksum === true && state.hook === "PREROUTING") {
      if (this.#settings().checksum) return this.#invalid(skb);
    }
    return this.#trackPacket(state, packet);
  }

  #trackError(skb: Skb, quoted: Packet): HookVerdict {
    skb.conntrack = relatedTo(this.table, skb.packet, quoted, skb.zone);
    if (skb.track) recordConntrack(skb, skb.conntrack === undefined ? "invalid" : "related", this.#nowNanos());
    return "accept";
  }

  #trackPacket(state: HookState, packet: Packet): HookVerdict {
    const { skb } = state;
    const key = this.#key;
    if (!key.ofPacket(packet)) return this.#invalid(skb);
    const now = this.#nowNanos();
    const settings = this.#settings();
    for (;;) {
      const found = findInZone(this.table, key, skb.zone);
      const entry = found?.entry ?? this.#begin(state, settings);
      if (entry === undefined) {
        skb.track?.step({
          kind: "drop",
          code: "CONNTRACK_FULL",
          kernelReason: "NETFILTER_DROP",
          text: `The connection table is full (nf_conntrack_max is ${settings.max}): the packet of a new connection is dropped.`,
        });
        return "drop";
      }
      const direction = found?.direction ?? "original";
      const before = skb.track && found ? formatConnection(entry) : undefined;
      const verdict = trackProtocol(entry, direction, packet, now, settings, this.#remove);
      if (verdict === "repeat") continue;
      if (verdict === "invalid") return this.#invalid(skb);
      if (verdict === "accept") this.#accountant.count(entry, direction, packet, settings.accounting);
      const established = direction === "reply" || entry.seenReply;
      skb.conntrack = { entry, direction, state: established ? "established" : "new" };
      if (direction === "reply" && !entry.seenReply) this.#firstReply(entry);
      if (skb.track) this.#recordTracked(skb, entry, before, now);
      return "accept";
    }
  }

  /** The first answer: no longer [UNREPLIED]. One that comes to the loser of a race ends that entry. */
  #firstReply(entry: Connection): void {
    entry.seenReply = true;
    if (entry.clash) this.table.delete(entry);
  }

  #recordTracked(skb: Skb, entry: Connection, before: string | undefined, now: number): void {
    if (before === undefined) return recordConntrack(skb, "new", now);
    const change = entry.dead ? "delete" : formatConnection(entry) === before ? undefined : "update";
    recordConntrack(skb, "found", now, { change: change && entryChange(change, entry, before) });
  }

  #invalid(skb: Skb): HookVerdict {
    skb.conntrack = undefined;
    if (skb.track) recordConntrack(skb, "invalid", this.#nowNanos());
    return "accept";
  }

  /** A connection that is not in the table before its first packet got through: init_conntrack(). */
  #begin({ namespace, skb }: HookState, settings: ConntrackSettings): Connection | undefined {
    const { max } = settings;
    if (max > 0 && this.table.size >= max) {
      const { chance } = namespace.surroundings;
      if (!makeRoom(this.table, settings, chance, `${namespace.name}/early-drop/${skb.flowKey}`)) return undefined;
    }
    return this.table.begin(this.#key, skb.zone?.reply ?? 0);
  }
}
