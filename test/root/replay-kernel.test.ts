import { execFileSync } from "node:child_process";
import { afterEach, describe, expect, test } from "vitest";
import { replay } from "../../src/sim/replay.ts";
import { type TopologyFiles, parseTopology } from "../../src/topology/topology.ts";

/*
 * Small topologies that the recorded cases lack, built as namespaces of this machine's kernel and as namespaces of the
 * engine: a ping must end the same way. The hosts a, b and c hang on r by veth pairs with known MAC addresses.
 */

const prefix = `khop-rk-${process.pid}`;

function whyNot(): string | undefined {
  if (process.getuid?.() !== 0) return "needs root";
  try {
    execFileSync("ip", ["netns", "list"], { stdio: "ignore" });
    execFileSync("ping", ["-V"], { stdio: "ignore" });
    execFileSync("iptables-legacy", ["--version"], { stdio: "ignore" });
  } catch (error) {
    return String(error);
  }
  return undefined;
}

const reason = whyNot();
if (reason !== undefined) {
  if (process.env["KUBEHOP_REQUIRE"] === "all") throw new Error(`test/root/replay-kernel.test.ts: ${reason}`);
  console.warn(`skipped: test/root/replay-kernel.test.ts: ${reason}`);
}

interface Case {
  readonly says: string;
  /** Who is pinged from a. */
  readonly to: string;
  readonly expected: string;
  /** Files by namespace, over those of the layout. */
  readonly files: Readonly<Record<string, string>>;
}

const hosts = ["a", "b", "c"] as const;
const links = hosts.map((host, index) => `r:p${host}=02:00:00:00:01:0${index} ${host}:eth0=02:00:00:00:00:0${index}\n`);
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
const cases: readonly Case[] = [
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

function sh(namespace: string, command: string, input = ""): string {
  return execFileSync("ip", ["netns", "exec", `${prefix}-${namespace}`, "sh", "-c", command], {
    input,
    encoding: "utf8",
    stdio: ["pipe", "pipe", "pipe"],
  });
}

/** Makes the namespaces in the order in which buildTopology does. */
function build(files: TopologyFiles): void {
  for (const name of ["r", ...hosts]) execFileSync("ip", ["netns", "add", `${prefix}-${name}`]);
  for (const [index, host] of hosts.entries()) {
    // Unequal indexes of the two ends, else the kernel is slow to see the link.
    const ends = `link add p${host} index ${50 + index} address 02:00:00:00:01:0${index} type veth peer name eth0 netns ${prefix}-${host} address 02:00:00:00:00:0${index}`;
    sh("r", `ip ${ends}; ip link set p${host} up; ip link set lo up`);
    sh(host, "ip link set eth0 up; ip link set lo up");
  }
  for (const name of ["r", ...hosts]) {
    const of = (file: string): string => files.get(`${name}/${file}`) ?? "";
    sh(name, "sysctl -q -p - 2>/dev/null || true", of("sysctl"));
    sh(name, "ip -batch -", of("ip"));
    sh(name, "sysctl -q -p -", of("sysctl"));
    if (of("iptables") !== "") sh(name, "iptables-legacy-restore", of("iptables"));
  }
  for (let i = 0; i < 50 && /state (DOWN|LOWERLAYERDOWN)|NO-CARRIER/.test(sh("r", "ip link")); i++)
    sh("r", "sleep 0.05");
}

/** What ping of iputils says, in the words of a replay. */
function ping(to: string): string {
  const out = sh("a", `ping -n -c 1 -W 1 ${to} 2>&1 || true`);
  if (/ bytes from /.test(out)) return "reply";
  const error = /^From \S+ icmp_seq=1 (.*)$/m.exec(out)?.[1];
  if (error === undefined) return "timeout";
  const codes: Readonly<Record<string, string>> = {
    "Destination Net Unreachable": "icmp-3-0",
    "Destination Host Unreachable": "icmp-3-1",
    "Packet filtered": "icmp-3-13",
    "Time to live exceeded": "icmp-11-0",
  };
  return codes[error] ?? error;
}

describe.skipIf(reason !== undefined)("the kernel of this machine and the engine agree", () => {
  afterEach(() => {
    for (const name of ["r", ...hosts]) {
      try {
        execFileSync("ip", ["netns", "del", `${prefix}-${name}`], { stdio: "ignore" });
      } catch {
        // It was not made.
      }
    }
  });

  test.for(cases)("$says", ({ to, expected, files }) => {
    const folder = new Map([
      ...Object.entries(files),
      ["links", links.join("")],
      ["flows", `ping a icmp ${to} timeout=4\n`],
    ]);
    build(folder);
    const onKernel = ping(to);
    const [flow] = replay(parseTopology(folder));
    expect({ kernel: onKernel, engine: flow?.result }).toEqual({ kernel: expected, engine: expected });
  });
});
