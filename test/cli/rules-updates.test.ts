import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { kubehop } from "./kubehop.ts";

/*
 * `kubehop rules --then`: objects are handed to kube-proxy as they are, no controller and no allocator touches them.
 * Expectations: facts/kube-proxy.md, sections 2, 3.3 and 3.5, and the source that they name (1.30.5).
 */

const folder = mkdtempSync(join(tmpdir(), "kubehop-"));
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;
function write(...items: readonly object[]): string {
  const file = join(folder, `${files++}.json`);
  writeFileSync(file, JSON.stringify({ apiVersion: "v1", kind: "List", items }));
  return file;
}

const deleted = { annotations: { "kpo/delete": "true" } };

function node(zone: string): object {
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: "node-a", labels: { "topology.kubernetes.io/zone": zone } },
    status: { addresses: [{ type: "InternalIP", address: "192.168.0.1" }] },
  };
}

function service(spec: object = {}, metadata: object = {}): object {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "dns", namespace: "ns", ...metadata },
    spec: { clusterIP: "10.96.0.10", ports: [{ name: "dns", protocol: "UDP", port: 53 }], ...spec },
  };
}

function slice(addresses: readonly string[], more: object = {}, metadata: object = {}): object {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: "dns-1", namespace: "ns", labels: { "kubernetes.io/service-name": "dns" }, ...metadata },
    addressType: "IPv4",
    ports: [{ name: "dns", protocol: "UDP", port: 5353 }],
    endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
    ...more,
  };
}

/** What kube-proxy does at its last sync, by section. */
async function lastSync(output: string, first: readonly object[], ...updates: readonly object[][]): Promise<string[]> {
  const then = updates.flatMap((items) => ["--then", write(...items)]);
  const cidr = ["--cluster-cidr", "10.244.0.0/16"];
  const run = await kubehop("rules", "-f", write(...first), "--node", "node-a", ...cidr, "-o", output, ...then);
  expect(run.notes).not.toContain("error");
  expect(run.code).toBe(0);
  return run.out.split("\n").filter((line) => line !== "");
}

const start = [node("a"), service(), slice(["10.244.0.7", "10.244.0.8"])];
const chains = (lines: readonly string[]): string[] => lines.filter((line) => /^(:KUBE-S(VC|EP)-|-X)/.test(line));

test("a slice that is deleted takes its chains along", async () => {
  const lines = await lastSync("restore", start, [slice([], {}, deleted)]);
  expect(lines.filter((line) => line.startsWith("-X"))).toHaveLength(3);
  expect(lines).toContain(
    '-A KUBE-SERVICES -m comment --comment "ns/dns:dns has no endpoints" -m udp -p udp -d 10.96.0.10 --dport 53 -j REJECT',
  );
});

test("a Service that goes leaves its slices, and finds them when it comes back", async () => {
  const gone = [service({}, deleted)];
  expect(await lastSync("events", start, gone)).toContain("conntrack clear: ip=10.96.0.10 proto=UDP");
  const back = await lastSync("restore", start, gone, [service()]);
  expect(chains(back)).toHaveLength(3);
  expect((await lastSync("events", start, gone, [service()])).filter((line) => line.startsWith("conntrack"))).toEqual(
    [],
  );
});

test("what an update leaves out is not allocated: no nodePort, no load balancer address", async () => {
  const lines = await lastSync("restore", start, [service({ type: "LoadBalancer" })]);
  expect(lines.filter((line) => line.startsWith("-A KUBE-NODEPORTS"))).toEqual([]);
  expect(lines.join("\n")).not.toContain("loadbalancer IP");
});

test("the node's own labels make a full sync; the jumps are there already", async () => {
  expect(chains(await lastSync("restore", start, [node("b")]))).toHaveLength(3);
  expect(chains(await lastSync("restore", start, [node("a")]))).toEqual([]);
  expect(await lastSync("jumps", start, [node("b")])).toEqual([]);
});

test.each([
  { name: "port 0", ports: [{ name: "dns", protocol: "UDP", port: 0 }] },
  { name: "no port number", ports: [{ name: "dns", protocol: "UDP" }] },
  { name: "no port name", ports: [{ protocol: "UDP", port: 5353 }] },
])("a slice with $name has no endpoints for kube-proxy", async ({ ports }) => {
  expect(chains(await lastSync("restore", [node("a"), service(), slice(["10.244.0.7"], { ports })]))).toEqual([]);
});

