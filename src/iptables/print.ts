import { printRule } from "./print-rule.ts";
import type { Chain, Command, Counters, Rule, Ruleset, Table } from "./rule.ts";
import type { Family } from "../wire/address.ts";

export interface PrintOptions {
  /** `[packets:bytes]` before each rule (`iptables-save -c`). */
  readonly counters?: boolean;
}

/** What iptables-save prints, without its `#` lines: user chains sorted by name, rules by chain. */
export function printRuleset(ruleset: Ruleset, options: PrintOptions = {}): string {
  return [...ruleset.tables.values()].map((table) => printTable(table, ruleset.family, options)).join("");
}

function printTable(table: Table, family: Family, { counters = false }: PrintOptions): string {
  const chains = [...table.chains.values()];
  const sorted = [
    ...chains.filter(({ policy }) => policy !== undefined),
    ...chains.filter(({ policy }) => policy === undefined).sort((a, b) => (a.name < b.name ? -1 : 1)),
  ];
  const lines = [`*${table.name}`];
  for (const chain of sorted) lines.push(printChain(chain.name, chain.policy, chain.policyCounters));
  for (const chain of sorted) {
    for (const [index, rule] of chain.rules.entries()) {
      lines.push(printAppend(chain.name, rule, family, counters ? (chain.counters?.[index] ?? zero) : undefined));
    }
  }
  lines.push("COMMIT", "");
  return lines.join("\n");
}

const zero: Counters = { packets: 0, bytes: 0 };

function printChain(name: string, policy: Chain["policy"], counters: Counters = zero): string {
  return `:${name} ${policy ?? "-"} ${printCounters(counters)}`;
}

function printCounters(counters: Counters): string {
  return `[${counters.packets}:${counters.bytes}]`;
}

/** `-A CHAIN RULE`. */
export function printAppend(chain: string, rule: Rule, family: Family, counters?: Counters): string {
  const text = printRule(rule, family);
  return `${counters ? `${printCounters(counters)} ` : ""}-A ${chain}${text === "" ? "" : ` ${text}`}`;
}

/** One command as a line of iptables-restore text. */
export function printCommand(command: Command, family: Family): string {
  switch (command.kind) {
    case "chain":
      return printChain(command.chain, command.policy, command.counters);
    case "append":
      return printAppend(command.chain, command.rule, family, command.counters);
    case "insert":
      return `-I ${command.chain} ${command.number} ${printRule(command.rule, family)}`.trimEnd();
    case "replace":
      return `-R ${command.chain} ${command.number} ${printRule(command.rule, family)}`.trimEnd();
    case "delete":
      return `-D ${command.chain} ${printRule(command.rule, family)}`.trimEnd();
    case "delete-number":
      return `-D ${command.chain} ${command.number}`;
    case "new-chain":
      return `-N ${command.chain}`;
    case "delete-chain":
      return command.chain === undefined ? "-X" : `-X ${command.chain}`;
    case "rename-chain":
      return `-E ${command.chain} ${command.to}`;
    case "flush":
      return command.chain === undefined ? "-F" : `-F ${command.chain}`;
    case "zero":
      return command.chain === undefined ? "-Z" : `-Z ${command.chain}`;
    case "policy":
      return `-P ${command.chain} ${command.policy}`;
  }
}
