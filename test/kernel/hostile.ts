import fc from "fast-check";
import type { TopologyFiles } from "../../src/topology/topology.ts";
import { rule } from "../iptables/arbitraries.ts";
import { printRule } from "../../src/iptables/print-rule.ts";

/*
 * Topology folders made by chance: most of their lines are such as somebody could have written, some are nonsense, and
 * little of it fits together. Few names and addresses, so that things meet.
 */

const oneOf = fc.constantFrom;
const join = (...parts: fc.Arbitrary<string>[]): fc.Arbitrary<string> =>
  fc.tuple(...parts).map((words) => words.filter((word) => word !== "").join(" "));
const maybe = (text: fc.Arbitrary<string>): fc.Arbitrary<string> => fc.option(text, { nil: "", freq: 1 });
const lines = (line: fc.Arbitrary<string>, maxLength: number): fc.Arbitrary<string> =>
  fc.array(line, { maxLength }).map((all) => all.map((own) => `${own}\n`).join(""));

const namespaces = ["a", "b", "c", "d"] as const;
const namespace = oneOf(...namespaces);
const device = oneOf("e0", "e1", "e2", "e3", "e4", "e5", "br0", "br1", "vx0", "tun0", "lo", "d0");
const port = oneOf("e0", "e1", "e2", "e3", "e4", "e5", "vx0");
const host4 = oneOf("10.0.0.1", "10.0.0.2", "10.0.1.1", "10.0.1.2", "10.1.0.1", "127.0.0.1", "10.0.0.255", "224.0.0.1");
const host6 = oneOf("fd00::1", "fd00::2", "fd01::1", "::1", "fe80::1", "ff02::1");
const host = fc.oneof({ weight: 4, arbitrary: host4 }, { weight: 1, arbitrary: host6 });
const block4 = fc
  .tuple(host4, oneOf(0, 1, 8, 16, 24, 31, 32))
  .map(([base, length]) => (length === 0 ? "0.0.0.0/0" : `${base}/${length}`));
const net4 = oneOf("0.0.0.0/0", "10.0.0.0/24", "10.0.1.0/24", "10.0.0.0/16", "10.0.0.0/8", "10.0.0.2/32", "0.0.0.0/1");
const net6 = oneOf("::/0", "fd00::/64", "fd01::/64", "fd00::2/128");
const net = fc.oneof({ weight: 4, arbitrary: net4 }, { weight: 1, arbitrary: net6 });
const mac = oneOf("02:00:00:00:00:01", "02:00:00:00:00:02", "00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff");
const mtu = oneOf("68", "576", "1280", "1400", "1500", "9000", "0", "65535");
const table = oneOf("main", "local", "100", "0x65");
const onOff = oneOf("on", "off");

const link = fc
  .tuple(namespace, namespace, oneOf("e0", "e1", "e2", "e3", "e4", "e5"), oneOf("e0", "e1", "e2", "e3", "e4", "e5"))
  .map(([a, b, one, other]) => `${a}:${one} ${b}:${other}`);

const routeOptions = join(
  maybe(join(oneOf("via"), host)),
  maybe(join(oneOf("dev"), device)),
  maybe(oneOf("onlink")),
  maybe(join(oneOf("src"), host)),
  maybe(join(oneOf("mtu"), mtu)),
  maybe(join(oneOf("metric"), oneOf("0", "5"))),
  maybe(join(oneOf("table"), table)),
);

