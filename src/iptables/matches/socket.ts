import type { Endpoint, FoundSocket } from "../../kernel/socket/api.ts";
import type { HookState } from "../../kernel/netfilter.ts";
import type { Packet } from "../../wire/packet.ts";
import { transportName } from "../protocols.ts";
import type { MatchModule } from "./module.ts";

/** `-m socket`: a socket of this namespace is there for the packet: one that is bound to an address, or any. */
export interface SocketMatch {
  readonly kind: "socket";
  readonly transparent?: true;
  /** Sockets that are bound to no address count too. */
  readonly nowildcard?: true;
  readonly restoreSkmark?: true;
}

/** Whose socket is looked for: an ICMP error is for who sent what it quotes. */
function endsOf({
  state,
}: {
  readonly state: HookState;
}): { readonly protocol: "tcp" | "udp"; readonly local: Endpoint; readonly remote: Endpoint } | undefined {
  const { packet, conntrack } = state.skb;
  const ends = portsOf(packet);
  // The answer to a connection that was given another source: its socket has the old one (nf_sk_lookup_slow_v4).
  if (ends === undefined || state.family === "ipv6" || conntrack?.direction !== "reply") return ends;
  const { original, nat } = conntrack.entry;
  if (conntrack.state === "new" || !nat.srcDone) return ends;
  return { ...ends, local: { address: original.src, port: original.srcPort } };
}

function portsOf({ src, dst, transport }: Packet): ReturnType<typeof endsOf> {
  if (transport.protocol === "tcp" || transport.protocol === "udp") {
    const { protocol, srcPort, dstPort } = transport;
    return { protocol, local: { address: dst, port: dstPort }, remote: { address: src, port: srcPort } };
  }
  if (!("quoted" in transport)) return undefined;
  const quoted = "quoted" in transport.quoted.transport ? undefined : portsOf(transport.quoted);
  return quoted && { ...quoted, local: quoted.remote, remote: quoted.local };
}

function socketFor(state: HookState): FoundSocket | undefined {
  const ends = endsOf({ state });
  return ends && state.namespace.sockets.find(ends.protocol, ends.local, ends.remote);
}

export const socket: MatchModule<SocketMatch> = {
  options: {
    "--transparent": (draft) => void (draft.transparent = true),
    "--nowildcard": (draft) => void (draft.nowildcard = true),
    "--restore-skmark": (draft) => void (draft.restoreSkmark = true),
  },
  start: () => ({ kind: "socket" }),
  print: (match) =>
    [
      ...(match.transparent ? ["--transparent"] : []),
      ...(match.nowildcard ? ["--nowildcard"] : []),
      ...(match.restoreSkmark ? ["--restore-skmark"] : []),
    ].join(" "),
  // socket_match() of net/netfilter/xt_socket.c.
  matches(match, { state }) {
    const found = socketFor(state);
    if (found === undefined || (found.isWildcard && match.nowildcard !== true)) return false;
    if (match.transparent && found.transparent !== true) return found.transparent;
    // SO_MARK is not modelled.
    return match.restoreSkmark ? undefined : true;
  },
  explain(match, { state }) {
    const found = socketFor(state);
    const packet =
      found === undefined
        ? `no socket for this ${transportName(state.skb.packet.transport)}`
        : found.isWildcard && match.nowildcard !== true
          ? "a socket of no address"
          : "a socket that is not transparent";
    return { term: `-m socket ${socket.print(match, state.family)}`.trim(), packet };
  },
};
