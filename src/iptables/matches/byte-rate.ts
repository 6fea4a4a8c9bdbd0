import type { OptionReader } from "../option.ts";

/*
 * Rates of bytes, as `hashlimit` takes them: `512kb/s`. The kernel counts in chunks of 16 bytes and holds what a chunk
 * costs; a burst is so many seconds' worth of the rate (extensions/libxt_hashlimit.c).
 */

const units = [
  { name: "m", bytes: 1024 * 1024 },
  { name: "k", bytes: 1024 },
  { name: "", bytes: 1 },
] as const;
const most = 0xffffffff;
export const chunkBytes = 16;

/** Whether a rate is one of bytes. */
export function isByteRate(text: string): boolean {
  return text.includes("b/s");
}

/** The cost of a chunk at a rate such as `512kb/s`. */
export function readByteRate(read: OptionReader, text: string): number {
  return costOf(readBytes(read, text.replace("/s", "")));
}

/** `1mb`, `100b` or `100`. */
export function readBytes(read: OptionReader, text: string): number {
  const [, number = "", unit = ""] = /^(\d+)([km]?)b?$/.exec(text) ?? [];
  const bytes = Number(number) * (units.find(({ name }) => name === unit)?.bytes ?? 1);
  if (number !== "" && bytes > 0 && bytes <= most) return bytes;
  return read.fail("BAD_RATE", `${text} is not a number of bytes such as 512kb`);
}

function costOf(bytes: number): number {
  return Math.trunc(most / (Math.trunc(bytes / chunkBytes) + 1));
}

/** Bytes a second. */
export function bytesOf(cost: number): number {
  return (Math.trunc(most / Math.max(1, cost)) - 1) * chunkBytes;
}

export function printByteRate(cost: number): string {
  const bytes = bytesOf(cost);
  const unit = units.find((one) => bytes >= one.bytes && costOf(bytes - (bytes % one.bytes)) === cost) ?? units[2];
  return `${Math.trunc(bytes / unit.bytes)}${unit.name}b/s`;
}

/** A burst of so many times the rate. */
export function printBurst(cost: number, times: number): string {
  const bytes = bytesOf(cost) * times;
  const unit = units.find((one) => bytes >= one.bytes) ?? units[2];
  return `${Math.trunc(bytes / unit.bytes)}${unit.name}b`;
}