const ipLine = fc.oneof(
  {
    weight: 8,
    arbitrary: join(
      oneOf("addr add"),
      fc
        .tuple(host, oneOf(8, 24, 32, 64))
        .map(([own, length]) => `${own}/${own.includes(":") ? 64 : Math.min(length, 32)}`),
      oneOf("dev"),
      device,
      maybe(oneOf("noprefixroute", "scope link", "nodad")),
    ),
  },
  {
    weight: 4,
    arbitrary: join(oneOf("link add"), oneOf("br0", "br1"), maybe(join(oneOf("mtu"), mtu)), oneOf("type bridge")),
  },
  { weight: 2, arbitrary: join(oneOf("link add d0 type dummy", "link add tun0 type ipip")) },
  { weight: 2, arbitrary: join(oneOf("link add tun0 type ipip local"), host4, oneOf("remote"), host4) },
  {
    weight: 4,
    arbitrary: join(
      oneOf("link add vx0 type vxlan id 1 dstport 8472 local"),
      host4,
      maybe(join(oneOf("dev"), device)),
      oneOf("learning", "nolearning"),
    ),
  },
  { weight: 8, arbitrary: join(oneOf("link set"), port, oneOf("master"), oneOf("br0", "br1")) },
  {
    weight: 3,
    arbitrary: join(
      oneOf("link set"),
      port,
      oneOf("type bridge_slave"),
      oneOf("hairpin", "isolated", "learning", "flood"),
      onOff,
    ),
  },
  { weight: 8, arbitrary: join(oneOf("link set"), device, oneOf("up", "up", "up", "down", "nomaster", "promisc on")) },
  { weight: 3, arbitrary: join(oneOf("link set"), device, oneOf("mtu"), mtu) },
  { weight: 1, arbitrary: join(oneOf("link set"), device, oneOf("address"), mac) },
  { weight: 1, arbitrary: join(oneOf("link del"), device) },
  {
    weight: 10,
    arbitrary: join(
      oneOf("route"),
      oneOf("add", "append", "replace", "delete"),
      maybe(oneOf("blackhole", "unreachable", "prohibit", "throw", "local", "broadcast")),
      net,
      routeOptions,
    ),
  },
  {
    weight: 4,
    arbitrary: join(
      oneOf("rule add"),
      maybe(oneOf("not")),
      maybe(join(oneOf("from"), net4)),
      maybe(join(oneOf("to"), net4)),
      maybe(join(oneOf("iif"), device)),
      maybe(join(oneOf("oif"), device)),
      maybe(oneOf("fwmark 1", "fwmark 0x1/0x1")),
      maybe(join(oneOf("priority"), oneOf("0", "10", "40000"))),
      fc.oneof(join(oneOf("lookup"), table), oneOf("blackhole", "unreachable", "prohibit")),
    ),
  },
  {
    weight: 2,
    arbitrary: join(
      oneOf("neigh replace"),
      host,
      oneOf("dev"),
      device,
      oneOf("lladdr"),
      mac,
      oneOf("nud permanent", "nud stale", ""),
    ),
  },
);
const bridgeLine = join(
  oneOf("fdb append", "fdb add", "fdb delete"),
  mac,
  oneOf("dev"),
  device,
  maybe(join(oneOf("dst"), host4)),
);
const sysctlLine = fc
  .tuple(
    oneOf(
      "net.ipv4.ip_forward",
      "net.ipv4.ip_forward",
      "net.ipv6.conf.all.forwarding",
      "net.ipv4.conf.all.rp_filter",
      "net.ipv4.conf.e0.rp_filter",
      "net.ipv4.conf.all.route_localnet",
      "net.ipv4.conf.all.proxy_arp",
      "net.ipv4.conf.e0.proxy_arp",
      "net.bridge.bridge-nf-call-iptables",
      "net.ipv4.icmp_ratelimit",
      "net.ipv4.conf.all.send_redirects",
      "net.ipv4.ip_default_ttl",
      "net.ipv6.conf.all.disable_ipv6",
      "net.netfilter.nf_conntrack_max",
      "net.ipv4.tcp_syn_retries",
    ),
    oneOf(1, 1, 1, 0, 2, -1),
  )
  .map(([key, value]) => `${key}=${value}`);

