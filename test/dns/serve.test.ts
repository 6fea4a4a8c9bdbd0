import { expect, test } from "vitest";
import { CoreDns } from "../../src/dns/coredns/server.ts";
import { upstreamFrom } from "../../src/dns/coredns/upstream.ts";
import type { Flavour, ResolverIo, Resolved } from "../../src/dns/resolver/api.ts";
import { parseResolvConf } from "../../src/dns/resolver/conf.ts";
import { resolve } from "../../src/dns/resolver/resolve.ts";
import { type ServeDnsOptions, serveDns } from "../../src/dns/serve.ts";
import { nanosPerSecond } from "../../src/kernel/clock.ts";
import { formatAddress } from "../../src/wire/address.ts";
import { type Lab, hostGateway } from "../kernel/cluster.ts";
import { clusterOf } from "./cluster.ts";

/* Pod p1b on node1 (10.244.0.3) asks a CoreDNS in pod p2a on node2 (10.244.1.2); p2b (10.244.1.3) is its upstream. */

const replicas = Array.from(
  { length: 30 },
  (_, index) => `{addresses: [10.244.9.${index + 1}], conditions: {ready: true}}`,
);
const manifest = `
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {clusterIP: 10.96.10.10, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: many, namespace: shop}
spec: {clusterIP: None, ports: [{port: 80}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: many-1, namespace: shop, labels: {kubernetes.io/service-name: many}}
addressType: IPv4
ports: [{port: 80, protocol: TCP}]
endpoints: [${replicas.join(", ")}]
`;
const corefile = (forward: string): string => `.:53 {
  kubernetes cluster.local
  forward . ${forward}
  cache 30
}`;

function serve(lab: Lab, pod: string, file: string, options: Partial<ServeDnsOptions> = {}): string[] {
  const unknown: string[] = [];
  const server = new CoreDns({ corefile: file, cluster: clusterOf(manifest) });
  serveDns(lab.ns(pod), server, { unknown: (reason) => unknown.push(reason), ...options });
  return unknown;
}

interface Outcome {
  readonly resolved: Resolved | undefined;
  readonly seconds: number;
}

function lookUp(lab: Lab, name: string, flavour: Flavour = "glibc"): Outcome {
  const ns = lab.ns("p1b");
  const flow = lab.recorder.flow({ protocol: "resolver", from: "p1b", to: "", purpose: name });
  const io: ResolverIo = {
    ...ns.surroundings,
    sockets: ns.sockets,
    options: (purpose) => {
      const own = lab.recorder.flow({ protocol: "udp", from: "p1b", to: "10.244.1.2:53", purpose });
      return { flowKey: purpose, ...(own && { flow: own }) };
    },
    step: (input) => flow?.step(ns.name, input),
  };
  const conf = parseResolvConf("nameserver 10.244.1.2\nsearch shop.svc.cluster.local\noptions ndots:5");
  let resolved: Resolved | undefined;
  let endNanos = 0;
  resolve(name, { conf, flavour, families: ["ipv4", "ipv6"] }, io, (result) => {
    resolved = result;
    endNanos = lab.clock.nowNanos();
  });
  lab.clock.run();
  return { resolved, seconds: Math.round(endNanos / (nanosPerSecond / 10)) / 10 };
}

function addressesOf({ resolved }: Outcome): readonly string[] | undefined {
  return resolved?.kind === "addresses" ? resolved.addresses.map(formatAddress) : undefined;
}

test("a name is resolved by packets between two pods", () => {
  const lab = hostGateway();
  serve(lab, "p2a", corefile("10.244.1.3"));
  expect(addressesOf(lookUp(lab, "web"))).toEqual(["10.96.10.10"]);
  const question = lab.recorder.flows.find(({ purpose }) => purpose === "A and AAAA web.shop.svc.cluster.local.");
  expect(question?.packets.map(({ direction, verdict }) => `${direction} ${verdict}`).sort()).toEqual([
    "original delivered",
    "original delivered",
    "reply delivered",
    "reply delivered",
  ]);
});

// facts: from 30 addresses on a reply without EDNS is truncated, and glibc asks again over TCP.
test("a headless Service of thirty pods is resolved over TCP", () => {
  const lab = hostGateway();
  serve(lab, "p2a", corefile("10.244.1.3"));
  expect(addressesOf(lookUp(lab, "many.shop.svc.cluster.local."))).toHaveLength(30);
  const connections = lab.recorder.flows.filter(({ packets }) =>
    packets.some(({ hops }) => hops.some(({ packet }) => packet.protocol === "tcp")),
  );
  expect(connections).toHaveLength(1);
});

test("a question about the world outside goes on to the upstream as a packet of CoreDNS's own", () => {
  const lab = hostGateway();
  serve(lab, "p2a", corefile("10.244.1.3"));
  serve(lab, "p2b", ".:53 {\n  forward . 192.0.2.1\n}", {
    upstream: upstreamFrom({ "www.example.com": { A: ["93.184.216.34"] } }),
  });
  expect(addressesOf(lookUp(lab, "www.example.com."))).toEqual(["93.184.216.34"]);
  const upstream = lab.recorder.flows.filter(({ causedBy }) => causedBy?.reason === "upstream question of CoreDNS");
  expect(upstream.map(({ purpose }) => purpose)).toEqual(["A www.example.com.", "AAAA www.example.com."]);
});

// Measured: connected sockets hear of port unreachable at once, musl's unconnected one does not. (One name only: a
// kernel sends six such errors in a row to the same address, which Go's search would use up.)
test.for([
  { flavour: "glibc", seconds: 0 },
  { flavour: "go", seconds: 0 },
  { flavour: "musl-1.2.3", seconds: 5 },
] as const)("$flavour fails after $seconds s when nobody listens on port 53", ({ flavour, seconds }) => {
  const outcome = lookUp(hostGateway(), "web.shop.svc.cluster.local.", flavour);
  expect(outcome).toMatchObject({ resolved: { kind: "failed", error: "EAI_AGAIN" }, seconds });
});

test("an upstream that is down ends as SERVFAIL", () => {
  const lab = hostGateway();
  serve(lab, "p2a", corefile("10.244.1.3"));
  expect(lookUp(lab, "www.example.com.").resolved).toMatchObject({ kind: "failed", error: "EAI_AGAIN" });
});

test("what is not modelled gives no answer, and says so", () => {
  const lab = hostGateway();
  const unknown = serve(lab, "p2a", ".:53 {\n  route53 example.com.:Z1\n}");
  lookUp(lab, "web");
  expect(new Set(unknown)).toEqual(new Set(["CoreDNS's plugin route53 is not modelled"]));
});
