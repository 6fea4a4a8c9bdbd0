import type { HookState, HookVerdict } from "../kernel/netfilter.ts";
import { priorities } from "../kernel/netfilter.ts";
import type { NetworkNamespace } from "../kernel/namespace.ts";
import type { HookName } from "../trace/records.ts";
import type { Family } from "../wire/address.ts";
import { type ApplyOptions, applyRestore } from "./apply.ts";
import { Evaluation, type Shared } from "./evaluation.ts";
import { IpSets } from "./ipset/store.ts";
import { LiveChain, needsConntrack } from "./live-chain.ts";
import type { IpvsView } from "./matches/ipvs.ts";
import { builtinChains } from "./parse.ts";
import { RecentLists } from "./recent-list.ts";
import { RuleMemory } from "./rule-memory.ts";
import type { Chain, RestoreText, Ruleset, Table, TableName } from "./rule.ts";
import { TableWalk } from "./walk.ts";

/** Where each table looks; the nat table's places are conntrack's to know. */
const tablePriorities = {
  raw: priorities.raw,
  mangle: priorities.mangle,
  filter: priorities.filter,
  security: 50,
} as const;

/** A table in the kernel. */
interface LiveTable {
  readonly family: Family;
  readonly chains: Map<string, LiveChain>;
  readonly memory: RuleMemory;
  readonly walk: TableWalk;
}

/** iptables, ip6tables and ipset of one network namespace. */
export class Iptables {
  readonly namespace: NetworkNamespace;
  readonly sets: IpSets;
  readonly recentLists: RecentLists;
  readonly #shared: Shared;
  readonly #tables: Readonly<Record<Family, Map<TableName, LiveTable>>> = { ipv4: new Map(), ipv6: new Map() };

  constructor(namespace: NetworkNamespace) {
    this.namespace = namespace;
    const { clock } = namespace.surroundings;
    this.sets = new IpSets(() => clock.nowNanos());
    this.recentLists = new RecentLists();
    this.#shared = { clock, sets: this.sets, recentLists: this.recentLists, buckets: new Map() };
  }

  /** The rules with their counters as they are now. */
  ruleset(family: Family): Ruleset {
    const tables = new Map<TableName, Table>();
    for (const [name, { chains }] of this.#tables[family]) {
      tables.set(name, { name, chains: new Map([...chains].map(([chain, live]) => [chain, live.snapshot()])) });
    }
    return { family, tables };
  }

  /** The rules as they were loaded: chains keep their identity. */
  #current(family: Family): Ruleset {
    const tables = new Map<TableName, Table>();
    for (const [name, { chains }] of this.#tables[family]) {
      tables.set(name, { name, chains: new Map([...chains].map(([chain, live]) => [chain, live.chain])) });
    }
    return { family, tables };
  }

  /** Replaces all rules of a family. Chains that are the same objects as before keep their counters. */
  load(ruleset: Ruleset): void {
    const { family } = ruleset;
    const tables = this.#tables[family];
    for (const name of tables.keys()) if (!ruleset.tables.has(name)) this.#unload(family, name);
    for (const table of ruleset.tables.values()) {
      const live = tables.get(table.name) ?? this.#register(family, table.name);
      this.#fill(live, table);
    }
  }

  /**
   * What `iptables-restore` does; with `noFlush` (the default here, as every component uses it) chains that the text
   * does not name stay. Throws a CommandError, and changes nothing, when the kernel would refuse.
   */
  restore(text: RestoreText, { noFlush = true }: ApplyOptions = {}): void {
    this.load(applyRestore(this.#current(text.family), text, { noFlush }));
  }

  /**
   * Puts whole chains into a table and deletes others, at a cost that does not depend on the rest of the table:
   * what `iptables-restore --noflush` does with chains that a text names in full. Policies stay.
   */
  replaceChains(family: Family, table: TableName, chains: readonly Chain[], deleted: readonly string[] = []): void {
    const live = this.#tables[family].get(table) ?? this.#register(family, table);
    if (live.chains.size === 0) this.#fill(live, emptyTable(table));
    for (const chain of chains) {
      const policy = chain.policy ?? live.chains.get(chain.name)?.chain.policy;
      this.#put(live, policy === undefined ? chain : { ...chain, policy });
    }
    for (const name of deleted) this.#delete(live, name);
  }

  /** Tells `-m ipvs` how to ask IPVS about a packet. */
  setIpvsView(view: (state: HookState) => IpvsView | undefined): void {
    this.#shared.ipvsView = view;
  }

  #fill(live: LiveTable, table: Table): void {
    const { chains } = live;
    for (const name of chains.keys()) if (!table.chains.has(name)) this.#delete(live, name);
    for (const [name, chain] of table.chains) {
      if (chains.get(name)?.chain === chain) continue;
      this.#put(live, chain);
    }
  }

  #delete({ chains }: LiveTable, name: string): void {
    const chain = chains.get(name);
    chain?.delete();
    chains.delete(name);
  }

  #put({ family, chains, memory }: LiveTable, chain: Chain): void {
    const { conntrack } = this.namespace;
    const known = chains.get(chain.name);
    if (known === undefined) chains.set(chain.name, new LiveChain(chain, memory));
    else known.replace(chain);
    if (!conntrack.isRequired(family) && chain.rules.some(needsConntrack)) conntrack.require(family);
  }

  #register(family: Family, name: TableName): LiveTable {
    const chains = new Map<string, LiveChain>();
    const memory = new RuleMemory();
    const live = { family, chains, memory, walk: new TableWalk(name, chains, memory, new Evaluation(this.#shared)) };
    this.#tables[family].set(name, live);
    const run = (state: HookState): HookVerdict => live.walk.run(state);
    for (const hook of builtinChains[name] as readonly HookName[]) {
      if (name !== "nat") {
        this.namespace.hooks.register(family, hook, { name, priority: tablePriorities[name], run });
      } else if (hook !== "FORWARD") {
        const isSource = hook === "INPUT" || hook === "POSTROUTING";
        const priority = isSource ? priorities.natSrc : priorities.natDst;
        this.namespace.conntrack.registerNat(family, hook, { name, priority, run });
      }
    }
    return live;
  }

  #unload(family: Family, name: TableName): void {
    // A table stays registered in the kernel once it was used: it is emptied.
    const live = this.#tables[family].get(name);
    if (live !== undefined) this.#fill(live, emptyTable(name));
  }
}

function emptyTable(name: TableName): Table {
  const chains = builtinChains[name].map((chain): [string, Chain] => [
    chain,
    { name: chain, policy: "ACCEPT", rules: [] },
  ]);
  return { name, chains: new Map(chains) };
}

/** Gives a namespace its iptables, without rules. */
export function createIptables(namespace: NetworkNamespace): Iptables {
  return new Iptables(namespace);
}
