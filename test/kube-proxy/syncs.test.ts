import { describe, expect, test } from "vitest";
import type { EndpointSlice, Protocol, Service } from "../../src/cluster/objects.ts";
import { formatRestore } from "../../src/iptables/proxier-restore.ts";
import { type IptablesProxierState, iptablesProxier } from "../../src/iptables/proxier.ts";
import type { ProxyObjects } from "../../src/proxy/tracker.ts";
import { ownerOf, recordedNode, recordedOptions, service } from "./recorded.ts";

/*
 * When kube-proxy 1.30 syncs, and what it then writes and deletes: facts/kube-proxy.md, sections 2, 3.4 and 3.5, and
 * what they leave open from the source: pkg/proxy/endpointschangetracker.go, endpointslicecache.go,
 * servicechangetracker.go and iptables/proxier.go (syncProxyRules).
 */

const web = (port = "http", protocol: Protocol = "TCP", spec: Partial<Service["spec"]> = {}): Service =>
  service({
    metadata: { name: "web", namespace: "default" },
    spec: {
      clusterIP: "10.96.0.10",
      ports: [{ name: port, protocol, port: 80, targetPort: 8080, nodePort: 0 }],
      ...spec,
    },
  });

type SliceEndpoint = EndpointSlice["endpoints"][number];

const at = (address: string, more: Partial<SliceEndpoint> = {}): SliceEndpoint => ({
  addresses: [address],
  conditions: { ready: true, serving: true, terminating: false },
  nodeName: "node-a",
  ...more,
});
const dead = { conditions: { ready: false, serving: false, terminating: false } };

function slice(name: string, endpoints: readonly SliceEndpoint[], more: Partial<EndpointSlice> = {}): EndpointSlice {
  return {
    kind: "EndpointSlice",
    metadata: { name, namespace: "default", labels: { "kubernetes.io/service-name": "web" }, annotations: {} },
    addressType: "IPv4",
    ports: [{ name: "http", protocol: "TCP", port: 8080 }],
    endpoints,
    ...more,
  };
}

const udp = { ports: [{ name: "dns", protocol: "UDP", port: 5353 }] } as const;
const dns = web("dns", "UDP");

interface Step {
  readonly services?: readonly Service[];
  readonly slices?: readonly EndpointSlice[];
  readonly zone?: string;
  readonly more?: Partial<ProxyObjects>;
}

/** The last sync of a sequence: whether there was one, what it restored, and its events. */
function lastSync(...steps: readonly Step[]): { text: string | undefined; own: string[]; events: readonly string[] } {
  let state: IptablesProxierState | undefined;
  let text: string | undefined;
  let events: readonly string[] = [];
  for (const { services = [], slices = [], zone = "zone-a", more } of steps) {
    const node = recordedNode({ "topology.kubernetes.io/zone": zone });
    const objects = { services, endpointSlices: slices, ownerOf, ...more };
    const sync = iptablesProxier.sync(objects, node, recordedOptions("ipv4"), state);
    ({ state, events } = sync);
    text = undefined;
    for (const command of sync.commands) {
      if (command.kind === "iptables-restore") text = formatRestore(command.restore);
    }
  }
  const own = (text ?? "").split("\n").filter((line) => /^:KUBE-(SVC|SVL|SEP|EXT|FW)-|^-X/.test(line));
  return { text, own, events };
}

const a = at("10.244.0.10");
const b = at("10.244.0.11");

