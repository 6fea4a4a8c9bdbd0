/** IFNAMSIZ of linux/if.h without its final 0. */
const mostCharacters = 15;

/**
 * The devices of a namespace, which Linux knows by another name where the engine's is longer than Linux takes: a switch
 * has a port per node, called like the node.
 */
export class DeviceNames {
  readonly #linux = new Map<string, string>();
  readonly #engine = new Map<string, string>();

  constructor(names: Iterable<string>) {
    const all = new Set(names);
    let number = 0;
    for (const name of all) {
      let short = name;
      while (short.length > mostCharacters || (short !== name && all.has(short))) short = `long${++number}`;
      this.#linux.set(name, short);
      this.#engine.set(short, name);
    }
  }

  /** What Linux calls a device of the engine's. */
  linux(name: string): string {
    return this.#linux.get(name) ?? name;
  }

  /** What the engine calls a device of Linux'. */
  engine(name: string): string {
    return this.#engine.get(name) ?? name;
  }

  /** A text for Linux' tools in which devices have Linux' names. */
  inText(text: string): string {
    const long = [...this.#linux].filter(([name, short]) => name !== short).map(([name]) => name);
    if (long.length === 0) return text;
    const words = long.map((name) => name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|");
    return text.replace(new RegExp(`(?<![\\w-])(${words})(?![\\w-])`, "g"), (name) => this.linux(name));
  }

  /** The same for settings, in whose names the dot of a device is a slash: sysctl(8). */
  inSettings(text: string): string {
    const dotted = [...this.#linux.keys()].filter((name) => name.includes("."));
    return dotted.reduce(
      (sum, name) => sum.replaceAll(`.${name}.`, `.${name.replaceAll(".", "/")}.`),
      this.inText(text),
    );
  }
}
