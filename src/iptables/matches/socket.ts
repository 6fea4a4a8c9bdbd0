import type { MatchModule } from "./module.ts";

/** `-m socket`: an open socket of this namespace would receive the packet. Not modelled. */
export interface SocketMatch {
  readonly kind: "socket";
  readonly transparent?: true;
  readonly nowildcard?: true;
  readonly restoreSkmark?: true;
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
  matches(_match, { state }) {
    const { protocol } = state.skb.packet.transport;
    return protocol === "tcp" || protocol === "udp" ? undefined : false;
  },
  explain: (match, { state }) => ({
    term: `-m socket ${socket.print(match, state.family)}`.trim(),
    packet: state.skb.packet.transport.protocol,
  }),
};
