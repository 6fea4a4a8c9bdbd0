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

/**
 * A zone by mark is that of the mark when conntrack looks. On Linux 6.18 a rule behind `-j CT --zone mark` that changes
 * the mark of what the router itself answers keeps the answer away from the connection: it stays [UNREPLIED].
 */
test("a mark that is set behind -j CT --zone mark decides the zone", () => {
  const empty = ["filter", "security"].map((table) => `*${table}\nCOMMIT\n`).join("");
  const raw = "*raw\n-A OUTPUT -j CT --zone mark\n-A OUTPUT -j MARK --set-mark 3\nCOMMIT\n";
  const nat = "*nat\n-A PREROUTING\nCOMMIT\n*mangle\n-A INPUT -m conntrack --ctstate NEW\nCOMMIT\n";
  const router = new EngineRouter({
    sets: "",
    ipv4: raw + empty + nat,
    ipv6: `*raw\nCOMMIT\n${empty}*mangle\nCOMMIT\n*nat\nCOMMIT\n`,
  });
  const opening: Opening = { ...(recorded.openings[0] as Opening), kind: "ack", to: 6, dstPort: 443, times: 3 };
  router.send(openingPackets(opening, 1000));
  const { rules, connections } = router.show();
  expect(rules.ipv4).toContain("[3:246] -A INPUT -m conntrack --ctstate NEW");
  expect(rules.ipv4).toContain("[1:82] -A PREROUTING");
  expect(connections.map((line) => line.replace(/ \d+ ESTABLISHED/, ""))).toEqual([
    "tcp      6 src=10.1.0.2 dst=10.2.0.1 sport=40000 dport=443 [UNREPLIED] src=10.2.0.1 dst=10.1.0.2 sport=443 dport=40000 mark=0 use=1",
  ]);
});
