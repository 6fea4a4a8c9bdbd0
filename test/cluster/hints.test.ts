import { describe, expect, test } from "vitest";
import { clusterOf, webPod } from "./build-from.ts";

/*
 * Hints on made slices: Kubernetes staging k8s.io/endpointslice (topologycache/topologycache.go, topologycache/utils.go,
 * trafficdist/trafficdist.go). The expected numbers are worked out by hand from its rule: a zone wants its part of the
 * CPUs of the endpoints, and at least that divided by 1.2, rounded up.
 */
describe("hints", () => {
  const json = (object: object): string => `${JSON.stringify(object)}\n`;
  const node = (name: string, zone: string | undefined, cpu?: string, labels: object = {}, more: object = {}): string =>
    json({
      apiVersion: "v1",
      kind: "Node",
      metadata: { name, labels: { ...(zone !== undefined && { "topology.kubernetes.io/zone": zone }), ...labels } },
      status: { ...(cpu !== undefined && { allocatable: { cpu } }), ...more },
    });
  const onNode = (nodeName: string, count: number, extra: object = {}): string =>
    Array.from({ length: count }, (_, index) => webPod(`${nodeName}-${index}`, { nodeName, ...extra })).join("");
  const auto = { "service.kubernetes.io/topology-mode": "Auto" };
  const hinted = (annotations: object, spec: object = {}): string =>
    json({
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "web", annotations },
      spec: { selector: { app: "web" }, ports: [{ port: 80 }], ...spec },
    });

  /** `zone>hint` of each endpoint, counted. */
  function hintsOf(text: string, settings: Parameters<typeof clusterOf>[1] = {}): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const slice of clusterOf(text, settings).endpointSlices) {
      if (slice.metadata.labels["kubernetes.io/service-name"] !== "web") continue;
      for (const { zone, hints } of slice.endpoints) {
        const key = `${zone ?? "-"}>${[...(hints?.forZones ?? []), ...(hints?.forNodes ?? [])].join("+")}`;
        counts[key] = (counts[key] ?? 0) + 1;
      }
    }
    return counts;
  }
  const three = node("a", "za", "2") + node("b", "zb", "2") + node("c", "zc", "2000m");
  const two = node("a", "za", "4") + node("b", "zb", "4");

  test.each<{ readonly name: string; readonly text: string; readonly hints: Record<string, number> }>([
    {
      name: "each zone keeps its own where they are as many as its part of the CPUs",
      text: three + onNode("a", 1) + onNode("b", 1) + onNode("c", 1) + hinted(auto),
      hints: { "za>za": 1, "zb>zb": 1, "zc>zc": 1 },
    },
    {
      name: "a zone with too many gives to those with too few: 6 of 6 in one zone, 3 wanted in each of two",
      text: two + onNode("a", 6) + hinted(auto),
      hints: { "za>zb": 3, "za>za": 3 },
    },
    {
      name: "the old annotation counts, too, and `auto` as `Auto`",
      text: two + onNode("a", 2) + hinted({ "service.kubernetes.io/topology-aware-hints": "auto" }),
      hints: { "za>zb": 1, "za>za": 1 },
    },
    {
      name: "a part by CPUs: 9 of 12 CPUs want 7.5 of 10 endpoints",
      text: node("a", "za", "9") + node("b", "zb", "3") + onNode("a", 5) + onNode("b", 5) + hinted(auto),
      hints: { "za>za": 5, "zb>za": 2, "zb>zb": 3 },
    },
    {
      name: "unready endpoints get none and do not count",
      text:
        two +
        onNode("a", 1) +
        onNode("b", 1) +
        webPod("late", { nodeName: "a", annotations: { "kubehop.dev/ready": "false" } }) +
        hinted(auto),
      hints: { "za>za": 1, "zb>zb": 1, "za>": 1 },
    },
    {
      name: "control planes and nodes that are not ready do not count",
      text:
        two +
        node("master", undefined, undefined, { "node-role.kubernetes.io/control-plane": "" }) +
        node("gone", undefined, "4", {}, { conditions: [{ type: "Ready", status: "Unknown" }] }) +
        onNode("a", 1) +
        onNode("b", 1) +
        hinted(auto),
      hints: { "za>za": 1, "zb>zb": 1 },
    },
    { name: "no annotation, no hints", text: two + onNode("a", 2) + hinted({}), hints: { "za>": 2 } },
    {
      name: "any other value than Auto is for kube-proxy, not for this controller",
      text: two + onNode("a", 2) + hinted({ "service.kubernetes.io/topology-mode": "On" }),
      hints: { "za>": 2 },
    },
    {
      name: "fewer endpoints than zones: none",
      text: three + onNode("a", 1) + onNode("b", 1) + hinted(auto),
      hints: { "za>": 1, "zb>": 1 },
    },
    {
      name: "too few for the parts: 11 of 12 CPUs want 1.84 of 2 endpoints, at least 2, and the other zone at least 1",
      text: node("a", "za", "11") + node("b", "zb", "1") + onNode("a", 1) + onNode("b", 1) + hinted(auto),
      hints: { "za>": 1, "zb>": 1 },
    },
    {
      name: "a node without a zone: none",
      text: two + node("c", undefined, "4") + onNode("a", 2) + hinted(auto),
      hints: { "za>": 2 },
    },
    {
      name: "one zone: none",
      text: node("a", "za", "4") + node("b", "za", "4") + onNode("a", 2) + hinted(auto),
      hints: { "za>": 2 },
    },
  ])("topology-mode: $name", ({ text, hints }) => {
    expect(hintsOf(text)).toEqual(hints);
  });

  test.each([
    { kubeVersion: "1.30", trafficDistribution: "PreferClose", hints: { "za>": 1, "zb>": 1 } },
    { kubeVersion: "1.31", trafficDistribution: "PreferClose", hints: { "za>za": 1, "zb>zb": 1 } },
    { kubeVersion: "1.34", trafficDistribution: "PreferSameZone", hints: { "za>za": 1, "zb>zb": 1 } },
    { kubeVersion: "1.34", trafficDistribution: "PreferSameNode", hints: { "za>za+a": 1, "zb>zb+b": 1 } },
  ])("trafficDistribution $trafficDistribution in $kubeVersion", ({ kubeVersion, trafficDistribution, hints }) => {
    const text = two + onNode("a", 1) + onNode("b", 1) + hinted({}, { trafficDistribution });
    expect(hintsOf(text, { kubeVersion })).toEqual(hints);
  });

  test("the annotation goes before trafficDistribution", () => {
    const text = two + onNode("a", 2) + hinted(auto, { trafficDistribution: "PreferClose" });
    expect(hintsOf(text, { kubeVersion: "1.31" })).toEqual({ "za>za": 1, "za>zb": 1 });
  });

  test("nodes that state no CPUs count alike, and that is said", () => {
    const text = node("a", "za") + node("b", "zb") + onNode("a", 2) + hinted(auto);
    expect(hintsOf(text)).toEqual({ "za>za": 1, "za>zb": 1 });
    expect(clusterOf(text).assumptions.map(({ id }) => id)).toContain("node-cpus");
  });
});
