import type { Family } from "../wire/address.ts";
import { builtinChains } from "./parse.ts";
import { printRule } from "./print-rule.ts";
import type { Chain, Command, Counters, RestoreText, Rule, Ruleset, Table, TableName } from "./rule.ts";
import { isChainTarget } from "./targets/index.ts";

/** A command that the kernel would refuse: a chain that is missing, taken or in use, a rule that is not there. */
export class CommandError extends Error {
  readonly code: "NO_CHAIN" | "CHAIN_EXISTS" | "CHAIN_IN_USE" | "NO_RULE" | "BUILTIN_CHAIN";

  constructor(code: CommandError["code"], message: string) {
    super(message);
    this.name = "CommandError";
    this.code = code;
  }
}

interface OpenChain {
  name: string;
  policy?: "ACCEPT" | "DROP";
  policyCounters?: Counters;
  rules: Rule[];
  counters: (Counters | undefined)[] | undefined;
}

/** Rules without any: what a namespace starts with. */
export function emptyRuleset(family: Family): Ruleset {
  return { family, tables: new Map() };
}

export interface ApplyOptions {
  /** Keep the chains that the text does not mention (`iptables-restore --noflush`). */
  readonly noFlush?: boolean;
}

/**
 * The ruleset after an iptables-restore call. Chains that did not change are shared with the one before. All
 * tables change or none: throws a CommandError when the kernel would refuse.
 */
export function applyRestore(before: Ruleset, text: RestoreText, { noFlush = false }: ApplyOptions = {}): Ruleset {
  const tables = new Map(before.tables);
  for (const { table, commands } of text.tables) {
    const old = noFlush ? tables.get(table) : undefined;
    tables.set(table, new TableEditor(table, old, before.family).run(commands));
  }
  return { family: before.family, tables };
}

class TableEditor {
  readonly #name: TableName;
  readonly #family: Family;
  readonly #chains: Map<string, Chain>;
  /** Chains that this call has changed. */
  readonly #open = new Map<string, OpenChain>();

