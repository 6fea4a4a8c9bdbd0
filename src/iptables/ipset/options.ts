import { parseAddress } from "../../wire/address.ts";
import { addressBits, parseCidr } from "../../wire/cidr.ts";

/** What the words behind `ipset create NAME TYPE` mean. Sizes of hash tables decide nothing and are only kept. */
export interface SetOptions {
  /** Seconds that an element stays where it states none; absent: elements have no time-outs. 0: for ever. */
  readonly timeoutSeconds?: number;
  readonly counters: boolean;
  readonly comment: boolean;
  readonly skbinfo: boolean;
  /** Only these leading bits of an address count (hash:ip, bitmap:ip). */
  readonly netmask?: number;
  /** Only these bits of a mark count (hash:ip,mark). */
  readonly markmask?: number;
  /** Most elements that it holds. */
  readonly maxElements: number;
  /** First and last port or IPv4 address of a bitmap, as numbers. */
  readonly range?: readonly [first: number, last: number];
}

const defaultMaxElements = 65_536;

/** Options in the order in which `ipset save` prints them; true: with a value. */
const order: Readonly<Record<string, boolean>> = {
  range: true,
  markmask: true,
  hashsize: true,
  maxelem: true,
  netmask: true,
  bitmask: true,
  size: true,
  timeout: true,
  counters: false,
  comment: false,
  forceadd: false,
  skbinfo: false,
  bucketsize: true,
  initval: true,
};

/** The words as options, sorted; undefined at a word that no set takes. */
export function splitOptions(words: readonly string[]): readonly (readonly string[])[] | undefined {
  const options: string[][] = [];
  for (let at = 0; at < words.length; at++) {
    const name = words[at] as string;
    if (!Object.hasOwn(order, name)) return undefined;
    options.push(order[name] === true ? [name, words[++at] ?? ""] : [name]);
  }
  const names = Object.keys(order);
  return options.sort(([a = ""], [b = ""]) => names.indexOf(a) - names.indexOf(b));
}

export function readSetOptions(words: readonly string[]): SetOptions {
  const options = new Map((splitOptions(words) ?? []).map(([name = "", value = ""]) => [name, value]));
  const number = (name: string): number | undefined => (options.has(name) ? Number(options.get(name)) : undefined);
  const timeoutSeconds = number("timeout");
  const netmask = number("netmask");
  const markmask = number("markmask");
  const range = options.has("range") ? readRange(options.get("range") ?? "") : undefined;
  return {
    counters: options.has("counters"),
    comment: options.has("comment"),
    skbinfo: options.has("skbinfo"),
    maxElements: number("maxelem") ?? defaultMaxElements,
    ...(timeoutSeconds !== undefined && { timeoutSeconds }),
    ...(netmask !== undefined && { netmask }),
    ...(markmask !== undefined && { markmask }),
    ...(range !== undefined && { range }),
  };
}

/** `0-65535`, `10.0.0.0/16` or `10.0.0.1-10.0.0.9`. */
function readRange(text: string): readonly [number, number] {
  const block = text.includes("/") ? parseCidr(text) : undefined;
  if (block !== undefined) {
    const first = Number(block.base);
    return [first, first + 2 ** (addressBits(block.base) - block.prefixLength) - 1];
  }
  const [first = 0, last = first] = text.split("-").map((end) => Number(parseAddress(end) ?? end));
  return [first, last];
}