describe("what makes a sync", () => {
  const first: Step = { services: [web()], slices: [slice("web-1", [a])] };

  test.each<{ readonly name: string; readonly next: Step }>([
    { name: "nothing at all", next: { services: [web()], slices: [slice("web-1", [a])] } },
    {
      name: "another targetRef, which kube-proxy does not keep",
      next: { ...first, slices: [slice("web-1", [{ ...a, targetRef: { kind: "Pod", namespace: "d", name: "p" } }])] },
    },
    {
      name: "a slice of addressType FQDN",
      next: { ...first, slices: [slice("web-1", [a]), slice("web-2", [], { addressType: "FQDN" })] },
    },
    {
      name: "a slice of the other family, which goes to the other proxier",
      next: { ...first, slices: [slice("web-1", [a]), slice("web-2", [at("fd00::1")], { addressType: "IPv6" })] },
    },
  ])("$name: none", ({ next }) => {
    expect(lastSync(first, next).text).toBeUndefined();
  });

  test("one that is due writes the shared chains, and no Service's own", () => {
    const { text, own } = lastSync(first, { ...first, more: { isDue: true } });
    expect(text).toContain(`"default/web:http cluster IP"`);
    expect(own).toEqual([]);
  });

  test.each<{ readonly name: string; readonly next: Step }>([
    {
      name: "endpoints that move from one slice to another",
      next: { ...first, slices: [slice("web-1", []), slice("web-2", [a])] },
    },
    { name: "another zone of an endpoint", next: { ...first, slices: [slice("web-1", [{ ...a, zone: "zone-b" }])] } },
    { name: "an empty slice", next: { ...first, slices: [slice("web-1", [a]), slice("web-2", [])] } },
    {
      name: "an endpoint that is not ready",
      next: { ...first, slices: [slice("web-1", [a, { ...b, ...dead }])] },
    },
  ])("$name: a sync that writes the Service's chains again", ({ next }) => {
    expect(lastSync(first, next).own.map((line) => line.slice(0, 9))).toEqual([":KUBE-SVC", ":KUBE-SEP"]);
  });

  test("a slice of a Service that is not there: a sync without any chain", () => {
    const { text, own } = lastSync({}, { slices: [slice("web-1", [a])] });
    expect(text).toBeDefined();
    expect(own).toEqual([]);
  });

  test("a label of the node: all chains of all Services", () => {
    expect(lastSync(first, { ...first, zone: "zone-b" }).own).toHaveLength(2);
  });
});

describe("UDP connections", () => {
  const clear = (rest: string): string => `conntrack clear: ${rest} proto=UDP`;
  const full = web("dns", "UDP", {
    type: "LoadBalancer",
    externalIPs: ["203.0.113.20"],
    ports: [{ name: "dns", protocol: "UDP", port: 53, targetPort: 5353, nodePort: 30053 }],
  });
  const balanced: Service = { ...full, status: { loadBalancer: { ingress: [{ ip: "203.0.113.10" }] } } };
  const some: Step = { services: [dns], slices: [slice("web-1", [a, b], udp)] };

  test.each<{ readonly name: string; readonly steps: readonly Step[]; readonly events: readonly string[] }>([
    { name: "the first endpoint comes", steps: [{ services: [dns] }, some], events: [clear("ip=10.96.0.10")] },
    {
      name: "the first endpoint comes to every address and port",
      steps: [{ services: [balanced] }, { services: [balanced], slices: [slice("web-1", [a], udp)] }],
      events: [clear("ip=10.96.0.10"), clear("ip=203.0.113.20"), clear("ip=203.0.113.10"), clear("port=30053")],
    },
    {
      name: "the only endpoint begins to serve",
      steps: [{ services: [dns], slices: [slice("web-1", [{ ...a, ...dead }], udp)] }, some],
      events: [clear("ip=10.96.0.10")],
    },
    {
      name: "an endpoint goes",
      steps: [some, { services: [dns], slices: [slice("web-1", [a], udp)] }],
      events: [clear("ip=10.96.0.10 endpoint=10.244.0.11")],
    },
    {
      name: "an endpoint goes: with a nodePort the cluster IP's own connections are left",
      steps: [
        { services: [balanced], slices: [slice("web-1", [a, b], udp)] },
        { services: [balanced], slices: [slice("web-1", [a], udp)] },
      ],
      events: [
        clear("port=30053 endpoint=10.244.0.11"),
        clear("ip=203.0.113.20 endpoint=10.244.0.11"),
        clear("ip=203.0.113.10 endpoint=10.244.0.11"),
      ],
    },
    {
      name: "an endpoint serves no more but stays",
      steps: [some, { services: [dns], slices: [slice("web-1", [a, { ...b, ...dead }], udp)] }],
      events: [],
    },
    {
      name: "an endpoint that did not serve goes",
      steps: [{ services: [dns], slices: [slice("web-1", [a, { ...b, ...dead }], udp)] }, some, some],
      events: [],
    },
    { name: "the Service goes", steps: [some, { slices: some.slices ?? [] }], events: [clear("ip=10.96.0.10")] },
    {
      name: "the Service comes back to the slices that stayed: they were there all the time",
      steps: [some, { slices: some.slices ?? [] }, some],
      events: [],
    },
    {
      name: "the Service and its slices go: the cluster IP is enough",
      steps: [some, {}],
      events: [clear("ip=10.96.0.10")],
    },
    {
      name: "the Service's port takes the name of a slice port that was there before",
      steps: [{ services: [web("old", "UDP")], slices: some.slices ?? [] }, some],
      events: [clear("ip=10.96.0.10")],
    },
    { name: "TCP is left alone", steps: [{ services: [web()], slices: [slice("web-1", [a])] }, {}], events: [] },
  ])("$name", ({ steps, events }) => {
    expect([...lastSync(...steps).events].sort()).toEqual([...events].sort());
  });
});

