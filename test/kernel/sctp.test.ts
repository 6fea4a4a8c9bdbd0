import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { ConntrackEntry, Direction } from "../../src/kernel/conntrack/entry.ts";
import { conntrackSettings } from "../../src/kernel/conntrack/settings.ts";
import { trackSctp } from "../../src/kernel/conntrack/sctp.ts";
import { createSysctls } from "../../src/kernel/sysctl.ts";
import type { SctpPacket } from "../../src/wire/packet.ts";

/*
 * What `conntrack -L` said on Linux 6.18 after these chunks, sent as raw packets with right tags and checksums between
 * two addresses: `what came before | chunk | state`; `o` is from the originator, `r` a reply. INVALID packets were dropped.
 */
const rows = readFileSync(join(import.meta.dirname, "sctp-states.txt"), "utf8")
  .trim()
  .split("\n")
  .map((line) => line.split(" | ") as [string, string, string]);

const settings = conntrackSettings(createSysctls())();

/** Feeds `o init`; false when it is invalid. */
function feed(entry: ConntrackEntry, text: string): boolean {
  const [from, chunk] = text.split(" ") as [string, SctpPacket["chunk"]];
  const direction: Direction = from === "o" ? "original" : "reply";
  const isValid = trackSctp(entry, direction, { protocol: "sctp", srcPort: 1, dstPort: 2, chunk }, 0, settings);
  if (isValid && direction === "reply") entry.seenReply = true;
  return isValid;
}

test.for(rows)("after %s: %s makes it %s", ([before, chunk, expected]) => {
  const entry = { seenReply: false, assured: false } as ConntrackEntry;
  for (const step of before === "(nothing)" ? [] : before.split(", ")) expect(feed(entry, step)).toBe(true);
  const isValid = feed(entry, chunk);
  const state = isValid ? `${entry.sctpState}${entry.assured ? " ASSURED" : ""}` : "INVALID";
  expect(state).toBe(expected);
});
