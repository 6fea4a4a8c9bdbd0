import { expect, test } from "vitest";
import { nanosPerSecond } from "../../src/kernel/clock.ts";
import type { Step } from "../../src/trace/records.ts";
import { load, node, send, tcpSyn } from "./kernel.ts";

/*
 * Expectations from iptables(8), iptables-extensions(8) and the kernel's source where named; the traces of real
 * rules are compared in test/kernel/replay.test.ts.
 */

function filter(...lines: readonly string[]): string {
  const chains = [...new Set(lines.map((line) => line.split(" ")[1] as string))].filter((name) => name !== "FORWARD");
  return `*filter\n:FORWARD DROP [0:0]\n${chains.map((name) => `:${name} - [0:0]\n`).join("")}${lines.join("\n")}\nCOMMIT\n`;
}

/** `CHAIN:rule:N`, `CHAIN:return`, `CHAIN:policy`, `CHAIN:miss:N-M` of each step of the tables. */
function told(steps: readonly Step[]): string[] {
  return steps.flatMap((step) => {
    if (step.kind === "chain") return [`${step.chain}:${step.action}`];
    if (step.kind !== "rule") return [];
    return [
      step.matched ? `${step.chain}:rule:${step.rule}` : `${step.chain}:miss:${step.rule}-${step.through ?? step.rule}`,
    ];
  });
}

test("RETURN goes back behind the jump, and goto skips the rest of the chain it came from", () => {
  const own = node();
  load(
    own,
    filter(
      "-A FORWARD -j A",
      "-A FORWARD -j ACCEPT",
      "-A A -g B",
      "-A A -j DROP",
      "-A B -p udp -j DROP",
      "-A B -j RETURN",
      "-A B -j DROP",
    ),
  );
  const { verdict, steps } = send(own);
  expect(verdict).toBe("accept");
  expect(told(steps)).toEqual(["FORWARD:rule:1", "A:rule:1", "B:miss:1-1", "B:rule:2", "FORWARD:rule:2"]);
});

test("the end of a base chain is its policy, and a drop says so", () => {
  const own = node();
  load(own, filter("-A FORWARD -d 9.9.9.9 -j ACCEPT", "-A FORWARD -p udp -j ACCEPT"));
  const { verdict, steps } = send(own);
  expect(verdict).toBe("drop");
  expect(told(steps)).toEqual(["FORWARD:miss:1-2", "FORWARD:policy"]);
  expect(steps.at(-1)).toMatchObject({ kind: "drop", code: "POLICY_DROP", kernelReason: "NETFILTER_DROP" });
});

test("at the level `rule` each missed rule tells the term that failed and what the packet has", () => {
  const own = node("rule");
  load(
    own,
    filter(
      "-A FORWARD -d 9.9.9.9/32 -p tcp -j ACCEPT",
      "-A FORWARD -p tcp -m tcp --dport 443 -j ACCEPT",
      "-A FORWARD -i cni+ -j ACCEPT",
    ),
  );
  const { steps } = send(own);
  const [miss] = steps.filter((step) => step.kind === "rule");
  expect(miss).toMatchObject({
    rule: 1,
    through: 3,
    failed: [
      { rule: 1, term: "-d 9.9.9.9/32", packet: "10.1.0.2" },
      { rule: 2, term: "--dport 443", packet: "80" },
      { rule: 3, term: "-i cni+", packet: "eth0" },
    ],
  });
});

