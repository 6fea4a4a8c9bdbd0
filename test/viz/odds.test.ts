import { expect, test } from "vitest";
import type { Choice, Trace } from "../../src/trace/records.ts";
import { buildCourse } from "../../src/viz/moments.ts";
import { oddsOf, oddsText } from "../../src/viz/odds.ts";

function odds(choices: readonly Choice[]): number | undefined {
  const steps = choices.map((choice, index) => ({
    id: index + 1,
    kind: "timer",
    timer: "application",
    timeNanos: 0,
    namespace: "a",
    text: "",
    choice,
  }));
  const flow = { id: 1, protocol: "tcp", from: "", to: "", purpose: "", steps, packets: [] };
  return oddsOf(buildCourse({ outcome: "answered", flows: [flow] } as unknown as Trace));
}

function coin(id: string, probability: number, taken: number): Choice {
  return {
    id,
    by: "random",
    taken,
    options: [
      { label: "match", probability },
      { label: "no match", probability: 1 - probability },
    ],
  };
}

test("the odds of a trace are the product of those of its choices, each once; schedules take no chance", () => {
  expect(odds([])).toBeUndefined();
  expect(odds([{ id: "rr", by: "rr", taken: 0, options: [{ label: "a" }] }])).toBeUndefined();
  expect(odds([coin("a", 1 / 3, 1), coin("b", 0.5, 0), coin("b", 0.5, 0)])).toBeCloseTo(1 / 3);
});

/** 0x2aaaaaaa of 2^31: what iptables makes of --probability 0.33333333349. */
test("the kernel's fractions are told as what was meant", () => {
  expect(oddsText(0x2aaaaaaa / 2 ** 31)).toBe("1/3");
  expect(oddsText((1 - 0x2aaaaaaa / 2 ** 31) * 0.5)).toBe("1/3");
  expect(oddsText(1)).toBe("1/1");
  expect(oddsText(0.0123456)).toBe("1.2 %");
});
