import { describe, expect, test } from "vitest";
import type { Cluster } from "../../src/cluster/cluster.ts";
import { clusterOf, service } from "./build-from.ts";

// pkg/controller/endpointslicemirroring (reconciler.go, reconciler_helpers.go, endpointslicemirroring_controller.go).
describe("mirrored Endpoints", () => {
  const byHand = (subsets: readonly object[], metadata: object = {}): string =>
    `${JSON.stringify({ apiVersion: "v1", kind: "Endpoints", metadata: { name: "db", ...metadata }, subsets })}\n`;
  const db = service("db", { ports: [{ port: 5432 }] });
  const slicesOf = (text: string): Cluster["endpointSlices"] =>
    clusterOf(text).endpointSlices.filter(({ metadata }) => metadata.name.startsWith("db-"));
  const ports = [{ port: 5432 }];

  test("subsets with the same ports come together, and carry the labels of the Endpoints", () => {
    const subsets = [
      { addresses: [{ ip: "192.0.2.9" }], ports },
      { addresses: [{ ip: "192.0.2.8" }], ports },
    ];
    const slices = slicesOf(db + byHand(subsets, { labels: { tier: "data" } }));
    expect(slices.map(({ endpoints }) => endpoints.map(({ addresses }) => addresses[0]))).toEqual([
      ["192.0.2.9", "192.0.2.8"],
    ]);
    expect(slices[0]?.metadata.labels["tier"]).toBe("data");
  });

  test("of a subset a thousand addresses are taken, ready ones first", () => {
    const many = (start: number, count: number): readonly object[] =>
      Array.from({ length: count }, (_, index) => ({ ip: `198.18.${(start + index) >> 8}.${(start + index) & 255}` }));
    const [slice] = slicesOf(db + byHand([{ addresses: many(1000, 700), notReadyAddresses: many(0, 700), ports }]));
    expect(slice?.endpoints.length).toBe(1000);
    expect(slice?.endpoints.filter(({ conditions }) => conditions.ready === true).length).toBe(700);
  });

  test.each([
    { name: "the label skip-mirror", metadata: { labels: { "endpointslice.kubernetes.io/skip-mirror": "true" } } },
    {
      name: "a leader election's annotation",
      metadata: { annotations: { "control-plane.alpha.kubernetes.io/leader": "{}" } },
    },
  ])("$name keeps them from it", ({ metadata }) => {
    expect(slicesOf(db + byHand([{ addresses: [{ ip: "192.0.2.9" }], ports }], metadata))).toEqual([]);
  });
});
