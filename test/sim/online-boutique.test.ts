import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { formatProblem, loadInput } from "../../src/index.ts";
import type { PacketTrace, Trace } from "../../src/trace/records.ts";
import { parseAddress } from "../../src/wire/address.ts";
import { contains, parseCidr } from "../../src/wire/cidr.ts";
import { changesOf, flowsOf, hopIn, ofKind, packetSteps, probe, rulesMatched, stepsOfPacket, wayOf } from "./traces.ts";

/*
 * A well-known application as it stands. What the packets do is held against measurements of the Linux kernel and
 * of CoreDNS (facts/kernel.md section 5, facts/dns.md section 2.3) and the rules of the real kube-proxy.
 */

const folder = resolve(import.meta.dirname, "../../../shared/manifests/online-boutique");
const present = existsSync(folder);
if (!present && process.env["KUBEHOP_REQUIRE"] === "all") throw new Error(`${folder} is missing`);
if (!present) console.warn(`skipped: ${folder} is missing`);

const workloads = [
  "adservice",
  "cartservice",
  "checkoutservice",
  "currencyservice",
  "emailservice",
  "frontend",
  "loadgenerator",
  "paymentservice",
  "productcatalogservice",
  "recommendationservice",
  "redis-cart",
  "shippingservice",
];

function load(wanted: (file: string) => boolean): Exclude<ReturnType<typeof loadInput>, { problems: unknown }> {
  const sources = readdirSync(folder)
    .filter(wanted)
    .map((name) => ({ name, text: readFileSync(join(folder, name), "utf8") }));
  const input = loadInput(sources);
  if ("problems" in input) throw new Error(input.problems.map(formatProblem).join("\n"));
  return input;
}

