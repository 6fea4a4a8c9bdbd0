import { type Address, formatAddress } from "../../wire/address.ts";
import { readAddress } from "../addresses.ts";
import { hex, readMark } from "../matches/mark.ts";
import type { TargetModule } from "./module.ts";

/** `-j TPROXY`: hands the packet to a local transparent socket. Not modelled. */
export interface TproxyTarget {
  readonly kind: "TPROXY";
  readonly port: number;
  readonly address?: Address;
  readonly markValue: number;
  readonly markMask: number;
}

export const tproxy: TargetModule<TproxyTarget> = {
  options: {
    "--on-port": (draft, read) => void (draft.port = read.number(0, 65_535)),
    "--on-ip": (draft, read) => void (draft.address = readAddress(read)),
    "--tproxy-mark"(draft, read) {
      const { value, mask } = readMark(read);
      Object.assign(draft, { markValue: value, markMask: mask });
    },
  },
  start: () => ({ kind: "TPROXY" }),
  finish({ port, address, markValue = 0, markMask = 0 }, read) {
    if (port === undefined) return read.fail("MISSING_OPTION", "TPROXY needs --on-port");
    const any = address === undefined || address === 0 || address === 0n;
    return { kind: "TPROXY", port, ...(!any && { address }), markValue, markMask };
  },
  print: (target, family) =>
    `--on-port ${target.port} --on-ip ${target.address === undefined ? (family === "ipv4" ? "0.0.0.0" : "::") : formatAddress(target.address)}` +
    ` --tproxy-mark ${hex(target.markValue)}/${hex(target.markMask)}`,
  run: () => "unknown",
};
