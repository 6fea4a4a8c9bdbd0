import type { OptionReader } from "../option.ts";
import { type MatchModule, printOption } from "./module.ts";

/** `-m set [!] --match-set NAME src,dst`. */
export interface SetMatch {
  readonly kind: "set";
  readonly set: string;
  /** Which side each dimension of the set is taken from. */
  readonly flags: readonly SetFlag[];
  readonly inverted: boolean;
  /** `--return-nomatch`: only the exceptions of the set match. */
  readonly returnNomatch?: true;
  /** `! --update-counters`: the element's counters stay as they are. */
  readonly keepCounters?: true;
  /** The same for the elements of a list's members. */
  readonly keepMemberCounters?: true;
  readonly packets?: CounterTerm;
  readonly bytes?: CounterTerm;
}

export type SetFlag = "src" | "dst";

/** `--packets-gt 5`: what a counter of the element must be. */
export interface CounterTerm {
  readonly relation: "eq" | "ne" | "lt" | "gt";
  readonly value: number;
}

/** Reads `NAME src,dst`. */
export function readSetAndFlags(read: OptionReader): { readonly set: string; readonly flags: readonly SetFlag[] } {
  const set = read.value();
  if (set === "" || set.length > 31) read.fail("BAD_SET", `${set} is not a set name of at most 31 characters`);
  const flags = read
    .value()
    .split(",")
    .map((flag) => {
      if (flag !== "src" && flag !== "dst") return read.fail("BAD_VALUE", `${flag} is not src or dst`);
      return flag;
    });
  if (flags.length > 6) read.fail("BAD_VALUE", "a set has at most six dimensions");
  return { set, flags };
}

type Draft = { -readonly [K in keyof SetMatch]?: SetMatch[K] };

function counterOptions(counter: "packets" | "bytes"): Record<string, (draft: Draft, read: OptionReader) => void> {
  const option = (relation: "eq" | "lt" | "gt") => (draft: Draft, read: OptionReader) => {
    const inverted = relation === "eq" && read.inverted();
    draft[counter] = { relation: inverted ? "ne" : relation, value: read.number(0, Number.MAX_SAFE_INTEGER) };
  };
  return { [`--${counter}-eq`]: option("eq"), [`--${counter}-lt`]: option("lt"), [`--${counter}-gt`]: option("gt") };
}

function printCounter(name: string, term: CounterTerm | undefined): string {
  if (term === undefined) return "";
  const { relation, value } = term;
  return ` ${printOption(relation === "ne", `--${name}-${relation === "ne" ? "eq" : relation}`, String(value))}`;
}

/** Whether a counter is as the term wants it. */
export function counterHolds(term: CounterTerm | undefined, counter: number): boolean {
  switch (term?.relation) {
    case undefined:
      return true;
    case "eq":
      return counter === term?.value;
    case "ne":
      return counter !== term?.value;
    case "lt":
      return counter < (term?.value ?? 0);
    case "gt":
      return counter > (term?.value ?? 0);
  }
}

function readMatchSet(draft: Draft, read: OptionReader): void {
  Object.assign(draft, { inverted: read.inverted(), ...readSetAndFlags(read) });
}

export const set: MatchModule<SetMatch> = {
  options: {
    "--match-set": readMatchSet,
    // Its older name.
    "--set": readMatchSet,
    "--return-nomatch": (draft) => void (draft.returnNomatch = true),
    "--update-counters": (draft, read) => void (read.inverted() && (draft.keepCounters = true)),
    "--update-subcounters": (draft, read) => void (read.inverted() && (draft.keepMemberCounters = true)),
    ...counterOptions("packets"),
    ...counterOptions("bytes"),
  },
  start: () => ({ kind: "set" }),
  finish(draft, read) {
    const { set: name, flags, inverted } = draft;
    if (name === undefined || flags === undefined || inverted === undefined) {
      return read.fail("MISSING_OPTION", "-m set needs --match-set");
    }
    return { ...draft, kind: "set", set: name, flags, inverted };
  },
  print: (match) =>
    printOption(match.inverted, "--match-set", `${match.set} ${match.flags.join(",")}`) +
    (match.returnNomatch ? " --return-nomatch" : "") +
    (match.keepCounters ? " ! --update-counters" : "") +
    (match.keepMemberCounters ? " ! --update-subcounters" : "") +
    printCounter("packets", match.packets) +
    printCounter("bytes", match.bytes),
  matches(match, evaluation) {
    const found = evaluation.inSet(match);
    return found === undefined ? undefined : found !== match.inverted;
  },
  explain: (match, evaluation) => ({ term: set.print(match), packet: evaluation.elementFor(match) }),
};
