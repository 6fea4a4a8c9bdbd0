import type { HookState } from "../kernel/netfilter.ts";
import { priorities } from "../kernel/netfilter.ts";
import type { NetworkNamespace } from "../kernel/namespace.ts";
import type { HookName } from "../trace/records.ts";
import type { Family } from "../wire/address.ts";
import { type ApplyOptions, applyRestore } from "./apply.ts";
import { Evaluation, type Shared, placeOfDraw } from "./evaluation.ts";
import { IpSets } from "./ipset/store.ts";
import { type LiveChain, needsConntrack } from "./live-chain.ts";
import { type ChainBundle, LiveChains } from "./live-chains.ts";
import type { IpvsView } from "./matches/ipvs.ts";
import { builtinChains } from "./parse.ts";
import { RecentLists } from "./recent-list.ts";
import { RuleMemory } from "./rule-memory.ts";
import type { Chain, RestoreText, Rule, Ruleset, Table, TableName } from "./rule.ts";
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
  readonly chains: LiveChains;
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
    this.#shared = { clock, sets: this.sets, recentLists: this.recentLists, limits: new Map(), isDuplicating: false };
  }

  /** The rules with their counters as they are now. */
  ruleset(family: Family): Ruleset {
    const tables = new Map<TableName, Table>();
    for (const [name, live] of this.#tables[family])
      tables.set(
        name,
        tableOf(name, live, (chain) => chain.snapshot()),
      );
    return { family, tables };
  }

  /** One table of them; undefined where nobody touched it. */
  table(family: Family, name: TableName): Table | undefined {
    const live = this.#tables[family].get(name);
    return live && tableOf(name, live, (chain) => chain.snapshot());
  }

  /** One chain, at a cost that does not depend on the others. */
  chain(family: Family, table: TableName, name: string): Chain | undefined {
    return this.#tables[family].get(table)?.chains.get(name)?.snapshot();
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
    const { family } = text;
    const tables = this.#tables[family];
    const before = new Map<TableName, Table>();
    for (const { table } of text.tables) {
      const live = tables.get(table);
      // As they were loaded: chains that stay keep their identity, and with it their counters.
      if (live !== undefined)
        before.set(
          table,
          tableOf(table, live, ({ chain }) => chain),
        );
    }
    for (const table of applyRestore({ family, tables: before }, text, { noFlush }).tables.values()) {
      this.#fill(tables.get(table.name) ?? this.#register(family, table.name), table);
    }
  }

  /**
   * Puts whole chains into a table and deletes others, at a cost that does not depend on the rest of the table:
   * what `iptables-restore --noflush` does with chains that a text names in full. Policies stay.
   */
  replaceChains(
    family: Family,
    table: TableName,
    chains: readonly Chain[],
    {
      bundles = [],
      deleted = [],
    }: { readonly bundles?: readonly ChainBundle[]; readonly deleted?: readonly string[] } = {},
  ): void {
    const live = this.#tables[family].get(table) ?? this.#register(family, table);
    if (live.chains.isEmpty) this.#fill(live, emptyTable(table));
    for (const chain of chains) {
      const policy = chain.policy ?? live.chains.get(chain.name)?.chain.policy;
      this.#put(live, policy === undefined ? chain : { ...chain, policy });
    }
    for (const bundle of bundles) live.chains.putBundle(bundle);
    live.chains.delete(deleted);
    const { conntrack } = this.namespace;
    if (!conntrack.isRequired(family) && bundles.some((bundle) => bundle.chains.some(tracks)))
      conntrack.require(family);
  }

  /** Tells `-m ipvs` how to ask IPVS about a packet. */
  setIpvsView(view: (state: HookState) => IpvsView | undefined): void {
    this.#shared.ipvsView = view;
  }

  #fill(live: LiveTable, table: Table): void {
    const { chains } = live;
    chains.delete(Array.from(chains.all(), ({ name }) => name).filter((name) => !table.chains.has(name)));
    for (const [name, chain] of table.chains) {
      if (chains.get(name)?.chain === chain) continue;
      this.#put(live, chain);
      // Such a rule turns the sysctl on (connbytes_mt_check).
      if (chain.rules.some(looksAtAccounting)) this.namespace.sysctls.set("net.netfilter.nf_conntrack_acct", 1);
    }
  }

  #put({ family, chains }: LiveTable, chain: Chain): void {
    const { conntrack } = this.namespace;
    chains.put(chain);
    if (!conntrack.isRequired(family) && tracks(chain)) conntrack.require(family);
  }

  #register(family: Family, name: TableName): LiveTable {
    const { namespace } = this;
    const memory = new RuleMemory((chain, rule) =>
      namespace.surroundings.chance.startAt?.(placeOfDraw(namespace.name, name, chain, rule)),
    );
    const chains = new LiveChains(memory);
    const live = { family, chains, memory, walk: new TableWalk(name, chains, memory, new Evaluation(this.#shared)) };
    this.#tables[family].set(name, live);
    for (const hook of builtinChains[name] as readonly HookName[]) {
      const run = live.walk.at(hook);
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

function tableOf(name: TableName, { chains }: LiveTable, chainOf: (live: LiveChain) => Chain): Table {
  return { name, chains: new Map(Array.from(chains.all(), (live) => [live.name, chainOf(live)])) };
}

function looksAtAccounting({ matches }: Rule): boolean {
  return matches.some(({ kind }) => kind === "connbytes");
}

function tracks({ rules }: Chain): boolean {
  return rules.some(needsConntrack);
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
