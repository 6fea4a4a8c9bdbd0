import { sha256 } from "@noble/hashes/sha2.js";
import type { ServicePort } from "../proxy/service-port.ts";

/** The chains of one service port. All share one hash. */
export interface ServiceChainNames {
  /** Endpoints of the policy Cluster. */
  readonly cluster: string;
  /** Endpoints of the policy Local. */
  readonly local: string;
  /** Load balancer source ranges. */
  readonly firewall: string;
  /** External traffic before it is handed to one of the two. */
  readonly external: string;
}

/** pkg/proxy/iptables/proxier.go (servicePortPolicyClusterChain and its like): the protocol is in the hash alone. */
export function serviceChainNames(port: ServicePort): ServiceChainNames {
  const hash = chainHash(port.text + port.protocol.toLowerCase());
  return {
    cluster: `KUBE-SVC-${hash}`,
    local: `KUBE-SVL-${hash}`,
    firewall: `KUBE-FW-${hash}`,
    external: `KUBE-EXT-${hash}`,
  };
}

/** The chain of one endpoint (`ip:port`) of a service port. servicePortEndpointChainName. */
export function endpointChainName(port: ServicePort, endpoint: string): string {
  return `KUBE-SEP-${chainHash(port.text + port.protocol.toLowerCase() + endpoint)}`;
}

const initialHash = sha256.create();
const workHash = sha256.create();
const digest = new Uint8Array(32);
const encoded = new Uint8Array(2048);
const characters: number[] = Array.from({ length: 16 }, () => 0);
const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** The first 16 characters of the RFC 4648 base32 text of the SHA-256 of `text`. */
export function chainHash(text: string): string {
  // A hash object per name would cost twice the time, and there are names by the hundred thousand.
  // Names, protocols and addresses of the API are ASCII.
  for (let i = 0; i < text.length; i++) encoded[i] = text.charCodeAt(i);
  initialHash._cloneInto(workHash).update(encoded.subarray(0, text.length)).digestInto(digest);
  for (let group = 0; group < 2; group++) {
    // Five bytes are eight characters.
    const at = group * 5;
    const high = ((digest[at] as number) << 12) | ((digest[at + 1] as number) << 4) | ((digest[at + 2] as number) >> 4);
    const low =
      (((digest[at + 2] as number) & 15) << 16) | ((digest[at + 3] as number) << 8) | (digest[at + 4] as number);
    for (let place = 0; place < 4; place++) {
      characters[group * 8 + place] = alphabet.charCodeAt((high >> (15 - place * 5)) & 31);
      characters[group * 8 + 4 + place] = alphabet.charCodeAt((low >> (15 - place * 5)) & 31);
    }
  }
  return String.fromCharCode(...characters);
}
