import { formatAddress } from "../../wire/address.ts";
import { maskAddress } from "../../wire/cidr.ts";
import { type Packet, hasPorts, packetBytes, protocolNumber } from "../../wire/packet.ts";
import { type Limit, createLimitEntry, packetScale } from "../hashlimit-bucket.ts";
import type { Draft, OptionReader } from "../option.ts";
import { bytesOf, isByteRate, printBurst, printByteRate, readByteRate, readBytes } from "./byte-rate.ts";
import type { MatchModule } from "./module.ts";
import { readRate, shownRate } from "./rate.ts";

const modes = ["srcip", "srcport", "dstip", "dstport"] as const;

/** `-m hashlimit`: a limit for each address, port or both. */
export interface HashlimitMatch extends Limit {
  readonly kind: "hashlimit";
  readonly name: string;
  readonly above: boolean;
  /** What has a limit of its own; none: there is one for all. */
  readonly modes: readonly (typeof modes)[number][];
  readonly srcPrefix?: number;
  readonly dstPrefix?: number;
  /** An entry that nobody asked for so long is forgotten, ms. */
  readonly expireMillis: number;
  /** Options of the table that decide nothing: their values by name, as printed. */
  readonly table: Readonly<Record<string, number>>;
}

const tableOptions = ["--hashlimit-htable-size", "--hashlimit-htable-max", "--hashlimit-htable-gcinterval"];
const defaultBurst = 5;
/** How long entries of rates of bytes are kept, seconds; with a burst longer (XT_HASHLIMIT_BYTE_EXPIRE). */
const byteExpireSeconds = 15;
const burstExpireSeconds = 60;

/** What the words say before it is known what they mean together. */
type HashlimitDraft = Draft<HashlimitMatch> & {
  burstText?: string;
  unitSeconds?: number;
  isWindow?: true;
  intervalSeconds?: number;
};

function readLimit(draft: HashlimitDraft, read: OptionReader, above: boolean): void {
  draft.above = above;
  const text = read.value();
  draft.of = isByteRate(text) ? "bytes" : "packets";
  const rate =
    draft.of === "bytes" ? { cost: readByteRate(read, text), unitSeconds: 1 } : readRate(read, packetScale, text);
  Object.assign(draft, rate);
}

/** So many times the rate that the burst fits. */
function byteBurst(text: string | undefined, cost: number, read: OptionReader): number {
  if (text === undefined) return 0;
  const rate = bytesOf(cost);
  const bytes = readBytes(read, text);
  if (bytes < rate || rate === 0) read.fail("BAD_RATE", `a burst cannot be smaller than the rate, ${rate}b`);
  return Math.ceil(bytes / rate);
}

function finish(given: HashlimitDraft, read: OptionReader): HashlimitMatch {
  const {
    name,
    above,
    cost: stated,
    of,
    burstText,
    expireMillis,
    unitSeconds = 1,
    isWindow,
    intervalSeconds,
    ...rest
  } = given;
  if (name === undefined || above === undefined || stated === undefined || of === undefined) {
    return read.fail(
      "MISSING_OPTION",
      "-m hashlimit needs --hashlimit-name, and --hashlimit-upto or --hashlimit-above",
    );
  }
  // A window counts so many in its own time.
  const cost = isWindow ? Math.trunc(stated / unitSeconds) : stated;
  const burst =
    of === "bytes"
      ? byteBurst(burstText, cost, read)
      : burstText === undefined
        ? defaultBurst
        : read.number(1, 1_000_000, burstText);
  const expireSeconds = of === "packets" ? unitSeconds : burst > 0 ? burstExpireSeconds : byteExpireSeconds;
  return {
    modes: [],
    table: {},
    ...rest,
    kind: "hashlimit",
    name,
    above,
    cost,
    of,
    burst,
    expireMillis: expireMillis ?? expireSeconds * 1000,
    ...(isWindow && { windowSeconds: intervalSeconds ?? unitSeconds }),
  };
}

function print(match: HashlimitMatch): string {
  const { name, above, cost, of, burst, srcPrefix, dstPrefix, expireMillis, windowSeconds } = match;
  const shown = of === "packets" ? shownRate(cost, packetScale) : undefined;
  const rate = shown?.text ?? printByteRate(cost);
  const burstText = of === "packets" ? String(burst) : burst === 0 ? undefined : printBurst(cost, burst);
  const usualSeconds = shown?.unitSeconds ?? (burst > 0 ? burstExpireSeconds : byteExpireSeconds);
  return [
    `--hashlimit-${above ? "above" : "upto"} ${rate}`,
    ...(burstText === undefined ? [] : [`--hashlimit-burst ${burstText}`]),
    ...(match.modes.length === 0 ? [] : [`--hashlimit-mode ${match.modes.join(",")}`]),
    `--hashlimit-name ${name}`,
    ...tableOptions.flatMap((option) =>
      match.table[option] === undefined ? [] : [`${option} ${match.table[option]}`],
    ),
    ...(expireMillis === usualSeconds * 1000 ? [] : [`--hashlimit-htable-expire ${expireMillis}`]),
    ...(srcPrefix === undefined ? [] : [`--hashlimit-srcmask ${srcPrefix}`]),
    ...(dstPrefix === undefined ? [] : [`--hashlimit-dstmask ${dstPrefix}`]),
    ...(windowSeconds === undefined ? [] : ["--hashlimit-rate-match"]),
    ...(windowSeconds === undefined || windowSeconds === 1 ? [] : [`--hashlimit-rate-interval ${windowSeconds}`]),
  ].join(" ");
}

/** Protocols that have something in the place of ports that is not known here: DCCP, ESP, AH, UDP-Lite (proto_ports_offset). */
const otherPorts: readonly number[] = [33, 50, 51, 136];

/** hashlimit_init_dst(): which entry a packet takes from, whatever its protocol; undefined where that is not known. */
function keyOf(match: HashlimitMatch, { src, dst, transport }: Packet): string | undefined {
  const looksAtPorts = match.modes.some((mode) => mode === "srcport" || mode === "dstport");
  if (looksAtPorts && otherPorts.includes(protocolNumber(transport))) return undefined;
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
    "--hashlimit-rate-match": (draft: HashlimitDraft) => void (draft.isWindow = true),
    "--hashlimit-rate-interval": (draft: HashlimitDraft, read) =>
      void (draft.intervalSeconds = read.number(1, 0xffffffff)),
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
  // hashlimit_mt_common() of net/netfilter/xt_hashlimit.c.
  matches(match, evaluation) {
    const { nowNanos, state } = evaluation;
    const { packet } = state.skb;
    const entries = evaluation.limits(match.name);
    const key = keyOf(match, packet);
    if (key === undefined) return undefined;
    let entry = entries.get(key);
    if (entry === undefined || nowNanos - entry.usedNanos > match.expireMillis * 1e6) {
      entries.set(key, (entry = createLimitEntry(match, nowNanos)));
    }
    entry.usedNanos = nowNanos;
    return entry.take(packetBytes(packet), nowNanos) !== match.above;
  },
  changesWhenAsked: true,
  explain: (match) => ({ term: print(match), packet: match.above ? "below the limit" : "the limit is used up" }),
};
