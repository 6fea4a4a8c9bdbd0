import fc from "fast-check";
import { expect, test } from "vitest";
import { printRuleset } from "../../src/iptables/print.ts";
import type { RecordLevel } from "../../src/trace/recorder.ts";
import type { Step } from "../../src/trace/records.ts";
import type { Transport } from "../../src/wire/packet.ts";
import { type PacketSpec, load, node, send } from "./kernel.ts";

/*
 * A chain of eight rules or more is walked by candidates, except at the level `rule`, which looks at every rule
 * (and names the term that failed). Both walks must say the same, step for step and counter for counter.
 */

const host = fc.constantFrom("10.0.0.1", "10.0.0.2", "10.1.0.2", "10.1.0.3", "10.96.0.1");
const port = fc.constantFrom(53, 80, 443);
const device = fc.constantFrom("eth0", "cni0", "cni+", "lo");
const not = fc.constantFrom("", "", "", "! ");

const term = fc.oneof(
  fc.tuple(not, host).map(([bang, own]) => `${bang}-d ${own}`),
  fc.tuple(not, host).map(([bang, own]) => `${bang}-s ${own}`),
  fc
    .tuple(not, fc.constantFrom("10.0.0.0/8", "10.1.0.0/16", "10.0.0.1/255.0.255.255"))
    .map(([bang, own]) => `${bang}-s ${own}`),
  fc.tuple(not, device).map(([bang, own]) => `${bang}-i ${own}`),
  fc.tuple(not, device).map(([bang, own]) => `${bang}-o ${own}`),
);
const match = fc.oneof(
  fc.tuple(not, port).map(([bang, own]) => `-p tcp -m tcp ${bang}--dport ${own}`),
  fc.tuple(not, port).map(([bang, own]) => `-p udp -m udp ${bang}--dport ${own}`),
  port.map((own) => `-p tcp -m statistic --mode random --probability 0.5 -m tcp --dport ${own}`),
  fc.constant("-m statistic --mode nth --every 2 --packet 0"),
  fc.constant("-m recent --update --name seen"),
  fc.constant("-m recent --set --name seen"),
  fc.constant("-m limit --limit 1/sec --limit-burst 2"),
  fc.constant("-m mark --mark 0x1/0x1"),
  fc.constant("-m mark ! --mark 0x1/0x1"),
  fc.constant("-m mark --mark 0x1/0x1 -m statistic --mode random --probability 0.5"),
  fc.constant("-m statistic --mode random ! --probability 0.3"),
  fc.constant("-m conntrack --ctstate INVALID,NEW"),
  fc.constant("-m conntrack ! --ctstate NEW"),
  fc.constant("-m conntrack --ctstate INVALID -m mark --mark 0x1/0x1"),
  fc.constant("-p udp -m udp --dport 50:90 --sport 1"),
  fc.constant("-p tcp -m tcp --dport 50:90"),
  fc.constant("-m addrtype --dst-type LOCAL"),
  fc.constant("-p tcp -m quota --quota 150 -m tcp --dport 80"),
  fc.constant("-p tcp -m connlimit --connlimit-above 1 -m tcp --dport 80"),
  fc.constant("-p udp -m hashlimit --hashlimit-upto 16b/s --hashlimit-name h -m udp --dport 53"),
  fc.constant('-m u32 --u32 "6&0xff=6"'),
  fc.constant("-m policy --dir in --pol none"),
  fc.constant("-m unheard-of --option"),
);
const target = fc.constantFrom(
  "-j MARK --set-xmark 0x1/0x1",
  "-j MARK --set-xmark 0x1/0x0",
  "-j RETURN",
  "-j ACCEPT",
  "-j DROP",
  "",
  "",
);
const jump = fc.constantFrom("-j USER", "-g USER");
const args = (decided: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc
    .tuple(
      fc.uniqueArray(term, { maxLength: 2, selector: (own) => own.replace("! ", "").slice(0, 2) }),
      fc.option(match, { nil: "" }),
      decided,
    )
    .map(([terms, own, last]) => [...terms, own, last].join(" "));
const rules = fc.record({
  base: fc.array(args(fc.oneof(target, jump)), { minLength: 8, maxLength: 30 }),
  user: fc.array(args(target), { minLength: 0, maxLength: 20 }),
});
const transport: fc.Arbitrary<Transport> = fc.oneof(
  port.map((dstPort) => ({ protocol: "tcp", srcPort: 1, dstPort, flags: { syn: true }, seq: 0, ack: 0 }) as const),
  port.map((dstPort) => ({ protocol: "udp", srcPort: 1, dstPort }) as const),
  fc.constant({ protocol: "icmp", kind: "echo-request", ident: 1, sequence: 1 } as const),
);
const packet: fc.Arbitrary<PacketSpec> = fc.record({
  src: host,
  dst: host,
  transport,
  in: fc.constantFrom("eth0", "cni0"),
  out: fc.constantFrom("eth0", "cni0", "lo"),
  flowKey: fc.string(),
});

function walk(
  level: RecordLevel,
  text: string,
  packets: readonly PacketSpec[],
): { readonly packets: unknown; readonly rules: string } {
  const own = node(level);
  load(own, text);
  const results = packets.map((spec) => {
    const { verdict, steps, skb } = send(own, spec);
    return { verdict, mark: skb.mark, ...(level !== "off" && { steps: steps.map(withoutFailures) }) };
  });
  return { packets: results, rules: printRuleset(own.iptables.ruleset("ipv4"), { counters: true }) };
}

function withoutFailures(step: Step): unknown {
  const { id: _id, text: _text, ...rest } = step;
  return rest.kind === "rule" && rest.failed !== undefined
    ? { ...rest, failed: undefined }
    : { failed: undefined, ...rest };
}

test("a walk over the candidates says what a walk over all rules says", () => {
  fc.assert(
    fc.property(rules, fc.array(packet, { minLength: 1, maxLength: 5 }), ({ base, user }, packets) => {
      const lines = [...base.map((own) => `-A FORWARD ${own}`), ...user.map((own) => `-A USER ${own}`)];
      const text = `*filter\n:FORWARD DROP [3:180]\n:USER - [0:0]\n${lines.join("\n")}\nCOMMIT\n`;
      const all = walk("rule", text, packets);
      expect(walk("step", text, packets)).toEqual(all);
      expect(walk("off", text, packets).rules).toBe(all.rules);
    }),
    { numRuns: 150 },
  );
});
