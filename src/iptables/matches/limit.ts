import type { OptionReader } from "../option.ts";
import type { MatchModule } from "./module.ts";

/** `-m limit`: a token bucket. */
export interface LimitMatch {
  readonly kind: "limit";
  /** Time a packet costs, in 1/10,000 s, as the kernel stores `--limit 3/hour` (XT_LIMIT_SCALE). */
  readonly average: number;
  readonly burst: number;
}

const scale = 10_000;
const defaultBurst = 5;

/** Units from the longest to the shortest, with the names that are printed. */
const units = [
  { name: "day", long: "day", cost: scale * 24 * 3600 },
  { name: "hour", long: "hour", cost: scale * 3600 },
  { name: "min", long: "minute", cost: scale * 60 },
  { name: "sec", long: "second", cost: scale },
] as const;

function readRate(read: OptionReader): number {
  const text = read.value();
  const [count = "", unit = "second"] = text.split("/");
  const cost = unit === "" ? undefined : units.find(({ long }) => long.startsWith(unit.toLowerCase()))?.cost;
  const number = /^\d+$/.test(count) ? Number(count) : 0;
  if (cost === undefined || number === 0) return read.fail("BAD_RATE", `${text} is not a rate such as 3/minute`);
  const average = Math.trunc(cost / number);
  return average === 0 ? read.fail("BAD_RATE", `${text} is too fast: at most 10000/second`) : average;
}

/** print_rate of extensions/libxt_limit.c: the shortest unit that still gives a whole number. */
function printRate(average: number): string {
  let unit = units[0] as (typeof units)[number];
  for (const next of units.slice(1)) {
    if (average > next.cost || Math.trunc(next.cost / average) < next.cost % average) break;
    unit = next;
  }
  return `${Math.trunc(unit.cost / average)}/${unit.name}`;
}

export const limit: MatchModule<LimitMatch> = {
  options: {
    "--limit": (draft, read) => void (draft.average = readRate(read)),
    "--limit-burst": (draft, read) => void (draft.burst = read.number(0, 10_000)),
  },
  start: () => ({ kind: "limit" }),
  // Without options: 3/hour, 5 at once.
  finish: ({ average = scale * 1200, burst = defaultBurst }) => ({ kind: "limit", average, burst }),
  print: (match) =>
    `--limit ${printRate(match.average)}${match.burst === defaultBurst ? "" : ` --limit-burst ${match.burst}`}`,
  matches(match, evaluation) {
    const costNanos = match.average * (1e9 / scale);
    const full = costNanos * match.burst;
    const bucket = evaluation.memory(() => ({ credit: full, atNanos: evaluation.nowNanos }));
    bucket.credit = Math.min(full, bucket.credit + evaluation.nowNanos - bucket.atNanos);
    bucket.atNanos = evaluation.nowNanos;
    if (bucket.credit < costNanos) return false;
    bucket.credit -= costNanos;
    return true;
  },
  changesWhenAsked: true,
  explain: (match) => ({ term: limit.print(match, "ipv4"), packet: "the limit is used up" }),
};
