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
  const hash = chainName("", hashInput(port));
  return {
    cluster: `KUBE-SVC-${hash}`,
    local: `KUBE-SVL-${hash}`,
    firewall: `KUBE-FW-${hash}`,
    external: `KUBE-EXT-${hash}`,
  };
}

/** The chains of endpoints (`ip:port`) of a service port. servicePortEndpointChainName. */
export function endpointChainNames(port: ServicePort, endpoints: readonly { readonly text: string }[]): string[] {
  const input = hashInput(port);
  return endpoints.map(({ text }) => chainName("KUBE-SEP-", input, text));
}

function hashInput({ text, protocol }: ServicePort): string {
  return text + protocol.toLowerCase();
}

const initialHash = sha256.create();
const workHash = sha256.create();
const digest = new Uint8Array(32);
const encoded = new Uint8Array(2048);
const alphabet = Uint8Array.from("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", (character) => character.charCodeAt(0));

/** `prefix` and the first 16 characters of the RFC 4648 base32 text of the SHA-256 of both texts together. */
export function chainName(prefix: string, text: string, rest = ""): string {
  // Names, protocols and addresses of the API are ASCII.
  let length = 0;
  for (let i = 0; i < text.length; i++) encoded[length++] = text.charCodeAt(i);
  for (let i = 0; i < rest.length; i++) encoded[length++] = rest.charCodeAt(i);
  // A hash object per name would cost twice the time, and there are names by the hundred thousand.
  initialHash._cloneInto(workHash).update(encoded.subarray(0, length)).digestInto(digest);
  const codes: number[] = [];
  for (let i = 0; i < prefix.length; i++) codes.push(prefix.charCodeAt(i));
  let bits = 0;
  let held = 0;
  let byte = 0;
  for (let place = 0; place < 16; place++) {
    if (held < 5) {
      bits = ((bits & 31) << 8) | (digest[byte++] as number);
      held += 8;
    }
    held -= 5;
    codes.push(alphabet[(bits >> held) & 31] as number);
  }
  return String.fromCharCode(...codes);
}
