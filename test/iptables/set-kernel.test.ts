import { expect, test } from "vitest";
import { restoreSets, saveSets } from "../../src/iptables/ipset/text.ts";
import { nanosPerSecond } from "../../src/kernel/clock.ts";
import { load, node, send } from "./kernel.ts";

/*
 * What Linux 6.18 said of the packet 10.0.0.2:40000 -> 10.1.0.2:80 (TCP SYN, 60 bytes) with these sets and this match:
 * the packets that the rule counted after two of them, and what `ipset save` printed then.
 */
test.for([
  ["hash:ip", "10.0.0.2", "src", 2],
  ["hash:ip", "10.0.0.2", "src,dst", 2],
  ["hash:ip,port", "10.1.0.2,80", "dst", 0],
  ["hash:ip,port", "10.1.0.2,80", "dst,dst", 2],
  ["hash:ip netmask 24", "10.0.0.9", "src", 2],
  ["hash:net", "10.0.0.0/24", "src --return-nomatch", 0],
  ["hash:ip", "10.0.0.2", "src --return-nomatch", 2],
  ["hash:ip counters", "10.0.0.2", "src --packets-gt 1", 1],
  ["hash:ip counters", "10.0.0.2", "src ! --update-counters --packets-eq 0", 2],
  ["bitmap:port range 0-100", "80", "dst", 2],
  ["bitmap:ip range 10.0.0.0/16 netmask 24", "10.0.0.9", "src", 2],
  ["hash:net,iface", "10.0.0.0/8,eth0", "src,src", 2],
  ["hash:net,iface", "10.0.0.0/8,cni0", "src,src", 0],
] as const)("%s with %s: --match-set a %s matches %s of two packets", ([type, element, flags, packets]) => {
  const router = node();
  restoreSets(router.iptables.sets, `create a ${type}\nadd a ${element}\n`, "sets");
  load(router, `*filter\n-A FORWARD -m set --match-set a ${flags}\nCOMMIT\n`);
  send(router);
  send(router);
  const chain = router.iptables.ruleset("ipv4").tables.get("filter")?.chains.get("FORWARD");
  expect(chain?.counters?.[0]?.packets ?? 0).toBe(packets);
});

test("what a packet adds is counted with it, and goes when its time is over", () => {
  const router = node();
  restoreSets(router.iptables.sets, "create a hash:ip timeout 100 counters\n", "sets");
  load(router, "*filter\n-A FORWARD -j SET --add-set a src --timeout 30\nCOMMIT\n");
  send(router);
  expect(saveSets(router.iptables.sets)).toContain("add a 10.0.0.2 timeout 30 packets 1 bytes 60\n");
  router.clock.after(30 * nanosPerSecond, () => {});
  router.clock.run();
  expect(saveSets(router.iptables.sets)).not.toContain("add");
});

test("a set that is full takes no more", () => {
  const router = node();
  const text = "create a hash:ip maxelem 1\nadd a 10.9.9.9\n";
  restoreSets(router.iptables.sets, text, "sets");
  load(router, "*filter\n-A FORWARD -j SET --add-set a src\nCOMMIT\n");
  send(router);
  expect(saveSets(router.iptables.sets)).not.toContain("10.0.0.2");
  expect(() => restoreSets(router.iptables.sets, "add a 10.0.0.3\n", "sets")).toThrow("SET_FULL");
});

/** What `ipset save` of Linux 6.18 printed after two packets from 10.0.0.2; there the networks were 10.1.0.0/24 and so on. */
test.for([
  ["add a 10.0.0.0/24\nadd a 10.0.0.0/8\n", "--del-set", []],
  ["add a 10.0.0.0/24\nadd a 10.0.0.0/8\ndel a 10.0.0.0/24\n", "--add-set", ["10.0.0.0/8"]],
  [
    "add a 10.0.0.0/24\nadd a 10.0.0.0/8\nadd a 10.2.0.0/24\ndel a 10.0.0.0/24\n",
    "--add-set",
    ["10.0.0.0/24", "10.0.0.0/8", "10.2.0.0/24"],
  ],
] as const)("a packet's address is as long as the longest block that is left: %j, %s", ([text, option, left]) => {
  const router = node();
  restoreSets(router.iptables.sets, `create a hash:net\n${text}`, "sets");
  load(router, `*filter\n-A FORWARD -j SET ${option} a src\nCOMMIT\n`);
  send(router);
  send(router);
  const saved = saveSets(router.iptables.sets).match(/(?<=^add a ).*/gm) ?? [];
  expect(saved.toSorted()).toEqual([...left].toSorted());
});

test("a member of a list stands where it was put, as ipset 7.17 saves it", () => {
  const router = node();
  const text = "create l list:set\ncreate a hash:ip\ncreate b hash:ip\ncreate c hash:ip\n";
  restoreSets(router.iptables.sets, `${text}add l a\nadd l b before a\nadd l c after b\n`, "sets");
  expect(saveSets(router.iptables.sets).match(/(?<=^add l ).*/gm)).toEqual(["b", "c", "a"]);
  expect(() => restoreSets(router.iptables.sets, "create d hash:ip\nadd l d before x\n", "sets")).toThrow("NO_ELEMENT");
});

/** What `ipset save` of Linux 6.18 had of an element that a packet of 60 bytes added again. */
test.for([
  ["hash:ip", "10.0.0.2", 'timeout 900 packets 1 bytes 60 comment "x"'],
  ["hash:net", "10.0.0.2", 'timeout 900 packets 1 bytes 60 comment "x"'],
  ["bitmap:ip range 10.0.0.0/24", "10.0.0.2", "timeout 900 packets 1 bytes 60"],
] as const)("in %s, what is said of %s again is %s", ([type, element, left]) => {
  const router = node();
  const text = `create a ${type} timeout 600 counters comment skbinfo\nadd a ${element} comment x packets 7 skbmark 0x5\n`;
  restoreSets(router.iptables.sets, text, "sets");
  load(router, "*filter\n-A FORWARD -j SET --add-set a src --exist --timeout 900\nCOMMIT\n");
  send(router);
  expect(saveSets(router.iptables.sets)).toContain(`add a ${element} ${left}\n`);
});