describe("a large cluster (more than 1,000 endpoints)", () => {
  const many = (count: number): EndpointSlice =>
    slice(
      "web-1",
      Array.from({ length: count }, (_, index) => at(`10.128.${index >> 8}.${index & 255}`)),
    );
  const step = (count: number, nowNanos: number): Step => ({
    services: [web()],
    slices: [many(count)],
    more: { nowNanos },
  });

  test("counts unready endpoints, too, and drops the comments of endpoint rules alone", () => {
    const { endpoints } = many(1001);
    const unready = slice("web-1", [a, ...endpoints.slice(1).map((endpoint) => ({ ...endpoint, ...dead }))]);
    const { text } = lastSync({ services: [web()], slices: [unready] });
    expect(text).toMatch(/^-A KUBE-SVC-\w+ -j KUBE-SEP-\w+$/m);
    expect(text).toMatch(/^-A KUBE-SEP-\w+ -s 10\.244\.0\.10 -j KUBE-MARK-MASQ$/m);
    expect(text).toContain(`--comment "default/web:http cluster IP"`);
    expect(lastSync({ services: [web()], slices: [many(1000)] }).text).toContain("default/web:http -> ");
  });

  test("deletes stale chains only when 30 s have passed since it last did", () => {
    const second = 1_000_000_000;
    const soon = lastSync(step(1100, 0), step(1050, second)).own.filter((line) => line.startsWith("-X"));
    expect(soon).toEqual([]);
    const later = lastSync(step(1100, 0), step(1050, second), step(1049, 31 * second)).own;
    expect(later.filter((line) => line.startsWith("-X"))).toHaveLength(51);
    const small = lastSync(step(100, 0), step(99, second)).own.filter((line) => line.startsWith("-X"));
    expect(small).toHaveLength(1);
  });
});

// cmd/kube-proxy/app/server.go (Run): the label selector of its informers.
test("a Service that names another proxy is none of kube-proxy's, from the moment it does", () => {
  const label = { "service.kubernetes.io/service-proxy-name": "other" };
  const others: Service = { ...web(), metadata: { ...web().metadata, labels: label } };
  const slices = [slice("web-1", [a])];
  expect(lastSync({ services: [others], slices }).own).toEqual([]);
  expect(
    lastSync({ services: [web()], slices }, { services: [others], slices }).own.map((line) => line.slice(0, 6)),
  ).toEqual([":KUBE-", ":KUBE-", "-X KUB", "-X KUB"]);
});

test("load balancer addresses count whatever the Service's type is: kube-proxy reads the status alone", () => {
  const clusterIP: Service = { ...web(), status: { loadBalancer: { ingress: [{ ip: "203.0.113.10" }] } } };
  expect(lastSync({ services: [clusterIP], slices: [slice("web-1", [a])] }).text).toContain("-d 203.0.113.10 ");
});
