import type { HookState } from "../../kernel/netfilter.ts";
import type { TargetModule } from "./module.ts";

/** `-j TCPMSS --set-mss N`, `-j TCPMSS --clamp-mss-to-pmtu`. */
export interface TcpmssTarget {
  readonly kind: "TCPMSS";
  /** Bytes; absent: clamp to the path MTU. */
  readonly mss?: number;
}

export const tcpmss: TargetModule<TcpmssTarget> = {
  options: {
    "--set-mss": (draft, read) => void (draft.mss = read.number(0, 65_535)),
    "--clamp-mss-to-pmtu": () => {},
  },
  start: () => ({ kind: "TCPMSS" }),
  print: (target) => (target.mss === undefined ? "--clamp-mss-to-pmtu" : `--set-mss ${target.mss}`),
  run(target, { state }) {
    const { skb } = state;
    const { transport } = skb.packet;
    if (transport.protocol !== "tcp" || transport.mss === undefined) return "continue";
    const mss = target.mss ?? pathMss(state);
    // An MSS is only ever lowered (tcpmss_mangle_packet).
    if (mss < transport.mss) skb.packet = { ...skb.packet, transport: { ...transport, mss } };
    return "continue";
  },
};

/** The smaller MTU of both directions, less the headers. */
function pathMss({ family, namespace, outDevice, skb }: HookState): number {
  const headers = family === "ipv4" ? 40 : 60;
  const ahead = skb.route?.route.mtu ?? outDevice?.mtu ?? 65_535;
  const back = namespace.fib[family].lookup({ dst: skb.packet.src, mark: 0 })?.route;
  const backDevice = back?.device === undefined ? undefined : namespace.devices.get(back.device);
  return Math.min(ahead, back?.mtu ?? backDevice?.mtu ?? 65_535) - headers;
}
