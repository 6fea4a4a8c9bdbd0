import type { NodeContext } from "../cni/plugin.ts";
import type { Iptables } from "../iptables/netns.ts";
import type { Command, RestoreText } from "../iptables/rule.ts";
import { loadSets } from "../netpolicy/apply.ts";
import { type CompiledPolicies, compilePolicies } from "../netpolicy/compile.ts";
import type { Family } from "../wire/address.ts";
import { familiesOf } from "./proxies.ts";

/** The component that programs a node's NetworkPolicies, where the cluster has one. */
export class PolicyAgent {
  readonly #iptables: Iptables;
  readonly #programmed = new Map<Family, CompiledPolicies>();

  constructor(iptables: Iptables) {
    this.#iptables = iptables;
  }

  /** Takes away what the last sync programmed and programs the cluster's policies as they are now. */
  sync({ cluster, node }: NodeContext): void {
    if (cluster.settings.networkPolicy !== "enforced") return;
    for (const family of familiesOf(cluster)) {
      const before = this.#programmed.get(family);
      if (before) this.#remove(before);
      this.#programmed.delete(family);
      const compiled = compilePolicies(cluster, node, family);
      if (compiled === undefined) continue;
      loadSets(this.#iptables.sets, compiled);
      this.#iptables.restore(compiled.rules);
      this.#programmed.set(family, compiled);
    }
  }

  #remove({ rules, sets }: CompiledPolicies): void {
    this.#iptables.restore(undoing(rules));
    for (const { spec } of sets) this.#iptables.sets.destroy(spec.name);
  }
}

/** The commands that take back a restore: its jumps out of built-in chains, then its own chains. */
function undoing({ family, tables }: RestoreText): RestoreText {
  return {
    family,
    tables: tables.map(({ table, commands }) => {
      const own = commands.flatMap((command) => (command.kind === "chain" ? [command.chain] : []));
      const inserted = commands.flatMap((command): Command[] =>
        (command.kind === "insert" || command.kind === "append") && !own.includes(command.chain)
          ? [{ kind: "delete", chain: command.chain, rule: command.rule }]
          : [],
      );
      const flushed = own.map((chain): Command => ({ kind: "flush", chain }));
      const deleted = own.map((chain): Command => ({ kind: "delete-chain", chain }));
      return { table, commands: [...inserted, ...flushed, ...deleted] };
    }),
  };
}
