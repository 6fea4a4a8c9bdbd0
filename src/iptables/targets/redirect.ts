import { address, familyOf } from "../../wire/address.ts";
import type { TargetModule } from "./module.ts";
import { type PortSpan, bind, flagsOf, printPorts, rangeOf, readPorts } from "./nat-range.ts";

/** `-j REDIRECT`: DNAT to the incoming device's own address, or to loopback for local packets. */
export interface RedirectTarget extends PortSpan {
  readonly kind: "REDIRECT";
  readonly random?: true;
}

export const redirect: TargetModule<RedirectTarget> = {
  options: {
    "--to-ports": (draft, read) => void Object.assign(draft, readPorts(read, read.value())),
    "--random": (draft) => void (draft.random = true),
  },
  start: () => ({ kind: "REDIRECT" }),
  print: (target) => `${target.port === undefined ? "" : `--to-ports ${printPorts(target)}`}${flagsOf(target)}`.trim(),
  run(target, { state }) {
    const family = state.family;
    const own =
      state.hook === "OUTPUT"
        ? address(family === "ipv4" ? "127.0.0.1" : "::1")
        : state.inDevice?.addresses.find((entry) => familyOf(entry.address) === family && entry.scope === "global")
            ?.address;
    return own === undefined ? "drop" : bind(state, "dst", rangeOf(target, own, undefined));
  },
  needsConntrack: true,
};