const setText = fc.subarray([
  "create s0 hash:ip family inet hashsize 1024 maxelem 65536",
  "create s1 hash:net family inet hashsize 1024 maxelem 65536",
  "create s2 hash:ip,port family inet hashsize 1024 maxelem 65536",
  "create s3 bitmap:port range 0-65535",
  "create s4 list:set size 8",
  "create s5 hash:ip,port,net family inet",
  "add s0 10.0.0.2",
  "add s1 10.0.0.0/24",
  "add s1 0.0.0.0/0",
  "add s2 10.0.0.2,tcp:80",
  "add s3 80",
  "add s4 s0",
  "add s4 s4",
  "add s5 10.0.0.1,tcp:80,10.0.1.0/24",
  "add s0 nonsense",
]);

const not = oneOf("", "", "", "!");
const term = fc.oneof(
  join(not, oneOf("-s", "-d"), block4),
  join(not, oneOf("-i", "-o"), oneOf("e0", "e1", "br0", "lo", "e+", "vx0")),
  oneOf(
    "-p tcp",
    "-p udp",
    "-p icmp",
    "-p tcp -m tcp --dport 80",
    "-p udp -m udp --dport 53",
    "-p tcp -m tcp --tcp-flags SYN,ACK SYN",
  ),
  join(
    oneOf("-m conntrack"),
    not,
    oneOf("--ctstate"),
    oneOf("NEW", "ESTABLISHED,RELATED", "INVALID", "DNAT", "UNTRACKED"),
  ),
  join(oneOf("-m mark"), not, oneOf("--mark 0x1", "--mark 0x1/0x1", "--mark 0x0")),
  join(oneOf("-m connmark"), not, oneOf("--mark 0x1")),
  join(
    oneOf("-m set"),
    not,
    oneOf("--match-set"),
    oneOf("s0 src", "s1 dst", "s2 dst,dst", "s3 dst", "s4 src", "s5 src,dst,dst", "s9 src"),
  ),
  oneOf(
    "-m addrtype --dst-type LOCAL",
    "-m addrtype ! --src-type LOCAL --limit-iface-in",
    "-m statistic --mode random --probability 0.5",
    "-m statistic --mode nth --every 2 --packet 0",
    "-m physdev --physdev-is-bridged",
    "-m physdev --physdev-in e0",
    "-m recent --set --name r",
    "-m recent --rcheck --seconds 10 --name r",
    "-m limit --limit 1/sec --limit-burst 1",
    "-m owner --uid-owner 0",
    "-m rpfilter --invert",
    "-m multiport --dports 80,443,1000:2000",
    "-m socket --transparent",
    "-m ipvs --ipvs",
    "-m unheard --of",
    "-m icmp --icmp-type 8",
    "-m tcpmss --mss 1:1000",
    '-m comment --comment "a \\" b"',
  ),
);
const targetText = oneOf(
  "",
  "-j ACCEPT",
  "-j DROP",
  "-j RETURN",
  "-j REJECT",
  "-j REJECT --reject-with tcp-reset",
  "-j U1",
  "-j U2",
  "-g U1",
  "-g U2",
  "-j MARK --set-xmark 0x1/0x1",
  "-j MARK --set-xmark 0x0/0xffffffff",
  "-j CONNMARK --save-mark",
  "-j CONNMARK --restore-mark",
  "-j DNAT --to-destination 10.0.0.2:80",
  "-j DNAT --to-destination 10.0.1.1-10.0.1.2",
  "-j DNAT --to-destination 127.0.0.1:53",
  "-j SNAT --to-source 10.0.0.1",
  "-j MASQUERADE",
  "-j MASQUERADE --random-fully",
  "-j REDIRECT --to-ports 80",
  "-j CT --notrack",
  "-j NOTRACK",
  "-j TPROXY --on-port 80 --on-ip 0.0.0.0 --tproxy-mark 0x1/0x1",
  "-j LOG",
  "-j NFLOG",
  "-j TRACE",
  "-j TCPMSS --clamp-mss-to-pmtu",
  "-j TCPMSS --set-mss 100",
  "-j SET --add-set s0 src",
  "-j SET --del-set s1 dst",
  "-j UNHEARD --of",
  "-j REJECT --reject-with icmp-host-prohibited",
  "-j SNAT --to-source 10.0.0.1-10.0.0.2:1-2",
  "-j DNAT --to-destination 10.0.0.2 --random --persistent",
);
const ruleText = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(fc.array(term, { maxLength: 2 }), targetText)
      .map(([terms, target]) => [...terms, target].join(" ")),
  },
  { weight: 1, arbitrary: rule.map((own) => printRule(own, "ipv4")) },
);
const tables: Readonly<Record<string, readonly string[]>> = {
  raw: ["PREROUTING", "OUTPUT"],
  mangle: ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"],
  nat: ["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"],
  filter: ["INPUT", "FORWARD", "OUTPUT"],
};
const tableText = oneOf("raw", "mangle", "nat", "nat", "filter").chain((name) =>
  fc
    .tuple(
      fc.array(fc.tuple(oneOf(...(tables[name] ?? []), "U1", "U2"), ruleText), { maxLength: 12 }),
      oneOf("ACCEPT", "ACCEPT", "ACCEPT", "DROP"),
    )
    .map(([rules, policy]) =>
      [
        `*${name}`,
        ...(tables[name] ?? []).map((chain) => `:${chain} ${policy} [0:0]`),
        ":U1 - [0:0]",
        ":U2 - [0:0]",
        ...rules.map(([chain, text]) => `-A ${chain} ${text}`.trimEnd()),
        "COMMIT\n",
      ].join("\n"),
    ),
);