test("what is no address is passed over, leading zeros are decimal", async () => {
  const externalIPs = ["junk", "203.0.113.007", "fd00::1", "127.0.0.1"];
  const loadBalancerSourceRanges = ["junk", " 010.0.0.7/8 "];
  const spec = { type: "LoadBalancer", externalIPs, loadBalancerSourceRanges };
  const status = { loadBalancer: { ingress: [{ ip: "198.51.100.010" }, { ip: "junk" }, { hostname: "lb.example" }] } };
  const lines = await lastSync("restore", [node("a"), { ...service(spec), status }, slice(["10.244.0.7"])]);
  const destinations = lines.flatMap((line) => / (?:external|loadbalancer) IP" .* -d (\S+) /.exec(line)?.[1] ?? []);
  expect(destinations).toEqual(["203.0.113.7", "127.0.0.1", "198.51.100.10"]);
  expect(lines.filter((line) => line.includes(" -s 10.0.0.0/8 -j KUBE-EXT-"))).toHaveLength(1);
});

// pkg/proxy/util/iptables/traffic.go (noOpLocalDetector): kube-proxy's own default is no cluster CIDR.
test("without a cluster CIDR pods are not told from others", async () => {
  const file = write(...start);
  const lines = async (cidr: string): Promise<number> => {
    const { out } = await kubehop("rules", "-f", file, "--node", "node-a", "--cluster-cidr", cidr, "-o", "restore");
    return out.split("\n").filter((line) => /^-A KUBE-SVC-.* -j KUBE-MARK-MASQ$/.test(line)).length;
  };
  expect([await lines(""), await lines("10.244.0.0/16")]).toEqual([0, 1]);
});

test("the cluster CIDR that kube-proxy is told may be another than the pods'", async () => {
  const file = write(...start);
  const flags = ["--node", "node-a", "--pod-cidr", "10.244.0.0/16", "-o", "restore"];
  const { out } = await kubehop("rules", "-f", file, "--cluster-cidr", "10.0.0.0/8", ...flags);
  expect(out).toMatch(/ ! -s 10\.0\.0\.0\/8 -j KUBE-MARK-MASQ$/m);
  const wrong = await kubehop("rules", "-f", file, "--cluster-cidr", "10.0.0.0", ...flags);
  expect({ code: wrong.code, notes: wrong.notes }).toEqual({
    code: 3,
    notes: "error BAD_CIDR: cluster CIDR `10.0.0.0` is no address block. Write it as 10.0.0.0/8.\n",
  });
});

test("a port of a slice as given that has no name is noted", async () => {
  const ports = [{ port: 5353, protocol: "UDP" }];
  const file = write(...start.slice(0, 2), slice(["10.244.0.7"], { ports }));
  const { notes } = await kubehop("rules", "-f", file, "--node", "node-a", "-o", "restore");
  expect(notes).toContain("a port without a name");
});

// facts/kube-proxy.md, section 4.
test("strict ARP sets two sysctls more", async () => {
  const flags = ["--node", "node-a", "--proxy-mode", "ipvs", "--ipvs-strict-arp", "-o", "events"];
  const { out } = await kubehop("rules", "-f", write(...start), ...flags);
  expect(out).toContain("sysctl net/ipv4/conf/all/arp_ignore = 1\nsysctl net/ipv4/conf/all/arp_announce = 2\n");
});

// pkg/proxy/ipvs/proxier.go: the nodePort part of syncProxyRules is passed over where no node address is served.
test("in IPVS mode a nodePort is in no set where no address of the node serves it", async () => {
  const spec = { type: "NodePort", ports: [{ name: "dns", protocol: "UDP", port: 53, nodePort: 30053 }] };
  const file = write(node("a"), service(spec), slice(["10.244.0.7"]));
  const added = async (block: string): Promise<string[]> => {
    const flags = ["--node", "node-a", "--proxy-mode", "ipvs", "--nodeport-addresses", block, "-o", "ipset"];
    const { out } = await kubehop("rules", "-f", file, ...flags);
    return out.split("\n").filter((line) => line.startsWith("add KUBE-NODE-PORT"));
  };
  expect(await added("192.168.0.0/24")).toEqual(["add KUBE-NODE-PORT-UDP 30053"]);
  expect(await added("10.9.0.0/16")).toEqual([]);
});

// pkg/proxy/ipvs/proxier.go (syncService): a virtual server that is there is updated, its real servers stay.
test("in IPVS mode session affinity comes and goes with the virtual server", async () => {
  const first = write(...start);
  const affine = write(service({ sessionAffinity: "ClientIP" }));
  const servers = async (...updates: readonly string[]): Promise<string[]> => {
    const then = updates.flatMap((update) => ["--then", update]);
    const flags = ["--node", "node-a", "--proxy-mode", "ipvs", "-o", "ipvs"];
    return (await kubehop("rules", "-f", first, ...flags, ...then)).out.split("\n");
  };
  const plain = await servers();
  const [virtual = "", ...real] = plain;
  expect(virtual).toBe("-A -u 10.96.0.10:53 -s rr # flags=0x0 timeout=0");
  expect(await servers(affine)).toEqual(["-A -u 10.96.0.10:53 -s rr -p 10800 # flags=0x1 timeout=10800", ...real]);
  expect(await servers(affine, write(service()))).toEqual(plain);
});
