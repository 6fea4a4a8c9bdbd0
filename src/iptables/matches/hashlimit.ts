import { formatAddress } from "../../wire/address.ts";
import { maskAddress } from "../../wire/cidr.ts";
import { type Packet, hasPorts } from "../../wire/packet.ts";
import type { Evaluation } from "../evaluation.ts";
import type { Draft, OptionReader } from "../option.ts";
import type { MatchModule } from "./module.ts";
import { readRate, shownRate, spend } from "./rate.ts";

const modes = ["srcip", "srcport", "dstip", "dstport"] as const;

/** `-m hashlimit`: a token bucket for each address, port or both. */
export interface HashlimitMatch {
  readonly kind: "hashlimit";
  readonly name: string;
  readonly above: boolean;
  /** Time a packet costs, in millionths of a second (XT_HASHLIMIT_SCALE_v2). Absent for a rate of bytes. */
  readonly average?: number;
  /** A rate of bytes and its burst as they were written. Not modelled. */
  readonly bytes?: { readonly rate: string; readonly burst?: string };
  readonly burst: number;
  /** What has a bucket of its own; none: there is one for all. */
  readonly modes: readonly (typeof modes)[number][];
  readonly srcPrefix?: number;
  readonly dstPrefix?: number;
  /** A bucket that nobody asked for so long is forgotten, ms. */
  readonly expireMillis: number;
  /** Options of the table that decide nothing: their values by name, as printed. */
  readonly table: Readonly<Record<string, number>>;
  /** `--hashlimit-rate-match` and its interval in seconds. Not modelled. */
  readonly rateMatch?: number;
}

const scale = 1_000_000;
/** More credit does not fit 64 bits and wraps around (user2credits): 37 hours, in the same unit. */
const mostCredit = 2 ** 64 / 137_438_953;
const tableOptions = ["--hashlimit-htable-size", "--hashlimit-htable-max", "--hashlimit-htable-gcinterval"];
const defaultBurst = 5;

/** What the words say before it is known whether they mean packets or bytes. */
type HashlimitDraft = Draft<HashlimitMatch> & { burstText?: string; unitSeconds?: number };

function readLimit(draft: HashlimitDraft, read: OptionReader, above: boolean): void {
  draft.above = above;
  const text = read.value();
  if (/b\/s/i.test(text)) draft.bytes = { rate: text };
  else {
    const { cost, unitSeconds } = readRate(read, scale, text);
    draft.average = cost;
    draft.unitSeconds = unitSeconds;
  }
}

function finish(given: HashlimitDraft, read: OptionReader): HashlimitMatch {
  const { name, above, average, bytes, burstText, expireMillis, unitSeconds = 1, ...rest } = given;
  if (name === undefined || above === undefined) {
    return read.fail(
      "MISSING_OPTION",
      "-m hashlimit needs --hashlimit-name, and --hashlimit-upto or --hashlimit-above",
    );
  }
  const burst = bytes === undefined && burstText !== undefined ? read.number(1, 1_000_000, burstText) : defaultBurst;
  return {
    modes: [],
    table: {},
    ...rest,
    kind: "hashlimit",
    name,
    above,
    burst,
    expireMillis: expireMillis ?? unitSeconds * 1000,
    ...(average !== undefined && { average }),
    ...(bytes !== undefined && { bytes: { ...bytes, ...(burstText !== undefined && { burst: burstText }) } }),
  };
}

function print(match: HashlimitMatch): string {
  const { name, above, average, bytes, burst, srcPrefix, dstPrefix, expireMillis, rateMatch } = match;
  const shown = average === undefined ? undefined : shownRate(average, scale);
  const burstText = bytes === undefined ? String(burst) : bytes.burst;
  return [
    `--hashlimit-${above ? "above" : "upto"} ${shown?.text ?? bytes?.rate ?? ""}`,
    ...(burstText === undefined ? [] : [`--hashlimit-burst ${burstText}`]),
    ...(match.modes.length === 0 ? [] : [`--hashlimit-mode ${match.modes.join(",")}`]),
    `--hashlimit-name ${name}`,
    ...tableOptions.flatMap((option) =>
      match.table[option] === undefined ? [] : [`${option} ${match.table[option]}`],
    ),
    ...(expireMillis === (shown?.unitSeconds ?? 1) * 1000 ? [] : [`--hashlimit-htable-expire ${expireMillis}`]),
    ...(srcPrefix === undefined ? [] : [`--hashlimit-srcmask ${srcPrefix}`]),
    ...(dstPrefix === undefined ? [] : [`--hashlimit-dstmask ${dstPrefix}`]),
    ...(rateMatch === undefined ? [] : ["--hashlimit-rate-match"]),
    ...(rateMatch === undefined || rateMatch === 1 ? [] : [`--hashlimit-rate-interval ${rateMatch}`]),
  ].join(" ");
}