const flow = fc
  .tuple(
    namespace,
    oneOf("tcp", "tcp", "udp", "icmp", "raw"),
    host,
    oneOf("80", "53", "0", "65535"),
    oneOf("", "size=1", "size=1472", "size=4000", "size=65000"),
    oneOf("", "df=want", "df=do", "df=dont", "df=probe"),
    oneOf("", "", "ttl=1", "ttl=255", "ttl=0"),
    oneOf("", "", "sport=80", "sport=40000"),
    oneOf("", "", "repeat=3"),
    fc.tuple(host4, oneOf("S", "SA", "R", "FA", "A", "", "SFRPAU"), oneOf("", "badsum=1")),
  )
  .map(([from, protocol, to, number, size, df, ttl, sport, repeat, [src, flags, sum]]) => {
    const at = to.includes(":") ? `[${to}]` : to;
    const options =
      protocol === "raw"
        ? [`src=${to.includes(":") ? "fd00::1" : src}`, `flags=${flags}`, sport || "sport=1", sum]
        : [size, df, ttl, sport, protocol === "udp" ? repeat : ""];
    return [from, protocol, protocol === "icmp" ? at : `${at}:${number}`, ...options].filter(Boolean).join(" ");
  });

const ownFiles = fc.record({
  ip: lines(ipLine, 14),
  bridge: lines(bridgeLine, 2),
  sysctl: lines(sysctlLine, 5),
  ipset: setText.map((all) => `${all.join("\n")}\n`),
  iptables: fc.array(tableText, { maxLength: 3 }).map((all) => all.join("")),
  listen: oneOf("", "tcp 80\nudp 53\n", "tcp 80\n"),
});

/** A folder of Linux state. */
export const folder: fc.Arbitrary<TopologyFiles> = fc
  .tuple(
    fc.array(link, { minLength: 1, maxLength: 8 }),
    fc.array(flow, { minLength: 1, maxLength: 3 }),
    fc.tuple(...namespaces.map(() => ownFiles)),
  )
  .map(([links, flows, own]) => {
    const files = new Map<string, string>([
      ["links", `${links.join("\n")}\n`],
      ["flows", flows.map((text, index) => `f${index} ${text}\n`).join("")],
    ]);
    for (const [index, name] of namespaces.entries()) {
      for (const [file, text] of Object.entries(own[index] ?? {})) if (text !== "") files.set(`${name}/${file}`, text);
    }
    return files;
  });
