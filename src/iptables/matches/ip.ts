import { formatAddress } from "../../wire/address.ts";
import { protocolNumber } from "../../wire/packet.ts";
import { type Block, inBlock, printBlock, readBlock } from "../addresses.ts";
import { protocolByName, protocolName, transportName } from "../protocols.ts";
import type { OptionReader } from "../option.ts";
import { type MatchModule, printOption } from "./module.ts";

/*
 * The terms of the IP header (struct ipt_ip). They have no `-m`; iptables-save prints them before all others.
 */

/** `[!] -s`, `[!] -d`: an address under a prefix. `base` has no bits beyond the prefix. */
export interface AddressMatch extends Block {
  readonly kind: "source" | "destination";
  readonly inverted: boolean;
}

/** `[!] -p`: the IANA protocol number. */
export interface ProtocolMatch {
  readonly kind: "protocol";
  readonly number: number;
  readonly inverted: boolean;
}

/** `[!] -i`, `[!] -o`: a device name; a trailing `+` matches any name that begins so. */
export interface InterfaceMatch {
  readonly kind: "in-interface" | "out-interface";
  readonly name: string;
  readonly inverted: boolean;
}

/** `[!] -f`: second and further fragments (IPv4). */
export interface FragmentMatch {
  readonly kind: "fragment";
  readonly inverted: boolean;
}

/** The addresses of one `-s` or `-d`: a list makes one rule each. */
export function readAddresses(kind: AddressMatch["kind"], read: OptionReader): AddressMatch[] {
  const inverted = read.inverted();
  return read
    .value()
    .split(",")
    .map((text) => ({ kind, ...readBlock(read, text), inverted }));
}

export function readProtocol(read: OptionReader): ProtocolMatch {
  const inverted = read.inverted();
  const text = read.value();
  const number = protocolByName(text);
  if (number === undefined) return read.fail("BAD_PROTOCOL", `${text} is not a protocol: use a name or a number`);
  if (number === 0 && inverted) read.fail("BAD_PROTOCOL", "no packet would match: remove the rule");
  return { kind: "protocol", number, inverted };
}

/** A name of up to 15 characters (IFNAMSIZ). */
export function readInterface(kind: InterfaceMatch["kind"], read: OptionReader): InterfaceMatch {
  const inverted = read.inverted();
  const name = read.value();
  if (name === "" || name.length > 15 || /[\s/]/.test(name)) {
    read.fail("BAD_INTERFACE", `${name} is not a device name of at most 15 characters`);
  }
  return { kind, name, inverted };
}

/** Device names with the wildcard of iptables; no device has the empty name. */
export function interfaceMatches(pattern: string, name: string): boolean {
  const last = pattern.length - 1;
  return pattern.charCodeAt(last) === 43 ? name.startsWith(pattern.slice(0, last)) : name === pattern;
}

const address: MatchModule<AddressMatch> = {
  options: {},
  start: () => ({}),
  // A block of all addresses is no term in the kernel, and not printed.
  print: (match) =>
    match.prefixLength === 0 && match.mask === undefined && !match.inverted
      ? ""
      : printOption(match.inverted, match.kind === "source" ? "-s" : "-d", printBlock(match)),
  matches(match, { state }) {
    const { packet } = state.skb;
    return inBlock(match, match.kind === "source" ? packet.src : packet.dst) !== match.inverted;
  },
  explain: (match, { state }) => ({
    term: address.print(match),
    packet: formatAddress(match.kind === "source" ? state.skb.packet.src : state.skb.packet.dst),
  }),
};

const device: MatchModule<InterfaceMatch> = {
  options: {},
  start: () => ({}),
  print: (match) =>
    match.name === "+" && !match.inverted
      ? ""
      : printOption(match.inverted, match.kind === "in-interface" ? "-i" : "-o", match.name),
  matches(match, { state }) {
    const device = match.kind === "in-interface" ? state.inDevice : state.outDevice;
    return interfaceMatches(match.name, device?.name ?? "") !== match.inverted;
  },
  explain: (match, { state }) => ({
    term: device.print(match),
    packet: (match.kind === "in-interface" ? state.inDevice : state.outDevice)?.name ?? "no device",
  }),
};

export const source: MatchModule<AddressMatch> = address;
export const destination: MatchModule<AddressMatch> = address;
export const inInterface: MatchModule<InterfaceMatch> = device;
export const outInterface: MatchModule<InterfaceMatch> = device;

export const protocol: MatchModule<ProtocolMatch> = {
  options: {},
  start: () => ({}),
  print: (match) => (match.number === 0 ? "" : printOption(match.inverted, "-p", protocolName(match.number))),
  matches: (match, { state }) =>
    match.number === 0 || (protocolNumber(state.skb.packet.transport) === match.number) !== match.inverted,
  explain: (match, { state }) => ({
    term: protocol.print(match),
    packet: transportName(state.skb.packet.transport),
  }),
};

export const fragment: MatchModule<FragmentMatch> = {
  options: {},
  start: () => ({}),
  print: (match) => (match.inverted ? "! -f" : "-f"),
  matches: (match, { state }) => (state.skb.packet.fragment?.offset ?? 0) > 0 !== match.inverted,
  explain: (match) => ({
    term: fragment.print(match),
    packet: match.inverted ? "a later fragment" : "no later fragment",
  }),
};
