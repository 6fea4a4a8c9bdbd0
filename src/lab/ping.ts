import type { SocketError, Sockets } from "../kernel/socket/api.ts";
import { type Address, formatAddress, parseAddress } from "../wire/address.ts";

/** The arguments of iputils' ping for one echo request. */
export function pingWords(
  remote: Address,
  { ident, ttl, dataBytes }: Pick<Parameters<Sockets["echo"]>[2], "ident" | "ttl" | "dataBytes">,
): readonly string[] {
  const limit = ttl === undefined ? [] : ["-t", String(ttl)];
  return ["-n", "-c", "1", "-e", String(ident), "-s", String(dataBytes), ...limit, formatAddress(remote)];
}

/** The words of iputils' pr_icmph for ICMP errors, with type and code. */
const errors: readonly (readonly [RegExp, number, number, SocketError["errno"]])[] = [
  [/Time to live exceeded|Hop limit/, 11, 0, "EHOSTUNREACH"],
  [/Destination Net Unreachable/, 3, 0, "ENETUNREACH"],
  [/Destination Host Unreachable/, 3, 1, "EHOSTUNREACH"],
  [/Destination Protocol Unreachable/, 3, 2, "ENOPROTOOPT"],
  [/Destination Port Unreachable/, 3, 3, "ECONNREFUSED"],
  [/Packet filtered/, 3, 13, "EHOSTUNREACH"],
];

/** What ping saw; undefined when no answer came. */
export function readPing(text: string): { readonly from: Address; readonly ttl: number } | SocketError | undefined {
  const reply = /bytes from ([0-9a-f.:]+): icmp_seq=\d+ ttl=(\d+)/.exec(text);
  if (reply) return { from: parseAddress(reply[1] ?? "") as Address, ttl: Number(reply[2]) };
  if (/Network is unreachable/.test(text)) return { errno: "ENETUNREACH" };
  const failed = /^From ([0-9a-f.:]+) icmp_seq=\d+ (.*)$/m.exec(text);
  const from = parseAddress(failed?.[1]?.replace(/:$/, "") ?? "");
  const known = errors.find(([words]) => words.test(failed?.[2] ?? ""));
  if (from === undefined || known === undefined) return undefined;
  const [, type, code, errno] = known;
  return { errno, icmp: { type, code, from } };
}
