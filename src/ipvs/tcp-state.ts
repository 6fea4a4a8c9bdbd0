import type { TcpFlags } from "../wire/packet.ts";

/** States of a TCP connection as IPVS sees it. */
export type IpvsTcpState =
  | "NONE"
  | "ESTABLISHED"
  | "SYN_SENT"
  | "SYN_RECV"
  | "FIN_WAIT"
  | "TIME_WAIT"
  | "CLOSE"
  | "CLOSE_WAIT"
  | "LAST_ACK"
  | "LISTEN"
  | "SYNACK";

/** Seconds: tcp_timeouts. */
export const tcpTimeoutSeconds: Readonly<Record<IpvsTcpState, number>> = {
  NONE: 2,
  ESTABLISHED: 15 * 60,
  SYN_SENT: 2 * 60,
  SYN_RECV: 60,
  FIN_WAIT: 2 * 60,
  TIME_WAIT: 2 * 60,
  CLOSE: 10,
  CLOSE_WAIT: 60,
  LAST_ACK: 30,
  LISTEN: 2 * 60,
  SYNACK: 120,
};

const order: readonly IpvsTcpState[] = [
  "NONE",
  "ESTABLISHED",
  "SYN_SENT",
  "SYN_RECV",
  "FIN_WAIT",
  "TIME_WAIT",
  "CLOSE",
  "CLOSE_WAIT",
  "LAST_ACK",
  "LISTEN",
  "SYNACK",
];

type Flag = "syn" | "fin" | "ack" | "rst";

const short: Readonly<Record<string, IpvsTcpState>> = {
  NO: "NONE",
  ES: "ESTABLISHED",
  SS: "SYN_SENT",
  SR: "SYN_RECV",
  FW: "FIN_WAIT",
  TW: "TIME_WAIT",
  CL: "CLOSE",
  CW: "CLOSE_WAIT",
  LA: "LAST_ACK",
  LI: "LISTEN",
  SA: "SYNACK",
};

/** Next states, a column per state in `order`. net/netfilter/ipvs/ip_vs_proto_tcp.c (tcp_states). */
const tables: Readonly<Record<"input" | "output", Readonly<Record<Flag, string>>>> = {
  input: {
    syn: "SR ES ES SR SR SR SR SR SR SR SR",
    fin: "CL CW SS TW TW TW CL CW LA LI TW",
    ack: "ES ES SS ES FW TW CL CW CL LI ES",
    rst: "CL CL CL SR CL CL CL CL LA LI SR",
  },
  output: {
    syn: "SS ES SS SR SS SS SS SS SS LI SR",
    fin: "TW FW SS TW FW TW CL TW LA LI TW",
    ack: "ES ES SS ES FW TW CL CW LA ES ES",
    rst: "CL CL SS CL CL TW CL CL CL CL CL",
  },
};

/** The state after a segment from the client (`input`) or from the server (`output`). */
export function nextTcpState(state: IpvsTcpState, direction: "input" | "output", flags: TcpFlags): IpvsTcpState {
  const flag = flags.rst === true ? "rst" : flags.syn === true ? "syn" : flags.fin === true ? "fin" : "ack";
  if (flag === "ack" && flags.ack !== true) return "CLOSE";
  const name = tables[direction][flag].split(" ")[order.indexOf(state)] ?? "NO";
  return short[name] ?? "NONE";
}
