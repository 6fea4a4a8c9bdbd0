import { describe, expect, test } from "vitest";
import { type ShopProbe, pod, run } from "./shop.ts";
import { flowsOf, ofKind, packetSteps } from "./traces.ts";

interface UnknownCase extends ShopProbe {
  readonly because: RegExp;
}

const ingress = `---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: entry, namespace: shop }
spec: { rules: [{ host: shop.example, http: { paths: [{ path: /, pathType: Prefix, backend: { service: { name: web, port: { number: 80 } } } }] } }] }
`;
const policyOf = (apiVersion: string, kind: string): string => `---
apiVersion: ${apiVersion}
kind: ${kind}
metadata: { name: p, namespace: shop }
spec: {}
`;

describe("what is not modelled and could decide is unknown, and says why", () => {
  test.for<UnknownCase>([
    { name: "TLS", run: "curl https://10.244.1.9:8080", because: /TLS is not modelled/ },
    {
      name: "a name outside without data",
      run: "curl http://www.example.org",
      because: /outside the cluster answers for www\.example\.org/,
    },
    { name: "an ExternalName without data", run: "curl http://away", because: /answers for www\.example\.org/ },
    {
      name: "an address outside",
      run: "curl http://192.0.2.7",
      because: /leaves for 192\.0\.2\.7 outside the cluster; nothing says what is there/,
    },
    { name: "a ping outside", run: "ping 192.0.2.7", because: /nothing says what is there/ },
    {
      name: "an Ingress's host",
      from: "external",
      run: "curl http://shop.example",
      more: ingress,
      because: /Ingress shop\/entry is read but not modelled/,
    },
    {
      name: "a policy of Cilium",
      run: "curl http://web",
      more: policyOf("cilium.io/v2", "CiliumNetworkPolicy"),
      because: /CiliumNetworkPolicy shop\/p/,
    },
    {
      name: "a policy of Calico",
      run: "curl http://web",
      more: policyOf("crd.projectcalico.org/v1", "GlobalNetworkPolicy"),
      because: /GlobalNetworkPolicy/,
    },
    {
      name: "an AdminNetworkPolicy",
      run: "curl http://web",
      more: policyOf("policy.networking.k8s.io/v1alpha1", "AdminNetworkPolicy"),
      because: /AdminNetworkPolicy/,
    },
    {
      name: "names on a node",
      from: "node/node-a",
      run: "curl http://web",
      because: /nothing says how node-a resolves names/,
    },
    {
      name: "names outside",
      from: "external",
      run: "curl http://web",
      because: /nothing says how external:203\.0\.113\.8 resolves names/,
    },
    {
      name: "a Service in nftables mode",
      run: "curl http://10.96.10.10",
      options: { settings: { proxyMode: "nftables" } },
      because: /Service shop\/web; its mode nftables is not modelled/,
    },
    {
      name: "a name in nftables mode",
      run: "curl http://web",
      options: { settings: { proxyMode: "nftables" } },
      because: /Service kube-system\/kube-dns/,
    },
    {
      name: "a hostPort",
      from: "external",
      run: "curl http://172.18.0.2:8090",
      more: pod(
        "hosted",
        "nodeName: node-a, containers: [{ name: c, ports: [{ containerPort: 80, hostPort: 8090 }] }]",
      ),
      because: /Port 8090 of node-a is a hostPort of Pod shop\/hosted/,
    },
  ])("$name", ({ because, ...one }) => {
    const trace = run(one);
    expect(trace.outcome).toBe("unknown");
    expect(trace.unknownBecause).toContain(trace.message);
    expect(trace.unknownBecause?.join("\n")).toMatch(because);
    expect(trace.answeredBy).toBeUndefined();
  });

  test.for([
    {
      name: "a pod by its address in nftables mode",
      run: "curl http://10.244.1.9:8080",
      options: { settings: { proxyMode: "nftables" } },
    },
    { name: "a Service inside, beside an Ingress", run: "curl http://web", more: ingress },
    {
      name: "a container port beside a hostPort",
      run: "curl http://web",
      more: pod(
        "hosted",
        "nodeName: node-b, containers: [{ name: c, ports: [{ containerPort: 80, hostPort: 8080 }] }]",
      ),
    },
  ] as const)("$name is not touched by it", (one) => {
    expect(run(one).outcome).toBe("answered");
  });
});

test("a step that ends a packet as unknown stands in the trace", () => {
  const trace = run({ run: "ping 192.0.2.7" });
  const [packet] = flowsOf(trace, "icmp").flatMap(({ packets }) => packets);
  expect(packet?.verdict).toBe("unknown");
  expect(ofKind(packetSteps(trace), "nat").at(-1)).toMatchObject({ namespace: "(router)", action: "none" });
});
