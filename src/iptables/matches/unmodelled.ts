import type { MatchModule } from "./module.ts";

/**
 * A match that is kept and printed but not modelled. Where every modelled term of its rule matches, the
 * verdict is unknown.
 */
export interface UnmodelledMatch {
  readonly kind: "unmodelled";
  readonly name: string;
  /** The words behind `-m NAME`, as they were written, with their quotes. */
  readonly args: readonly string[];
}

/** Matches that track connections by being there. */
const ofConnections = new Set(["cluster", "connbytes", "connlabel", "connlimit", "helper"]);

export const unmodelled: MatchModule<UnmodelledMatch> = {
  options: {},
  start: () => ({ kind: "unmodelled" }),
  print: (match) => match.args.join(" "),
  matches: () => undefined,
  explain: (match) => ({ term: `-m ${match.name} ${match.args.join(" ")}`, packet: "not modelled" }),
  needsConntrack: (match) => ofConnections.has(match.name),
};
