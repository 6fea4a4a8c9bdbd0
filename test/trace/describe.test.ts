import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { expect, test } from "vitest";
import { describe } from "../../src/trace/describe.ts";
import type { Step, StepInput } from "../../src/trace/records.ts";

/** The sentences are written here first, read aloud, and agreed on; the code follows. */
const service = { kind: "Service", namespace: "shop", name: "web", detail: "port http" };
const nat = { hook: "PREROUTING", inDevice: "cni0", table: "nat" } as const;
const rows: Readonly<Record<Step["kind"], readonly (readonly [StepInput, string])[]>> = {
  socket: [
    [
      { kind: "socket", action: "connect", protocol: "tcp", remote: "10.96.0.11:80", process: "curl" },
      "curl in node-a wants to talk to 10.96.0.11:80 over TCP.",
    ],
    [
      { kind: "socket", action: "refuse", protocol: "tcp", local: "10.244.1.3:81" },
      "Nobody listens at 10.244.1.3:81 in node-a, so its kernel refuses.",
    ],
    [
      { kind: "socket", action: "error", protocol: "tcp", state: "ECONNREFUSED", process: "curl" },
      "curl fails: the connection was refused (ECONNREFUSED).",
    ],
    [{ kind: "socket", action: "error", protocol: "tcp", process: "curl" }, "curl fails: the kernel reports an error."],
  ],
  resolver: [
    [
      { kind: "resolver", action: "start", name: "web", reason: "it has no dot, so the search domains come first" },
      "The name web must become an address: it has no dot, so the search domains come first.",
    ],
    [
      { kind: "resolver", action: "query", name: "web.shop.svc.cluster.local.", type: "A", server: "10.96.0.10" },
      "The resolver asks 10.96.0.10: what is the IPv4 address (A) of web.shop.svc.cluster.local.?",
    ],
    [
      { kind: "resolver", action: "answer", name: "web.shop.", type: "A", server: "10.96.0.10", rcode: "NXDOMAIN" },
      "10.96.0.10 answers: there is no name web.shop. (NXDOMAIN).",
    ],
    [
      { kind: "resolver", action: "answer", name: "web.shop.", type: "AAAA", server: "10.96.0.10", rcode: "NOERROR" },
      "10.96.0.10 answers: web.shop. exists, but has no AAAA record.",
    ],
    [
      { kind: "resolver", action: "answer", name: "web.shop.", server: "10.96.0.10", rcode: "SERVFAIL" },
      "10.96.0.10 cannot answer for web.shop. (SERVFAIL).",
    ],
    [
      { kind: "resolver", action: "done", name: "web", addresses: ["10.96.0.11", "10.96.0.12"] },
      "The name web stands for 10.96.0.11 and 10.96.0.12.",
    ],
  ],
  route: [
    [
      {
        kind: "route",
        at: "output",
        destination: "10.96.0.1",
        result: "output",
        route: "default via 10.244.0.1 dev eth0",
        via: "10.244.0.1",
        device: "eth0",
      },
      "No closer route in node-a covers 10.96.0.1, so the packet goes to the default gateway 10.244.0.1 by device eth0.",
    ],
    [
      {
        kind: "route",
        at: "input",
        destination: "10.244.1.3",
        result: "forward",
        route: "10.244.1.0/24 via 192.168.10.2 dev eth0",
        via: "192.168.10.2",
        device: "eth0",
        owner: { kind: "Component", name: "flannel" },
        changes: [{ field: "ttl", from: 64, to: 63 }],
      },
      "10.244.1.3 lies behind 192.168.10.2 (route 10.244.1.0/24, made by flannel), so the packet goes there by device eth0; passing through here costs it one of its lives (TTL 63).",
    ],
    [
      { kind: "route", at: "input", destination: "10.244.0.2", result: "local" },
      "10.244.0.2 is an address of node-a itself, so the packet is taken in here.",
    ],
    [
      { kind: "route", at: "input", destination: "10.9.9.9", result: "unreachable" },
      "node-a has no route to 10.9.9.9, so the packet cannot go on.",
    ],
  ],
  neighbour: [
    [
      { kind: "neighbour", action: "solicit", address: "10.244.0.5", device: "eth0" },
      "node-a does not know the Ethernet address of 10.244.0.5, so it asks everybody on eth0: who has 10.244.0.5?",
    ],
    [
      { kind: "neighbour", action: "failed", address: "10.244.0.5", device: "eth0" },
      "Nobody on eth0 has answered for 10.244.0.5, so node-a gives it up.",
    ],
  ],
  device: [
    [
      { kind: "device", action: "transmit", device: "veth5b20", peer: "shop/web-1/eth0" },
      "The packet leaves node-a by veth5b20; at the other end is eth0 of shop/web-1.",
    ],
    [{ kind: "device", action: "receive", device: "eth0" }, "The packet comes into node-a by eth0."],
  ],
  bridge: [
    [
      { kind: "bridge", action: "flood", bridge: "cni0", inPort: "veth1", outPorts: ["veth2", "veth3"] },
      "The frame is for everybody, so bridge cni0 copies the frame to its 2 other ports veth2 and veth3.",
    ],
    [
      { kind: "bridge", action: "to-bridge", bridge: "cni0", inPort: "veth1" },
      "The frame is addressed to bridge cni0 itself, so node-a takes the packet in.",
    ],
  ],
  hook: [
    [
      { kind: "hook", hook: "FORWARD", family: "ipv4", registered: ["mangle", "filter"] },
      "The packet is at checkpoint FORWARD of node-a (only passing through); it is looked at by mangle and filter, in this order.",
    ],
  ],
  rule: [
    [
      {
        kind: "rule",
        ...nat,
        chain: "KUBE-SERVICES",
        rule: 3,
        matched: true,
        rules:
          '-A KUBE-SERVICES -d 10.96.0.11/32 -p tcp -m comment --comment "shop/web:http -s 1.2.3.4" -m tcp --dport 80 -j KUBE-SVC-67NZLRHBNDSAWJRO',
        target: "KUBE-SVC-67NZLRHBNDSAWJRO",
        owner: service,
      },
      "The rule for Service shop/web, port http (to 10.96.0.11, TCP port 80) matched, so chain KUBE-SVC-67NZLRHBNDSAWJRO decides next.",
    ],
    [
      {
        kind: "rule",
        ...nat,
        chain: "KUBE-SEP-CACHYPJ5WX3OY2BV",
        rule: 2,
        matched: true,
        rules: "-A KUBE-SEP-CACHYPJ5WX3OY2BV -p tcp -m tcp -j DNAT --to-destination 10.244.1.3:8080",
        target: "DNAT",
        owner: service,
      },
      "The rule for Service shop/web, port http (TCP) matched, so the connection gets a new destination, 10.244.1.3:8080.",
    ],
    [
      { kind: "rule", ...nat, chain: "KUBE-SERVICES", rule: 1, through: 3, matched: false },
      "Rules 1 to 3 of chain KUBE-SERVICES did not match.",
    ],
    [
      {
        kind: "rule",
        ...nat,
        chain: "KUBE-SVC-X",
        rule: 1,
        matched: false,
        failed: [{ rule: 1, term: "! -s 10.244.0.0/16", packet: "10.244.0.3" }],
      },
      "Rule 1 of chain KUBE-SVC-X did not match: it asks for `! -s 10.244.0.0/16`, the packet has 10.244.0.3.",
    ],
    [
      {
        kind: "rule",
        ...nat,
        chain: "KUBE-SVC-X",
        rule: 2,
        matched: false,
        failed: [{ rule: 2, term: "-m statistic --mode random --probability 0.50000000000", packet: "not picked" }],
        choice: { id: "x", options: [{ label: "a" }, { label: "b" }], taken: 1, by: "random" },
      },
      "Rule 2 of chain KUBE-SVC-X did not match: it had a chance of 50 %, and chance decided against it.",
    ],
    [
      {
        kind: "rule",
        ...nat,
        chain: "PREROUTING",
        rule: 1,
        matched: true,
        target: "constructor",
        owner: { kind: "Component", name: "kube-proxy" },
      },
      "A rule of kube-proxy matched, so chain constructor decides next.",
    ],
  ],
  chain: [
    [
      { kind: "chain", hook: "FORWARD", table: "filter", chain: "FORWARD", action: "policy", rule: 4, verdict: "DROP" },
      "No rule of chain FORWARD decided, so its policy DROP applies: drop the packet without a word.",
    ],
    [
      { kind: "chain", hook: "FORWARD", table: "filter", chain: "KUBE-FORWARD", action: "return", rule: 4 },
      "No rule of chain KUBE-FORWARD decided, so the chain that called it goes on.",
    ],
  ],
  conntrack: [
    [
      { kind: "conntrack", action: "new", state: "NEW" },
      "node-a has not seen this connection before, so connection tracking starts an entry for it.",
    ],
    [
      { kind: "conntrack", action: "found", state: "ESTABLISHED", direction: "reply" },
      "node-a knows the connection of this packet (ESTABLISHED): it is an answer.",
    ],
  ],
  nat: [
    [
      { kind: "nat", manip: "dst", action: "bind", from: "10.96.0.11:80", to: "10.244.1.3:8080", owner: service },
      "node-a decides for the whole connection (Service shop/web, port http): destination 10.96.0.11:80 becomes 10.244.1.3:8080, and answers are turned back.",
    ],
    [
      { kind: "nat", manip: "src", action: "apply", from: "10.244.0.3:40004", to: "192.168.10.1:40004" },
      "The packet's source is rewritten from 10.244.0.3:40004 to 192.168.10.1:40004, as node-a has noted for this connection.",
    ],
  ],
  ipset: [
    [
      { kind: "ipset", set: "KUBE-CLUSTER-IP", element: "10.96.0.11,tcp:80", found: true, owner: service },
      "10.96.0.11,tcp:80 is in set KUBE-CLUSTER-IP (Service shop/web, port http).",
    ],
  ],
  map: [
    [
      {
        kind: "map",
        ...nat,
        chain: "services",
        rule: 1,
        map: "service-ips",
        key: "10.96.0.11 . tcp . 80",
        found: true,
        value: "goto service-X",
      },
      "Map service-ips has an entry for `10.96.0.11 . tcp . 80`, so chain service-X decides next.",
    ],
    [
      {
        kind: "map",
        ...nat,
        chain: "services",
        rule: 1,
        map: "no-endpoint-services",
        key: "k",
        found: true,
        value: "drop",
      },
      "Map no-endpoint-services has an entry for `k`, so the packet is dropped without a word.",
    ],
  ],
  ipvs: [
    [
      { kind: "ipvs", action: "schedule", service: "TCP 10.96.0.11:80", server: "10.244.1.2:8080", scheduler: "rr" },
      'IPVS, the kernel\'s load balancer, picks 10.244.1.2:8080 for TCP 10.96.0.11:80, by its schedule "rr".',
    ],
  ],
  tunnel: [
    [
      {
        kind: "tunnel",
        action: "encapsulate",
        tunnel: "flannel.1",
        local: "192.168.10.1",
        remote: "192.168.10.2",
        vni: 1,
      },
      "Tunnel flannel.1 puts the packet into another one, from 192.168.10.1 to 192.168.10.2 (VXLAN network 1).",
    ],
  ],
  icmp: [
    [
      { kind: "icmp", action: "send", type: 3, code: 1, reason: "nobody answers for 10.244.0.9" },
      "node-a tells the sender that the packet cannot go on (ICMP type 3, code 1): nobody answers for 10.244.0.9.",
    ],
  ],
  timer: [
    [{ kind: "timer", timer: "retransmit", attempt: 2 }, "No answer has come, so node-a sends again (attempt 2)."],
  ],
  drop: [
    [{ kind: "drop", code: "NO_ROUTE" }, "The packet ends here, in node-a: NO_ROUTE."],
    [
      { kind: "drop", code: "POLICY", kernelReason: "NETFILTER_DROP" },
      "The packet ends here, in node-a: POLICY; the kernel calls it NETFILTER_DROP.",
    ],
  ],
  bpf: [
    [
      {
        kind: "bpf",
        program: "cil_sock4_connect",
        action: "picks a pod",
        from: "10.96.0.11:80",
        to: "10.244.1.3:8080",
      },
      "Program cil_sock4_connect in the kernel of node-a (eBPF) picks a pod: 10.96.0.11:80 becomes 10.244.1.3:8080.",
    ],
  ],
  proxy: [
    [
      { kind: "proxy", proxy: "nginx", action: "opens a connection to 10.244.1.2:8080", upstreamFlow: 2 },
      "Proxy nginx opens a connection to 10.244.1.2:8080, in flow 2.",
    ],
  ],
};

const table = Object.values(rows).flat();
const schema = readFileSync(join(resolve(import.meta.dirname, "../.."), "schema/trace.json"), "utf8");
const { $defs } = JSON.parse(schema) as { $defs: object };
const isStep = new Ajv2020({ allErrors: true, allowUnionTypes: true }).compile({ $ref: "#/$defs/step", $defs });

test.for(table)("$1", ([input, text]) => {
  expect(describe(completed(input))).toBe(text);
});

test.for(table)("is a valid step of the format: $1", ([input, text]) => {
  isStep({ ...completed(input), text });
  expect(isStep.errors ?? []).toEqual([]);
});

test("every sentence ends and says something of its own", () => {
  const sentences = table.map(([, text]) => text);
  expect(sentences.filter((text) => !/[.?]$/.test(text))).toEqual([]);
  expect(new Set(sentences).size).toBe(sentences.length);
});

function completed(input: StepInput): Step {
  return { id: 1, timeNanos: 0, namespace: "node-a", text: "", ...input } as Step;
}
