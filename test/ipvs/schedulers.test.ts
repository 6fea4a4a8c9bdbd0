import { readFileSync, readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { type ScheduleCase, replaySchedule } from "../../src/ipvs/schedule-case.ts";

const root = new URL("../referee/ipvs/", import.meta.url);
const cases = readdirSync(root).filter((file) => file.endsWith(".json"));

test("the recordings are there", () => {
  expect(cases.length).toBe(68);
});

// What the real kernel (6.12) picked.
test.each(cases)("picks as the kernel did: %s", (file) => {
  const recorded = JSON.parse(readFileSync(new URL(file, root), "utf8"));
  expect(replaySchedule(recorded)).toEqual(recorded.picked);
});

interface RecordedSchedule extends ScheduleCase {
  readonly name: string;
  readonly picked: readonly (string | null)[];
}

const later = JSON.parse(
  readFileSync(new URL("schedules.json", import.meta.url), "utf8"),
) as readonly RecordedSchedule[];

/*
 * What Linux 6.1.0-56-amd64 (Debian 6.1.192-2) picked of 19 clients while servers were added, deleted and given other
 * weights, with fallback, thresholds and persistence. A connection of a server that was deleted is not closed: IPVS
 * drops its packets.
 */
test.each(later)("picks as Linux 6.1 did: $name", (recorded) => {
  expect(replaySchedule(recorded)).toEqual(recorded.picked);
});
