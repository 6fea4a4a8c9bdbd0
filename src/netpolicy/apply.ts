import type { IpSets } from "../iptables/ipset/store.ts";
import type { Iptables } from "../iptables/netns.ts";
import type { Command } from "../iptables/rule.ts";
import type { Family } from "../wire/address.ts";
import type { CompiledPolicies } from "./compile.ts";
import { isPolicyChain, isPolicySet, routerChains } from "./kube-router/names.ts";

/** Which namespaces a sync has programmed before, by family: only those need to be cleaned up. */
const programmed = new WeakMap<Iptables, Set<Family>>();

/**
 * Brings a node's namespace to what its policies were compiled to; undefined takes everything away. Chains and sets
 * of an earlier sync that are no longer wanted go, as kube-router's cleanupStaleRules and cleanupStaleIPSets do it.
 * To be called after kube-proxy's sync: kube-router puts its jumps at position 1.
 */
export function applyPolicies(iptables: Iptables, family: Family, compiled: CompiledPolicies | undefined): void {
  const families = programmed.get(iptables) ?? new Set();
  const stale = families.has(family) ? staleChains(iptables, family) : undefined;
  if (compiled !== undefined) {
    programmed.set(iptables, families.add(family));
    loadSets(iptables.sets, compiled);
  }
  const wanted = compiled?.rules.tables[0]?.commands ?? [];
  const kept = new Set(wanted.flatMap((command) => (command.kind === "chain" ? [command.chain] : [])));
  const gone = (stale?.chains ?? []).filter((chain) => !kept.has(chain));
  const commands: Command[] = [
    ...(stale?.jumps ?? []),
    ...gone.map((chain): Command => ({ kind: "flush", chain })),
    ...wanted,
    ...gone.map((chain): Command => ({ kind: "delete-chain", chain })),
  ];
  if (commands.length > 0) iptables.restore({ family, tables: [{ table: "filter", commands }] });
  if (stale !== undefined) destroyStaleSets(iptables.sets, family, compiled);
}

/** Makes the sets of compiled policies anew; sets of others stay. */
export function loadSets(sets: IpSets, { sets: wanted }: Pick<CompiledPolicies, "sets">): void {
  for (const { spec, entries } of wanted) {
    sets.destroy(spec.name);
    const set = sets.create(spec);
    for (const { element, ...options } of entries) set?.add(element, options);
  }
}

/** The chains of an earlier sync, and the commands that delete the jumps to them. */
function staleChains(
  iptables: Iptables,
  family: Family,
): { readonly chains: readonly string[]; readonly jumps: readonly Command[] } {
  const chains = [...(iptables.table(family, "filter")?.chains.values() ?? [])];
  return {
    chains: chains.map(({ name }) => name).filter(isPolicyChain),
    jumps: Object.keys(routerChains).flatMap((builtin) =>
      (chains.find(({ name }) => name === builtin)?.rules ?? [])
        .filter(({ target }) => target?.kind === "jump" && isPolicyChain(target.chain))
        .map((rule): Command => ({ kind: "delete", chain: builtin, rule })),
    ),
  };
}

function destroyStaleSets(sets: IpSets, family: Family, compiled: CompiledPolicies | undefined): void {
  const kept = new Set(compiled?.sets.map(({ spec }) => spec.name));
  for (const { name, spec } of sets.sets()) {
    if (spec.family === family && isPolicySet(name) && !kept.has(name)) sets.destroy(name);
  }
}
