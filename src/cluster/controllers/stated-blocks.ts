import { type Address, isIPv4, parseAddress } from "../../wire/address.ts";
import { type Cidr, cidr, formatCidr, overlaps, sizeOf } from "../../wire/cidr.ts";
import type { ClusterSettings } from "../cluster.ts";
import type { Pod } from "../objects.ts";
import { compareText } from "../problem.ts";

/** A block that pods of one node, or of an unknown one, have their addresses from. */
export interface StatedBlock {
  readonly block: Cidr;
  readonly nodeName: string | undefined;
}

/** The blocks that stated pod addresses lie in, of the size of a node's: what the nodes' podCIDRs must have been. */
export function statedBlocks(
  pods: readonly Pod[],
  maskSize: ClusterSettings["nodeCidrMaskSize"],
): readonly StatedBlock[] {
  const found = new Map<string, { block: Cidr; nodeNames: Set<string | undefined>; addresses: Address[] }>();
  for (const pod of pods) {
    if (pod.spec.hostNetwork) continue;
    for (const text of pod.status.podIPs) {
      const address = parseAddress(text);
      if (address === undefined) continue;
      const block = cidr(address, isIPv4(address) ? maskSize.ipv4 : maskSize.ipv6);
      const key = formatCidr(block);
      const entry = found.get(key) ?? { block, nodeNames: new Set(), addresses: [] };
      entry.nodeNames.add(pod.spec.nodeName);
      entry.addresses.push(address);
      found.set(key, entry);
    }
  }
  const blocks: StatedBlock[] = [];
  for (const { block, nodeNames, addresses } of found.values()) {
    // Several nodes in one block: addresses are not given by node there (Calico, a cloud), so no node owns it.
    const names = [...nodeNames].filter((name) => name !== undefined);
    if (names.length > 1) continue;
    const widened = widen(block, addresses);
    if (!blocks.some((other) => overlaps(other.block, widened))) blocks.push({ block: widened, nodeName: names[0] });
  }
  return blocks.toSorted((a, b) => compareText(sortKey(a.block), sortKey(b.block)));
}

const sortKey = ({ base }: Cidr): string =>
  BigInt(base)
    .toString(16)
    .padStart(isIPv4(base) ? 8 : 33, "0");

/** A pod has neither the block's own address, nor the gateway's, nor the broadcast address: then the block was larger. */
function widen(block: Cidr, addresses: readonly Address[]): Cidr {
  const size = BigInt(sizeOf(block));
  const reserved = (address: Address): boolean => {
    const offset = BigInt(address) - BigInt(block.base);
    return offset < 2n || (isIPv4(block.base) && offset === size - 1n);
  };
  if (block.prefixLength <= 8 || !addresses.some(reserved)) return block;
  return widen(cidr(block.base, block.prefixLength - 1), addresses);
}
