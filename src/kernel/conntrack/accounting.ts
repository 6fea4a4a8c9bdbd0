import { type Packet, packetBytes } from "../../wire/packet.ts";
import type { Connection } from "./connection.ts";
import type { Direction } from "./entry.ts";

/**
 * Counts what goes over the connections of a namespace: those that begin while nf_conntrack_acct is on, to their end
 * (nf_ct_acct_add).
 */
export class Accountant {
  #isUsed = false;

  /** `isOn`: the sysctl. */
  count(entry: Connection, direction: Direction, packet: Packet, isOn: boolean): void {
    this.#isUsed ||= isOn;
    if (!this.#isUsed) return;
    if (isOn && !entry.confirmed && entry.accounting === undefined) entry.beginAccounting();
    const counted = entry.accounting?.[direction];
    if (counted === undefined) return;
    counted.packets++;
    counted.bytes += packetBytes(packet);
  }
}
