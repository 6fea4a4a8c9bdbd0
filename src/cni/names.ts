import type { Pod } from "../cluster/objects.ts";
import { type Mac, localMac } from "../wire/mac.ts";
import { sha256 } from "../wire/sha256.ts";

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

/** The first sixteen hexadecimal digits of the SHA-256. */
function digestOf(key: string): string {
  return Array.from(sha256(key).subarray(0, 2), (word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
}
