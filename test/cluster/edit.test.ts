import { applyPatches } from "immer";
import { expect, test } from "vitest";
import { type Edit, type Edited, applyEdit } from "../../src/cluster/edit.ts";
import type { Pod } from "../../src/cluster/objects.ts";
import type { ClusterState } from "../../src/cluster/reconcile.ts";
import { buildText, loadText, pod, podLines, service, workload } from "./build-from.ts";

const web = service("web", { selector: { app: "web" }, ports: [{ port: 80 }] });

function stateOf(text: string): ClusterState {
  const { state, problems } = buildText(text);
  if (state === undefined) throw new Error(JSON.stringify(problems));
  return state;
}

function edit(state: ClusterState, change: Edit): ClusterState {
  const { state: next, problems } = applyEdit(state, change);
  expect(problems.filter(({ severity }) => severity === "error")).toEqual([]);
  return next;
}

const target = (
  kind: "Pod" | "Deployment" | "StatefulSet" | "Service" | "Node" | "Namespace",
  name: string,
): { kind: typeof kind; namespace: string; name: string } => ({
  kind,
  namespace: kind === "Node" || kind === "Namespace" ? "" : "default",
  name,
});
const own = ({ cluster }: ClusterState): readonly Pod[] =>
  cluster.pods.filter(({ metadata }) => metadata.namespace === "default");
const addresses = ({ cluster }: ClusterState, name: string): string[] =>
  cluster.endpointSlices
    .filter(({ metadata }) => metadata.labels["kubernetes.io/service-name"] === name)
    .flatMap(({ endpoints }) =>
      endpoints.map(
        ({ addresses: [address], conditions }) => `${address}${conditions.ready === false ? " unready" : ""}`,
      ),
    )
    .toSorted();

test("scaling keeps the pods that were, with their nodes and addresses", () => {
  const before = stateOf(workload("Deployment", "web", { replicas: 2 }) + web);
  const up = edit(before, { kind: "scale", target: target("Deployment", "web"), replicas: 4 });
  expect(own(up)).toHaveLength(4);
  for (const same of own(before)) expect(own(up)).toContain(same);
  const down = edit(up, { kind: "scale", target: target("Deployment", "web"), replicas: 1 });
  expect(own(down)).toHaveLength(1);
  expect(addresses(down, "web")).toEqual([own(down)[0]?.status.podIPs[0]]);
});

test("CoreDNS can be scaled to nothing", () => {
  const state = edit(stateOf(pod("a")), {
    kind: "scale",
    target: { kind: "Deployment", namespace: "kube-system", name: "coredns" },
    replicas: 0,
  });
  expect(state.cluster.pods.map(({ metadata }) => metadata.name)).toEqual(["a"]);
  expect(addresses(state, "kube-dns")).toEqual([]);
});

test("a deleted pod of a Deployment comes back under another name and address", () => {
  const before = stateOf(workload("Deployment", "web", { replicas: 2 }));
  const [first, second] = own(before);
  const after = edit(before, { kind: "delete", target: target("Pod", first?.metadata.name ?? "") });
  expect(own(after)).toHaveLength(2);
  expect(own(after)).toContain(second);
  expect(podLines(after.cluster.pods)).not.toContain(podLines([first as Pod])[0]);
});

test("a deleted pod of a StatefulSet comes back under its name with another address", () => {
  const before = stateOf(workload("StatefulSet", "db", { replicas: 1 }));
  const after = edit(before, { kind: "delete", target: target("Pod", "db-0") });
  expect(own(after).map(({ metadata }) => metadata.name)).toEqual(["db-0"]);
  // host-local goes on from the address given last.
  expect([own(before)[0]?.status.podIPs, own(after)[0]?.status.podIPs]).toEqual([["10.244.0.3"], ["10.244.0.4"]]);
});

test("a deleted pod that nobody owns is gone, and leaves its Service's slices", () => {
  const text =
    pod("a", { labels: { app: "web" } }, { podIP: "10.244.0.11" }) +
    pod("b", { labels: { app: "web" } }, { podIP: "10.244.0.12" }) +
    web;
  const after = edit(stateOf(text), { kind: "delete", target: target("Pod", "a") });
  expect(podLines(after.cluster.pods)).toEqual(["default/b node-a 10.244.0.12"]);
  expect(addresses(after, "web")).toEqual(["10.244.0.12"]);
});

