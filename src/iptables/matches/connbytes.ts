import type { Accounting } from "../../kernel/conntrack/entry.ts";
import type { OptionReader } from "../option.ts";
import { type MatchModule, printOption } from "./module.ts";

const modes = ["packets", "bytes", "avgpkt"] as const;
const directions = ["original", "reply", "both"] as const;
/** Without an end the range has this one. */
const most = 2 ** 64;

/** `-m connbytes`: packets or bytes of the connection so far, this packet with them. */
export interface ConnbytesMatch {
  readonly kind: "connbytes";
  readonly from: number;
  readonly to: number;
  readonly inverted: boolean;
  /** `avgpkt`: bytes per packet. */
  readonly mode: (typeof modes)[number];
  readonly direction: (typeof directions)[number];
}

/** Reads `FROM[:TO]`. */
function readRange(read: OptionReader): Pick<ConnbytesMatch, "from" | "to" | "inverted"> {
  const inverted = read.inverted();
  const text = read.value();
  const [first = "", last = ""] = text.split(":");
  const from = first === "" ? 0 : read.number(0, most, first);
  const to = last === "" ? most : read.number(0, most, last);
  if (from > to) read.fail("BAD_RANGE", `${text} ends before it begins`);
  // The kernel holds a negation as a range that ends before it begins: of one number there is none.
  return { from, to, inverted: inverted && from !== to };
}

function readOne<T extends string>(read: OptionReader, known: readonly T[]): T {
  const text = read.value();
  return known.find((one) => one === text) ?? read.fail("BAD_VALUE", `${text} is not one of ${known.join(", ")}`);
}

function valueOf({ mode, direction }: ConnbytesMatch, { original, reply }: Accounting): number {
  const sum = (unit: "packets" | "bytes"): number =>
    (direction === "reply" ? 0 : original[unit]) + (direction === "original" ? 0 : reply[unit]);
  if (mode !== "avgpkt") return sum(mode);
  return sum("packets") === 0 ? 0 : Math.floor(sum("bytes") / sum("packets"));
}

export const connbytes: MatchModule<ConnbytesMatch> = {
  options: {
    "--connbytes": (draft, read) => void Object.assign(draft, readRange(read)),
    "--connbytes-mode": (draft, read) => void (draft.mode = readOne(read, modes)),
    "--connbytes-dir": (draft, read) => void (draft.direction = readOne(read, directions)),
  },
  start: () => ({ kind: "connbytes" }),
  finish({ from, to, inverted, mode, direction }, read) {
    if (from === undefined || to === undefined || inverted === undefined || !mode || !direction) {
      return read.fail("MISSING_OPTION", "-m connbytes needs --connbytes, --connbytes-mode and --connbytes-dir");
    }
    return { kind: "connbytes", from, to, inverted, mode, direction };
  },
  print: ({ from, to, inverted, mode, direction }) =>
    printOption(inverted, "--connbytes", to === most ? String(from) : `${from}:${to}`) +
    ` --connbytes-mode ${mode} --connbytes-dir ${direction}`,
  // connbytes_mt() of net/netfilter/xt_connbytes.c; a connection that nobody counts never matches.
  matches(match, { state }) {
    const accounting = state.skb.conntrack?.entry.accounting;
    if (accounting === undefined) return false;
    const value = valueOf(match, accounting);
    return (value >= match.from && value <= match.to) !== match.inverted;
  },
  explain(match, { state }) {
    const accounting = state.skb.conntrack?.entry.accounting;
    const packet = accounting === undefined ? "not counted" : `${valueOf(match, accounting)}`;
    return { term: connbytes.print(match), packet };
  },
  needsConntrack: true,
};
