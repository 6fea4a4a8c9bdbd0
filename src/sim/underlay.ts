import type { Cluster } from "../cluster/cluster.ts";
import type { Node } from "../cluster/objects.ts";
import { type Address, type Family, familyOf, formatAddress, parseAddress } from "../wire/address.ts";
import { type Cidr, addressBits, cidr, contains, formatCidr, nthAddress } from "../wire/cidr.ts";

/** The network that the nodes stand in: one Ethernet segment per cluster, a router, and the world behind it. */
export interface Underlay {
  /** Per family that the nodes have: the segment and the router's address on it. */
  readonly segments: readonly { readonly family: Family; readonly subnet: Cidr; readonly gateway: Address }[];
  /** Where hosts outside live, and the router's address there. */
  readonly outside: readonly {
    readonly family: Family;
    readonly subnet: Cidr;
    readonly gateway: Address;
    readonly host: Address;
  }[];
  readonly assumptions: readonly { readonly id: string; readonly text: string }[];
}

/** Documentation prefixes (RFC 5737, RFC 3849): nobody's real hosts. */
const outsideV4 = {
  subnet: cidr(parseAddress("203.0.113.0") as Address, 24),
  host: parseAddress("203.0.113.8") as Address,
};
const outsideV6 = {
  subnet: cidr(parseAddress("2001:db8:ffff::") as Address, 64),
  host: parseAddress("2001:db8:ffff::8") as Address,
};

/** The segment is taken to be this wide (bits) unless the nodes' addresses lie further apart. */
const usualPrefix = { ipv4: 24, ipv6: 64 } as const;

/** Works out the segment of the nodes from their InternalIPs. */
export function planUnderlay(cluster: Cluster): Underlay {
  const segments = (["ipv4", "ipv6"] as const).flatMap((family) => {
    const addresses = cluster.nodes.flatMap((node) =>
      internalAddresses(node).filter((address) => familyOf(address) === family),
    );
    if (addresses.length === 0) return [];
    const subnet = commonPrefix(addresses, usualPrefix[family]);
    return [{ family, subnet, gateway: freeAddress(subnet, addresses) }];
  });
  const families = new Set(segments.map(({ family }) => family));
  const outside = [
    ...(families.has("ipv4")
      ? [{ family: "ipv4" as const, gateway: nthAddress(outsideV4.subnet, 1), ...outsideV4 }]
      : []),
    ...(families.has("ipv6")
      ? [{ family: "ipv6" as const, gateway: nthAddress(outsideV6.subnet, 1), ...outsideV6 }]
      : []),
  ];
  const text = segments
    .map(({ subnet, gateway }) => `${formatCidr(subnet)} with the router ${formatAddress(gateway)}`)
    .join(" and ");
  return {
    segments,
    outside,
    assumptions: [
      {
        id: "underlay",
        text: `the nodes share one Ethernet segment, ${text}; hosts outside are behind that router, which knows neither pods nor Services`,
      },
    ],
  };
}

/** The InternalIPs of a node, in the order it states them. */
export function internalAddresses(node: Node): readonly Address[] {
  return node.status.addresses
    .filter(({ type }) => type === "InternalIP")
    .flatMap(({ address }) => parseAddress(address) ?? []);
}

/** The smallest block of at most `narrowest` bits that holds all addresses. */
function commonPrefix(addresses: readonly Address[], narrowest: number): Cidr {
  const first = addresses[0] as Address;
  for (let length = Math.min(narrowest, addressBits(first)); length > 0; length--) {
    const block = cidr(first, length);
    if (addresses.every((address) => contains(block, address))) return block;
  }
  return cidr(first, 0);
}

/** The first host address of the block that no node has. */
function freeAddress(block: Cidr, taken: readonly Address[]): Address {
  for (let offset = 1; ; offset++) {
    const address = nthAddress(block, offset);
    if (!taken.includes(address)) return address;
  }
}
