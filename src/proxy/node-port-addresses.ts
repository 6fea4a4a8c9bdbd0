import { type Address, type Family, address, familyOf, isLoopback } from "../wire/address.ts";
import { type Cidr, contains } from "../wire/cidr.ts";
import { parseCidrSloppy } from "../cluster/sloppy.ts";

/**
 * On which of a node's addresses nodePorts are served (`--nodeport-addresses`).
 * pkg/proxy/util/nodeport_addresses.go.
 */
export interface NodePortAddresses {
  /** Every local address: no block of the family was given, or one that holds all. */
  readonly matchAll: boolean;
  readonly containsIPv4Loopback: boolean;
  /** Those of the node's addresses that lie in one of the blocks. */
  nodeAddresses(all: readonly Address[]): readonly Address[];
}

export function nodePortAddresses(cidrs: readonly string[], family: Family): NodePortAddresses {
  const blocks = cidrs.flatMap((text): Cidr[] => {
    const block = parseCidrSloppy(text);
    return block !== undefined && familyOf(block.base) === family ? [block] : [];
  });
  const matchAll = blocks.length === 0 || blocks.some(({ prefixLength }) => prefixLength === 0);
  const loopback = address("127.0.0.1");
  return {
    matchAll,
    containsIPv4Loopback:
      family === "ipv4" && (matchAll || blocks.some((block) => isLoopback(block.base) || contains(block, loopback))),
    nodeAddresses: (all) =>
      all.filter((one) => familyOf(one) === family && (matchAll || blocks.some((block) => contains(block, one)))),
  };
}
