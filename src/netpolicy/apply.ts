import type { IpSets } from "../iptables/ipset/store.ts";
import type { CompiledPolicies } from "./compile.ts";

/** Makes the sets of compiled policies anew; sets of others stay. */
export function loadSets(sets: IpSets, { sets: wanted }: Pick<CompiledPolicies, "sets">): void {
  for (const { spec, entries } of wanted) {
    sets.destroy(spec.name);
    const set = sets.create(spec);
    for (const { element, ...options } of entries) set?.add(element, options);
  }
}
