import type { MatchModule } from "./module.ts";
import { readRate, shownRate, spend } from "./rate.ts";

/** `-m limit`: a token bucket. */
export interface LimitMatch {
  readonly kind: "limit";
  /** Time a packet costs, in 1/10,000 s, as the kernel stores `--limit 3/hour` (XT_LIMIT_SCALE). */
  readonly average: number;
  readonly burst: number;
}

const scale = 10_000;
const defaultBurst = 5;

export const limit: MatchModule<LimitMatch> = {
  options: {
    "--limit": (draft, read) => void (draft.average = readRate(read, scale).cost),
    "--limit-burst": (draft, read) => void (draft.burst = read.number(0, 10_000)),
  },
  start: () => ({ kind: "limit" }),
  // Without options: 3/hour, 5 at once.
  finish: ({ average = scale * 1200, burst = defaultBurst }) => ({ kind: "limit", average, burst }),
  print: (match) =>
    `--limit ${shownRate(match.average, scale).text}${match.burst === defaultBurst ? "" : ` --limit-burst ${match.burst}`}`,
  matches(match, evaluation) {
    const { nowNanos } = evaluation;
    const costNanos = match.average * (1e9 / scale);
    const bucket = evaluation.memory(() => ({ creditNanos: costNanos * match.burst, atNanos: nowNanos }));
    return spend(bucket, costNanos, match.burst, nowNanos);
  },
  changesWhenAsked: true,
  explain: (match) => ({ term: limit.print(match, "ipv4"), packet: "the limit is used up" }),
};
