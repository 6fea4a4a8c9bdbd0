import { primaryAddress, selectIPv6 } from "../../kernel/ip/source-address.ts";
import type { TargetModule } from "./module.ts";
import { type PortSpan, bind, flagsOf, printPorts, rangeOf, readPorts } from "./nat-range.ts";

/** `-j MASQUERADE`: SNAT to the address of the device the packet leaves by. */
export interface MasqueradeTarget extends PortSpan {
  readonly kind: "MASQUERADE";
  readonly random?: true;
  readonly randomFully?: true;
}

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
