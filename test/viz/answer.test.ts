import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { answerOf } from "../../src/viz/web/answer.ts";

const text = readFileSync(join(resolve(import.meta.dirname, "../../scenarios"), "curl-service.yaml"), "utf8");

function answer(changed: string, more: object = {}) {
  const found = answerOf({ file: "mine.yaml", text: changed, flow: 0, ...more }, new Map());
  if ("problems" in found) throw new Error(JSON.stringify(found.problems));
  return found;
}

/** A List as `kubectl get -o json` prints it. */
function list(pods: number): string {
  const items = Array.from({ length: pods }, (_, index) => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: `web-${index}`, namespace: "shop" },
    spec: { nodeName: `n${index % 50}`, containers: [{ name: "main", image: "a:1" }] },
  }));
  const nodes = Array.from({ length: 50 }, (_, index) => ({
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: `n${index}` },
    spec: { podCIDR: `10.${Math.floor(index / 16) + 1}.${(index % 16) * 16}.0/20` },
  }));
  return JSON.stringify({ apiVersion: "v1", kind: "List", items: [...nodes, ...items] });
}

describe("what the page is told beside the trace", () => {
  test("the settings of the cluster, and which of them the input states", () => {
    const { settings } = answer(text.replace("seed: 1 }", "seed: 1, proxyMode: ipvs }"));
    const byKey = new Map(settings.map((field) => [field.key, field]));
    expect(byKey.get("proxyMode")).toMatchObject({
      value: "ipvs",
      stated: true,
      options: expect.arrayContaining(["iptables", "ipvs"]),
    });
    expect(byKey.get("nodes")).toMatchObject({ value: 2, stated: true });
    expect(byKey.get("cni")).toMatchObject({ stated: false, assumption: "cni" });
    expect(byKey.has("ipvsScheduler")).toBe(true);
  });

  test("every setting that is assumed names an assumption of the trace", () => {
    const { settings, trace } = answer(text);
    const ids = new Set(trace.assumptions.map(({ id }) => id));
    const assumed = settings.filter(({ stated, assumption }) => !stated && assumption !== undefined);
    expect(assumed.length).toBeGreaterThan(6);
    expect(assumed.filter(({ assumption }) => !ids.has(assumption ?? ""))).toEqual([]);
  });

  test("who is said to listen where", () => {
    const { listens } = answer(text.replace("flows:", "listens: { shop/pod/web-0: [8080, 53/udp] }\nflows:"));
    expect(listens).toEqual({ "shop/pod/web-0": "8080, 53/udp" });
  });
});

test("of manifests alone, a pod calls a Service of its namespace that it is not itself behind", () => {
  const manifests = text.replace(/^[^]*?\n---\n/, "");
  const { trace } = answer(manifests);
  expect(trace).toMatchObject({ probe: { from: "shop/pod/client", run: "curl http://web.shop" }, outcome: "answered" });
  const [client = "", web = "", ...others] = manifests.split("---\n");
  expect(answer([web, client, ...others].join("---\n")).trace.probe.from).toBe("shop/pod/client");
});

test("while it reads a long list it says how many objects there are so far", () => {
  const told: (readonly [string, number | undefined])[] = [];
  answerOf({ file: "a.json", text: list(2500), flow: 0 }, new Map(), (doing, objects) => told.push([doing, objects]));
  expect(told).toEqual([
    ["Reading", undefined],
    ["Reading", 1000],
    ["Reading", 2000],
    ["Sending the packets", undefined],
  ]);
});

test("of a very large cluster the pods are left out, unless somebody asks for all of it", { timeout: 60_000 }, () => {
  const probe = { from: "shop/pod/web-0", run: "ping 127.0.0.1" };
  expect(answer(list(10_001), { probe })).toMatchObject({ podsLeftOut: 10_003, inventory: { pods: [] } });
  expect(answer(list(500), { probe, whole: true }).inventory.pods.length).toBe(502);
});
