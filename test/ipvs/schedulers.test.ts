import { readFileSync, readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { replaySchedule } from "../../src/ipvs/schedule-case.ts";

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
