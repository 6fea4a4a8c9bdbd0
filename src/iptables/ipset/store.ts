import type { HookState } from "../../kernel/netfilter.ts";
import { packetBytes } from "../../wire/packet.ts";
import { type SetFlag, type SetMatch, counterHolds } from "../matches/set.ts";
import { type Accept, type EntryOptions, IpSet, type SetEntry, type SetSpec } from "./set.ts";

/** What is asked of a set: the part of a `set` match that it needs. */
export type SetQuery = Pick<
  SetMatch,
  "flags" | "returnNomatch" | "keepCounters" | "keepMemberCounters" | "packets" | "bytes"
>;

/** An answer: whether the packet is in the set, and the entry that decided. */
export interface SetAnswer {
  readonly found: boolean;
  readonly entry?: SetEntry;
}

const notFound: SetAnswer = { found: false };

/** The sets of one namespace, by name in the order they were made in. */
export class IpSets {
  readonly #sets = new Map<string, IpSet>();
  readonly #nowNanos: () => number;

  /** The clock by which elements expire; without one they stay. */
  constructor(nowNanos: () => number = () => 0) {
    this.#nowNanos = nowNanos;
  }

  get(name: string): IpSet | undefined {
    return this.#sets.get(name);
  }

  sets(): readonly IpSet[] {
    return [...this.#sets.values()];
  }

  /** Makes a set; undefined when the name is taken. */
  create(spec: SetSpec): IpSet | undefined {
    if (this.#sets.has(spec.name)) return undefined;
    const set = new IpSet(spec, this.#nowNanos);
    this.#sets.set(spec.name, set);
    return set;
  }

  destroy(name: string): boolean {
    return this.#sets.delete(name);
  }

  /** Exchanges the contents of two sets of one type: rules go on to use the names. */
  swap(a: string, b: string): boolean {
    const first = this.#sets.get(a);
    const second = this.#sets.get(b);
    if (first === undefined || second === undefined) return false;
    first.name = b;
    second.name = a;
    this.#sets.set(a, second);
    this.#sets.set(b, first);
    return true;
  }

  rename(from: string, to: string): boolean {
    const set = this.#sets.get(from);
    if (set === undefined || this.#sets.has(to)) return false;
    this.#sets.delete(from);
    set.name = to;
    this.#sets.set(to, set);
    return true;
  }

  /** Whether a list:set holds the set: the kernel then neither destroys nor renames it. */
  isMember(name: string): boolean {
    return this.sets().some(
      (set) =>
        set.spec.type === "list:set" &&
        [...set.entries()].some(({ element: [part] }) => part?.kind === "text" && part.text === name),
    );
  }

  /**
   * Whether a set holds a packet: ip_set_test() (net/netfilter/ipset/ip_set_core.c). `counts` is false where nothing
   * shall change: nobody sent the packet, it is only asked about.
   */
  test(set: IpSet, state: HookState, query: SetQuery, counts = true): SetAnswer {
    if (!fits(set, state, query.flags)) return notFound;
    if (set.spec.type === "list:set") return this.#testList(set, state, query, counts);
    const entry = set.find(state, query.flags, acceptor(set, state, query, counts));
    if (entry === undefined) return notFound;
    const exception = entry.nomatch === true;
    return { found: query.returnNomatch === true && set.hasExceptions ? exception : !exception, entry };
  }

  /** list_set_ktest(): the members in turn; counters are asked of the list's own elements. */
  #testList(list: IpSet, state: HookState, query: SetQuery, counts: boolean): SetAnswer {
    const { packets: _packets, bytes: _bytes, ...inner } = query;
    const memberQuery: SetQuery = query.keepMemberCounters === true ? { ...inner, keepCounters: true } : inner;
    const accept = acceptor(list, state, query, counts);
    for (const member of list.entries()) {
      const set = this.#member(member);
      const answer = set && this.test(set, state, memberQuery, counts);
      if (answer?.found === true && (accept === undefined || accept(member))) return answer;
    }
    return notFound;
  }

  /** `-j SET --add-set`: ip_set_add(). False when the packet has no element or the set does not take it. */
  addPacket(set: IpSet, state: HookState, flags: readonly SetFlag[], exist: boolean, options: EntryOptions): boolean {
    if (!fits(set, state, flags)) return false;
    if (set.spec.type === "list:set") {
      return set.entries().some((member) => {
        const inner = this.#member(member);
        return inner !== undefined && this.addPacket(inner, state, flags, exist, options);
      });
    }
    const element = set.packetElement(state, flags);
    if (element === undefined || !set.takes(element)) return false;
    const known = set.entryOf(element);
    if (known !== undefined) {
      if (!exist) return false;
      // A table of hashes keeps the comment, a bitmap does not.
      const { comment } = set.isBitmap ? {} : known;
      set.add(element, { ...options, ...(comment !== undefined && { comment }) });
      return true;
    }
    return !set.isFull && set.add(element, options);
  }

  /** `-j SET --del-set`: ip_set_del(). */
  deletePacket(set: IpSet, state: HookState, flags: readonly SetFlag[]): boolean {
    if (!fits(set, state, flags)) return false;
    if (set.spec.type === "list:set") {
      return set.entries().some((member) => {
        const inner = this.#member(member);
        return inner !== undefined && this.deletePacket(inner, state, flags);
      });
    }
    const element = set.packetElement(state, flags);
    return element !== undefined && set.delete(element);
  }

  #member({ element: [part] }: SetEntry): IpSet | undefined {
    return part?.kind === "text" ? this.get(part.text) : undefined;
  }
}

/** A rule that states fewer sides than the set has dimensions asks in vain, and so does one of the other family. */
function fits(set: IpSet, state: HookState, flags: readonly SetFlag[]): boolean {
  const ofBoth = set.spec.type === "bitmap:port" || set.spec.type === "list:set" || set.spec.type === "hash:mac";
  return flags.length >= set.dimensions.length && (ofBoth || set.spec.family === state.family);
}

/** ip_set_match_extensions(): counts the packet, then compares the counters. */
function acceptor(set: IpSet, state: HookState, query: SetQuery, counts: boolean): Accept | undefined {
  if (!set.options.counters) return undefined;
  return (entry) => {
    if (counts && query.keepCounters !== true) {
      entry.packets = (entry.packets ?? 0) + 1;
      entry.bytes = (entry.bytes ?? 0) + packetBytes(state.skb.packet);
    }
    return counterHolds(query.packets, entry.packets ?? 0) && counterHolds(query.bytes, entry.bytes ?? 0);
  };
}
