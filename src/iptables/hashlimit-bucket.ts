import { bytesOf, chunkBytes } from "./matches/byte-rate.ts";
import { type Bucket, spend } from "./matches/rate.ts";

/* What one entry of a `hashlimit` table may still let through (struct dsthash_ent of net/netfilter/xt_hashlimit.c). */

/** How a table limits. */
export interface Limit {
  /** What a packet costs in millionths of a second (XT_HASHLIMIT_SCALE_v2), or a chunk of 16 bytes in its own unit. */
  readonly cost: number;
  readonly of: "packets" | "bytes";
  /** Packets, or times the rate of bytes. */
  readonly burst: number;
  /** Seconds of a window that is counted by itself; absent: credit grows with time. */
  readonly windowSeconds?: number;
}

/** One that is asked with each packet; true: within the limit. */
export interface LimitEntry {
  readonly take: (bytes: number, nowNanos: number) => boolean;
  usedNanos: number;
}

export function createLimitEntry(limit: Limit, nowNanos: number): LimitEntry {
  const take =
    limit.windowSeconds !== undefined
      ? windowOf(limit, limit.windowSeconds, nowNanos)
      : limit.of === "packets"
        ? packetCredit(limit, nowNanos)
        : byteCredit(limit, nowNanos);
  return { take, usedNanos: nowNanos };
}

/** Millionths of a second in a second. */
export const packetScale = 1_000_000;
/** More credit does not fit 64 bits and wraps around (user2credits): 37 hours, in the same unit. */
const mostCredit = 2 ** 64 / 137_438_953;

function packetCredit({ cost, burst }: Limit, nowNanos: number): LimitEntry["take"] {
  const costNanos = cost * (1e9 / packetScale);
  const room = ((cost * burst) % mostCredit) / cost;
  const bucket: Bucket = { creditNanos: costNanos * room, atNanos: nowNanos };
  return (_, now) => spend(bucket, costNanos, room, now);
}

/** Credit of a second, and the most there is (CREDITS_PER_JIFFY_BYTES * HZ). */
const secondOfCredit = 4_194_304_000;

/** hashlimit_byte_cost(): where the credit is short, a burst fills it up so many times. */
function byteCredit({ cost, burst }: Limit, nowNanos: number): LimitEntry["take"] {
  const chunkCredit = Number((BigInt(cost) * BigInt(secondOfCredit)) >> 32n);
  let credit = secondOfCredit;
  let refills = burst;
  let at = nowNanos;
  return (bytes, now) => {
    credit = Math.min(secondOfCredit, credit + (secondOfCredit * (now - at)) / 1e9);
    at = now;
    const price = Math.min(secondOfCredit, (Math.trunc(bytes / chunkBytes) + 1) * chunkCredit);
    if (credit < price && refills > 0) {
      refills--;
      credit = secondOfCredit;
    }
    if (credit < price) return false;
    credit -= price;
    return true;
  };
}

/** `--hashlimit-rate-match`: what came in a window is compared with the burst, and decides about the next window too. */
function windowOf({ cost, of, burst }: Limit, seconds: number, nowNanos: number): LimitEntry["take"] {
  const rate = of === "packets" ? Math.trunc(packetScale / cost) : bytesOf(cost);
  const room = of === "packets" ? burst + rate : Math.max(1, burst) * rate;
  let began = nowNanos;
  let came = 0;
  let wasOver = false;
  return (bytes, now) => {
    const passedSeconds = (now - began) / 1e9;
    if (passedSeconds >= seconds) {
      wasOver = came * seconds > passedSeconds * rate;
      came = 0;
      began = now;
    }
    came += of === "packets" ? 1 : bytes;
    return !wasOver && came <= room;
  };
}
