import { expect, test } from "vitest";
import { describe as sentence } from "../../src/trace/describe.ts";
import { load, node, send } from "./kernel.ts";

/** What iptables-extensions(8) says of these targets: some only look on, others hand the packet to somebody. */
test.for([
  ["AUDIT --type accept", "accept"],
  ["IDLETIMER --timeout 10 --label x", "accept"],
  ["SECMARK --selctx system_u:object_r:http_packet_t:s0", "accept"],
  ["NFQUEUE --queue-num 1", "unknown"],
  ["SYNPROXY --mss 1460", "unknown"],
] as const)("behind -j %s a packet's fate is %s", ([target, verdict]) => {
  const router = node();
  load(router, `*filter\n-A FORWARD -j ${target}\nCOMMIT\n`);
  expect(send(router).verdict).toBe(verdict);
});

test("a target that is not modelled is not called a chain", () => {
  const router = node();
  load(router, "*filter\n-A FORWARD -j NFQUEUE --queue-num 1\nCOMMIT\n");
  const rule = send(router).steps.find(({ kind }) => kind === "rule");
  expect(rule && sentence(rule)).toBe(
    "Rule 1 of chain FORWARD matched, so the target NFQUEUE, which is not modelled, gets the packet.",
  );
});

/** A known term that fails is a certain miss, whatever else stands in the rule. */
test.for([
  ["-p udp -m time --timestart 08:00:00 -j DROP", "accept"],
  ["-p tcp -m time --timestart 08:00:00 -j DROP", "unknown"],
  ["-m time --timestart 08:00:00 -p udp -j DROP", "accept"],
  ["-p tcp -m time --timestart 08:00:00", "unknown"],
] as const)("%s: %s", ([rule, verdict]) => {
  const router = node();
  load(router, `*filter\n-A FORWARD ${rule}\nCOMMIT\n`);
  expect(send(router).verdict).toBe(verdict);
});

/**
 * A match looks into a header that no packet has here. What Linux 6.18 counts for SYNs over IPv6:
 * test/root/differential.test.ts.
 */
test.for([
  ["-m rt --rt-type 0 -j DROP", "accept"],
  ["-m rt ! --rt-type 0 -j DROP", "accept"],
  ["-m hbh -j DROP", "accept"],
  ["-m ah ! --ahspi 5 -j DROP", "accept"],
  ["-p esp -m esp --espspi 5 -j DROP", "accept"],
] as const)("over IPv6, %s: %s", ([rule, verdict]) => {
  const router = node();
  load(router, `*filter\n-A FORWARD ${rule}\nCOMMIT\n`, "ipv6");
  expect(send(router, { src: "fd00::1", dst: "fd00::2" }).verdict).toBe(verdict);
});

/** Linux 6.18 counts ESP apart from what has no ports: half of its parameter is in the place of the port. */
test.for([
  "-p esp -m esp --espspi 5",
  "-m hashlimit --hashlimit-above 1/hour --hashlimit-mode srcip,dstport --hashlimit-name h",
])("the parameter of a packet of ESP stays unknown to %s", (rule) => {
  const router = node();
  load(router, `*filter\n-A FORWARD ${rule} -j DROP\nCOMMIT\n`);
  expect(send(router, { transport: { protocol: "other", number: 50 } }).verdict).toBe("unknown");
});

test.for([
  ["-m time --timestart 08:00:00", "`-m time --timestart 08:00:00` is not modelled"],
  [
    '-m u32 --u32 "24=0" -m time --kerneltz',
    '`-m u32 --u32 "0x18=0x0"` asks for what is not known, and `-m time --kerneltz` is not modelled',
  ],
] as const)("what leaves %s open is said", ([rule, why]) => {
  const router = node();
  load(router, `*filter\n-A FORWARD ${rule} -j DROP\nCOMMIT\n`);
  const texts = send(router).steps.map((step) => ("text" in step ? step.text : undefined));
  expect(texts).toContain(`Rule 1 of chain FORWARD would decide, and ${why}: what becomes of the packet is unknown.`);
});
