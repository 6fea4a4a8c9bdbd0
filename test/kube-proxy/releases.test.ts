import { describe, expect, test } from "vitest";
import { categorize } from "../../src/proxy/categorize.ts";
import { type Endpoint, endpointsOf } from "../../src/proxy/endpoints.ts";
import { servicePorts } from "../../src/proxy/service-port.ts";
import type { EndpointSlice } from "../../src/cluster/objects.ts";
import { inputOf, probe } from "../sim/traces.ts";
import { ownerOf, service } from "./recorded.ts";

/* What facts/kube-proxy.md, section 8, says of releases after 1.30: read in their source, not recorded. */

type SliceEndpoint = EndpointSlice["endpoints"][number];

function port(annotations: Readonly<Record<string, string>> = {}): ReturnType<typeof servicePorts>[number] {
  const web = service({
    metadata: { name: "web", namespace: "default", annotations },
    spec: { clusterIP: "fd00::10", ipFamilies: ["IPv6"], ports: [{ name: "", port: 80, protocol: "TCP" } as never] },
  });
  return servicePorts(web, "ipv6", ownerOf)[0] as ReturnType<typeof servicePorts>[number];
}

function slice(name: string, endpoints: readonly Partial<SliceEndpoint>[]): EndpointSlice {
  return {
    kind: "EndpointSlice",
    metadata: { name, namespace: "default", labels: { "kubernetes.io/service-name": "web" }, annotations: {} },
    addressType: "IPv6",
    ports: [{ name: "", protocol: "TCP", port: 8080 }],
    endpoints: endpoints.map((endpoint) => ({ addresses: ["fd00:1::1"], conditions: {}, ...endpoint })),
  };
}

function endpoints(release: number, ...slices: readonly EndpointSlice[]): readonly Endpoint[] {
  return endpointsOf(port(), slices, { family: "ipv6", nodeName: "node-a", release, ownerOf }).endpoints;
}

describe("later releases of kube-proxy", () => {
  const dead = { conditions: { ready: false, serving: true, terminating: true }, nodeName: "node-a" };
  const live = { conditions: { ready: true, serving: true, terminating: false }, nodeName: "node-b" };

  test.each([
    { release: 30, order: [live, dead], nodeName: "node-a", terminating: true },
    { release: 35, order: [live, dead], nodeName: "node-a", terminating: true },
    { release: 36, order: [live, dead], nodeName: "node-b", terminating: false },
    { release: 36, order: [dead, live], nodeName: "node-b", terminating: false },
  ])("1.$release: of two endpoints with one address", ({ release, order, nodeName, terminating }) => {
    const found = endpoints(release, ...order.map((endpoint, index) => slice(`web-${index}`, [endpoint])));
    expect(found).toMatchObject([{ nodeName, terminating }]);
  });

  test.each([
    { release: 32, text: "[fd00:1:0::a]:8080" },
    { release: 33, text: "[fd00:1::a]:8080" },
  ])("1.$release prints an address as $text", ({ release, text }) => {
    const found = endpoints(release, slice("web-1", [{ addresses: ["fd00:1:0::a"] }]));
    expect(found.map((endpoint) => endpoint.text)).toEqual([text]);
  });

  const zones = { "topology.kubernetes.io/zone": "zone-a" };
  const hinted = slice("web-1", [
    { addresses: ["fd00:1::1"], hints: { forZones: ["zone-a"], forNodes: ["node-a"] } },
    { addresses: ["fd00:1::2"], hints: { forZones: ["zone-a"], forNodes: ["node-b"] } },
    { addresses: ["fd00:1::3"], hints: { forZones: ["zone-b"], forNodes: ["node-c"] } },
  ]);
  const auto = { "service.kubernetes.io/topology-mode": "Auto" };
  test.each([
    { release: 30, annotations: {}, chosen: 3, why: "without the annotation hints are ignored" },
    { release: 30, annotations: auto, chosen: 2, why: "with it the zone decides" },
    { release: 31, annotations: {}, chosen: 2, why: "hints alone decide" },
    { release: 34, annotations: {}, chosen: 1, why: "hints for nodes come first" },
  ])("1.$release: $why", ({ release, annotations, chosen }) => {
    const { cluster } = categorize(endpoints(release, hinted), port(annotations), {
      nodeName: "node-a",
      nodeLabels: zones,
      release,
    });
    expect(cluster.length).toBe(chosen);
  });

  test("a trace under another version than 1.30 says that it is not refereed", () => {
    const assumed = (kubeVersion: string): readonly string[] => {
      const input = inputOf("apiVersion: v1\nkind: Namespace\nmetadata: { name: a }\n", { settings: { kubeVersion } });
      return probe(input, "node/node-a", "tcp 10.96.0.1:443").assumptions.map(({ id }) => id);
    };
    expect(assumed("1.33")).toContain("kube-version-not-refereed");
    expect(assumed("1.30")).not.toContain("kube-version-not-refereed");
  });
});
