import { expect, test } from "vitest";
import { restoreSets } from "../../src/iptables/ipset/text.ts";
import type { MissedRule } from "../../src/trace/records.ts";
import { type PacketSpec, load, node, send, tcpSyn } from "./kernel.ts";

/*
 * What is said of a rule that did not match. A rule matches when all its terms hold (ipt_do_table,
 * net/ipv4/netfilter/ip_tables.c): so the terms that held, as a rule of their own, must match the same packet, and a
 * rule of any of the others must not.
 */

/** The missed rule, and whether a rule of these arguments matches the packet. */
function ask(rule: string, packet: PacketSpec): { readonly missed: MissedRule | undefined; readonly matches: boolean } {
  const own = node("rule");
  restoreSets(own.iptables.sets, "create pods hash:ip\nadd pods 10.9.9.9\n", "sets");
  load(own, `*filter\n:FORWARD DROP [0:0]\n-A FORWARD ${rule} -j ACCEPT\nCOMMIT\n`);
  const { steps, verdict } = send(own, packet);
  const [first] = steps.filter((step) => step.kind === "rule");
  return { missed: first?.kind === "rule" ? first.failed?.[0] : undefined, matches: verdict === "accept" };
}

const udp = { protocol: "udp", srcPort: 1000, dstPort: 53 } as const;
const echo = { protocol: "icmp", kind: "echo-request", ident: 1, sequence: 1 } as const;

/** Arguments of a rule, the packet, and what of the packet is against which terms. */
const cases: readonly (readonly [string, PacketSpec, Readonly<Record<string, string>>])[] = [
  ["-d 9.9.9.9/32 -p tcp -m tcp --dport 80", {}, { "-d 9.9.9.9/32": "10.1.0.2" }],
  ["-d 10.1.0.2/32 -p tcp -m tcp --dport 443", {}, { "-m tcp --dport 443": "80" }],
  [
    "-s 10.0.0.9/32 -d 9.9.9.9/32 -p tcp -m tcp --dport 443",
    {},
    { "-s 10.0.0.9/32": "10.0.0.2", "-d 9.9.9.9/32": "10.1.0.2", "-m tcp --dport 443": "80" },
  ],
  ["! -s 10.0.0.0/24 -o cni0", {}, { "! -s 10.0.0.0/24": "10.0.0.2" }],
  ["-i cni+ -o eth0", {}, { "-i cni+": "eth0", "-o eth0": "cni0" }],
  ["-p udp -m udp --dport 53", {}, { "-p udp": "tcp", "-m udp --dport 53": "tcp" }],
  ["-p tcp -m multiport --dports 443,8443", {}, { "-m multiport --dports 443,8443": "80" }],
  ["-p icmp -m icmp --icmp-type 0", { transport: echo }, { "-m icmp --icmp-type 0": "icmp 8/0" }],
  ["-m mark --mark 0x4000/0x4000", { mark: 1 }, { "-m mark --mark 0x4000/0x4000": "0x1" }],
  ["-m addrtype --dst-type LOCAL -p tcp", {}, { "-m addrtype --dst-type LOCAL": "10.1.0.2 is UNICAST" }],
  ["-m set --match-set pods src", {}, { "-m set --match-set pods src": "10.0.0.2" }],
  ["-m set ! --match-set pods dst -p tcp", { dst: "10.9.9.9" }, { "-m set ! --match-set pods dst": "10.9.9.9" }],
  ["-p tcp -m tcp --tcp-flags SYN,ACK ACK", {}, { "-m tcp --tcp-flags SYN,ACK ACK": "flags S" }],
  ["-m conntrack --ctstate ESTABLISHED -p tcp", { skb: { untracked: true } }, {}],
];

test.each(cases)(
  "of %s each term is judged, and only the failing ones by what the packet has",
  (rule, packet, against) => {
    const { missed } = ask(rule, packet);
    const terms = missed?.terms ?? [];
    const failing = terms.filter((one) => one.packet !== undefined);
    if (Object.keys(against).length > 0)
      expect(Object.fromEntries(failing.map((one) => [one.term, one.packet]))).toEqual(against);
    const held = terms.filter((one) => one.packet === undefined).map(({ term }) => term);
    expect(failing.length).toBeGreaterThan(0);
    expect(ask(held.join(" "), packet).matches).toBe(true);
    const protocol = terms.find(({ term }) => term.startsWith("-p "))?.term ?? "";
    for (const { term } of failing) {
      expect(ask([protocol === term ? "" : protocol, term].join(" "), packet).matches).toBe(false);
    }
    expect(missed?.target).toBe("-j ACCEPT");
  },
);

test("chance, counters and what is not modelled stay open, and are not asked twice", () => {
  const own = node("rule");
  const every = "-m statistic --mode nth --every 2 --packet 0";
  load(
    own,
    `*filter\n:FORWARD DROP [0:0]\n-A FORWARD -p udp ${every} -j ACCEPT\n-A FORWARD ${every} -j ACCEPT\nCOMMIT\n`,
  );
  const { steps } = send(own, { transport: tcpSyn });
  const [first] = steps.filter((step) => step.kind === "rule");
  expect(first?.kind === "rule" && first.failed?.[0]?.terms).toEqual([
    { term: "-p udp", packet: "tcp" },
    { term: every, open: true },
  ]);
  // libxt_statistic: of every two packets that come so far the first matches.
  expect(send(own, { transport: udp }).verdict).toBe("accept");
});

test("of a long run of misses the first rules are told term by term, the others by the term that failed", () => {
  const own = node("rule");
  const rules = Array.from({ length: 60 }, (_, index) => `-A FORWARD -d 9.9.9.${index}/32 -p tcp -j ACCEPT\n`);
  load(own, `*filter\n:FORWARD DROP [0:0]\n${rules.join("")}COMMIT\n`);
  const [run] = send(own).steps.filter((step) => step.kind === "rule");
  const failed = run?.kind === "rule" ? (run.failed ?? []) : [];
  expect(failed.length).toBe(60);
  expect(failed.filter(({ terms }) => terms !== undefined).length).toBe(48);
  expect(failed.at(-1)).toEqual({ rule: 60, term: "-d 9.9.9.59/32", packet: "10.1.0.2" });
});
