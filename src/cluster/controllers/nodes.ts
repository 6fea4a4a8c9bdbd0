import { type Address, formatAddress, isIPv4, parseAddress } from "../../wire/address.ts";
import { type Cidr, cidr, contains, formatCidr, nthAddress, overlaps, parseCidr, sizeOf } from "../../wire/cidr.ts";
import type { Assumptions } from "../assumptions.ts";
import type { ClusterSettings } from "../cluster.ts";
import { nearest } from "../decode/nearest.ts";
import type { Node, Pod } from "../objects.ts";
import { compareText } from "../problem.ts";

/** The network that made nodes live in: kind's docker network. */
const nodeNetwork: Cidr = cidr(parseAddress("172.18.0.0") as Address, 16);
const nodeNetworkIPv6: Cidr = cidr(parseAddress("fc00:f853:ccd:e793::") as Address, 64);

/** The nodes of the cluster: the stated ones with what they lack, or made ones. */
export function completeNodes(
  stated: readonly Node[],
  pods: readonly Pod[],
  settings: ClusterSettings,
  assumptions: Assumptions,
): readonly Node[] {
  const blocks = settings.podCidrs.flatMap((text) => parseCidr(text) ?? []);
  const nodes = stated.length > 0 ? stated : makeNodes(pods, settings, assumptions);
  return withAddresses(withPodCidrs(nodes, blocks, settings), settings, assumptions);
}

function makeNodes(pods: readonly Pod[], settings: ClusterSettings, assumptions: Assumptions): Node[] {
  const blocks = statedBlocks(pods, settings.nodeCidrMaskSize);
  const homeless = blocks.filter(({ nodeName }) => nodeName === undefined);
  const lettered = Array.from({ length: Math.max(settings.nodeCount, Math.min(homeless.length, 64)) }, (_, index) =>
    nodeLetter(index),
  );
  const named = [...new Set(pods.flatMap((pod) => pod.spec.nodeName ?? []))].toSorted(compareText);
  // A name that nearly is node-a is a slip, which the check of nodeName reports.
  const foreign = named.filter((name) => !lettered.includes(name) && nearest(name, lettered) === undefined);
  const names = foreign.length > 0 ? named : lettered;
  const how = foreign.length > 0 ? "as the pods name them" : `${names.join(", ")}`;
  assumptions.add(
    "nodes",
    `the cluster has ${names.length} ${names.length === 1 ? "node" : "nodes"}: ${how}`,
    "--nodes, cluster.nodes, Node objects",
  );
  const hostIPs = new Map(
    pods.flatMap((pod) =>
      pod.spec.nodeName !== undefined && pod.status.hostIP !== undefined
        ? [[pod.spec.nodeName, pod.status.hostIP]]
        : [],
    ),
  );
  let next = 0;
  return names.map((name): Node => {
    const own = blocks.filter((block) => block.nodeName === name);
    const given = own.length > 0 ? own : homeless.slice(next++, next);
    const hostIP = hostIPs.get(name);
    return {
      kind: "Node",
      metadata: {
        name,
        namespace: "",
        labels: { "kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64" },
        annotations: {},
      },
      spec: { podCIDRs: given.map(({ block }) => formatCidr(block)) },
      status: { addresses: hostIP === undefined ? [] : [{ type: "InternalIP", address: hostIP }] },
    };
  });
}

/** node-a ... node-z, node-ba ...: letters read like the small clusters of textbooks. */
export function nodeLetter(index: number): string {
  let letters = "";
  for (let rest = index; letters === "" || rest > 0; rest = Math.floor(rest / 26)) {
    letters = String.fromCharCode(97 + (rest % 26)) + letters;
  }
  return `node-${letters}`;
}

interface StatedBlock {
  readonly block: Cidr;
  readonly nodeName: string | undefined;
}

/** The blocks that stated pod addresses lie in, of the size of a node's: what the nodes' podCIDRs must have been. */
function statedBlocks(pods: readonly Pod[], maskSize: ClusterSettings["nodeCidrMaskSize"]): readonly StatedBlock[] {
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

/** Each node without podCIDRs gets the next free part of each pod CIDR (pkg/controller/nodeipam, range allocator). */
function withPodCidrs(nodes: readonly Node[], blocks: readonly Cidr[], settings: ClusterSettings): readonly Node[] {
  const used = nodes.flatMap(({ spec }) => spec.podCIDRs.flatMap((text) => parseCidr(text) ?? []));
  if (nodes.every(({ spec }) => spec.podCIDRs.length > 0)) return nodes;
  const parts = blocks.map((block) =>
    freeParts(block, isIPv4(block.base) ? settings.nodeCidrMaskSize.ipv4 : settings.nodeCidrMaskSize.ipv6, used),
  );
  return nodes.map((node) => {
    if (node.spec.podCIDRs.length > 0) return node;
    const podCIDRs = parts.flatMap((part) => part.next().value ?? []);
    return { ...node, spec: { ...node.spec, podCIDRs } };
  });
}

function* freeParts(block: Cidr, prefixLength: number, used: readonly Cidr[]): Generator<string, undefined> {
  const bits = isIPv4(block.base) ? 32 : 128;
  const count = 2 ** Math.min(prefixLength - block.prefixLength, 20);
  const step = 2 ** Math.min(bits - prefixLength, 1023);
  const taken = new Set(used.map(formatCidr));
  const others = used.filter((other) => other.prefixLength !== prefixLength);
  for (let index = 0; index < count; index++) {
    const base = isIPv4(block.base) ? nthAddress(block, index * step) : nthIPv6(block, index, prefixLength);
    const part = cidr(base, prefixLength);
    if (!taken.has(formatCidr(part)) && !others.some((other) => overlaps(other, part))) yield formatCidr(part);
  }
  return undefined;
}

function nthIPv6(block: Cidr, index: number, prefixLength: number): Address {
  return (BigInt(block.base) + (BigInt(index) << BigInt(128 - prefixLength))) as Address;
}

/** The node's addresses of type InternalIP, in their order. */
export function internalIPs(node: Node): readonly string[] {
  return node.status.addresses.filter(({ type }) => type === "InternalIP").map(({ address }) => address);
}

function withAddresses(nodes: readonly Node[], settings: ClusterSettings, assumptions: Assumptions): readonly Node[] {
  const taken = new Set(nodes.flatMap(internalIPs));
  const families = settings.podCidrs.map((text) => (text.includes(":") ? nodeNetworkIPv6 : nodeNetwork));
  const cursors = families.map(() => 2);
  return nodes.map((node): Node => {
    if (internalIPs(node).length > 0) return node;
    const made = families.map((network, family) => {
      let offset = cursors[family] as number;
      while (taken.has(formatAddress(nthAddress(network, offset)))) offset++;
      cursors[family] = offset + 1;
      return { type: "InternalIP", address: formatAddress(nthAddress(network, offset)) };
    });
    const ranges = families.map(formatCidr).join(" and ");
    assumptions.add(
      "node-addresses",
      `nodes without an InternalIP have one of ${ranges}`,
      "status.addresses of the Nodes",
    );
    return { ...node, status: { addresses: [...node.status.addresses, ...made] } };
  });
}

/** The node whose podCIDRs hold an address. */
export function nodeOfAddress(nodes: readonly Node[], text: string): Node | undefined {
  const address = parseAddress(text);
  if (address === undefined) return undefined;
  return nodes.find(({ spec }) => spec.podCIDRs.some((block) => holds(block, address)));
}

function holds(text: string, address: Address): boolean {
  const block = parseCidr(text);
  return block !== undefined && contains(block, address);
}
