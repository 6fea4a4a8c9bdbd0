import { _SHA256 } from "@noble/hashes/sha2.js";
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
  const name = chainName("", hashInput(port));
  return {
    cluster: `KUBE-SVC-${name}`,
    local: `KUBE-SVL-${name}`,
    firewall: `KUBE-FW-${name}`,
    external: `KUBE-EXT-${name}`,
  };
}

export const endpointChainPrefix = "KUBE-SEP-";

/** The chains of endpoints (`ip:port`) of a service port. servicePortEndpointChainName. */
export function endpointChainNames(port: ServicePort, endpoints: readonly { readonly text: string }[]): string[] {
  const input = hashInput(port);
  return endpoints.map(({ text }) => chainName(endpointChainPrefix, input, text));
}

function hashInput({ text, protocol }: ServicePort): string {
  return text + protocol.toLowerCase();
}

/**
 * The library's SHA-256 without its stream: one short text at a time, and no object for it. There are names by the
 * hundred thousand.
 */
class TextHash extends _SHA256 {
  readonly #start = this.get();
  readonly #block = new Uint8Array(64);
  readonly #view = new DataView(this.#block.buffer);

  /** The digest of two ASCII texts together, as 32-bit words. Names, protocols and addresses of the API are ASCII. */
  words(text: string, rest: string): readonly number[] {
    this.set(...this.#start);
    const block = this.#block;
    const length = text.length + rest.length;
    let used = 0;
    for (let at = 0; at < length; at++) {
      block[used++] = at < text.length ? text.charCodeAt(at) : rest.charCodeAt(at - text.length);
      if (used === 64) used = this.#compress();
    }
    // Behind the text come a single 1, zeros, and the length in bits.
    block[used++] = 0x80;
    if (used > 56) {
      block.fill(0, used);
      used = this.#compress();
    }
    block.fill(0, used);
    this.#view.setUint32(60, length * 8);
    this.#compress();
    return this.get();
  }

  #compress(): 0 {
    this.process(this.#view, 0);
    return 0;
  }
}

const hash = new TextHash();
const alphabet = Uint8Array.from("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", (character) => character.charCodeAt(0));

/** `prefix` and the first 16 characters of the RFC 4648 base32 text of the SHA-256 of both texts together. */
export function chainName(prefix: string, text: string, rest = ""): string {
  const words = hash.words(text, rest);
  const codes: number[] = [];
  for (let at = 0; at < prefix.length; at++) codes.push(prefix.charCodeAt(at));
  for (let place = 0; place < 16; place++) {
    // Five bits, which may begin in one word and end in the next.
    const word = (5 * place) >> 5;
    const shift = 27 - ((5 * place) & 31);
    const high = words[word] as number;
    const bits = shift >= 0 ? high >>> shift : (high << -shift) | ((words[word + 1] as number) >>> (32 + shift));
    codes.push(alphabet[bits & 31] as number);
  }
  return String.fromCharCode(...codes);
}
