import type { Family } from "../wire/address.ts";
import type { ChainBundle } from "./live-chains.ts";
import type { FixedRules } from "./proxier-fixed.ts";
import { formatRule } from "./proxier-print.ts";
import type { PortRules, SharedRule } from "./proxier-rules.ts";
import type { Chain, Rule, TableName } from "./rule.ts";

/**
 * One call of `iptables-restore --noflush --counters` by kube-proxy in iptables mode, as data: the shared chains
 * in full, and the own chains of those service ports that changed. The text and the kernel's chains are both made
 * from it.
 */
export interface ProxierRestore {
  readonly family: Family;
  readonly filter: FixedRules;
  readonly nat: FixedRules;
  /** All service ports, by Service, in the order of the text. */
  readonly services: readonly (readonly PortRules[])[];
  /** Those whose own chains are written. The others' stay in the kernel as they are. */
  readonly changed: ReadonlySet<PortRules>;
  /** Chains that are emptied and deleted. */
  readonly stale: readonly string[];
}

/** What a restore does to one table. */
export interface RestoreTable {
  readonly table: TableName;
  /** Chains that are made, or emptied and filled again. */
  readonly chains: readonly Chain[];
  /** The same, of service ports: nobody has to look at all of them. */
  readonly bundles: readonly ChainBundle[];
  readonly deleted: readonly string[];
}

/** A table of chains that no Service has to itself: what IPVS mode writes, and nothing else. */
export function plainTable(table: TableName, fixed: Pick<FixedRules, "chains" | "first">): RestoreTable {
  return { table, chains: sharedChains({ last: [], ...fixed }, [], () => []), bundles: [], deleted: [] };
}

/** Such a table as text, its rules in the order given. */
export function formatTable(table: TableName, { chains, first }: Pick<FixedRules, "chains" | "first">): string {
  const rules = first.map(({ chain, rule }) => `-A ${chain}${formatRule(rule)}`);
  return [`*${table}`, ...chains.map((name) => `:${name} - [0:0]`), ...rules, "COMMIT", ""].join("\n");
}

/** The restore as chains: what the kernel holds afterwards besides what it held before. */
export function restoreTables({ filter, nat, services, changed, stale }: ProxierRestore): RestoreTable[] {
  const filterChains = sharedChains(filter, services, (port) => port.filter);
  const natChains = sharedChains(nat, services, (port) => port.nat);
  return [
    { table: "filter", chains: filterChains, bundles: [], deleted: [] },
    { table: "nat", chains: natChains, bundles: [...changed], deleted: stale },
  ];
}

function sharedChains(
  { chains, first, last }: FixedRules,
  services: ProxierRestore["services"],
  rulesOf: (port: PortRules) => readonly SharedRule[],
): Chain[] {
  const rules = new Map(chains.map((name): [string, Rule[]] => [name, []]));
  // Rules that follow each other mostly go to one chain.
  let name = "";
  let list: Rule[] | undefined;
  const push = (shared: readonly SharedRule[]): void => {
    for (const { chain, rule } of shared) {
      if (chain !== name) {
        name = chain;
        list = rules.get(chain);
      }
      list?.push(rule);
    }
  };
  push(first);
  for (const ports of services) for (const port of ports) push(rulesOf(port));
  push(last);
  return chains.map((name) => ({ name, rules: rules.get(name) ?? [] }));
}

/** The restore as kube-proxy writes it, byte for byte. */
export function formatRestore({ filter, nat, services, changed, stale }: ProxierRestore): string {
  const lines: string[] = ["*filter"];
  const declare = (name: string): void => void lines.push(`:${name} - [0:0]`);
  const append = ({ chain, rule }: SharedRule): void => void lines.push(`-A ${chain}${formatRule(rule)}`);

  filter.chains.forEach(declare);
  filter.first.forEach(append);
  for (const ports of services) for (const port of ports) port.filter.forEach(append);
  filter.last.forEach(append);
  lines.push("COMMIT", "*nat");

  nat.chains.forEach(declare);
  for (const { chains } of changed) for (const { name } of chains) declare(name);
  stale.forEach(declare);
  nat.first.forEach(append);
  for (const port of services.flat()) {
    port.nat.forEach(append);
    if (changed.has(port)) appendOwnChains(port, append);
  }
  for (const name of stale) lines.push(`-X ${name}`);
  nat.last.forEach(append);
  lines.push("COMMIT", "");
  return lines.join("\n");
}

/** Chain by chain, but for the rule for outsiders, which comes before the chains of external traffic. */
function appendOwnChains({ chains, beginsWith }: PortRules, append: (rule: SharedRule) => void): void {
  const first = chains.find(({ name }) => name === beginsWith)?.rules[0];
  if (first !== undefined && beginsWith !== undefined) append({ chain: beginsWith, rule: first });
  for (const { name, rules } of chains) {
    const written = name === beginsWith ? 1 : 0;
    for (const rule of rules.slice(written)) append({ chain: name, rule });
  }
}
