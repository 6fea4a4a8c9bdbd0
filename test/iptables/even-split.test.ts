import fc from "fast-check";
import { expect, test } from "vitest";
import { printRuleset } from "../../src/iptables/print.ts";
import type { Chain } from "../../src/iptables/rule.ts";
import type { RecordLevel } from "../../src/trace/recorder.ts";
import { type Node, load, node, send } from "./kernel.ts";

/*
 * Rules that share packets out evenly are not looked at one by one where nothing is recorded (even-split.ts). What
 * comes of it must be what a recorded packet meets, for which each rule's match modules are asked.
 */

/** kube-proxy's chains of one Service: `first` stands before the rules for the endpoints. */
interface Balanced {
  readonly endpoints: number;
  readonly first: readonly string[];
  /** The probability of the rule at a position, where it is not the one of an even split. */
  readonly odd: { readonly at: number; readonly probability: string } | undefined;
  /** Rules of each endpoint's chain before the DNAT. */
  readonly before: number;
  readonly order: "kube-proxy" | "reversed";
}

function chainsOf({ endpoints, first, odd, before, order }: Balanced): readonly Chain[] {
  const numbers = Array.from({ length: endpoints }, (_, index) => index);
  const lines = [
    ...first.map((rule) => `-A SVC ${rule}`),
    ...numbers.map((index) => {
      const left = endpoints - index;
      const probability = odd?.at === index ? odd.probability : (1 / left).toFixed(10);
      const chance = left === 1 ? "" : `-m statistic --mode random --probability ${probability} `;
      return `-A SVC ${chance}-j SEP-${index}`;
    }),
    ...numbers.flatMap((index) => [
      ...Array.from({ length: before }, () => `-A SEP-${index} -s 10.2.0.${index + 1}/32 -j MARK --set-mark 0x1`),
      `-A SEP-${index} -p tcp -m tcp -j DNAT --to-destination 10.2.0.${index + 1}:8080`,
    ]),
  ];
  const own = node("off");
  const names = ["SVC", ...numbers.map((index) => `SEP-${index}`)];
  load(own, `*nat\n${names.map((name) => `:${name} - [0:0]`).join("\n")}\n${lines.join("\n")}\nCOMMIT\n`);
  const chains = own.iptables.ruleset("ipv4").tables.get("nat")?.chains;
  const service = names.map((name) => ({ name, rules: chains?.get(name)?.rules ?? [] }));
  return order === "kube-proxy" ? service : [...service.slice(0, 1), ...service.slice(1).reverse()];
}

function serviceNode(level: RecordLevel, chains: readonly Chain[]): Node {
  const own = node(level);
  load(own, "*nat\n:SVC - [0:0]\n-A PREROUTING -d 10.96.0.1/32 -j SVC\nCOMMIT\n");
  put(own, chains);
  return own;
}

/** As kube-proxy puts them: what belongs to one Service together. */
function put({ iptables }: Node, chains: readonly Chain[]): void {
  const entries = ["SVC"];
  iptables.replaceChains("ipv4", "nat", [], { bundles: [{ entries, innerPrefix: "SEP-", chains }] });
}

function outcome(own: Node, keys: readonly string[]): readonly unknown[] {
  return keys.map((flowKey, index) => {
    const transport = {
      protocol: "tcp",
      srcPort: 1000 + index,
      dstPort: 80,
      flags: { syn: true },
      seq: 0,
      ack: 0,
    } as const;
    const { verdict, skb } = send(own, { dst: "10.96.0.1", hook: "PREROUTING", flowKey, transport });
    return [verdict, skb.mark, skb.packet.dst];
  });
}

function rulesOf({ iptables }: Node): string {
  return printRuleset(iptables.ruleset("ipv4"), { counters: true });
}

const balanced: fc.Arbitrary<Balanced> = fc.record({
  endpoints: fc.oneof(fc.integer({ min: 1, max: 12 }), fc.constantFrom(70, 130)),
  first: fc.subarray([
    "-m mark --mark 0x7 -j RETURN",
    "-m statistic --mode random --probability 0.5 -j MARK --set-mark 0x2",
  ]),
  odd: fc.option(fc.record({ at: fc.integer({ min: 0, max: 5 }), probability: fc.constantFrom("0.1", "0.5", "0.9") }), {
    nil: undefined,
  }),
  before: fc.integer({ min: 0, max: 2 }),
  order: fc.constantFrom("kube-proxy", "reversed"),
});
const keys = fc.array(fc.string(), { minLength: 20, maxLength: 40 });

test("an even split takes each packet by the rule that a walk over all rules takes it by", () => {
  fc.assert(
    fc.property(balanced, balanced, keys, keys, (service, later, flows, laterFlows) => {
      const fast = serviceNode("off", chainsOf(service));
      const thorough = serviceNode("rule", chainsOf(service));
      expect(outcome(fast, flows)).toEqual(outcome(thorough, flows));
      expect(rulesOf(fast)).toBe(rulesOf(thorough));
      // Other endpoints: chains come and go, and rows of before are of no use.
      for (const own of [fast, thorough]) put(own, chainsOf(later));
      expect(outcome(fast, laterFlows)).toEqual(outcome(thorough, laterFlows));
      expect(rulesOf(fast)).toBe(rulesOf(thorough));
    }),
    { numRuns: 40 },
  );
});

test("of an even split every endpoint gets about as many packets", () => {
  const endpoints = 10;
  const own = serviceNode("off", chainsOf({ endpoints, first: [], odd: undefined, before: 1, order: "kube-proxy" }));
  const flows = Array.from({ length: 2000 }, (_, index) => `flow ${index}`);
  const counts = new Map<unknown, number>();
  for (const result of outcome(own, flows)) {
    const [, , dst] = result as readonly unknown[];
    counts.set(dst, (counts.get(dst) ?? 0) + 1);
  }
  // 200 each; five standard deviations of a binomial distribution are 67.
  expect([...counts.values()].every((count) => Math.abs(count - 200) < 67)).toBe(true);
  expect(counts.size).toBe(endpoints);
});