test("slices that the input states follow once their pods change", () => {
  const slice = `${JSON.stringify({ apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice", metadata: { name: "web-1", labels: { "kubernetes.io/service-name": "web" } }, addressType: "IPv4", ports: [{ name: "", port: 80 }], endpoints: [{ addresses: ["10.244.0.11"] }, { addresses: ["10.244.0.12"] }] })}\n`;
  const pods =
    pod("a", { labels: { app: "web" } }, { podIP: "10.244.0.11" }) +
    pod("b", { labels: { app: "web" } }, { podIP: "10.244.0.12" });
  const before = stateOf(pods + web + slice);
  expect(addresses(edit(before, { kind: "apply", objects: loadText(pod("other")).objects }), "web")).toEqual([
    "10.244.0.11",
    "10.244.0.12",
  ]);
  expect(addresses(edit(before, { kind: "delete", target: target("Pod", "a") }), "web")).toEqual(["10.244.0.12"]);
});

test("readiness can be set for a pod and for a whole workload", () => {
  const before = stateOf(workload("Deployment", "web", { replicas: 2 }) + web);
  const [first] = own(before);
  const one = edit(before, { kind: "set-ready", target: target("Pod", first?.metadata.name ?? ""), ready: false });
  expect(addresses(one, "web").filter((text) => text.endsWith("unready"))).toEqual([
    `${first?.status.podIPs[0]} unready`,
  ]);
  const all = edit(before, { kind: "set-ready", target: target("Deployment", "web"), ready: false });
  expect(addresses(all, "web").filter((text) => !text.endsWith("unready"))).toEqual([]);
});

test("applying replaces an object, keeps a pod's place, and reports what is wrong with it", () => {
  const before = stateOf(pod("a") + web);
  const relabelled = edit(before, { kind: "apply", objects: loadText(pod("a", { labels: { app: "web" } })).objects });
  expect(podLines(relabelled.cluster.pods)).toEqual(podLines(before.cluster.pods));
  expect(addresses(relabelled, "web")).toEqual(["10.244.0.3"]);
  const wrong = applyEdit(before, { kind: "apply", objects: loadText(pod("b", { nodeName: "node-x" })).objects });
  expect(wrong.problems.map(({ code }) => code)).toContain("NO_SUCH_NODE");
  expect(wrong.state).toBe(before);
});

test("a node that goes takes its pods along; their controllers make them anew elsewhere", () => {
  const before = stateOf(workload("Deployment", "web", { replicas: 2 }) + pod("bare", { nodeName: "node-a" }));
  const after = edit(before, { kind: "delete", target: target("Node", "node-a") });
  expect(own(after).map(({ spec }) => spec.nodeName)).toEqual(["node-b", "node-b"]);
});

test("a namespace or a workload goes with all that it owns", () => {
  const before = stateOf(workload("Deployment", "web", { replicas: 2 }) + web);
  expect(own(edit(before, { kind: "delete", target: target("Deployment", "web") }))).toEqual([]);
  const gone = edit(before, { kind: "delete", target: target("Namespace", "default") });
  expect(gone.cluster.services.map(({ metadata }) => metadata.name)).toEqual(["kube-dns"]);
});

test.for<{ readonly name: string; readonly change: Edit; readonly code: string }>([
  {
    name: "of a pod that is not there",
    change: { kind: "delete", target: target("Pod", "x") },
    code: "NO_SUCH_OBJECT",
  },
  {
    name: "of a Service's replicas",
    change: { kind: "scale", target: target("Service", "web"), replicas: 1 },
    code: "NOT_SCALABLE",
  },
  {
    name: "to half a replica",
    change: { kind: "scale", target: target("Deployment", "web"), replicas: 0.5 },
    code: "BAD_VALUE",
  },
])("an edit $name is refused", ({ change, code }) => {
  const before = stateOf(workload("Deployment", "web", {}) + web);
  const { state, problems } = applyEdit(before, change);
  expect([state === before, problems.map((problem) => problem.code)]).toEqual([true, [code]]);
});

test("the state before is untouched, and the inverse patches lead back to its store", () => {
  const before = stateOf(workload("Deployment", "web", { replicas: 2 }) + web);
  const snapshot = JSON.stringify(before.store);
  const edited: Edited = applyEdit(before, { kind: "scale", target: target("Deployment", "web"), replicas: 5 });
  expect(JSON.stringify(before.store)).toBe(snapshot);
  expect(edited.patches).toHaveLength(1);
  expect(applyPatches(edited.state.store, [...edited.inversePatches])).toEqual(before.store);
});

test("what an edit does not touch stays the same object", () => {
  const before = stateOf(
    workload("Deployment", "web", { replicas: 2 }) +
      web +
      service("api", { selector: { app: "api" }, ports: [{ port: 80 }] }) +
      pod("api", { labels: { app: "api" } }),
  );
  const after = edit(before, { kind: "scale", target: target("Deployment", "web"), replicas: 3 });
  expect(after.cluster.services).toBe(before.cluster.services);
  expect(after.cluster.nodes).toBe(before.cluster.nodes);
  const kept = before.cluster.endpointSlices.filter(({ metadata }) => !metadata.name.startsWith("web-"));
  for (const slice of kept) expect(after.cluster.endpointSlices).toContain(slice);
});
