import type { Owner } from "../trace/records.ts";
import type { Match } from "./matches/index.ts";
import type { Rule } from "./rule.ts";
import type { Target } from "./targets/index.ts";

/** A rule that a service port or an endpoint caused. Its owner is found when somebody asks. */
class OwnedRule implements Rule {
  readonly matches: readonly Match[];
  readonly target: Target;
  readonly #cause: { readonly owner: Owner };

  constructor(matches: readonly Match[], target: Target, cause: { readonly owner: Owner }) {
    this.matches = matches;
    this.target = target;
    this.#cause = cause;
  }

  get owner(): Owner {
    return this.#cause.owner;
  }
}

export function owned(matches: readonly Match[], target: Target, cause: { readonly owner: Owner }): Rule {
  return new OwnedRule(matches, target, cause);
}
