import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { EngineRouter } from "../root/differential/engine.ts";
import { type Opening, answerTo, openingPackets } from "../root/differential/packets.ts";

/**
 * Rules that count connections, and what went over them: what Linux 6.18 counted in mangle FORWARD when these
 * conversations went through it, each packet 10 ms after the other. Each group of rules was there alone.
 */
const recorded = JSON.parse(readFileSync(new URL("connection-counters.json", import.meta.url), "utf8")) as {
  readonly openings: readonly Opening[];
  readonly rules: readonly (readonly string[])[];
};

test.for(recorded.rules)("counted as recorded: %s and what follows it", (lines) => {
  const rules = lines.map((line) => line.replace(/^\[\d+:\d+\] /, ""));
  const empty = ["raw", "nat", "filter", "security"].map((table) => `*${table}\nCOMMIT\n`).join("");
  const ipv4 = `*mangle\n${rules.join("\n")}\nCOMMIT\n${empty}`;
  const router = new EngineRouter({ sets: "", ipv4, ipv6: `*mangle\nCOMMIT\n${empty}` });
  let packets = recorded.openings.flatMap((given, index) => openingPackets(given, 1000 + 10 * index));
  for (let round = 0; round < 3; round++) {
    const arrived = router.send(packets);
    packets = arrived.flatMap((one, index) => answerTo(one, 2000 + 1000 * round + index) ?? []);
  }
  expect(router.recorder.doubts).toEqual([]);
  expect(
    router
      .show()
      .rules.ipv4.split("\n")
      .filter((line) => line.includes("-A FORWARD")),
  ).toEqual(lines);
});
