import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import type { Pod } from "../cluster/objects.ts";
import { type Mac, localMac } from "../wire/mac.ts";

/*
 * The plugins of containernetworking draw device names and MAC addresses at random. Here they follow from node and
 * pod, in the same shape, so that two runs show the same names.
 */

/** What makes a pod's devices its own: a pod of the same name on another node has others. */
export function podKey(pod: Pod): string {
  return `${pod.spec.nodeName ?? ""}/${pod.metadata.namespace}/${pod.metadata.name}`;
}

/** `veth` and 8 hexadecimal digits: pkg/ip/link_linux.go, RandomVethName. */
export function vethName(pod: Pod): string {
  return `veth${digestOf(podKey(pod)).slice(0, 8)}`;
}

/** A locally administered unicast address (IEEE 802, as the kernel's eth_random_addr() makes them). */
export function stableMac(key: string): Mac {
  return localMac(Number.parseInt(digestOf(key).slice(0, 10), 16));
}

function digestOf(key: string): string {
  return bytesToHex(sha256(utf8ToBytes(key)));
}
