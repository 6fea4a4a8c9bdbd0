import { describe, expect, test } from "vitest";
import { matchesPattern } from "../../src/analysis/checks.ts";
import { explore } from "../../src/analysis/explore.ts";
import type { Trace } from "../../src/trace/records.ts";
import { inputOf, probe } from "../sim/traces.ts";

test.for([
  ["*:8080", "10.244.1.3:8080", true],
  ["*:8080", "10.244.1.3:80", false],
  ["KUBE-SVC-*", "KUBE-SVC-ABC", true],
  ["KUBE-SVC-*", "KUBE-SEP-ABC", false],
  ["a.b", "aXb", false],
  ["(*", "(router)", true],
  ["*ANSWER: 1*", "status: NOERROR, ANSWER: 1\nweb. 30 IN A 10.0.0.1", true],
  ["", "", true],
] as const)("the pattern `%s` and %s: %s", ([pattern, text, matches]) => {
  expect(matchesPattern(pattern, text)).toBe(matches);
});

const pod = (name: string, app: string): string => `---
apiVersion: v1
kind: Pod
metadata: { name: ${name}, namespace: shop, labels: { app: ${app} } }
spec: { containers: [{ name: c, ports: [{ containerPort: 8080 }] }] }
`;
const service = `---
apiVersion: v1
kind: Service
metadata: { name: web, namespace: shop }
spec: { clusterIP: 10.96.1.1, selector: { app: web }, ports: [{ port: 80, targetPort: 8080 }] }
`;

describe("explore", () => {
  const branchesOf = (replicas: number, run: string): readonly Trace[] => {
    const pods = Array.from({ length: replicas }, (_, index) => pod(`web-${index}`, "web"));
    const input = inputOf(pod("client", "client") + pods.join("") + service);
    const { branches, complete } = explore((pins) => probe(input, "shop/pod/client", run, { pins }));
    expect(complete).toBe(true);
    return branches.map(({ trace }) => trace);
  };

  // One branch per endpoint: kube-proxy's chain has n-1 random rules and a last one without.
  test.for([1, 2, 3, 7])("%i endpoints behind an address are as many branches, each once", (replicas) => {
    const reached = branchesOf(replicas, "curl http://10.96.1.1").map(({ answeredBy }) => answeredBy);
    expect(reached.toSorted()).toEqual(Array.from({ length: replicas }, (_, index) => `shop/web-${index}`));
  });

  // Two CoreDNS pods and two questions (A and AAAA leave one socket: one connection for conntrack once it is confirmed).
  test("a name multiplies them by the ways of its questions", () => {
    const traces = branchesOf(3, "curl http://web");
    expect(new Set(traces.map(({ answeredBy }) => answeredBy)).size).toBe(3);
    expect(traces.every(({ outcome }) => outcome === "answered")).toBe(true);
  });
});
