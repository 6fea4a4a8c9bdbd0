import type { Chance } from "../kernel/chance.ts";

/**
 * Chance for a replay in which some flows take a given branch: `N` is how many chances in a row do not match before
 * one does, so that of a Service's endpoints the one with that index (from 0) is taken. All else is `otherwise`'s.
 */
export function pinnedFlows(pins: ReadonlyMap<string, number>, otherwise: Chance): Chance {
  const decided = new Map<string, Set<string>>();
  return {
    choose(id, probabilities) {
      const flow = id.slice(id.lastIndexOf("/") + 1);
      const wanted = pins.get(flow);
      if (wanted === undefined) return otherwise.choose(id, probabilities);
      const seen = decided.get(flow) ?? new Set();
      decided.set(flow, seen.add(id));
      return [...seen].indexOf(id) === wanted ? 0 : 1;
    },
    integer: (id, exclusiveMax) => otherwise.integer(id, exclusiveMax),
  };
}
