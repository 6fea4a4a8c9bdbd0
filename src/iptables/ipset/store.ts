import type { HookState } from "../../kernel/netfilter.ts";
import type { SetFlag } from "../matches/set.ts";
import { IpSet, type SetEntry, type SetSpec } from "./set.ts";

/** The sets of one namespace, by name in the order they were made in. */
export class IpSets {
  readonly #sets = new Map<string, IpSet>();

  get(name: string): IpSet | undefined {
    return this.#sets.get(name);
  }

  sets(): readonly IpSet[] {
    return [...this.#sets.values()];
  }

  /** Makes a set; undefined when the name is taken. */
  create(spec: SetSpec): IpSet | undefined {
    if (this.#sets.has(spec.name)) return undefined;
    const set = new IpSet(spec);
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

  /** The entry that holds the packet; a list:set asks its members in turn. */
  find(set: IpSet, state: HookState, flags: readonly SetFlag[]): SetEntry | undefined {
    if (set.spec.type !== "list:set") return set.find(state, flags);
    for (const { element } of set.entries()) {
      const [part] = element;
      const member = part?.kind === "text" ? this.get(part.text) : undefined;
      const found = member && this.find(member, state, flags);
      if (found !== undefined && found.nomatch !== true) return found;
    }
    return undefined;
  }
}
