import type { NetworkNamespace } from "../../kernel/namespace.ts";
import type { HookState } from "../../kernel/netfilter.ts";
import { type Address, formatAddress, isMulticast } from "../../wire/address.ts";
import type { OptionReader } from "../option.ts";
import { type MatchModule, printOption } from "./module.ts";

/** The types of an address that routing knows (uapi/linux/rtnetlink.h), in the order of their numbers. */
export const addressTypes = [
  "UNSPEC",
  "UNICAST",
  "LOCAL",
  "BROADCAST",
  "ANYCAST",
  "MULTICAST",
  "BLACKHOLE",
  "UNREACHABLE",
  "PROHIBIT",
  "THROW",
  "NAT",
  "XRESOLVE",
] as const;

export type AddressType = (typeof addressTypes)[number];

/** One side of `-m addrtype`. */
export interface AddressTypes {
  readonly types: readonly AddressType[];
  readonly inverted: boolean;
}

/** `-m addrtype`. */
export interface AddrtypeMatch {
  readonly kind: "addrtype";
  readonly src?: AddressTypes;
  readonly dst?: AddressTypes;
  /** Look at the incoming, or outgoing, device alone. */
  readonly limitInterface?: "in" | "out";
}

/**
 * What the local table says of an address; with a device, LOCAL and BROADCAST count on that device only.
 * IPv4: __inet_dev_addr_type (net/ipv4/fib_frontend.c). IPv6: net/netfilter/xt_addrtype.c.
 */
export function addressType(namespace: NetworkNamespace, address: Address, device?: string): AddressType {
  if (typeof address === "number") {
    if (address === 0 || address === 0xffffffff) return "BROADCAST";
  } else if (address === 0n) return "UNSPEC";
  if (isMulticast(address)) return "MULTICAST";
  const route = namespace.fib[typeof address === "number" ? "ipv4" : "ipv6"].lookupIn("local", address);
  if (route === undefined || (device !== undefined && route.device !== device)) return "UNICAST";
  return route.type === "local" ? "LOCAL" : route.type === "broadcast" ? "BROADCAST" : "UNICAST";
}

function readTypes(read: OptionReader): AddressTypes {
  const inverted = read.inverted();
  const given = new Set<string>(read.value().toUpperCase().split(","));
  const types = addressTypes.filter((type) => given.delete(type));
  for (const unknown of given) read.fail("BAD_VALUE", `${unknown} is not one of ${addressTypes.join(", ")}`);
  return { types, inverted };
}

export const addrtype: MatchModule<AddrtypeMatch> = {
  options: {
    "--src-type": (draft, read) => void (draft.src = readTypes(read)),
    "--dst-type": (draft, read) => void (draft.dst = readTypes(read)),
    "--limit-iface-in": (draft) => void (draft.limitInterface = "in"),
    "--limit-iface-out": (draft) => void (draft.limitInterface = "out"),
  },
  start: () => ({ kind: "addrtype" }),
  finish(draft, read) {
    if (draft.src === undefined && draft.dst === undefined) {
      read.fail("MISSING_OPTION", "-m addrtype needs --src-type or --dst-type");
    }
    return { ...draft, kind: "addrtype" };
  },
  print(match) {
    const words: string[] = [];
    if (match.src) words.push(printOption(match.src.inverted, "--src-type", match.src.types.join(",")));
    if (match.dst) words.push(printOption(match.dst.inverted, "--dst-type", match.dst.types.join(",")));
    if (match.limitInterface) words.push(`--limit-iface-${match.limitInterface}`);
    return words.join(" ");
  },
  matches(match, { state }) {
    const { namespace, skb } = state;
    const device = deviceOf(match, state);
    if (match.src && !holds(match.src, namespace, skb.packet.src, device)) return false;
    return match.dst === undefined || holds(match.dst, namespace, skb.packet.dst, device);
  },
  explain(match, { state }) {
    const { namespace, skb } = state;
    const device = deviceOf(match, state);
    const isSource = match.src !== undefined && !holds(match.src, namespace, skb.packet.src, device);
    const side = isSource ? match.src : match.dst;
    const address = isSource ? skb.packet.src : skb.packet.dst;
    const term = side ? printOption(side.inverted, isSource ? "--src-type" : "--dst-type", side.types.join(",")) : "";
    return { term, packet: `${formatAddress(address)} is ${addressType(namespace, address, device)}` };
  },
};

function holds({ types, inverted }: AddressTypes, ns: NetworkNamespace, address: Address, device?: string): boolean {
  const is =
    typeof address === "number" ? types.includes(addressType(ns, address, device)) : is6(types, ns, address, device);
  return is !== inverted;
}

/**
 * match_type6() (net/netfilter/xt_addrtype.c): for IPv6 an own address is UNICAST too, and of MULTICAST, UNICAST and
 * UNSPEC each that is listed must hold.
 */
function is6(types: readonly AddressType[], ns: NetworkNamespace, address: Address, device?: string): boolean {
  const isGroup = isMulticast(address);
  if (types.includes("MULTICAST") && !isGroup) return false;
  if (types.includes("UNICAST") && (isGroup || address === 0n)) return false;
  if (types.includes("UNSPEC") && address !== 0n) return false;
  const looked = (["LOCAL", "ANYCAST", "UNREACHABLE"] as const).filter((type) => types.includes(type));
  if (looked.length === 0) return true;
  const isUnreachable = (): boolean => {
    const route = ns.fib.ipv6.lookup({ dst: address, mark: 0 })?.route.type;
    return route === undefined || (route !== "unicast" && route !== "local");
  };
  return (
    (looked.includes("LOCAL") && addressType(ns, address, device) === "LOCAL") ||
    (looked.includes("UNREACHABLE") && isUnreachable())
  );
}

function deviceOf(match: AddrtypeMatch, state: HookState): string | undefined {
  if (match.limitInterface === undefined) return undefined;
  return (match.limitInterface === "in" ? state.inDevice : state.outDevice)?.name;
}
