import { type Address, formatAddress, isIPv4, parseAddress } from "../../wire/address.ts";
import { type Cidr, cidr, contains, formatCidr, nthAddress, overlaps, parseCidr } from "../../wire/cidr.ts";
import type { Assumptions } from "../assumptions.ts";
import type { ClusterSettings } from "../cluster.ts";
import { inheritPlace } from "../load/origin.ts";
import type { Node, Pod } from "../objects.ts";
import { compareText } from "../problem.ts";
import { statedBlocks } from "./stated-blocks.ts";

/** The network that made nodes live in: kind's docker network. */
const nodeNetwork: Cidr = cidr(parseAddress("172.18.0.0") as Address, 16);
const nodeNetworkIPv6: Cidr = cidr(parseAddress("fc00:f853:ccd:e793::") as Address, 64);

/** The nodes of the cluster: the stated ones with what they lack, or made ones. */
export function completeNodes(
  stated: readonly Node[],
  pods: readonly Pod[],
  settings: ClusterSettings,
  countStated: boolean,
  assumptions: Assumptions,
): readonly Node[] {
  const blocks = settings.podCidrs.flatMap((text) => parseCidr(text) ?? []);
  const nodes = stated.length > 0 ? stated.map(withLabels) : makeNodes(pods, settings, countStated, assumptions);
  return withAddresses(withPodCidrs(nodes, blocks, settings), settings, assumptions);
}

/** Every kubelet labels its node so; manifests of nodes leave it out. */
function withLabels(node: Node): Node {
  const { labels, name } = node.metadata;
  const own = { "kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64" };
  if (Object.keys(own).every((key) => Object.hasOwn(labels, key))) return node;
  return inheritPlace({ ...node, metadata: { ...node.metadata, labels: { ...own, ...labels } } }, node);
}

function makeNodes(
  pods: readonly Pod[],
  settings: ClusterSettings,
  countStated: boolean,
  assumptions: Assumptions,
): Node[] {
  const blocks = statedBlocks(pods, settings.nodeCidrMaskSize);
  const homeless = blocks.filter(({ nodeName }) => nodeName === undefined);
  const names = nodeNames(pods, Math.max(settings.nodeCount, Math.min(homeless.length, 64)), countStated);
  const count = names.length === 1 ? "1 node" : `${names.length} nodes`;
  const listed = names.length > 8 ? `${names.slice(0, 8).join(", ")} and so on` : names.join(", ");
  assumptions.add("nodes", `the cluster has ${count}: ${listed}`, "--nodes, cluster.nodes, Node objects");
  const hostIPs = new Map<string | undefined, string>();
  for (const { spec, status } of pods) if (status.hostIP !== undefined) hostIPs.set(spec.nodeName, status.hostIP);
  let next = 0;
  return names.map((name): Node => {
    const own = blocks.filter((block) => block.nodeName === name);
    const given = own.length > 0 ? own : homeless.slice(next++, next);
    const hostIP = hostIPs.get(name);
    return withLabels({
      kind: "Node",
      metadata: { name, namespace: "", labels: {}, annotations: {} },
      spec: { podCIDRs: given.map(({ block }) => formatCidr(block)) },
      status: { addresses: hostIP === undefined ? [] : [{ type: "InternalIP", address: hostIP }] },
    });
  });
}

/** The names that the pods state, where they are of a real cluster; else node-a and so on. */
function nodeNames(pods: readonly Pod[], count: number, countStated: boolean): readonly string[] {
  const stated = [...new Set(pods.flatMap((pod) => pod.spec.nodeName ?? []))].toSorted(compareText);
  const lettered = Array.from({ length: count }, (_, index) => nodeLetter(index));
  if (stated.length === 0) return lettered;
  if (!stated.some((name) => /^node-[a-z]$/.test(name))) return stated;
  // A pod on node-c asks for three nodes, unless there are to be two.
  if (!countStated)
    while (lettered.length < 26 && stated.includes(nodeLetter(lettered.length)))
      lettered.push(nodeLetter(lettered.length));
  return lettered;
}

/** node-a ... node-z, node-ba ...: letters read like the small clusters of textbooks. */
export function nodeLetter(index: number): string {
  let letters = "";
  for (let rest = index; letters === "" || rest > 0; rest = Math.floor(rest / 26)) {
    letters = String.fromCharCode(97 + (rest % 26)) + letters;
  }
  return `node-${letters}`;
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
    return { ...node, status: { ...node.status, addresses: [...node.status.addresses, ...made] } };
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