  constructor(name: TableName, old: Table | undefined, family: Family) {
    this.#name = name;
    this.#family = family;
    this.#chains = new Map<string, Chain>(
      old?.chains ?? builtinChains[name].map((chain) => [chain, { name: chain, policy: "ACCEPT", rules: [] }]),
    );
  }

  run(commands: readonly Command[]): Table {
    for (const command of commands) this.#run(command);
    for (const [name, chain] of this.#open) {
      const { counters, ...rest } = chain;
      this.#chains.set(name, { ...rest, ...(counters?.some(Boolean) && { counters }) });
      for (const { target } of chain.rules) {
        if (target !== undefined && isChainTarget(target)) this.#need(target.chain);
      }
    }
    return { name: this.#name, chains: this.#chains };
  }

  #run(command: Command): void {
    switch (command.kind) {
      case "chain": {
        const { chain: name, policy, counters } = command;
        const old = this.#open.get(name) ?? this.#chains.get(name);
        if (old === undefined && policy !== undefined)
          throw new CommandError("NO_CHAIN", `${name} is no built-in chain of ${this.#name}: its policy is -`);
        // The line empties a user chain; a built-in one keeps its rules, and gets its policy.
        const builtIn = old?.policy === undefined ? undefined : old;
        this.#set({
          name,
          rules: [...(builtIn?.rules ?? [])],
          counters: builtIn?.counters && [...builtIn.counters],
          ...(builtIn && { policy: policy ?? builtIn.policy }),
          ...(counters !== undefined && { policyCounters: counters }),
        });
        return;
      }
      case "append":
        this.#splice(command.chain, Number.POSITIVE_INFINITY, 0, command.rule, command.counters);
        return;
      case "insert":
        if (command.number > this.#edit(command.chain).rules.length + 1) throw this.#noRule(command);
        this.#splice(command.chain, command.number - 1, 0, command.rule, command.counters);
        return;
      case "replace":
        this.#at(command);
        this.#splice(command.chain, command.number - 1, 1, command.rule, undefined);
        return;
      case "delete-number":
        this.#at(command);
        this.#splice(command.chain, command.number - 1, 1);
        return;
      case "delete": {
        const text = printRule(command.rule, this.#family);
        const at = this.#edit(command.chain).rules.findIndex((rule) => printRule(rule, this.#family) === text);
        if (at < 0) throw new CommandError("NO_RULE", `${command.chain} has no rule ${text}`);
        this.#splice(command.chain, at, 1);
        return;
      }
      case "new-chain":
        if (this.#has(command.chain))
          throw new CommandError("CHAIN_EXISTS", `the chain ${command.chain} exists already`);
        this.#set({ name: command.chain, rules: [], counters: undefined });
        return;
      case "delete-chain":
        if (command.chain !== undefined) this.#deleteChain(command.chain);
        else for (const [name, { policy }] of this.#all()) if (policy === undefined) this.#deleteChain(name);
        return;
      case "rename-chain": {
        const chain = this.#edit(command.chain);
        if (this.#has(command.to)) throw new CommandError("CHAIN_EXISTS", `the chain ${command.to} exists already`);
        this.#chains.delete(command.chain);
        this.#open.delete(command.chain);
        this.#set({ ...chain, name: command.to });
        return;
      }
      case "flush":
        for (const name of this.#named(command.chain))
          Object.assign(this.#edit(name), { rules: [], counters: undefined });
        return;
      case "zero":
        for (const name of this.#named(command.chain)) {
          const chain = this.#edit(name);
          chain.counters = undefined;
          delete chain.policyCounters;
        }
        return;
      case "policy": {
        const chain = this.#edit(command.chain);
        if (chain.policy === undefined)
          throw new CommandError("BUILTIN_CHAIN", `${command.chain} is a user chain and has no policy`);
        chain.policy = command.policy;
        if (command.counters !== undefined) chain.policyCounters = command.counters;
        return;
      }
    }
  }

  #deleteChain(name: string): void {
    const chain = this.#edit(name);
    if (chain.policy !== undefined)
      throw new CommandError("BUILTIN_CHAIN", `${name} is built in and cannot be deleted`);
    if (chain.rules.length > 0) throw new CommandError("CHAIN_IN_USE", `${name} is not empty: flush it first`);
    this.#chains.delete(name);
    this.#open.delete(name);
  }

  #splice(name: string, at: number, remove: number, rule?: Rule, counters?: Counters): void {
    const chain = this.#edit(name);
    if (counters !== undefined) chain.counters ??= chain.rules.map(() => undefined);
    if (rule === undefined) {
      chain.rules.splice(at, remove);
      chain.counters?.splice(at, remove);
    } else if (at === Number.POSITIVE_INFINITY) {
      chain.rules.push(rule);
      chain.counters?.push(counters);
    } else {
      chain.rules.splice(at, remove, rule);
      chain.counters?.splice(at, remove, counters);
    }
  }

  #at(command: { readonly chain: string; readonly number: number }): void {
    if (command.number > this.#edit(command.chain).rules.length) throw this.#noRule(command);
  }

  #noRule({ chain, number }: { readonly chain: string; readonly number: number }): CommandError {
    return new CommandError("NO_RULE", `${chain} has no rule ${number}`);
  }

  #named(name: string | undefined): readonly string[] {
    return name === undefined ? [...new Set([...this.#chains.keys(), ...this.#open.keys()])] : [name];
  }

  #all(): ReadonlyMap<string, Chain | OpenChain> {
    return new Map<string, Chain | OpenChain>([...this.#chains, ...this.#open]);
  }

  #has(name: string): boolean {
    return this.#open.has(name) || this.#chains.has(name);
  }

  #need(name: string): void {
    if (!this.#has(name))
      throw new CommandError("NO_CHAIN", `a rule of ${this.#name} jumps to ${name}, which is no chain`);
  }

  /** The chain, opened for change. */
  #edit(name: string): OpenChain {
    const open = this.#open.get(name);
    if (open !== undefined) return open;
    const chain = this.#chains.get(name);
    if (chain === undefined) throw new CommandError("NO_CHAIN", `the table ${this.#name} has no chain ${name}`);
    const { counters, ...rest } = chain;
    return this.#set({ ...rest, rules: [...chain.rules], counters: counters && [...counters] });
  }

  #set(chain: OpenChain): OpenChain {
    this.#open.set(chain.name, chain);
    return chain;
  }
}
