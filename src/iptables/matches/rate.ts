import type { OptionReader } from "../option.ts";

/* Rates such as `3/minute`, as `limit` and `hashlimit` take them: the kernel holds what one packet costs. */

/** Units from the longest to the shortest, with the names that are printed. */
const units = [
  { name: "day", long: "day", seconds: 24 * 3600 },
  { name: "hour", long: "hour", seconds: 3600 },
  { name: "min", long: "minute", seconds: 60 },
  { name: "sec", long: "second", seconds: 1 },
] as const;

/** What a packet costs at a rate, in fractions of a second that `perSecond` states; and the unit that was written. */
export interface Rate {
  readonly cost: number;
  readonly unitSeconds: number;
}

/** Reads `COUNT[/UNIT]`; a unit may be cut short. */
export function readRate(read: OptionReader, perSecond: number, text: string = read.value()): Rate {
  const [count = "", name = "second"] = text.split("/");
  const unit = name === "" ? undefined : units.find(({ long }) => long.startsWith(name.toLowerCase()));
  const number = /^\d+$/.test(count) ? Number(count) : 0;
  if (unit === undefined || number === 0) return read.fail("BAD_RATE", `${text} is not a rate such as 3/minute`);
  const cost = Math.trunc((perSecond * unit.seconds) / number);
  if (cost === 0) read.fail("BAD_RATE", `${text} is too fast: at most ${perSecond}/second`);
  return { cost, unitSeconds: unit.seconds };
}

/** The shortest unit that still gives a whole number (print_rate of extensions/libxt_limit.c), and its length. */
export function shownRate(cost: number, perSecond: number): { readonly text: string; readonly unitSeconds: number } {
  let unit: (typeof units)[number] = units[0];
  for (const next of units.slice(1)) {
    const whole = next.seconds * perSecond;
    if (cost > whole || Math.trunc(whole / cost) < whole % cost) break;
    unit = next;
  }
  return { text: `${Math.trunc((unit.seconds * perSecond) / cost)}/${unit.name}`, unitSeconds: unit.seconds };
}

/** What a rule may still let through: credit that grows with time, up to a burst. */
export interface Bucket {
  creditNanos: number;
  atNanos: number;
}

/** Takes the price of one packet out of a bucket; false when there is not enough in it. */
export function spend(bucket: Bucket, costNanos: number, burst: number, nowNanos: number): boolean {
  bucket.creditNanos = Math.min(costNanos * burst, bucket.creditNanos + nowNanos - bucket.atNanos);
  bucket.atNanos = nowNanos;
  if (bucket.creditNanos < costNanos) return false;
  bucket.creditNanos -= costNanos;
  return true;
}