test("what is not modelled makes the verdict unknown only where the rest of its rule matches", () => {
  const text = filter(
    "-A FORWARD -p udp -m time --timestart 10:00 -j DROP",
    "-A FORWARD -p tcp -m time --timestart 10:00 -m tcp --dport 80 -j DROP",
  );
  const own = node();
  load(own, text);
  const udp = { protocol: "udp", srcPort: 1, dstPort: 80 } as const;
  expect(send(own).verdict).toBe("unknown");
  expect(send(own, { transport: { ...tcpSyn, dstPort: 81 } as typeof tcpSyn }).verdict).toBe("drop");
  expect(send(own, { transport: udp }).verdict).toBe("unknown");
  expect(send(own).steps.at(-1)).toMatchObject({ kind: "rule", matched: true, rule: 2 });
  const target = node();
  load(target, filter("-A FORWARD -p udp -j NFQUEUE --queue-num 1", "-A FORWARD -j ACCEPT"));
  expect(send(target).verdict).toBe("accept");
  expect(send(target, { transport: udp }).verdict).toBe("unknown");
});

test("rules that jump in a circle end the packet instead of the program", () => {
  const own = node();
  load(own, filter("-A FORWARD -j A", "-A A -j A"));
  const { verdict, steps } = send(own);
  expect(verdict).toBe("drop");
  expect(steps.at(-1)).toMatchObject({ kind: "drop", code: "CHAIN_LOOP" });
});

test("recent: an address that was set is found for so many seconds (net/netfilter/xt_recent.c)", () => {
  const own = node();
  load(
    own,
    filter(
      "-A FORWARD -m recent --name seen --rcheck --seconds 10 --reap -j ACCEPT",
      "-A FORWARD -m recent --name seen --set -j DROP",
    ),
  );
  const after = (seconds: number): string => {
    own.clock.after(seconds * nanosPerSecond, () => {});
    own.clock.run();
    return send(own).verdict;
  };
  expect(after(0)).toBe("drop");
  expect(after(9)).toBe("accept");
  expect(after(2)).toBe("drop");
  expect(send(own, { src: "10.0.0.3" }).verdict).toBe("drop");
});

test("limit: a burst, then as fast as the bucket fills", () => {
  const own = node();
  load(own, filter("-A FORWARD -m limit --limit 1/sec --limit-burst 2 -j ACCEPT"));
  expect([1, 2, 3].map(() => send(own).verdict)).toEqual(["accept", "accept", "drop"]);
  own.clock.after(nanosPerSecond, () => {});
  own.clock.run();
  expect([1, 2].map(() => send(own).verdict)).toEqual(["accept", "drop"]);
});

test("statistic nth: every third packet from the given one on", () => {
  const own = node();
  load(own, filter("-A FORWARD -m statistic --mode nth --every 3 --packet 0 -j ACCEPT"));
  // Counted on Linux 6.18: with --packet 0 the first and the fourth packet match, with --packet 1 the second.
  expect([1, 2, 3, 4].map(() => send(own).verdict)).toEqual(["accept", "drop", "drop", "accept"]);
  load(own, filter("-A FORWARD -m statistic --mode nth --every 3 --packet 1 -j ACCEPT"));
  expect([1, 2, 3, 4].map(() => send(own).verdict)).toEqual(["drop", "accept", "drop", "drop"]);
});

test("a decision by chance is a choice with both odds, and a pin decides it", () => {
  const own = node();
  load(own, filter("-A FORWARD -m statistic --mode random --probability 0.25 -j ACCEPT"));
  const { steps } = send(own);
  const choice = steps.find((step) => step.kind === "rule")?.choice;
  expect(choice).toMatchObject({
    id: "node/filter/FORWARD/1/flow",
    options: [{ probability: 0.25 }, { probability: 0.75 }],
    by: "random",
  });
});

test("counters count packets that matched and those the policy decided", () => {
  const own = node();
  load(own, filter("-A FORWARD -p tcp -j ACCEPT"));
  send(own);
  send(own);
  send(own, { transport: { protocol: "udp", srcPort: 1, dstPort: 2 } });
  const chain = own.iptables.ruleset("ipv4").tables.get("filter")?.chains.get("FORWARD");
  expect(chain?.counters).toEqual([{ packets: 2, bytes: 120 }]);
  expect(chain).toMatchObject({ policy: "DROP", policyCounters: { packets: 1, bytes: 28 } });
});
