import type { HookState } from "../../kernel/netfilter.ts";
import type { Owner } from "../../trace/records.ts";
import type { Family } from "../../wire/address.ts";
import { addressBits, maskAddress } from "../../wire/cidr.ts";
import type { SetFlag } from "../matches/set.ts";
import {
  type Dimension,
  type Element,
  type Part,
  blockKey,
  formatElement,
  markPart,
  partKey,
  partOf,
} from "./element.ts";
import { type SetOptions, readSetOptions } from "./options.ts";

/** What `ipset create` takes. */
export interface SetSpec {
  readonly name: string;
  /** `hash:ip`, `hash:net`, `hash:ip,port`, `bitmap:port`, `list:set`, ... */
  readonly type: string;
  readonly family: Family;
  /** Other options word by word: `maxelem`, `1000`, `timeout`, `0`. */
  readonly options: readonly string[];
  readonly owner?: Owner;
}

/** Options of one element. */
export interface EntryOptions {
  /** The element is an exception from a larger block. */
  readonly nomatch?: boolean;
  readonly comment?: string;
  /** Seconds until it goes; 0: never. */
  readonly timeout?: number;
  readonly packets?: number;
  readonly bytes?: number;
  /** `skbmark 0x1/0xff`, `skbprio 1:10`, `skbqueue 5`, as written. */
  readonly skbinfo?: readonly string[];
  readonly owner?: Owner;
}

export interface SetEntry extends EntryOptions {
  readonly element: Element;
  packets?: number;
  bytes?: number;
  /** Absent: never. */
  readonly expiresAtNanos?: number;
}

type Key = number | bigint | string;

/** Whether an entry that holds the packet counts. */
export type Accept = (entry: SetEntry) => boolean;

/** One set of a namespace. */
export class IpSet {
  name: string;
  readonly spec: SetSpec;
  readonly options: SetOptions;
  readonly dimensions: readonly Dimension[];
  readonly #nowNanos: () => number;
  readonly #entries = new Map<Key, SetEntry>();
  /** Prefix lengths in use per `net` dimension, longest first, and how many elements have each. */
  readonly #lengths = new Map<number, number[]>();
  readonly #uses = new Map<string, number>();

  constructor(spec: SetSpec, nowNanos: () => number) {
    this.name = spec.name;
    this.spec = spec;
    this.options = readSetOptions(spec.options);
    this.dimensions = dimensionsOf(spec.type);
    this.#nowNanos = nowNanos;
  }

  get isBitmap(): boolean {
    return this.spec.type.startsWith("bitmap:");
  }

  /** Elements may be exceptions from others (IPSET_TYPE_NOMATCH). */
  get hasExceptions(): boolean {
    return this.dimensions.includes("net");
  }

  get size(): number {
    return this.options.timeoutSeconds === undefined ? this.#entries.size : this.entries().length;
  }

  get isFull(): boolean {
    return this.#entries.size >= this.options.maxElements && this.size >= this.options.maxElements;
  }

