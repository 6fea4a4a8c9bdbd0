import { expect, test } from "vitest";
import { serviceEnvironment } from "../../src/cluster/controllers/service-environment.ts";
import type { Cluster } from "../../src/cluster/cluster.ts";
import { inputOf, probe } from "../sim/traces.ts";
import { clusterOf, pod, service } from "./build-from.ts";

/* The names and values that pkg/kubelet/envvars/envvars.go makes, for the Services that kubelet_pods.go chooses. */

function environment(cluster: Cluster): Readonly<Record<string, string>> {
  const own = cluster.pods.find(({ metadata }) => metadata.name === "p");
  if (own === undefined) throw new Error("no pod");
  return serviceEnvironment(own, cluster.services);
}

const fooBar = service("foo-bar", {
  clusterIP: "10.96.4.1",
  ports: [
    { name: "u-d-p", port: 8081, protocol: "UDP" },
    { name: "tcp", port: 8082 },
  ],
});
const alone = { systemComponents: "none" } as const;

test("a Service with two named ports, in the names of Kubernetes and of Docker", () => {
  expect(environment(clusterOf(`${pod("p")}${fooBar}`, alone))).toEqual({
    FOO_BAR_SERVICE_HOST: "10.96.4.1",
    FOO_BAR_SERVICE_PORT: "8081",
    FOO_BAR_SERVICE_PORT_U_D_P: "8081",
    FOO_BAR_SERVICE_PORT_TCP: "8082",
    FOO_BAR_PORT: "udp://10.96.4.1:8081",
    FOO_BAR_PORT_8081_UDP: "udp://10.96.4.1:8081",
    FOO_BAR_PORT_8081_UDP_PROTO: "udp",
    FOO_BAR_PORT_8081_UDP_PORT: "8081",
    FOO_BAR_PORT_8081_UDP_ADDR: "10.96.4.1",
    FOO_BAR_PORT_8082_TCP: "tcp://10.96.4.1:8082",
    FOO_BAR_PORT_8082_TCP_PROTO: "tcp",
    FOO_BAR_PORT_8082_TCP_PORT: "8082",
    FOO_BAR_PORT_8082_TCP_ADDR: "10.96.4.1",
  });
});

test("an IPv6 address stands in brackets in URLs alone", () => {
  const web = service("web", { clusterIP: "fd00:96::1", ipFamilies: ["IPv6"], ports: [{ port: 80 }] });
  const node = `${JSON.stringify({
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: "n" },
    spec: { podCIDR: "fd00:10:244::/64" },
    status: { addresses: [{ type: "InternalIP", address: "fd00:172::2" }] },
  })}\n`;
  const settings = { ...alone, serviceCidrs: ["fd00:96::/112"], podCidrs: ["fd00:10:244::/56"] };
  expect(environment(clusterOf(`${node}${pod("p")}${web}`, settings))).toMatchObject({
    WEB_SERVICE_HOST: "fd00:96::1",
    WEB_PORT: "tcp://[fd00:96::1]:80",
    WEB_PORT_80_TCP_ADDR: "fd00:96::1",
  });
});

test.each([
  { name: "headless", spec: { clusterIP: "None", ports: [{ port: 80 }] } },
  { name: "ExternalName", spec: { type: "ExternalName", externalName: "example.org" } },
])("$name Services have none", ({ spec }) => {
  expect(environment(clusterOf(`${pod("p")}${service("web", spec)}`, alone))).toEqual({});
});

test("without service links the API server's own remain", () => {
  const text = `${pod("p", { enableServiceLinks: false })}${fooBar}`;
  const names = Object.keys(environment(clusterOf(text)));
  expect(names).toContain("KUBERNETES_SERVICE_HOST");
  expect(names.filter((name) => !name.startsWith("KUBERNETES_"))).toEqual([]);
});

test("a probe in a pod may use them", () => {
  const input = inputOf(`---\n${pod("p")}---\n${fooBar}`, { settings: alone });
  const to = probe(input, "pod/p", "tcp $FOO_BAR_SERVICE_HOST:${FOO_BAR_SERVICE_PORT_TCP}").flows.map(
    (flow) => flow.to,
  );
  expect(to).toContain("10.96.4.1:8082");
});
