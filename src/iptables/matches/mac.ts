import { type Mac, parseMac } from "../../wire/mac.ts";
import { type MatchModule, printOption } from "./module.ts";

/** `-m mac --mac-source ADDRESS`: who sent the frame. */
export interface MacMatch {
  readonly kind: "mac";
  readonly source: Mac;
  readonly inverted: boolean;
}

export const mac: MatchModule<MacMatch> = {
  options: {
    "--mac-source"(draft, read) {
      draft.inverted = read.inverted();
      const text = read.value();
      const octets = text.split(":").map((octet) => octet.padStart(2, "0"));
      draft.source = parseMac(octets.join(":")) ?? read.fail("BAD_MAC", `${text} is not a MAC address`);
    },
  },
  start: () => ({ kind: "mac" }),
  finish({ source, inverted }, read) {
    if (source === undefined || inverted === undefined) return read.fail("MISSING_OPTION", "-m mac needs --mac-source");
    return { kind: "mac", source, inverted };
  },
  print: (match) => printOption(match.inverted, "--mac-source", match.source),
  // What came by no Ethernet device does not match, not even inverted (net/netfilter/xt_mac.c).
  matches(match, { state: { skb, inDevice } }) {
    if (inDevice === undefined || inDevice.kind === "loopback" || skb.srcMac === undefined) return false;
    return (skb.srcMac === match.source) !== match.inverted;
  },
  explain: (match, { state }) => ({ term: mac.print(match), packet: state.skb.srcMac ?? "no Ethernet header" }),
};