  entries(): readonly SetEntry[] {
    const entries = [...this.#entries.values()];
    return this.options.timeoutSeconds === undefined ? entries : entries.filter((entry) => this.#lives(entry));
  }

  /** Adds or replaces an element; false when it was there already. */
  add(given: Element, options: EntryOptions = {}): boolean {
    const element = this.#masked(given);
    const isNew = !this.has(element);
    const key = keyOf(element);
    if (!this.#entries.has(key)) this.#countLengths(element, 1);
    const { timeoutSeconds } = this.options;
    const seconds = timeoutSeconds === undefined ? 0 : (options.timeout ?? timeoutSeconds);
    this.#entries.set(key, {
      element,
      ...options,
      ...(seconds > 0 && { expiresAtNanos: this.#nowNanos() + seconds * 1e9 }),
    });
    return isNew;
  }

  /** Moves an element of a list:set next to another; false when that is not there. */
  move(element: Element, where: "before" | "after", other: Element): boolean {
    const [key, otherKey] = [keyOf(element), keyOf(other)];
    const entry = this.#entries.get(key);
    if (entry === undefined || key === otherKey || !this.has(other)) return false;
    const rest = [...this.#entries].filter(([own]) => own !== key);
    const at = rest.findIndex(([own]) => own === otherKey) + (where === "before" ? 0 : 1);
    this.#entries.clear();
    for (const [own, one] of rest.toSpliced(at, 0, [key, entry])) this.#entries.set(own, one);
    return true;
  }

  /** False when it was not there. */
  delete(given: Element): boolean {
    const element = this.#masked(given);
    if (!this.has(element)) return false;
    this.#countLengths(element, -1);
    return this.#entries.delete(keyOf(element));
  }

  has(given: Element): boolean {
    return this.entryOf(given) !== undefined;
  }

  /** The element as it is in the set. */
  entryOf(given: Element): SetEntry | undefined {
    const entry = this.#entries.get(keyOf(this.#masked(given)));
    return entry !== undefined && this.#lives(entry) ? entry : undefined;
  }

  /** Whether an element lies in the range of a bitmap. */
  takes([part]: Element): boolean {
    const { range } = this.options;
    if (range === undefined || (part?.kind !== "ip" && part?.kind !== "port")) return true;
    const value = Number(part.kind === "ip" ? part.address : part.port);
    return value >= range[0] && value <= range[1];
  }

  flush(): void {
    this.#entries.clear();
    this.#lengths.clear();
    this.#uses.clear();
  }

  /** Seconds until an entry goes; 0: it stays. */
  secondsLeft({ expiresAtNanos }: SetEntry): number {
    return expiresAtNanos === undefined ? 0 : Math.max(1, Math.floor((expiresAtNanos - this.#nowNanos()) / 1e9));
  }

  #lives({ expiresAtNanos }: SetEntry): boolean {
    return expiresAtNanos === undefined || expiresAtNanos > this.#nowNanos();
  }

  /**
   * The entry that holds the packet; the most specific block first, and only those that `accept` says count
   * (kernel/net/netfilter/ipset/ip_set_hash_gen.h). The caller looks at `nomatch`.
   */
  find(state: HookState, flags: readonly SetFlag[], accept?: Accept): SetEntry | undefined {
    if (this.dimensions.length === 1 && this.dimensions[0] === "ip" && this.options.netmask === undefined) {
      const { packet } = state.skb;
      return this.#accepted(this.#entries.get(flags[0] === "src" ? packet.src : packet.dst), accept);
    }
    return this.#search(state, flags, 0, "", accept);
  }

  #accepted(entry: SetEntry | undefined, accept: Accept | undefined): SetEntry | undefined {
    if (entry === undefined || !this.#lives(entry)) return undefined;
    return accept === undefined || accept(entry) ? entry : undefined;
  }

  #search(
    state: HookState,
    flags: readonly SetFlag[],
    index: number,
    prefix: Key,
    accept: Accept | undefined,
  ): SetEntry | undefined {
    const dimension = this.dimensions[index];
    if (dimension === undefined) return this.#accepted(this.#entries.get(prefix), accept);
    const part = partOf(state, dimension, flags[index] ?? "dst", this.isBitmap);
    if (part === undefined) return undefined;
    if (dimension !== "net" || part.kind !== "ip") {
      return this.#search(state, flags, index + 1, joinKeys(prefix, partKey(this.#maskedPart(part)), index), accept);
    }
    for (const length of this.#lengths.get(index) ?? []) {
      const key = joinKeys(prefix, blockKey(part.address, length), index);
      const found = this.#search(state, flags, index + 1, key, accept);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** The element that the packet would be in this set, as text. */
  elementOf(state: HookState, flags: readonly SetFlag[]): string {
    const parts = this.#partsOf(state, flags);
    return parts.map((part) => (part === undefined ? "?" : formatElement([part]))).join(",");
  }

  /** The packet's element, for `-j SET`; undefined where the packet lacks a part. */
  packetElement(state: HookState, flags: readonly SetFlag[]): Element | undefined {
    const parts = this.#partsOf(state, flags).map((part, index) => part && this.#widened(part, index));
    return parts.every((part) => part !== undefined) ? parts : undefined;
  }

  #partsOf(state: HookState, flags: readonly SetFlag[]): (Part | undefined)[] {
    return this.dimensions.map((dimension, index) => {
      const part = partOf(state, dimension, flags[index] ?? "dst", this.isBitmap);
      return dimension === "net" && part?.kind === "ip"
        ? { kind: "net", base: part.address, prefixLength: addressBits(part.address) }
        : part;
    });
  }

  /** A packet's address goes into a set of blocks under the longest prefix that the set has (INIT_CIDR). */
  #widened(part: Part, index: number): Part {
    const [length] = this.#lengths.get(index) ?? [];
    if (part.kind !== "net" || length === undefined) return part;
    return { kind: "net", base: maskAddress(part.base, length), prefixLength: length };
  }

  /** The element under the set's masks. */
  #masked(element: Element): Element {
    const { netmask, markmask } = this.options;
    return netmask === undefined && markmask === undefined ? element : element.map((part) => this.#maskedPart(part));
  }

  /** The only text in a set with a mask for marks is a mark. */
  #maskedPart(part: Part): Part {
    const { netmask, markmask } = this.options;
    if (part.kind === "text" && markmask !== undefined) return markPart(Number(part.text) & markmask);
    if (part.kind !== "ip" || netmask === undefined) return part;
    return { kind: "ip", address: maskAddress(part.address, netmask) };
  }

  /** mtype_add_cidr(), mtype_del_cidr(): a length that no element has is not looked for, and widens nothing. */
  #countLengths(element: Element, by: 1 | -1): void {
    for (const [index, part] of element.entries()) {
      if (part.kind !== "net") continue;
      const use = `${index}/${part.prefixLength}`;
      const uses = (this.#uses.get(use) ?? 0) + by;
      this.#uses.set(use, uses);
      const lengths = this.#lengths.get(index) ?? [];
      if (uses === 0)
        this.#lengths.set(
          index,
          lengths.filter((length) => length !== part.prefixLength),
        );
      else if (!lengths.includes(part.prefixLength)) {
        this.#lengths.set(
          index,
          [...lengths, part.prefixLength].sort((a, b) => b - a),
        );
      }
    }
  }
}

/** `hash:ip,port,net` has three dimensions. */
export function dimensionsOf(type: string): readonly Dimension[] {
  return (type.split(":")[1] ?? "").split(",") as Dimension[];
}

function keyOf(element: Element): Key {
  let key: Key = "";
  for (const [index, part] of element.entries()) key = joinKeys(key, partKey(part), index);
  return key;
}

/** A set of one dimension is keyed by the part itself. */
function joinKeys(prefix: Key, key: Key, index: number): Key {
  return index === 0 ? key : `${prefix},${key}`;
}
