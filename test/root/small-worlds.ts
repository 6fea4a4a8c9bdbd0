/* Small topologies that the recorded cases lack: who pings whom in them, and how it ends. */

export interface SmallWorld {
  readonly says: string;
  /** Who is pinged from a. */
  readonly to: string;
  readonly expected: string;
  /** Files by namespace, over those of the layout. */
  readonly files: Readonly<Record<string, string>>;
}

/** They hang on r by veth pairs with known MAC addresses. */
export const hosts = ["a", "b", "c"] as const;
export const links: readonly string[] = hosts.map(
  (host, index) => `r:p${host}=02:00:00:00:01:0${index} ${host}:eth0=02:00:00:00:00:0${index}\n`,
);
const fast = (device: string): string => `net.ipv4.neigh.${device}.retrans_time_ms=100\n`;
const quiet = "net.ipv6.conf.all.disable_ipv6=1\nnet.ipv6.conf.default.disable_ipv6=1\nnet.ipv4.icmp_ratelimit=0\n";

/** All on one bridge, or each on a network of its own. */
const bridged: Readonly<Record<string, string>> = {
  "r/ip": `link add br0 address 02:00:00:00:02:00 type bridge stp_state 0 forward_delay 0 mcast_snooping 0\n${hosts.map((host) => `link set p${host} master br0\n`).join("")}link set br0 up\n`,
  "r/sysctl": quiet,
  ...Object.fromEntries(hosts.map((host, index) => [`${host}/ip`, `addr add 10.0.0.${index + 2}/24 dev eth0\n`])),
  ...Object.fromEntries(hosts.map((host) => [`${host}/sysctl`, `${quiet}${fast("eth0")}`])),
};
const routed: Readonly<Record<string, string>> = {
  "r/ip": hosts.map((host, index) => `addr add 10.0.${index}.1/24 dev p${host}\n`).join(""),
  "r/sysctl": `${quiet}net.ipv4.ip_forward=1\n${hosts.map((host) => fast(`p${host}`)).join("")}`,
  ...Object.fromEntries(
    hosts.map((host, index) => [
      `${host}/ip`,
      `addr add 10.0.${index}.2/24 dev eth0\nroute add default via 10.0.${index}.1\n`,
    ]),
  ),
  ...Object.fromEntries(hosts.map((host) => [`${host}/sysctl`, `${quiet}${fast("eth0")}`])),
};
const onLink = { "a/ip": "addr add 10.0.0.2/16 dev eth0\n" };
const also = (layout: Readonly<Record<string, string>>, file: string, text: string): Record<string, string> => ({
  ...layout,
  [file]: `${layout[file] ?? ""}${text}`,
});
/** Linux waits up to 0.8 s before it answers for others, longer than a asks here. Calico sets 0 as well. */
const proxyArp = "net.ipv4.conf.pa.proxy_arp=1\nnet.ipv4.neigh.pa.proxy_delay=0\n";
const isolate = (...ports: readonly string[]): string =>
  ports.map((port) => `link set ${port} type bridge_slave isolated on\n`).join("");

/** From the asker's own address: nobody answered its ARP. */
const unreachable = "icmp-3-1";
const spoofed = also(
  also(routed, "a/ip", "addr add 10.0.2.7/32 dev eth0\nroute add 10.0.1.0/24 via 10.0.0.1 src 10.0.2.7\n"),
  "r/sysctl",
  "net.ipv4.conf.all.rp_filter=1\n",
);
export const smallWorlds: readonly SmallWorld[] = [
  { says: "a bridge carries it", to: "10.0.0.3", expected: "reply", files: bridged },
  {
    says: "two isolated ports do not hear each other",
    to: "10.0.0.3",
    expected: unreachable,
    files: also(bridged, "r/ip", isolate("pa", "pb")),
  },
  {
    says: "an isolated port hears one that is not isolated",
    to: "10.0.0.4",
    expected: "reply",
    files: also(bridged, "r/ip", isolate("pa", "pb")),
  },
  {
    says: "a promiscuous bridge carries it still",
    to: "10.0.0.3",
    expected: "reply",
    files: also(bridged, "r/ip", "link set br0 promisc on\n"),
  },
  {
    says: "a port that neither learns nor floods is deaf to what is not learned",
    to: "10.0.0.3",
    expected: unreachable,
    files: also(bridged, "r/ip", "link set pa type bridge_slave learning off flood off\n"),
  },
  { says: "a router carries it", to: "10.0.1.2", expected: "reply", files: routed },
  {
    says: "a router that does not forward is silent",
    to: "10.0.1.2",
    expected: "timeout",
    files: also(routed, "r/sysctl", "net.ipv4.ip_forward=0\n"),
  },
  {
    says: "who believes a neighbour's network on the link hears nobody",
    to: "10.0.1.2",
    expected: unreachable,
    files: { ...routed, ...onLink },
  },
  {
    says: "unless the router answers ARP for it",
    to: "10.0.1.2",
    expected: "reply",
    files: also({ ...routed, ...onLink }, "r/sysctl", proxyArp),
  },
  {
    says: "which it does not for the asker's own side",
    to: "10.0.0.9",
    expected: unreachable,
    files: also({ ...routed, ...onLink }, "r/sysctl", proxyArp),
  },
  {
    says: "nor for what it has no route to",
    to: "10.0.9.2",
    expected: unreachable,
    files: also({ ...routed, ...onLink }, "r/sysctl", proxyArp),
  },
  {
    says: "an address of another device is answered for",
    to: "10.0.1.1",
    expected: "reply",
    files: { ...routed, ...onLink },
  },
  {
    says: "but not with arp_ignore=1",
    to: "10.0.1.1",
    expected: unreachable,
    files: also({ ...routed, ...onLink }, "r/sysctl", "net.ipv4.conf.pa.arp_ignore=1\n"),
  },
  ...(
    [
      ["blackhole", "timeout"],
      ["unreachable", "icmp-3-1"],
      ["prohibit", "icmp-3-13"],
    ] as const
  ).map(([type, expected]) => ({
    says: `a route of type ${type}`,
    to: "10.0.1.2",
    expected,
    files: also(routed, "r/ip", `route add ${type} 10.0.1.2/32\n`),
  })),
  {
    says: "a rule of type prohibit before the tables",
    to: "10.0.1.2",
    expected: "icmp-3-13",
    files: also(routed, "r/ip", "rule add iif pa to 10.0.1.0/24 priority 5 prohibit\n"),
  },
  {
    says: "a mark chooses the table",
    to: "10.0.1.2",
    expected: "icmp-3-1",
    files: {
      ...also(routed, "r/ip", "rule add fwmark 0x1 lookup 100 priority 5\nroute add unreachable default table 100\n"),
      "r/iptables": "*mangle\n-A PREROUTING -i pa -j MARK --set-xmark 0x1/0x1\nCOMMIT\n",
    },
  },
  {
    says: "strict reverse path filtering leaves even the ARP request of a source unanswered that lives elsewhere",
    to: "10.0.1.2",
    expected: unreachable,
    files: spoofed,
  },
  {
    says: "and drops its packets where ARP is not needed",
    to: "10.0.1.2",
    expected: "timeout",
    files: also(spoofed, "a/ip", "neigh add 10.0.0.1 lladdr 02:00:00:00:01:00 dev eth0 nud permanent\n"),
  },
  {
    says: "a network without a route on the router",
    to: "10.9.9.9",
    expected: "icmp-3-0",
    files: routed,
  },
  { says: "an address that nobody has behind the router", to: "10.0.1.99", expected: "icmp-3-1", files: routed },
];
