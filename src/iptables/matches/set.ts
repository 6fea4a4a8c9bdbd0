import type { OptionReader } from "../option.ts";
import { type MatchModule, printOption } from "./module.ts";

/** `-m set [!] --match-set NAME src,dst`. */
export interface SetMatch {
  readonly kind: "set";
  readonly set: string;
  /** Which side each dimension of the set is taken from. */
  readonly flags: readonly SetFlag[];
  readonly inverted: boolean;
  /** `--return-nomatch`. */
  readonly returnNomatch?: true;
}

export type SetFlag = "src" | "dst";

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

export const set: MatchModule<SetMatch> = {
  options: {
    "--match-set": (draft, read) => void Object.assign(draft, { inverted: read.inverted(), ...readSetAndFlags(read) }),
    "--return-nomatch": (draft) => void (draft.returnNomatch = true),
  },
  start: () => ({ kind: "set" }),
  finish(draft, read) {
    const { set: name, flags, inverted, returnNomatch } = draft;
    if (name === undefined || flags === undefined || inverted === undefined) {
      return read.fail("MISSING_OPTION", "-m set needs --match-set");
    }
    return { kind: "set", set: name, flags, inverted, ...(returnNomatch && { returnNomatch }) };
  },
  print: (match) =>
    printOption(match.inverted, "--match-set", `${match.set} ${match.flags.join(",")}`) +
    (match.returnNomatch ? " --return-nomatch" : ""),
  matches(match, evaluation) {
    const found = evaluation.inSet(match);
    return found === undefined ? undefined : found !== match.inverted;
  },
  explain: (match, evaluation) => ({ term: set.print(match), packet: evaluation.elementFor(match) }),
};
