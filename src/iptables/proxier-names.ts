import type { ServicePort } from "../proxy/service-port.ts";
import { sha256 } from "../wire/sha256.ts";

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

const alphabet = Uint8Array.from("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", (character) => character.charCodeAt(0));
const codes: number[] = Array.from({ length: 16 }, () => 0);

/** `prefix` and the first 16 characters of the RFC 4648 base32 text of the SHA-256 of both texts together. */
export function chainName(prefix: string, text: string, rest = ""): string {
  const words = sha256(text, rest);
  for (let place = 0; place < 16; place++) {
    // Five bits, which may begin in one word and end in the next.
    const word = (5 * place) >> 5;
    const shift = 27 - ((5 * place) & 31);
    const high = words[word] as number;
    const bits = shift >= 0 ? high >>> shift : (high << -shift) | ((words[word + 1] as number) >>> (32 + shift));
    codes[place] = alphabet[bits & 31] as number;
  }
  return prefix + String.fromCharCode(...codes);
}
