import { expect, test } from "vitest";
import { clusterOf, pod, podLines, service, webPod, workload } from "./build-from.ts";
import type { Cluster } from "../../src/cluster/cluster.ts";

const web = service("web", { selector: { app: "web" }, ports: [{ name: "http", port: 80, targetPort: "http" }] });

/** `address port ready serving terminating` of each endpoint of a Service. */
function endpoints(cluster: Cluster, name: string): string[] {
  return cluster.endpointSlices
    .filter(({ metadata }) => metadata.labels["kubernetes.io/service-name"] === name)
    .flatMap(({ ports, endpoints }) =>
      endpoints.map(({ addresses, conditions: { ready, serving, terminating } }) =>
        [addresses[0], ports.map(({ port }) => port).join("+"), ready, serving, terminating].join(" "),
      ),
    );
}

test("a Deployment's pods look like real ones and are spread over the nodes", () => {
  const { pods } = clusterOf(workload("Deployment", "web", { replicas: 3 }));
  const own = pods.filter(({ metadata }) => metadata.namespace === "default");
  expect(own).toHaveLength(3);
  for (const { metadata } of own) {
    expect(metadata.name).toMatch(/^web-[bcdfghjklmnpqrstvwxz2456789]{8,10}-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
    expect(metadata.name).toContain(metadata.labels["pod-template-hash"]);
    expect(metadata.ownerReferences).toEqual([{ kind: "ReplicaSet", name: metadata.name.slice(0, -6) }]);
  }
  expect(own.map(({ spec }) => spec.nodeName).toSorted()).toEqual(["node-a", "node-a", "node-b"]);
  expect(new Set(pods.map(({ status }) => status.podIPs[0])).size).toBe(5);
});

test("the same input makes the same cluster, whatever the order of its objects", () => {
  const texts = [workload("Deployment", "web", { replicas: 3 }), workload("Deployment", "api", {}), web, pod("a")];
  const [one, two] = [clusterOf(texts.join("")), clusterOf(texts.toReversed().join(""))];
  expect(JSON.stringify({ ...two, ownerOf: 0 })).toBe(JSON.stringify({ ...one, ownerOf: 0 }));
});

test("a StatefulSet's pods have ordinals, a hostname and the governing Service as subdomain", () => {
  const { pods } = clusterOf(workload("StatefulSet", "db", { replicas: 2, serviceName: "db" }));
  const own = pods.filter(({ metadata }) => metadata.namespace === "default");
  expect(own.map(({ metadata, spec }) => [metadata.name, spec.hostname, spec.subdomain])).toEqual([
    ["db-0", "db-0", "db"],
    ["db-1", "db-1", "db"],
  ]);
});

test("a DaemonSet runs on every node that may take it, a Job once, a CronJob not at all", () => {
  const node = (name: string, spec: object): string =>
    `${JSON.stringify({ apiVersion: "v1", kind: "Node", metadata: { name }, spec })}\n`;
  const taint = { taints: [{ key: "node-role.kubernetes.io/control-plane", effect: "NoSchedule" }] };
  const nodes = `${node("master", taint)}${node("w1", {})}${node("w2", { unschedulable: true })}`;
  const cron = `${JSON.stringify({ apiVersion: "batch/v1", kind: "CronJob", metadata: { name: "cron" }, spec: { schedule: "* * * * *", jobTemplate: { spec: { template: { spec: { containers: [{ name: "c" }] } } } } } })}\n`;
  const { pods } = clusterOf(`${nodes}${workload("DaemonSet", "agent", {})}${workload("Job", "once", {})}${cron}`);
  const own = pods.filter(({ metadata }) => metadata.namespace === "default");
  expect(own.map(({ metadata, spec }) => [metadata.name.replace(/-.*/, ""), spec.nodeName]).toSorted()).toEqual([
    ["agent", "w1"],
    ["agent", "w2"],
    ["once", "w1"],
  ]);
});

test("pods that the input states count: a controller makes only the missing ones", () => {
  const stated = (name: string, owner: object): string =>
    `${JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata: { name, labels: { app: "web", "pod-template-hash": "abc" }, ownerReferences: [owner] }, spec: { containers: [{ name: "c" }] }, status: { podIP: "10.244.1.77" } })}\n`;
  const { pods } = clusterOf(
    `${workload("Deployment", "web", { replicas: 2 })}${stated("web-abc-xyz12", { kind: "ReplicaSet", name: "web-abc" })}`,
  );
  const own = pods.filter(({ metadata }) => metadata.namespace === "default");
  expect(own).toHaveLength(2);
  expect(podLines(own)).toContain("default/web-abc-xyz12 node-a 10.244.1.77");
});

test("a pod with an address goes to the node whose pod CIDR holds it", () => {
  const text = `${pod("a", {}, { podIP: "10.244.7.5" })}${pod("b", {}, { podIP: "10.244.9.5" })}${pod("c", {}, { podIP: "10.244.7.6" })}`;
  const cluster = clusterOf(text);
  expect(cluster.nodes.map(({ spec }) => spec.podCIDRs)).toEqual([["10.244.7.0/24"], ["10.244.9.0/24"]]);
  expect(podLines(cluster.pods)).toEqual([
    "default/a node-a 10.244.7.5",
    "default/b node-b 10.244.9.5",
    "default/c node-a 10.244.7.6",
  ]);
});

test("host-network pods have their node's address", () => {
  expect(podLines(clusterOf(pod("a", { hostNetwork: true })).pods)).toEqual(["default/a node-a 172.18.0.2"]);
});

test("a dual-stack cluster gives every pod and node both families", () => {
  const cluster = clusterOf(
    `${pod("a")}${service("s", { ipFamilyPolicy: "PreferDualStack", ports: [{ port: 80 }] })}`,
    {
      podCidrs: ["10.244.0.0/16", "fd00:10:244::/56"],
      serviceCidrs: ["10.96.0.0/12", "fd00:10:96::/112"],
    },
  );
  expect(podLines(cluster.pods)).toEqual(["default/a node-a 10.244.0.3,fd00:10:244::3"]);
  expect(cluster.nodes[0]?.status.addresses.map(({ address }) => address)).toEqual([
    "172.18.0.2",
    "fc00:f853:ccd:e793::2",
  ]);
  const made = cluster.services.find(({ metadata }) => metadata.name === "s");
  expect(made?.spec.ipFamilies).toEqual(["IPv4", "IPv6"]);
  expect(made?.spec.clusterIPs[1]).toMatch(/^fd00:10:96::/);
});

// Kubernetes staging k8s.io/endpointslice/utils.go (podToEndpoint), pkg/api/v1/endpoints (ShouldPodBeInEndpoints).
test("slices hold the selected pods with their conditions", () => {
  const text = [
    webPod("a", {}, { podIP: "10.244.0.11" }),
    webPod("b", { annotations: { "kubehop.dev/ready": "false" } }, { podIP: "10.244.0.12" }),
    webPod("c", {}, { podIP: "10.244.0.13", conditions: [{ type: "Ready", status: "False" }] }),
    webPod("d", { deletionTimestamp: "2026-01-01T00:00:00Z" }, { podIP: "10.244.0.14" }),
    webPod("e", {}, { phase: "Succeeded", podIP: "10.244.0.15" }),
    webPod(
      "f",
      { containers: [{ name: "c", ports: [{ name: "http", containerPort: 9090 }] }] },
      { podIP: "10.244.0.16" },
    ),
    webPod("g", { labels: { app: "other" } }, { podIP: "10.244.0.17" }),
    web,
  ].join("");
  expect(endpoints(clusterOf(text), "web").toSorted()).toEqual([
    "10.244.0.11 8080 true true false",
    "10.244.0.12 8080 false false false",
    "10.244.0.13 8080 false false false",
    "10.244.0.14 8080 false true true",
    "10.244.0.16 9090 true true false",
  ]);
});

test("publishNotReadyAddresses makes every endpoint ready", () => {
  const all = service("web", {
    clusterIP: "None",
    publishNotReadyAddresses: true,
    selector: { app: "web" },
    ports: [{ port: 80 }],
  });
  const text = webPod("b", { annotations: { "kubehop.dev/ready": "false" } }, { podIP: "10.244.0.12" });
  expect(endpoints(clusterOf(text + all), "web")).toEqual(["10.244.0.12 80 true false false"]);
});

test("an endpoint has the pod's hostname only where the subdomain is the Service's name", () => {
  const headless = service("db", { clusterIP: "None", selector: { app: "db" }, ports: [{ port: 5432 }] });
  const names = (serviceName: string): (string | undefined)[] =>
    clusterOf(`${workload("StatefulSet", "db", { serviceName })}${headless}`).endpointSlices.flatMap(
      ({ metadata, endpoints }) =>
        metadata.labels["kubernetes.io/service-name"] === "db" ? endpoints.map(({ hostname }) => hostname) : [],
    );
  expect(names("db")).toEqual(["db-0"]);
  expect(names("other")).toEqual([undefined]);
});

test("a slice holds at most a hundred endpoints", () => {
  const cluster = clusterOf(
    `${workload("Deployment", "web", { replicas: 250 })}${service("web", { selector: { app: "web" }, ports: [{ port: 80 }] })}`,
  );
  const sizes = cluster.endpointSlices
    .filter(({ metadata }) => metadata.name.startsWith("web-"))
    .map(({ endpoints }) => endpoints.length);
  expect(sizes.toSorted()).toEqual([100, 100, 50]);
});

test("slices that the input states are used as they stand, Endpoints are mirrored", () => {
  const slice = `${JSON.stringify({ apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice", metadata: { name: "web-1", labels: { "kubernetes.io/service-name": "web" } }, addressType: "IPv4", ports: [{ name: "http", port: 1 }], endpoints: [{ addresses: ["192.0.2.1"] }] })}\n`;
  const byHand = `${JSON.stringify({ apiVersion: "v1", kind: "Endpoints", metadata: { name: "db" }, subsets: [{ addresses: [{ ip: "192.0.2.9" }], notReadyAddresses: [{ ip: "192.0.2.8" }], ports: [{ port: 5432 }] }] })}\n`;
  const cluster = clusterOf(`${webPod("a")}${web}${slice}${service("db", { ports: [{ port: 5432 }] })}${byHand}`);
  expect(endpoints(cluster, "web")).toEqual(["192.0.2.1 1   "]);
  expect(endpoints(cluster, "db")).toEqual(["192.0.2.9 5432 true  ", "192.0.2.8 5432 false  "]);
});

test("kube-system holds CoreDNS as kubeadm installs it, unless the input has its own", () => {
  const cluster = clusterOf(pod("a"));
  const dns = cluster.services.find(({ metadata }) => metadata.name === "kube-dns");
  expect([
    dns?.spec.clusterIP,
    dns?.spec.ports.map(({ name, port, protocol }) => `${name} ${port}/${protocol}`),
  ]).toEqual(["10.96.0.10", ["dns 53/UDP", "dns-tcp 53/TCP", "metrics 9153/TCP"]]);
  expect(
    cluster.pods.filter(({ metadata }) => metadata.labels["k8s-app"] === "kube-dns").map(({ spec }) => spec.nodeName),
  ).toEqual(["node-a", "node-b"]);
  expect(cluster.configMaps.map(({ metadata }) => metadata.name)).toEqual(["coredns"]);
  const own = `${JSON.stringify({ apiVersion: "v1", kind: "Service", metadata: { name: "kube-dns", namespace: "kube-system" }, spec: { clusterIP: "10.96.0.53", ports: [{ port: 53, protocol: "UDP" }] } })}\n`;
  expect(clusterOf(own).pods).toEqual([]);
});

test("the API server is a Service at the first address, with the first node behind it", () => {
  const cluster = clusterOf(pod("a"));
  expect(cluster.services.find(({ metadata }) => metadata.name === "kubernetes")?.spec.clusterIP).toBe("10.96.0.1");
  expect(endpoints(cluster, "kubernetes")).toEqual(["172.18.0.2 6443 true  "]);
});

test("an input that was read from a running cluster gets nothing added", () => {
  const node = `${JSON.stringify({ apiVersion: "v1", kind: "Node", metadata: { name: "n" }, spec: { podCIDR: "10.244.0.0/24" } })}\n`;
  const cluster = clusterOf(
    `${node}${service("web", { type: "LoadBalancer", clusterIP: "10.96.3.3", ports: [{ port: 80 }] })}`,
  );
  expect(
    cluster.services.map(({ metadata, spec, status }) => [
      metadata.name,
      spec.ports[0]?.nodePort,
      status.loadBalancer.ingress,
    ]),
  ).toEqual([["web", 0, []]]);
  expect(cluster.assumptions.map(({ id }) => id)).toContain("from-cluster");
});

test("Services get addresses, node ports and a load balancer's address that nobody else has", () => {
  const text = Array.from({ length: 200 }, (_, index) =>
    service(`s${index}`, { type: "LoadBalancer", externalTrafficPolicy: "Local", ports: [{ port: 80 }] }),
  ).join("");
  const { services } = clusterOf(text, { serviceCidrs: ["10.96.0.0/24"] });
  const unique = (values: readonly unknown[]): number => new Set(values).size;
  expect(unique(services.map(({ spec }) => spec.clusterIP))).toBe(202);
  const own = services.filter(({ spec }) => spec.type === "LoadBalancer");
  expect(unique(own.flatMap(({ spec }) => [spec.ports[0]?.nodePort, spec.healthCheckNodePort]))).toBe(400);
  expect(unique(own.map(({ status }) => status.loadBalancer.ingress[0]?.ip))).toBe(200);
});

test("what is made names the manifest line that made it", () => {
  const cluster = clusterOf(
    `\n${workload("Deployment", "web", {})}${service("web", { selector: { app: "web" }, ports: [{ name: "http", port: 80 }] })}`,
  );
  const made = cluster.pods.find(({ metadata }) => metadata.namespace === "default");
  expect(made && cluster.ownerOf(made)).toMatchObject({
    kind: "Pod",
    detail: "made for Deployment web",
    origin: { file: "test.yaml", line: 2 },
  });
  const owner = cluster.services.find(({ metadata }) => metadata.name === "web");
  expect(owner && cluster.ownerOf(owner, ["spec", "ports", 0])).toMatchObject({
    detail: "port http",
    origin: { line: 3 },
  });
});

// pkg/registry/core/service/storage/alloc.go (initNodePorts): it saves a nodePort.
test("TCP and UDP ports of one number share their nodePort, stated or not", () => {
  const dns = (nodePort: object): string =>
    service("dns", {
      type: "NodePort",
      ports: [
        { name: "tcp", port: 53, protocol: "TCP" },
        { name: "udp", port: 53, protocol: "UDP", ...nodePort },
        { name: "metrics", port: 9153 },
      ],
    });
  const portsOf = (text: string): readonly number[] =>
    clusterOf(text)
      .services.find(({ metadata }) => metadata.name === "dns")
      ?.spec.ports.map(({ nodePort }) => nodePort) ?? [];
  const [tcp, udp, metrics] = portsOf(dns({}));
  expect(tcp).toBe(udp);
  expect(metrics).not.toBe(tcp);
  expect(portsOf(dns({ nodePort: 30053 })).slice(0, 2)).toEqual([30053, 30053]);
});

// KEP-3070: addresses of the lower band are given when the upper one is used up.
test("a service CIDR is used to its last address", () => {
  const text = Array.from({ length: 60 }, (_, index) => service(`s${index}`, { ports: [{ port: 80 }] })).join("");
  const { services } = clusterOf(text, { serviceCidrs: ["10.96.0.0/26"] });
  expect(new Set(services.map(({ spec }) => spec.clusterIP)).size).toBe(62);
});
