import { expect, test } from "vitest";
import { DeviceNames } from "../../src/lab/device-names.ts";
import { ipBatches } from "../../src/lab/run.ts";
import { whyNoTopology } from "../../src/lab/topology-lab.ts";
import { parseTopology } from "../../src/topology/topology.ts";

/* IFNAMSIZ of linux/if.h: a device's name has at most 15 characters. */
test("a name that Linux does not take has a short one there, and comes back as it was", () => {
  const names = new DeviceNames(["eth0", "long1", "gke-shop-default-pool-1a2b3c4d-aaaa"]);
  const short = names.linux("gke-shop-default-pool-1a2b3c4d-aaaa");
  expect(short).toMatch(/^.{1,15}$/);
  expect(short).not.toBe("long1");
  expect(names.engine(short)).toBe("gke-shop-default-pool-1a2b3c4d-aaaa");
  expect(names.linux("eth0")).toBe("eth0");
  expect(names.inText("link set gke-shop-default-pool-1a2b3c4d-aaaa up\nlink set eth0 up")).toBe(
    `link set ${short} up\nlink set eth0 up`,
  );
});

/* sysctl(8): a dot in a name is written as a slash. */
test("the dot in a device's name is a slash in the names of settings", () => {
  const names = new DeviceNames(["flannel.1"]);
  expect(names.inSettings("net.ipv4.conf.flannel.1.rp_filter=0\n")).toBe("net.ipv4.conf.flannel/1.rp_filter=0\n");
});

test("what is for IPv6 alone has a batch of its own", () => {
  expect(ipBatches("link set lo up\n-6 rule add fwmark 1 lookup 100\n")).toEqual([
    { words: ["ip", "-batch", "-"], text: "link set lo up\n" },
    { words: ["ip", "-6", "-batch", "-"], text: "rule add fwmark 1 lookup 100\n" },
  ]);
});

test.for([
  [{ "a/ip": "link add d0 type dummy\n" }, "a needs a dummy device, and this kernel makes none"],
  [{ "a/exec": "ipvsadm -A -t 10.0.0.1:80 -s rr\n" }, "a balances with IPVS, and there is no ip_vs here"],
  [{ "a/listen": "sctp 5000\n" }, "a listens on SCTP"],
  [{ "a/ip": "link add wg0 type wireguard\n" }, "nobody knows what wg0 of a leads to"],
] as const)("%o is skipped with a reason where the kernel lacks it", ([files, reason]) => {
  const missing = new Map([
    ["dummy", "Unknown device type."],
    ["ip_vs", "no such file"],
    ["sctp", "Protocol not supported"],
  ]);
  expect(whyNoTopology(parseTopology(new Map(Object.entries(files))), missing)).toContain(reason);
  expect(whyNoTopology(parseTopology(new Map([["a/ip", ""]])), missing)).toBeUndefined();
});

test("nothing runs without what every flow needs", () => {
  const topology = parseTopology(new Map([["a/ip", ""]]));
  expect(whyNoTopology(topology, new Map([["TRACE", "no chain/target/match"]]))).toBe(
    "this kernel lacks TRACE (no chain/target/match)",
  );
});
