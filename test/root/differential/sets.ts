import type { Family } from "../../../src/wire/address.ts";

/** Sets that every case has, in both families: name without the family's digit, and dimensions. */
export const setKinds: readonly (readonly [string, number])[] = [
  ["ip", 1],
  ["net", 1],
  ["ipport", 2],
  ["ipportip", 3],
  ["ipportnet", 3],
  ["netport", 2],
  ["netiface", 2],
  ["bitmap", 1],
  ["list", 1],
  ["made", 1],
  ["port", 1],
  ["wide", 1],
  ["info", 1],
  ["until", 1],
  ["lists", 2],
  ["macs", 2],
];

/** Those that exist in IPv4 only. */
export const ipv4Sets: readonly string[] = ["bitmap", "macs"];

function setText(family: Family): string {
  const v4 = family === "ipv4";
  const n = v4 ? "4" : "6";
  const inet = v4 ? "" : " family inet6";
  const [a, b, net, except, c] = v4
    ? ["10.1.0.2", "10.2.0.2", "10.0.0.0/8", "10.1.0.0/24", "10.2.0.0/24"]
    : ["fd01::2", "fd02::2", "fd00::/8", "fd01::/64", "fd02::/64"];
  const icmp = v4 ? "icmp:echo-request" : "icmpv6:echo-request";
  return [
    `create ip${n} hash:ip${inet} counters`,
    ...(v4 ? [`add ip4 10.1.0.2-10.1.0.3`, "add ip4 10.4.0.0/30"] : [`add ip6 ${a}`]),
    `create net${n} hash:net${inet} counters`,
    `add net${n} ${net}`,
    `add net${n} ${except} nomatch`,
    `add net${n} ${a}`,
    `create ipport${n} hash:ip,port${inet} comment`,
    `add ipport${n} ${b},80 comment "web \\ 80"`,
    `add ipport${n} ${a},tcp:40000-40010`,
    `add ipport${n} ${b},${icmp}`,
    `add ipport${n} ${b},udp:53`,
    `create ipportip${n} hash:ip,port,ip${inet}`,
    `add ipportip${n} ${a},80,${a}`,
    `add ipportip${n} ${b},80,${a}`,
    `create ipportnet${n} hash:ip,port,net${inet}`,
    `add ipportnet${n} ${b},80,${except}`,
    `add ipportnet${n} ${b},udp:53,${a} nomatch`,
    `create netport${n} hash:net,port${inet}`,
    `add netport${n} ${c},tcp:80`,
    `add netport${n} ${net},udp:50-60`,
    `create netiface${n} hash:net,iface${inet}`,
    `add netiface${n} ${except},in0`,
    `add netiface${n} ${c},out0`,
    ...(v4 ? ["create bitmap4 bitmap:ip range 10.1.0.0/16 netmask 24", "add bitmap4 10.1.0.5"] : []),
    `create port${n} bitmap:port range 0-2000 counters`,
    `add port${n} 80-90`,
    `add port${n} 53`,
    `create made${n} hash:ip${inet} timeout 1000 counters`,
    `create list${n} list:set`,
    `add list${n} ip${n}`,
    `add list${n} net${n}`,
    `create wide${n} hash:ip${inet} netmask ${v4 ? 24 : 64} counters skbinfo`,
    `add wide${n} ${b} skbmark 0x7/0xff`,
    `create info${n} hash:ip${inet} skbinfo comment`,
    `add info${n} ${a} skbmark 0x5/0xf skbprio 1:10 comment "a b"`,
    `add info${n} ${b} skbmark 0x20000 skbqueue 2`,
    `create until${n} hash:net${inet} timeout 600 counters comment`,
    `add until${n} ${except} timeout 0 nomatch packets 3 bytes 300`,
    `add until${n} ${net} comment net`,
    `create lists${n} list:set size 4 counters timeout 0`,
    `add lists${n} ipport${n} packets 5 bytes 500`,
    `add lists${n} until${n} timeout 700`,
    `add lists${n} netport${n} before until${n}`,
    ...(v4
      ? [
          "create macs4 bitmap:ip,mac range 10.1.0.0-10.1.0.255 counters",
          "add macs4 10.1.0.2,02:00:00:00:00:00",
          "add macs4 10.1.0.3,02:00:00:00:00:09",
        ]
      : []),
    "",
  ].join("\n");
}

export const setsText: string = setText("ipv4") + setText("ipv6");
