import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ManifestSource } from "../../src/cluster/load/load.ts";
import { CommandError } from "../../src/iptables/apply.ts";
import { IpSets } from "../../src/iptables/ipset/store.ts";
import { restoreSets } from "../../src/iptables/ipset/text.ts";
import { parseRestore } from "../../src/iptables/parse.ts";
import { TextError } from "../../src/iptables/text-error.ts";
import { checkCorefile } from "../../src/dns/coredns/server.ts";
import { parseZoneFile } from "../../src/dns/zone-file.ts";
import { FileError } from "../../src/scenario/read-file.ts";
import { loadInput } from "../../src/scenario/input.ts";
import { runScenarioText } from "../../src/scenario/run.ts";
import { runBridgeBatch, runIpBatch } from "../../src/topology/ip-batch.ts";
import { readAddresses, readFdb, readNeighbours, readRoutes, readRules } from "../../src/topology/read-shown.ts";
import { parseTopology } from "../../src/topology/topology.ts";
import { load, node } from "../iptables/kernel.ts";

/*
 * Texts that were right until somebody broke them: words and lines that are gone, twice there, moved or replaced. Each
 * reader takes such a text or says with codes and places what is wrong; it never throws anything else, never hangs.
 */

const odd = fc.oneof(
  fc.constantFrom(
    "",
    "-",
    "--",
    "!",
    "! !",
    '"',
    "'",
    "\\",
    "\0",
    "\r",
    "{",
    "}",
    "[",
    "]",
    "*",
    "&a",
    "*a",
    ":",
    "-1",
    "0",
    "1e999",
    "99999999999999999999",
    "0x",
    "256.0.0.1",
    "10.0.0.0/33",
    "::/129",
    "::ffff:1.2.3.4",
    "fe80::1%eth0",
    "1:2:3",
    "NaN",
    "__proto__",
    "constructor",
    "toString",
    "null",
    "~",
    "true",
    "<<",
    "é",
    "\u{1f600}",
    "\u2028",
    "a".repeat(300),
    "dev",
    "eth0",
    "10.0.0.1",
    "0.0.0.0/0",
    "80",
    "-j",
    "-m",
    "-p",
    "-A",
    ":x",
    "COMMIT",
    "*nat",
    "all",
    "any",
    "import a",
  ),
  fc.string({ maxLength: 8 }),
);

/** A few changes to a text: where, as a fraction of its words, and what. */
interface Change {
  readonly at: number;
  readonly kind: "replace" | "drop" | "twice" | "insert" | "cut" | "join" | "line";
  readonly word: string;
}
const change: fc.Arbitrary<Change> = fc.record({
  at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  kind: fc.constantFrom<Change["kind"]>("replace", "drop", "twice", "insert", "cut", "join", "line"),
  word: odd,
});
const changes = fc.array(change, { minLength: 1, maxLength: 4 });

function broken(text: string, all: readonly Change[]): string {
  let parts = text.split(/([\s,:=]+)/);
  for (const { at, kind, word } of all) {
    const index = Math.floor(at * parts.length);
    const own = parts[index] ?? "";
    if (kind === "replace") parts[index] = word;
    else if (kind === "drop") parts[index] = "";
    else if (kind === "twice") parts[index] = `${own} ${own}`;
    else if (kind === "insert") parts[index] = `${own} ${word} `;
    else if (kind === "join") parts[index] = own.trim();
    else if (kind === "line") parts[index] = `${own}\n`;
    else parts = parts.slice(0, index);
  }
  return parts.join("");
}

const file = (path: string): string => readFileSync(path, "utf8");
const links =
  file("test/referee/kernel/mtu/topology/links") +
  file("test/referee/kernel/ipv6/topology/links").replaceAll(/:(\w+)=/g, ":$1x=");

/** Runs what may refuse its text with places. */
function refused(read: () => void): readonly { readonly code: string; readonly line: number }[] {
  try {
    read();
    return [];
  } catch (error) {
    if (error instanceof TextError) return error.problems;
    if (error instanceof CommandError) return [{ code: error.code, line: 1 }];
    throw error;
  }
}

const inNode =
  (read: (own: ReturnType<typeof node>, text: string) => void) =>
  (text: string): ReturnType<typeof refused> =>
    refused(() => read(node("off"), text));

interface Language {
  readonly name: string;
  readonly texts: readonly string[];
  readonly runs?: number;
  read(text: string): readonly { readonly code: string; readonly line?: number }[];
}

