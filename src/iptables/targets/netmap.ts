import { type Address, ipv4, ipv6 } from "../../wire/address.ts";
import { type Block, prefixMask, printBlock, readBlock } from "../addresses.ts";
import type { TargetModule } from "./module.ts";
import { bind } from "./nat-range.ts";

/** `-j NETMAP --to NETWORK`: another network, the same host part. */
export interface NetmapTarget extends Block {
  readonly kind: "NETMAP";
}

function mapped(target: Block, given: Address): Address {
  const mask = target.mask ?? prefixMask(typeof given === "number" ? "ipv4" : "ipv6", target.prefixLength);
  if (typeof given === "number") return ipv4((given & ~Number(mask)) | Number(target.base));
  return ipv6((given & ~BigInt(mask)) | BigInt(target.base));
}

export const netmap: TargetModule<NetmapTarget> = {
  options: { "--to": (draft, read) => void Object.assign(draft, readBlock(read)) },
  start: () => ({ kind: "NETMAP" }),
  finish({ base, prefixLength, mask }, read) {
    if (base === undefined || prefixLength === undefined) return read.fail("MISSING_OPTION", "NETMAP needs --to");
    return { kind: "NETMAP", base, prefixLength, ...(mask !== undefined && { mask }) };
  },
  print: (target) => `--to ${printBlock(target)}`,
  run(target, { state }) {
    const isSource = state.hook === "POSTROUTING" || state.hook === "INPUT";
    const { src, dst } = state.skb.packet;
    const address = mapped(target, isSource ? src : dst);
    return bind(state, isSource ? "src" : "dst", { address, randomPort: "no", persistent: false });
  },
  needsConntrack: true,
};
