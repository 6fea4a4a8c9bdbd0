import type { Protocol } from "../cluster/objects.ts";
import type { LocalDetector } from "../proxy/local-detector.ts";
import type { Owner } from "../trace/records.ts";
import { type Address, type Family, formatAddress } from "../wire/address.ts";
import { addressBits, parseInterfaceAddress, maskAddress } from "../wire/cidr.ts";
import { stateBits } from "./matches/conntrack.ts";
import type { Match } from "./matches/index.ts";
import type { AddressMatch } from "./matches/ip.ts";
import type { NatTarget } from "./targets/nat.ts";
import type { Target } from "./targets/index.ts";

/** The terms that kube-proxy's rules are made of. */

export const kubeProxy: Owner = { kind: "Component", name: "kube-proxy" };

export const drop: Target = { kind: "DROP" };
export const accept: Target = { kind: "ACCEPT" };
export const returning: Target = { kind: "RETURN" };

export function jump(chain: string): Target {
  return { kind: "jump", chain };
}

export const markMasquerade: Target = jump("KUBE-MARK-MASQ");

export function reject(family: Family): Target {
  return { kind: "REJECT", with: family === "ipv4" ? "icmp-port-unreachable" : "icmp6-port-unreachable" };
}

export function comment(text: string): Match {
  return { kind: "comment", comment: text };
}

/** Counts the packet under a name that nfacct(8) shows. Always matches. */
export function counter(name: string): Match {
  return { kind: "nfacct", name };
}

export function conntrackState(inverted: boolean, ...states: readonly (keyof typeof stateBits)[]): Match {
  return { kind: "conntrack", states: { bits: states.reduce((bits, state) => bits | stateBits[state], 0), inverted } };
}

export function mark(bits: number, inverted: boolean): Match {
  return { kind: "mark", value: bits, mask: bits, inverted };
}

export function localType(side: "src" | "dst", inverted = false): Match {
  return { kind: "addrtype", [side]: { types: ["LOCAL"], inverted } };
}

export function inSet(set: string, ...flags: readonly ("src" | "dst")[]): Match {
  return { kind: "set", set, flags, inverted: false };
}

/** How a term was written, where that is not the canonical text: kube-proxy hands it on as it is. */
const spellings = new WeakMap<object, string>();

export function spellingOf(term: object): string | undefined {
  return spellings.get(term);
}

/** `-s` or `-d` with an address or a block, which prints as `text`. */
export function addressTerm(kind: AddressMatch["kind"], text: string, inverted = false): AddressMatch {
  const parsed = parseInterfaceAddress(text);
  if (parsed === undefined) throw new RangeError(`not an address or block: ${text}`);
  const { prefixLength } = parsed;
  const term: AddressMatch = { kind, base: maskAddress(parsed.address, prefixLength), prefixLength, inverted };
  if (canonical(term) !== text) spellings.set(term, text);
  return term;
}

function canonical({ base, prefixLength }: AddressMatch): string {
  return prefixLength === addressBits(base) ? formatAddress(base) : `${formatAddress(base)}/${prefixLength}`;
}

/** `-s` of one address that is known as text and number. */
export function hostTerm(kind: AddressMatch["kind"], text: string, value: Address): AddressMatch {
  const term: AddressMatch = { kind, base: value, prefixLength: addressBits(value), inverted: false };
  if (typeof value === "bigint" && formatAddress(value) !== text) spellings.set(term, text);
  return term;
}

/** `-j DNAT --to-destination TEXT`, where the text is `address:port` or `[address]:port`. */
export function dnat(address: string, value: Address, port: number): NatTarget {
  const target: NatTarget = { kind: "DNAT", address: value, port };
  if (typeof value === "bigint" && formatAddress(value) !== address) spellings.set(target, `[${address}]:${port}`);
  return target;
}

const protocolNumbers = { tcp: 6, udp: 17, sctp: 132 } as const;

/** `-m PROTOCOL -p PROTOCOL`, with `--dport` where a port is given. */
export function protocolTerms(protocol: Protocol, dstPort?: number): readonly [Match, Match] {
  const kind = protocol.toLowerCase() as Lowercase<Protocol>;
  return [
    dstPort === undefined ? { kind } : { kind, dstPorts: { from: dstPort, to: dstPort, inverted: false } },
    { kind: "protocol", number: protocolNumbers[kind], inverted: false },
  ];
}

/** `-p PROTOCOL` alone. */
export function onlyProtocol(protocol: Protocol): Match {
  return protocolTerms(protocol)[1];
}

/** "From a local pod" and "not from a local pod"; undefined where the detector is not implemented. */
export function detectorTerms(
  detector: LocalDetector,
): { readonly local: Match; readonly notLocal: Match } | undefined {
  const term = (inverted: boolean): Match | undefined => {
    switch (detector.kind) {
      case "cidr":
        return addressTerm("source", detector.cidr, inverted);
      case "bridge":
        return { kind: "in-interface", name: detector.name, inverted };
      case "prefix":
        return { kind: "in-interface", name: `${detector.prefix}+`, inverted };
      case "none":
        return undefined;
    }
  };
  const local = term(false);
  const notLocal = term(true);
  return local && notLocal && { local, notLocal };
}
