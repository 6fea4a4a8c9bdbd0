import type { OptionReader } from "../option.ts";
import { type MatchModule, printOption } from "./module.ts";

/** `-m statistic`: by chance, or each nth packet. */
export type StatisticMatch = RandomMatch | NthMatch;

export interface RandomMatch {
  readonly kind: "statistic";
  readonly mode: "random";
  /** As it was given; the kernel takes the nearest multiple of 2^-31. */
  readonly probability: number;
  readonly inverted: boolean;
}

export interface NthMatch {
  readonly kind: "statistic";
  readonly mode: "nth";
  readonly every: number;
  /** Where the counter starts. */
  readonly packet: number;
  readonly inverted: boolean;
}

/** The numerator of the kernel's fraction over 2^31 (extensions/libxt_statistic.c: lround). */
export function probabilityBits(match: RandomMatch): number {
  return Math.round(match.probability * 2 ** 31);
}

/** The probability as the kernel has it. */
function kernelProbability(match: RandomMatch): number {
  return probabilityBits(match) / 2 ** 31;
}

interface StatisticDraft {
  readonly kind: "statistic";
  readonly mode?: "random" | "nth";
  readonly probability?: number;
  readonly every?: number;
  readonly packet?: number;
  readonly inverted?: boolean;
}

const options: MatchModule<StatisticDraft>["options"] = {
  "--mode"(draft, read) {
    const mode = read.value();
    if (mode !== "random" && mode !== "nth") return read.fail("BAD_VALUE", `${mode} is not random or nth`);
    draft.mode = mode;
  },
  "--probability"(draft, read) {
    draft.inverted = read.inverted();
    const text = read.value();
    const probability = /^\d*\.?\d+(e-?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
    if (!(probability >= 0 && probability <= 1)) return read.fail("BAD_NUMBER", `${text} is not a number from 0 to 1`);
    draft.probability = probability;
  },
  "--every"(draft, read) {
    draft.inverted = read.inverted();
    draft.every = read.number(1, 0xffffffff);
  },
  "--packet": (draft, read) => void (draft.packet = read.number(0, 0xffffffff)),
};

function finish(draft: Partial<StatisticDraft>, read: OptionReader): StatisticMatch {
  const { mode, probability, every, packet, inverted = false } = draft;
  if (mode === "random" && probability !== undefined) return { kind: "statistic", mode, probability, inverted };
  if (mode === "nth" && every !== undefined && packet !== undefined) {
    if (packet >= every) read.fail("BAD_NUMBER", `--packet ${packet} is not below --every ${every}`);
    return { kind: "statistic", mode, every, packet, inverted };
  }
  return read.fail(
    "MISSING_OPTION",
    "-m statistic needs --mode random --probability P, or --mode nth --every N --packet M",
  );
}

export const statistic: MatchModule<StatisticMatch> = {
  options: options as MatchModule<StatisticMatch>["options"],
  start: () => ({ kind: "statistic" }),
  finish: finish as NonNullable<MatchModule<StatisticMatch>["finish"]>,
  print: (match) =>
    match.mode === "random"
      ? `--mode random ${printOption(match.inverted, "--probability", kernelProbability(match).toFixed(11))}`
      : `--mode nth ${printOption(match.inverted, "--every", String(match.every))} --packet ${match.packet}`,
  matches(match, evaluation) {
    if (match.mode === "random") {
      return evaluation.flip(match, kernelProbability) !== match.inverted;
    }
    // The counter wraps at `every`, and the packet that wraps it matches: with --packet 0 the first one does
    // (net/netfilter/xt_statistic.c, extensions/libxt_statistic.c).
    const counter = evaluation.memory(() => ({ count: match.every - 1 - match.packet }));
    const wraps = counter.count === match.every - 1;
    counter.count = wraps ? 0 : counter.count + 1;
    return wraps !== match.inverted;
  },
  changesWhenAsked: true,
  explain: (match) => ({
    term: statistic.print(match),
    packet: match.mode === "random" ? "chance said no" : "not its turn",
  }),
};
