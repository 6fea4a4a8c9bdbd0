import type { HookState } from "../../kernel/netfilter.ts";
import type { Owner } from "../../trace/records.ts";
import type { Family } from "../../wire/address.ts";
import type { SetFlag } from "../matches/set.ts";
import { type Dimension, type Element, type Part, blockKey, formatElement, partKey, partOf } from "./element.ts";

/** What `ipset create` takes. */
export interface SetSpec {
  readonly name: string;
  /** `hash:ip`, `hash:net`, `hash:ip,port`, `bitmap:port`, `list:set`, ... */
  readonly type: string;
  readonly family: Family;
  /** Other options as given: `maxelem 1000`, `timeout 0`, `range 0-65535`. */
  readonly options: readonly string[];
  readonly owner?: Owner;
}

/** Options of one element. */
export interface EntryOptions {
  /** The element is an exception from a larger block. */
  readonly nomatch?: boolean;
  readonly comment?: string;
  /** Seconds; elements do not expire in the model, which has no clock of hours. */
  readonly timeout?: number;
  readonly owner?: Owner;
}

export interface SetEntry extends EntryOptions {
  readonly element: Element;
}

type Key = number | bigint | string;

/** One set of a namespace. */
export class IpSet {
  name: string;
  readonly spec: SetSpec;
  readonly dimensions: readonly Dimension[];
  readonly #entries = new Map<Key, SetEntry>();
  /** Prefix lengths in use per `net` dimension, longest first. */
  readonly #lengths = new Map<number, number[]>();

  constructor(spec: SetSpec) {
    this.name = spec.name;
    this.spec = spec;
    this.dimensions = dimensionsOf(spec.type);
  }

  get isBitmap(): boolean {
    return this.spec.type.startsWith("bitmap:");
  }

  get size(): number {
    return this.#entries.size;
  }

  entries(): readonly SetEntry[] {
    return [...this.#entries.values()];
  }

  /** Adds or replaces an element; false when it was there already. */
  add(element: Element, options: EntryOptions = {}): boolean {
    const key = keyOf(element);
    const isNew = !this.#entries.has(key);
    this.#entries.set(key, { element, ...options });
    for (const [index, part] of element.entries()) if (part.kind === "net") this.#useLength(index, part.prefixLength);
    return isNew;
  }

  /** False when it was not there. */
  delete(element: Element): boolean {
    return this.#entries.delete(keyOf(element));
  }

  has(element: Element): boolean {
    return this.#entries.has(keyOf(element));
  }

  flush(): void {
    this.#entries.clear();
    this.#lengths.clear();
  }

  /**
   * The entry that holds the packet; the most specific block first (kernel/net/netfilter/ipset/ip_set_hash_gen.h).
   * The caller looks at `nomatch`.
   */
  find(state: HookState, flags: readonly SetFlag[]): SetEntry | undefined {
    if (this.dimensions.length === 1 && this.dimensions[0] === "ip") {
      const { packet } = state.skb;
      return this.#entries.get(flags[0] === "src" ? packet.src : packet.dst);
    }
    return this.#search(state, flags, 0, "");
  }

  #search(state: HookState, flags: readonly SetFlag[], index: number, prefix: Key): SetEntry | undefined {
    const dimension = this.dimensions[index];
    if (dimension === undefined) return this.#entries.get(prefix);
    const part = partOf(state, dimension, flags[index] ?? "dst", this.isBitmap);
    if (part === undefined) return undefined;
    if (dimension !== "net" || part.kind !== "ip") {
      return this.#search(state, flags, index + 1, joinKeys(prefix, partKey(part), index));
    }
    for (const length of this.#lengths.get(index) ?? []) {
      const found = this.#search(state, flags, index + 1, joinKeys(prefix, blockKey(part.address, length), index));
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
    const parts = this.#partsOf(state, flags);
    return parts.every((part) => part !== undefined) ? parts : undefined;
  }

  #partsOf(state: HookState, flags: readonly SetFlag[]): (Part | undefined)[] {
    return this.dimensions.map((dimension, index) => {
      const part = partOf(state, dimension, flags[index] ?? "dst", this.isBitmap);
      return dimension === "net" && part?.kind === "ip"
        ? { kind: "net", base: part.address, prefixLength: typeof part.address === "number" ? 32 : 128 }
        : part;
    });
  }

  #useLength(index: number, length: number): void {
    const lengths = this.#lengths.get(index) ?? [];
    if (lengths.includes(length)) return;
    this.#lengths.set(
      index,
      [...lengths, length].sort((a, b) => b - a),
    );
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