describe.skipIf(!present)("Online Boutique as it stands", () => {
  if (!present) return;
  const input = load((file) => file === "kubernetes-manifests.yaml");
  const { cluster } = input;
  const pods = cluster.pods.filter(({ metadata }) => metadata.namespace === "default");
  const podOf = (app: string): (typeof pods)[number] => {
    const pod = pods.find(({ metadata }) => metadata.labels["app"] === app);
    if (pod === undefined) throw new Error(`there is no pod of ${app}`);
    return pod;
  };

  test("loads without a complaint, and one note says what was left out", () => {
    expect(input.warnings).toEqual([]);
    expect(input.notes).toEqual(["left out, having no part in the network: 11 ServiceAccount"]);
  });

  test("every workload has its pod, spread over the nodes, with an address of its node", () => {
    expect(pods.map(({ metadata }) => metadata.labels["app"])).toEqual(workloads);
    const onNodes = cluster.nodes.map((node) => pods.filter(({ spec }) => spec.nodeName === node.metadata.name));
    expect(onNodes.map((group) => group.length)).toEqual([6, 6]);
    for (const { metadata, spec, status } of pods) {
      const node = cluster.nodes.find((one) => one.metadata.name === spec.nodeName);
      const block = parseCidr(node?.spec.podCIDRs[0] ?? "");
      const address = parseAddress(status.podIPs[0] ?? "");
      if (block === undefined || address === undefined) throw new Error(`${metadata.name} has no address`);
      expect(contains(block, address), metadata.name).toBe(true);
    }
    expect(new Set(pods.flatMap(({ status }) => status.podIPs)).size).toBe(pods.length);
  });

  // Ports read off the manifests by hand: Service port name and targetPort.
  test.for([
    ["adservice", "grpc", 9555],
    ["cartservice", "grpc", 7070],
    ["checkoutservice", "grpc", 5050],
    ["currencyservice", "grpc", 7000],
    ["emailservice", "grpc", 8080],
    ["frontend", "http", 8080],
    ["paymentservice", "grpc", 50051],
    ["productcatalogservice", "grpc", 3550],
    ["recommendationservice", "grpc", 8080],
    ["redis-cart", "tcp-redis", 6379],
    ["shippingservice", "grpc", 50051],
  ] as const)("the EndpointSlice of %s follows from its selector and its targetPort", ([name, portName, port]) => {
    const slices = cluster.endpointSlices.filter(
      ({ metadata }) => metadata.labels["kubernetes.io/service-name"] === name,
    );
    const pod = podOf(name);
    expect(slices).toHaveLength(1);
    expect(slices[0]).toMatchObject({
      addressType: "IPv4",
      ports: [{ name: portName, port, protocol: "TCP" }],
      endpoints: [
        {
          addresses: pod.status.podIPs,
          nodeName: pod.spec.nodeName,
          conditions: { ready: true },
          targetRef: { kind: "Pod", name: pod.metadata.name },
        },
      ],
    });
  });

  describe("curl http://frontend from the load generator", () => {
    const client = podOf("loadgenerator");
    const server = podOf("frontend");
    const serverIP = server.status.podIPs[0] ?? "";
    const clientIP = client.status.podIPs[0] ?? "";
    const clientSpace = `default/${client.metadata.name}`;
    const serverSpace = `default/${server.metadata.name}`;
    const vip = cluster.services.find(({ metadata }) => metadata.name === "frontend")?.spec.clusterIP ?? "";
    const trace = probe(input, "deploy/loadgenerator", "curl http://frontend");
    const tcp = flowsOf(trace, "tcp").at(-1)?.packets ?? [];
    const byFlags = (direction: PacketTrace["direction"], flags: string): PacketTrace => {
      const packet = tcp.find((one) => one.direction === direction && one.hops[0]?.packet.flags === flags);
      if (packet === undefined) throw new Error(`there is no ${direction} packet with ${flags}`);
      return packet;
    };
    const syn = byFlags("original", "S");
    const synAck = byFlags("reply", "SA");

    test("the client and the server are on different nodes, so the whole way is walked", () => {
      expect([client.spec.nodeName, server.spec.nodeName]).toEqual(["node-a", "node-b"]);
    });

    test("it is answered by the frontend", () => {
      expect(trace).toMatchObject({ outcome: "answered", exitCode: 0, message: "HTTP/1.1 200 OK" });
      expect(trace.answeredBy).toBe(serverSpace);
    });

    test("the resolver asks for the name below its first search domain, A and AAAA from one socket", () => {
      const [resolving] = flowsOf(trace, "resolver");
      expect(ofKind(resolving?.steps ?? [], "resolver").map(({ action }) => action)).toEqual([
        "start",
        "query",
        "done",
      ]);
      expect(resolving?.steps[0]?.text).toContain("0 dots < ndots:5");
      const questions = dnsPackets(trace, "original");
      expect(questions.map(({ hops }) => hops[0]?.packet.payload)).toEqual([
        "A? frontend.default.svc.cluster.local.",
        "AAAA? frontend.default.svc.cluster.local.",
      ]);
      expect(new Set(questions.map(({ hops }) => hops[0]?.packet.srcPort)).size).toBe(1);
      expect(questions.every(({ hops }) => hops[0]?.packet.dst === "10.96.0.10")).toBe(true);
    });

    test("every question is sent on to a CoreDNS pod, and its answer comes from the Service's address again", () => {
      const dns = cluster.pods.filter(({ metadata }) => metadata.labels["k8s-app"] === "kube-dns");
      const addresses = dns.flatMap(({ status }) => status.podIPs);
      for (const question of dnsPackets(trace, "original")) {
        const [nat] = changesOf(hopIn(question, "node-a").steps, "dst");
        expect(addresses.map((address) => `10.96.0.10 -> ${address}`)).toContain(nat);
        expect(question.verdict).toBe("delivered");
        expect(question.hops.at(-1)?.namespace).toMatch(/^kube-system\/coredns-/);
      }
      const answers = dnsPackets(trace, "reply");
      expect(answers).toHaveLength(2);
      for (const answer of answers) {
        expect(addresses.map((address) => `${address} -> 10.96.0.10`)).toContain(
          changesOf(hopIn(answer, "node-a").steps, "src")[0],
        );
        expect(answer.hops.at(-1)).toMatchObject({
          namespace: clientSpace,
          packet: { src: "10.96.0.10", srcPort: 53 },
        });
      }
      expect(answers[0]?.hops[0]?.packet.payload).toContain("NOERROR, 1 record");
      expect(answers[1]?.hops[0]?.packet.payload).toContain("NOERROR, 0 records");
    });

    test("handshake, request, answer and close, each a packet", () => {
      expect(tcp.map(({ direction, hops }) => `${direction} ${hops[0]?.packet.flags}`)).toEqual([
        "original S",
        "reply SA",
        "original A",
        "original PA",
        "reply A",
        "reply PA",
        "original A",
        "original FA",
        "reply FA",
        "original A",
      ]);
      expect(tcp.every(({ verdict }) => verdict === "delivered")).toBe(true);
      expect(byFlags("original", "PA").hops[0]?.packet.payload).toMatch(/^GET \/ HTTP\/1.1/);
      expect(byFlags("reply", "PA").hops[0]?.packet.payload).toBe("HTTP/1.1 200 OK");
    });

    test("the SYN goes pod, node, wire, node, pod, and the answer the same way back", () => {
      const way = [clientSpace, "node-a", "(switch)", "node-b", serverSpace];
      expect(wayOf(syn)).toEqual(way);
      expect(wayOf(synAck)).toEqual(way.toReversed());
    });

    test("the SYN leaves for the Service and arrives at the endpoint", () => {
      expect(syn.hops[0]?.packet).toMatchObject({ src: clientIP, dst: vip, dstPort: 80 });
      expect(syn.hops.at(-1)?.packet).toMatchObject({ src: clientIP, dst: serverIP, dstPort: 8080 });
      expect(changesOf(stepsOfPacket(syn), "dst")).toEqual([`${vip} -> ${serverIP}`]);
      expect(changesOf(stepsOfPacket(syn), "dstPort")).toEqual(["80 -> 8080"]);
      expect(changesOf(stepsOfPacket(syn), "src")).toEqual([]);
    });

    // kube-proxy's chains of a ClusterIP; the names' hashes are left out (byte equality is held elsewhere).
    test("the rules that rewrote it are kube-proxy's, and name the Service and the pod", () => {
      const rules = ofKind(hopIn(syn, "node-a").steps, "rule").filter(
        ({ matched, hook }) => matched && hook === "PREROUTING",
      );
      expect(rules.map(({ chain, target = "" }) => `${chain} > ${target}`.replace(/-[A-Z0-9]{16}/g, "-*"))).toEqual([
        "PREROUTING > KUBE-SERVICES",
        "KUBE-SERVICES > KUBE-SVC-*",
        "KUBE-SVC-* > KUBE-SEP-*",
        "KUBE-SEP-* > DNAT",
      ]);
      expect(rules[1]?.owner).toMatchObject({ kind: "Service", namespace: "default", name: "frontend" });
      expect(rules[1]?.owner?.origin?.file).toBe("kubernetes-manifests.yaml");
      expect(rules[3]?.owner).toMatchObject({ kind: "EndpointSlice" });
      expect(rules[3]?.owner?.detail).toContain(server.metadata.name);
    });

    // facts/kernel.md 5: bridge-nf shows the packet in PREROUTING; after DNAT it goes to the bridge itself and is routed.
    test("every hook, table and device on the way", () => {
      const [a, b] = [hopIn(syn, "node-a"), hopIn(syn, "node-b")];
      expect(ofKind(a.steps, "hook").map(({ hook }) => hook)).toEqual(["PREROUTING", "FORWARD", "POSTROUTING"]);
      expect(ofKind(b.steps, "hook").map(({ hook }) => hook)).toEqual(["PREROUTING", "FORWARD", "POSTROUTING"]);
      expect(ofKind(a.steps, "hook")[0]).toMatchObject({ inDevice: "cni0", physInDevice: a.device });
      expect(ofKind(a.steps, "bridge").map(({ action }) => action)).toContain("to-bridge");
      expect(a.device).toMatch(/^veth/);
      expect(ofKind(a.steps, "device").map(({ device }) => device)).toEqual([a.device, "cni0", "eth0"]);
      const leaving = ofKind(b.steps, "device").map(({ device }) => device);
      expect(leaving.slice(0, 2)).toEqual(["eth0", "cni0"]);
      expect(leaving[2]).toMatch(/^veth/);
      expect(rulesMatched(a.steps)).toContain("nat POSTROUTING KUBE-POSTROUTING");
      expect(rulesMatched(a.steps)).toContain("filter FORWARD KUBE-FORWARD");
    });

    test("routes, neighbours and forwarding entries are looked up", () => {
      const routes = ofKind(stepsOfPacket(syn), "route");
      expect(
        routes.map(
          ({ namespace, result, route }) => `${namespace} ${result}: ${route?.replace(/ (proto|scope) .*/, "")}`,
        ),
      ).toEqual([
        `${clientSpace} output: default via 10.244.0.1 dev eth0`,
        "node-a forward: 10.244.1.0/24 via 172.18.0.3 dev eth0",
        "node-b forward: 10.244.1.0/24 dev cni0",
        `${serverSpace} local: local ${serverIP} dev eth0`,
      ]);
      const resolved = ofKind(stepsOfPacket(syn), "neighbour").filter(({ action }) => action === "hit");
      expect(resolved.map(({ address }) => address)).toEqual(["10.244.0.1", "172.18.0.3", serverIP]);
      const forwarded = ofKind(stepsOfPacket(syn), "bridge").filter(({ action }) => action === "forward");
      expect(forwarded.map(({ bridge }) => bridge)).toEqual(["sw0", "cni0"]);
      expect(flowsOf(trace, "arp").map(({ to }) => to)).toContain(serverIP);
    });

    // facts/kernel.md 5: host-gw, TTL 64/63/62.
    test("the TTL falls by one on each node, and nowhere else", () => {
      expect(changesOf(stepsOfPacket(syn), "ttl")).toEqual(["64 -> 63", "63 -> 62"]);
      expect(syn.hops.map(({ packet }) => packet.ttl)).toEqual([64, 64, 63, 63, 62]);
      expect(changesOf(stepsOfPacket(synAck), "ttl")).toEqual(["64 -> 63", "63 -> 62"]);
    });

    test("each routed link has Ethernet addresses of its own", () => {
      const pairs = syn.hops.slice(1).map(({ packet }) => `${packet.srcMac} > ${packet.dstMac}`);
      // pod to bridge; node to node (the switch changes nothing); bridge to pod.
      expect(new Set(pairs).size).toBe(3);
      expect(pairs[1]).toBe(pairs[2]);
      expect(changesOf(stepsOfPacket(syn), "dstMac")).toHaveLength(3);
    });

    // facts/kernel.md 5, conntrack: [NEW] SYN_SENT, [UPDATE] SYN_RECV, ESTABLISHED, FIN_WAIT, LAST_ACK, TIME_WAIT.
    test("conntrack makes an entry on each node and moves it through TCP's states", () => {
      const made = ofKind(stepsOfPacket(syn), "conntrack");
      expect(made.map(({ namespace, action }) => `${namespace} ${action}`)).toEqual([
        "node-a new",
        "node-a confirm",
        "node-b new",
        "node-b confirm",
      ]);
      expect(made[1]?.entry).toContain(`src=${clientIP} dst=${vip} sport=`);
      expect(made[1]?.entry).toContain(`[UNREPLIED] src=${serverIP} dst=${clientIP} sport=8080`);
      const states = tcp.flatMap((packet) =>
        ofKind(hopIn(packet, "node-a").steps, "conntrack").flatMap(
          ({ entry }) =>
            /\b(SYN_SENT|SYN_RECV|ESTABLISHED|FIN_WAIT|LAST_ACK|TIME_WAIT|CLOSE_WAIT)\b/.exec(entry ?? "")?.[0] ?? [],
        ),
      );
      expect(states.filter((state, index) => state !== states[index - 1])).toEqual([
        "SYN_SENT",
        "SYN_RECV",
        "ESTABLISHED",
        "FIN_WAIT",
        "LAST_ACK",
        "TIME_WAIT",
      ]);
    });

    // facts/kernel.md 5: nat only once per connection.
    test("only the first packet meets the nat table", () => {
      const inNat = tcp.filter((packet) => ofKind(stepsOfPacket(packet), "rule").some(({ table }) => table === "nat"));
      expect(inNat).toEqual([syn]);
      for (const packet of tcp.slice(1)) {
        expect(ofKind(hopIn(packet, "node-a").steps, "conntrack")[0]?.action).not.toBe("new");
      }
    });

    test("the answer's source is the Service again when the client sees it", () => {
      expect(changesOf(hopIn(synAck, "node-a").steps, "src")).toEqual([`${serverIP} -> ${vip}`]);
      expect(synAck.hops.at(-1)?.packet).toMatchObject({ src: vip, srcPort: 80, dst: clientIP });
    });

    test("who listens where is an assumption, listed and named where it mattered", () => {
      expect(trace.assumptions.map(({ id }) => id)).toContain("listens");
      expect(
        packetSteps(trace)
          .filter(({ assumption }) => assumption === "listens")
          .map(({ namespace }) => namespace),
      ).toContain(serverSpace);
    });
  });

  // facts/kernel.md 5: the DNATed packet is bridged, not routed: TTL 64 at the server.
  test("a Service on the same node is reached over the bridge, with the TTL untouched", () => {
    const trace = probe(input, "deploy/loadgenerator", "curl http://adservice:9555");
    const syn = flowsOf(trace, "tcp").at(-1)?.packets[0];
    expect(trace.outcome).toBe("answered");
    expect(syn?.hops.map(({ packet }) => packet.ttl)).toEqual([64, 64, 64]);
    expect(syn?.hops.at(-1)?.packet.srcMac).toBe(
      changesOf(syn?.hops[0]?.steps ?? [], "srcMac")[0]?.replace("undefined -> ", ""),
    );
  });

  // With --random-fully the masqueraded port is another one; the server sees the node.
  test("the load balancer's node port is masqueraded on the way from outside", () => {
    const port = cluster.services.find(({ metadata }) => metadata.name === "frontend-external")?.spec.ports[0]
      ?.nodePort;
    const trace = probe(input, "external", `curl http://172.18.0.2:${port}`);
    const syn = flowsOf(trace, "tcp").at(-1)?.packets[0];
    expect(trace.outcome).toBe("answered");
    expect(syn?.hops.at(-1)?.packet).toMatchObject({ src: "172.18.0.2", dstPort: 8080 });
  });
});

