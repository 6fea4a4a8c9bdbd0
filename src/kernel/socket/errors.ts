import type { IcmpError, Packet } from "../../wire/packet.ts";
import type { Errno, SocketError } from "./api.ts";

/** What an ICMP error means to a socket. `fatal`: it ends the operation even without IP_RECVERR. */
export interface IcmpMeaning {
  readonly error: SocketError;
  readonly fatal: boolean;
}

/** icmp_err_convert in net/ipv4/icmp.c: "destination unreachable" by code. */
const unreachable4: readonly (readonly [Errno, boolean])[] = [
  ["ENETUNREACH", false],
  ["EHOSTUNREACH", false],
  ["ENOPROTOOPT", true],
  ["ECONNREFUSED", true],
  ["EMSGSIZE", false],
  ["EOPNOTSUPP", false],
  ["ENETUNREACH", true],
  ["EHOSTDOWN", true],
  ["ENONET", true],
  ["ENETUNREACH", true],
  ["EHOSTUNREACH", true],
  ["ENETUNREACH", false],
  ["EHOSTUNREACH", false],
  ["EHOSTUNREACH", true],
  ["EHOSTUNREACH", true],
  ["EHOSTUNREACH", true],
];
/** tab_unreach in net/ipv6/icmp.c. */
const unreachable6: readonly (readonly [Errno, boolean])[] = [
  ["ENETUNREACH", false],
  ["EACCES", true],
  ["EHOSTUNREACH", false],
  ["EHOSTUNREACH", false],
  ["ECONNREFUSED", true],
  ["EACCES", true],
  ["EACCES", true],
];

/** The errno behind an ICMP error; undefined for those that no socket is told of (redirects). */
export function meaningOf(packet: Packet, { protocol, type, code, mtu }: IcmpError): IcmpMeaning | undefined {
  const entry = protocol === "icmp" ? meaning4(type, code) : meaning6(type, code);
  if (entry === undefined) return undefined;
  const [errno, fatal] = entry;
  return { fatal, error: { errno, icmp: { type, code, from: packet.src, ...(mtu !== undefined && { mtu }) } } };
}

function meaning4(type: number, code: number): readonly [Errno, boolean] | undefined {
  if (type === 3) return unreachable4[code];
  // That fragments were missing at the other end (11/1) is told to nobody.
  if (type === 11) return code === 1 ? undefined : ["EHOSTUNREACH", false];
  return type === 12 ? ["EPROTO", true] : undefined;
}

function meaning6(type: number, code: number): readonly [Errno, boolean] | undefined {
  if (type === 1) return unreachable6[code] ?? ["EPROTO", true];
  if (type === 2) return ["EMSGSIZE", false];
  if (type === 3) return ["EHOSTUNREACH", false];
  return type === 4 ? ["EPROTO", true] : undefined;
}

/** "Fragmentation needed", "packet too big". */
export function isTooBig({ protocol, type, code }: IcmpError): boolean {
  return protocol === "icmp" ? type === 3 && code === 4 : type === 2;
}
