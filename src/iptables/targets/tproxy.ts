import type { HookState } from "../../kernel/netfilter.ts";
import type { FoundSocket } from "../../kernel/socket/api.ts";
import { type Address, familyOf, formatAddress } from "../../wire/address.ts";
import { readAddress } from "../addresses.ts";
import { hex, readMark } from "../matches/mark.ts";
import { xmark } from "./mark.ts";
import type { TargetModule } from "./module.ts";

/**
 * `-j TPROXY`: hands the packet to a local transparent socket, as it is. Without one the kernel drops it; where
 * nobody stated whether there is one, the outcome is unknown.
 */
export interface TproxyTarget {
  readonly kind: "TPROXY";
  /** 0: the packet's own. */
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
  effects(target, { state }) {
    const { mark } = state.skb;
    const to = xmark(mark, target.markValue, target.markMask);
    return socketFor(target, state)?.transparent !== true || to === mark
      ? {}
      : { changes: [{ field: "mark", from: mark, to }] };
  },
  // tproxy_tg4() of net/netfilter/xt_TPROXY.c.
  run(target, { state }) {
    const { skb } = state;
    const { protocol } = skb.packet.transport;
    if (protocol !== "tcp" && protocol !== "udp") return "drop";
    const found = socketFor(target, state);
    if (found?.transparent === undefined) return "unknown";
    if (!found.transparent) return "drop";
    skb.mark = xmark(skb.mark, target.markValue, target.markMask);
    skb.assigned = found.listener;
    return "accept";
  },
};

/** The connection that the packet belongs to, else the listener at the target's address and port. */
function socketFor(target: TproxyTarget, { namespace, skb, inDevice, family }: HookState): FoundSocket | undefined {
  const { src, dst, transport } = skb.packet;
  if (transport.protocol !== "tcp" && transport.protocol !== "udp") return undefined;
  const { protocol, srcPort, dstPort } = transport;
  const { sockets } = namespace;
  const remote = { address: src, port: srcPort };
  const open = sockets.find(protocol, { address: dst, port: dstPort }, remote);
  if (open?.connected) return open;
  const own = inDevice?.addresses.find(({ address }) => familyOf(address) === family)?.address;
  const local = { address: target.address ?? own ?? dst, port: target.port === 0 ? dstPort : target.port };
  const listening = sockets.find(protocol, local, remote);
  return listening?.connected ? undefined : listening;
}