const languages: readonly Language[] = [
  {
    name: "iptables-restore",
    texts: [
      file("test/referee/kernel/kp-iptables/topology/node1/iptables"),
      '*filter\n:FORWARD ACCEPT [1:2]\n:U - [0:0]\n:V - [0:0]\n-A FORWARD -s 10.0.0.0/8 -m comment --comment "a b" -m statistic --mode nth --every 2 --packet 0 -j U\n-A U -p tcp -m multiport --dports 1,2:3 -m recent --rcheck --name x --seconds 5 -g U\n-D U 1\n-I U 1 -m conntrack --ctstate NEW -j REJECT --reject-with tcp-reset\n-X V\nCOMMIT\n',
    ],
    read: inNode((own, text) => load(own, text)),
  },
  {
    name: "ip6tables-restore",
    texts: [file("test/referee/kernel/ipv6/topology/node1/ip6tables")],
    read: inNode((own, text) => load(own, text, "ipv6")),
  },
  {
    name: "iptables-restore without a kernel",
    texts: ["*nat\n-A PREROUTING -j DNAT --to-destination 1.2.3.4:80-81\nCOMMIT\n"],
    read: (text) => refused(() => parseRestore(text, { family: "ipv4" })),
  },
  {
    name: "ip -batch",
    texts: [
      "link add vx0 address 02:00:00:00:00:07 mtu 1450 type vxlan id 1 dev eth0 local 10.0.0.1 dstport 8472 nolearning\nlink set vx0 up\nlink add br0 type bridge\nlink set cni0 master br0\nlink set cni0 type bridge_slave hairpin on\nrule add from 10.0.0.0/8 fwmark 0x1/0x1 iif eth0 lookup 100 priority 5\nroute add default via 10.0.0.9 table 100 onlink dev eth0\nroute add unreachable 10.9.0.0/16 metric 4\nneigh add 10.0.0.9 lladdr 02:00:00:00:00:09 dev eth0 nud permanent\n",
    ],
    read: inNode(({ namespace }, text) => runIpBatch(namespace, text, "ip")),
  },
  {
    name: "bridge -batch",
    texts: ["fdb append 02:00:00:00:00:01 dev vx0 dst 10.0.0.2\nfdb add 02:00:00:00:00:01 dev cni0 master static\n"],
    read: inNode(({ namespace }, text) => {
      const devices =
        "link add br0 type bridge\nlink set cni0 master br0\nlink add vx0 type vxlan id 1 local 10.0.0.1\n";
      runIpBatch(namespace, devices, "ip");
      runBridgeBatch(namespace, text, "bridge");
    }),
  },
  {
    name: "ipset restore",
    texts: [
      'create a hash:ip family inet hashsize 1024 maxelem 65536 comment\nadd a 10.0.0.1-10.0.0.9 comment "x y"\ncreate p bitmap:port range 1-1000\nadd p 80-90\ncreate l list:set size 8\nadd l a\ncreate n hash:net,port,net\nadd n 10.0.0.0/24,udp:53,10.1.0.0/16 nomatch\nadd n 0.0.0.0/1,icmp:echo-request,128.0.0.0/1\nrename p q\nflush\ndestroy\n',
    ],
    read: (text) => refused(() => restoreSets(new IpSets(), text, "ipset")),
  },
  {
    name: "a dump of a node",
    texts: [
      "1: lo: <LOOPBACK,UP> mtu 65536 qdisc noqueue\n    inet 127.0.0.1/8 scope host lo\n2: eth0@if3: <BROADCAST,UP> mtu 1500 qdisc noqueue\n    link/ether 02:00:00:00:00:01 brd ff:ff:ff:ff:ff:ff\n    inet 172.18.0.2/16 brd 172.18.255.255 scope global noprefixroute eth0\n    inet6 fd00::1/64 scope global\n",
      "default via 10.0.0.9 dev eth0 proto static metric 50\n10.1.0.0/24 dev cni0 proto kernel scope link src 10.1.0.1\nblackhole 10.9.0.0/16\n",
      "0:\tfrom all lookup local\n100:\tnot from 10.0.0.0/8 fwmark 0x1/0x1 lookup 100\n32766:\tfrom all lookup main\n",
      "10.0.0.9 dev eth0 lladdr 02:00:00:00:00:09 REACHABLE\n02:00:00:00:00:09 dev eth0 dst 10.0.0.9 self permanent\n",
    ],
    read: inNode(({ namespace }, text) => {
      const readers = [readAddresses, readNeighbours, readFdb].map((read) => () => read(namespace, text, "dump"));
      const more = [
        () => readRoutes(namespace, "ipv4", text, "dump"),
        () => readRoutes(namespace, "ipv6", text, "dump"),
        () => readRules(namespace, "ipv4", text, "dump"),
      ];
      for (const read of [...readers, ...more]) refused(read);
    }),
  },
  {
    name: "a topology's links",
    texts: [links],
    read: (text) => refused(() => parseTopology(new Map([["links", text]]))),
  },
  {
    name: "a topology's flows",
    texts: [file("test/referee/kernel/mtu/topology/flows"), file("test/referee/kernel/ipv6/topology/flows")],
    read: (text) =>
      refused(() =>
        parseTopology(
          new Map([
            ["links", links],
            ["flows", text],
          ]),
        ),
      ),
  },
  {
    name: "a Corefile",
    texts: [
      ".:53 {\n errors\n health {\n  lameduck 5s\n }\n ready\n kubernetes cluster.local in-addr.arpa ip6.arpa {\n  pods insecure\n  fallthrough in-addr.arpa ip6.arpa\n  ttl 30\n }\n prometheus :9153\n forward . 10.0.0.1 tls://9.9.9.9 {\n  max_concurrent 1000\n  policy sequential\n }\n cache 30 {\n  success 100 20\n  disable denial cluster.local\n }\n loop\n reload\n loadbalance\n}\n",
      '(a) {\n cache 30\n}\nexample.org:1053 10.0.0.0/8 {\n import a\n hosts {\n  10.0.0.1 a.example.org\n  fallthrough\n }\n rewrite name regex (.*)\\.x\\.org {1}.y.org answer auto\n template IN A example.org {\n  match "^(?P<n>[a-z]+)[.]$"\n  answer "{{ .Name }} 60 IN A 1.2.3.4"\n  rcode NXDOMAIN\n }\n autopath @kubernetes\n file /zone example.org\n}\n',
    ],
    read: (text) => checkCorefile(text).map(({ code, origin }) => ({ code, line: origin.line })),
  },
  {
    name: "a zone file",
    texts: [
      '$ORIGIN example.org.\n$TTL 1h\n@ IN SOA ns admin (1 2\n 3 4 5)\n\tIN NS ns\nns 60 A 10.0.0.1\n_s._tcp SRV 0 0 80 ns\nt TXT "a \\" b" c\n* CNAME @\n',
    ],
    read: (text) => parseZoneFile(text, "example.org.").unknown.map(({ line }) => ({ code: "UNKNOWN", line })),
  },
  {
    name: "manifests",
    texts: [["cart", "client", "policies", "web"].map((name) => file(`scenarios/shop/${name}.yaml`)).join("---\n")],
    runs: 60,
    read: (text) => problemsOf(loadInput([{ name: "in.yaml", text }])),
  },
  {
    name: "a scenario with its manifests",
    texts: [file("scenarios/headless.yaml"), file("scenarios/policy-lets-web-in.yaml")],
    runs: 30,
    read: (text) => problemsOf(runScenarioText("scenarios/s.yaml", text, scenarioFile)),
  },
];

function scenarioFile(path: string): ManifestSource {
  if (!/^scenarios\/shop\/(cart|client|policies|web)\.yaml$/.test(path))
    throw new FileError(`there is no file ${path}`);
  return { name: path, text: file(path) };
}

function problemsOf(result: object): readonly { readonly code: string; readonly line?: number }[] {
  return "problems" in result ? (result.problems as { readonly code: string }[]) : [];
}

describe.for(languages)("$name", ({ texts, runs, read }) => {
  test("is read, or refused with codes", () => {
    fc.assert(
      fc.property(fc.constantFrom(...texts), changes, (text, all) => {
        for (const { code, line = 1 } of read(broken(text, all))) {
          expect(code).toMatch(/^[A-Z][A-Z0-9_]+$/);
          expect(line).toBeGreaterThan(0);
        }
      }),
      { numRuns: Number(process.env["KUBEHOP_FUZZ"] ?? runs ?? 150), seed: 1 },
    );
  });

  test("its own text is right", () => {
    // Every text is one that its reader takes: what is fuzzed is not refused at the first word.
    for (const text of texts) expect(read(text)).toEqual([]);
  });
});
