/** Places by number, given out once: what had a place keeps it, what is new takes the lowest one that is free. */
export class Slots {
  readonly #known: Map<string, ReadonlyMap<string, number>>;

  constructor(previous?: Slots) {
    this.#known = previous === undefined ? new Map() : new Map(previous.#known);
  }

  /** The place of `name` in `group`. Ask for the names of a group in a fixed order. */
  take(group: string, names: readonly string[]): ReadonlyMap<string, number> {
    const before = this.#known.get(group) ?? new Map<string, number>();
    const taken = new Set(before.values());
    const slots = new Map<string, number>();
    let next = 0;
    for (const name of names) {
      const slot = before.get(name);
      if (slot === undefined) while (taken.has(next)) next++;
      slots.set(name, slot ?? next);
      taken.add(slot ?? next);
    }
    // What is gone keeps its place free for the case that it comes back: undo must not shuffle the stage.
    this.#known.set(group, new Map([...before, ...slots]));
    return slots;
  }
}
