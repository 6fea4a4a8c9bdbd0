import type { LiveChain } from "./live-chain.ts";
import type { RuleMemory } from "./rule-memory.ts";
import type { Chain } from "./rule.ts";

/**
 * Chains that belong together, such as those of one service port. They are made when a packet, or somebody who prints
 * the rules, first comes to one of them: of 100,000 chains a node meets a few.
 */
export interface ChainBundle {
  /** The chains that are jumped to from outside. */
  readonly entries: readonly string[];
  /** How the names of all its other chains begin. */
  readonly innerPrefix: string;
  readonly chains: readonly Chain[];
}

/** The chains of a table in the kernel, by name. */
export class LiveChains {
  readonly #open: Map<string, LiveChain>;
  /** By entry, the bundles that nobody has come to. */
  readonly #closed = new Map<string, ChainBundle>();
  readonly #innerPrefixes = new Set<string>();
  readonly #memory: RuleMemory;

  constructor(memory: RuleMemory) {
    this.#memory = memory;
    this.#open = memory.chains;
  }

  get isEmpty(): boolean {
    return this.#open.size === 0;
  }

  get(name: string): LiveChain | undefined {
    return this.#open.get(name) ?? (this.#closed.size === 0 ? undefined : this.#search(name));
  }

  /** All of them: every bundle is opened. */
  all(): IterableIterator<LiveChain> {
    this.#openAll();
    return this.#open.values();
  }

  /** Makes a chain, or gives it other rules: counters and memory begin anew. */
  put(chain: Chain): void {
    const known = this.get(chain.name);
    if (known === undefined) this.#memory.add(chain);
    else known.replace(chain);
  }

  /** Puts all chains of a bundle, in effect. */
  putBundle(bundle: ChainBundle): void {
    const { entries, innerPrefix } = bundle;
    if (entries.length === 0 || entries.some((name) => this.get(name) !== undefined)) {
      for (const chain of bundle.chains) this.put(chain);
      return;
    }
    for (const name of entries) this.#closed.set(name, bundle);
    this.#innerPrefixes.add(innerPrefix);
  }

  delete(names: Iterable<string>): void {
    const all = [...names];
    // An entry takes the others of its bundle along into the open.
    for (const name of all) if (this.#closed.has(name)) this.#search(name);
    for (const name of all) this.get(name)?.delete();
  }

  #search(name: string): LiveChain | undefined {
    const bundle = this.#closed.get(name);
    if (bundle !== undefined) this.#openBundle(bundle);
    else if ([...this.#innerPrefixes].some((prefix) => name.startsWith(prefix))) this.#openAll();
    return this.#open.get(name);
  }

  #openAll(): void {
    for (const bundle of new Set(this.#closed.values())) this.#openBundle(bundle);
  }

  #openBundle({ entries, chains }: ChainBundle): void {
    for (const name of entries) this.#closed.delete(name);
    const [first] = chains.map((chain) => this.#memory.add(chain));
    if (first !== undefined) this.#memory.join(first.number, chains.length);
  }
}
