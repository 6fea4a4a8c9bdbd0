import { formatAddress } from "../../wire/address.ts";
import type { MatchModule } from "./module.ts";

/** `-m eui64`: the IPv6 source address ends in the interface identifier of its Ethernet address (RFC 4291, appendix A). */
export interface Eui64Match {
  readonly kind: "eui64";
}

export const eui64: MatchModule<Eui64Match> = {
  options: {},
  start: () => ({ kind: "eui64" }),
  print: () => "",
  matches(_, { state }) {
    const { packet, srcMac } = state.skb;
    if (typeof packet.src !== "bigint" || srcMac === undefined) return false;
    const mac = BigInt(`0x${srcMac.replaceAll(":", "")}`);
    // The universal/local bit is turned over, and ff:fe stands in the middle.
    const identifier = (((mac >> 24n) ^ 0x020000n) << 40n) | 0xff_fe00_0000n | (mac & 0xff_ffffn);
    return BigInt.asUintN(64, packet.src) === identifier;
  },
  explain: (_, { state }) => ({ term: "-m eui64", packet: formatAddress(state.skb.packet.src) }),
};