/** hashlimit_init_dst(): which bucket a packet takes from, whatever its protocol. */
function keyOf(match: HashlimitMatch, { src, dst, transport }: Packet): string {
  const bits = typeof src === "number" ? 32 : 128;
  const ports = hasPorts(transport) ? transport : { srcPort: 0, dstPort: 0 };
  const parts = {
    srcip: () => formatAddress(maskAddress(src, match.srcPrefix ?? bits)),
    srcport: () => ports.srcPort,
    dstip: () => formatAddress(maskAddress(dst, match.dstPrefix ?? bits)),
    dstport: () => ports.dstPort,
  };
  return match.modes.map((mode) => parts[mode]()).join(" ");
}

function matches(match: HashlimitMatch, evaluation: Evaluation): boolean | undefined {
  if (match.average === undefined || match.rateMatch !== undefined) return undefined;
  const { nowNanos, state } = evaluation;
  const buckets = evaluation.buckets(match.name);
  const key = keyOf(match, state.skb.packet);
  const costNanos = match.average * (1e9 / scale);
  const burst = ((match.average * match.burst) % mostCredit) / match.average;
  let bucket = buckets.get(key);
  if (bucket === undefined || nowNanos - bucket.atNanos > match.expireMillis * 1e6) {
    buckets.set(key, (bucket = { creditNanos: costNanos * burst, atNanos: nowNanos }));
  }
  return spend(bucket, costNanos, burst, nowNanos) !== match.above;
}

export const hashlimit: MatchModule<HashlimitMatch> = {
  options: {
    "--hashlimit-upto": (draft, read) => readLimit(draft, read, read.inverted()),
    "--hashlimit": (draft, read) => readLimit(draft, read, read.inverted()),
    "--hashlimit-above": (draft, read) => readLimit(draft, read, !read.inverted()),
    "--hashlimit-burst": (draft: HashlimitDraft, read) => void (draft.burstText = read.value()),
    "--hashlimit-mode"(draft, read) {
      const given = new Set<string>(read.value().split(","));
      draft.modes = modes.filter((mode) => given.delete(mode));
      for (const unknown of given) read.fail("BAD_VALUE", `${unknown} is not one of ${modes.join(", ")}`);
    },
    "--hashlimit-name": (draft, read) => void (draft.name = read.value()),
    "--hashlimit-srcmask": (draft, read) => void (draft.srcPrefix = read.number(0, read.family === "ipv4" ? 32 : 128)),
    "--hashlimit-dstmask": (draft, read) => void (draft.dstPrefix = read.number(0, read.family === "ipv4" ? 32 : 128)),
    "--hashlimit-htable-expire": (draft, read) => void (draft.expireMillis = read.number(0, 0xffffffff)),
    "--hashlimit-rate-match": (draft) => void (draft.rateMatch ??= 1),
    "--hashlimit-rate-interval": (draft, read) => void (draft.rateMatch = read.number(1, 0xffffffff)),
    ...Object.fromEntries(
      tableOptions.map((option) => [
        option,
        (draft: HashlimitDraft, read: OptionReader) =>
          void (draft.table = { ...draft.table, [option]: read.number(0, 0xffffffff) }),
      ]),
    ),
  },
  start: () => ({ kind: "hashlimit" }),
  finish,
  print,
  matches,
  changesWhenAsked: true,
  explain: (match) => ({ term: print(match), packet: match.above ? "below the limit" : "the limit is used up" }),
};