function dnsPackets(trace: Trace, direction: PacketTrace["direction"]): readonly PacketTrace[] {
  return flowsOf(trace, "udp").flatMap(({ packets }) => packets.filter((packet) => packet.direction === direction));
}

describe.skipIf(!present)("Online Boutique with its NetworkPolicies", () => {
  if (!present) return;
  const input = load(() => true);

  // Read off the policies by hand: who may call whom. deny-all selects every pod; the others open one port each.
  test.for<{ from: string; run: string; policy?: string }>([
    { from: "deploy/loadgenerator", run: "curl http://frontend" },
    { from: "external", run: "curl http://172.18.0.2:30312" },
    { from: "deploy/frontend", run: "curl http://adservice:9555" },
    { from: "deploy/frontend", run: "curl http://cartservice:7070" },
    { from: "deploy/frontend", run: "curl http://checkoutservice:5050" },
    { from: "deploy/frontend", run: "curl http://currencyservice:7000" },
    { from: "deploy/frontend", run: "curl http://productcatalogservice:3550" },
    { from: "deploy/frontend", run: "curl http://recommendationservice:8080" },
    { from: "deploy/frontend", run: "curl http://shippingservice:50051" },
    { from: "deploy/checkoutservice", run: "curl http://paymentservice:50051" },
    { from: "deploy/checkoutservice", run: "curl http://emailservice:5000" },
    { from: "deploy/cartservice", run: "tcp redis-cart:6379" },
    { from: "deploy/recommendationservice", run: "curl http://productcatalogservice:3550" },
    { from: "deploy/frontend", run: "curl http://redis-cart:6379", policy: "redis-cart" },
    { from: "deploy/frontend", run: "curl http://paymentservice:50051", policy: "paymentservice" },
    { from: "deploy/frontend", run: "curl http://emailservice:5000", policy: "emailservice" },
    { from: "deploy/loadgenerator", run: "curl http://cartservice:7070", policy: "cartservice" },
    { from: "deploy/recommendationservice", run: "curl http://adservice:9555", policy: "adservice" },
  ])("$from, $run: $policy", ({ from, run, policy }) => {
    const trace = probe(input, from, run);
    if (policy === undefined) return expect(trace.outcome, trace.message).toBe("answered");
    expect(trace).toMatchObject({ outcome: "refused", errno: "ECONNREFUSED", icmp: { type: 3, code: 3 } });
    const rejects = ofKind(packetSteps(trace), "rule").filter(({ target = "" }) => target.startsWith("REJECT"));
    expect(rejects).toHaveLength(1);
    const owner = rejects[0]?.owner;
    expect(owner?.kind).toBe("NetworkPolicy");
    const said = `${owner?.name} ${owner?.detail}`;
    expect(said).toContain("deny-all");
    expect(said).toContain(policy);
    expect(owner?.origin?.file).toBe(`network-policy-${owner?.name}.yaml`);
  });
});
