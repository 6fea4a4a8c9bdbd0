import { describe, expect, test } from "vitest";
import { buildText, loadText, service } from "./build-from.ts";

/*
 * What the API server says: Kubernetes pkg/apis/core/validation/validation.go (ValidateService, ValidateEndpoints,
 * ValidateNodeSpec), pkg/apis/discovery/validation/validation.go, pkg/registry/core/service (ipallocator,
 * portallocator, storage/alloc.go), staging apimachinery pkg/util/validation (field errors, ip.go).
 */

const port = { port: 80 };
const json = (object: object): string => `${JSON.stringify(object)}\n`;
const lb = (spec: object): string => service("a", { type: "LoadBalancer", ports: [port], ...spec });
const np = (name: string, ...ports: object[]): string => service(name, { type: "NodePort", ports });
const annotated = (annotations: object, spec: object = { ports: [port] }): string =>
  json({ apiVersion: "v1", kind: "Service", metadata: { name: "a", annotations }, spec });
const withIngress = (...ingress: object[]): string =>
  json({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "a" },
    spec: { type: "LoadBalancer", ports: [port] },
    status: { loadBalancer: { ingress } },
  });
const slice = (more: object): string =>
  json({
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: "a-1", labels: { "kubernetes.io/service-name": "a" } },
    addressType: "IPv4",
    ports: [{ name: "", port: 80 }],
    endpoints: [],
    ...more,
  });
const endpoint = (more: object): string => slice({ endpoints: [{ addresses: ["10.244.0.7"], ...more }] });
const list = <T>(count: number, of: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => of(index));

interface Case {
  readonly text: string;
  /** In the API server's words, behind the object's name. */
  readonly says: string;
}

const addressRule = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
const cidrRule = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";
const onlyLoadBalancer = "Forbidden: may only be used when `type` is 'LoadBalancer'";

describe("the API server's own words", () => {
  test.each<Case>([
    {
      text: service("a", { ports: [{ port: 0 }] }),
      says: `spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive`,
    },
    {
      text: service("a", { ports: [{ ...port, targetPort: "80" }] }),
      says: `spec.ports[0].targetPort: Invalid value: "80": must contain at least one letter (a-z)`,
    },
    {
      text: service("a", { ports: [{ ...port, protocol: "ICMP" }] }),
      says: `spec.ports[0].protocol: Unsupported value: "ICMP": supported values: "SCTP", "TCP", "UDP"`,
    },
    {
      text: service("a", { ports: [{ ...port, nodePort: 30000 }] }),
      says: "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'",
    },
    {
      text: np("a", { ...port, nodePort: 80 }),
      says: "spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-32767",
    },
    {
      text: np("a", { name: "x", ...port, nodePort: 30000 }, { name: "y", port: 81, nodePort: 30000 }),
      says: "spec.ports[1].nodePort: Duplicate value: ",
    },
    {
      text: service("a", {
        ports: [
          { name: "x", ...port },
          { name: "x", port: 81 },
        ],
      }),
      says: `spec.ports[1].name: Duplicate value: the name "x"`,
    },
    { text: service("a", { ports: [port, { name: "x", port: 81 }] }), says: "spec.ports[0].name: Required value" },
    {
      text: service("a", { clusterIP: "10.96.0.256", ports: [port] }),
      says: `spec.clusterIP: Invalid value: "10.96.0.256": ${addressRule}`,
    },
    {
      text: service("a", { clusterIPs: ["10.96.0.9"], ports: [port] }),
      says: `spec.clusterIPs: Invalid value: ["10.96.0.9"]: must be empty when \`clusterIP\` is not specified`,
    },
    {
      text: service("a", { clusterIP: "10.96.0.8", clusterIPs: ["10.96.0.9"], ports: [port] }),
      says: "first value must match `clusterIP`",
    },
    {
      text: service("a", { clusterIP: "None", clusterIPs: ["None", "10.96.0.9"], ports: [port] }),
      says: "'None' must be the first and only value",
    },
    {
      text: service("a", { clusterIP: "10.96.0.8", clusterIPs: ["10.96.0.8", "fd00::8", "10.96.0.9"], ports: [port] }),
      says: "may only hold up to 2 values",
    },
    {
      text: service("a", { clusterIP: "10.96.0.8", clusterIPs: ["10.96.0.8", "10.96.0.9"], ports: [port] }),
      says: "may specify no more than one IP for each IP family",
    },
    {
      text: service("a", { clusterIP: "10.96.0.8", ipFamilies: ["IPv6"], ports: [port] }),
      says: "expected an IPv6 value as indicated by `ipFamilies[0]`",
    },
    {
      text: service("a", { ipFamilies: ["IPv4", "IPv4"], ports: [port] }),
      says: `spec.ipFamilies[1]: Duplicate value: "IPv4"`,
    },
    {
      text: service("a", { ipFamilyPolicy: "SingleStack", ipFamilies: ["IPv4", "IPv6"], ports: [port] }),
      says: "must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families are specified",
    },
    {
      text: service("a", { type: "ExternalName", externalName: "a.example", ipFamilies: ["IPv4"] }),
      says: "spec.ipFamilies: Forbidden: may not be set for ExternalName services",
    },
    {
      text: service("a", { type: "NodePort", clusterIP: "None", ports: [port] }),
      says: "may not be set to 'None' for NodePort services",
    },
    {
      text: service("a", { externalIPs: ["169.254.0.1"], ports: [port] }),
      says: "may not be in the link-local range (169.254.0.0/16, fe80::/10)",
    },
    {
      text: service("a", { externalIPs: ["224.0.0.1"], ports: [port] }),
      says: "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)",
    },
    {
      text: service("a", { externalTrafficPolicy: "Local", ports: [port] }),
      says: `spec.externalTrafficPolicy: Invalid value: "Local": may only be set for externally-accessible services`,
    },
    {
      text: np("a", port).replace(`"NodePort"`, `"NodePort","healthCheckNodePort":30001`),
      says: "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
    },
    {
      text: lb({ externalTrafficPolicy: "Local", healthCheckNodePort: 30001, ports: [{ ...port, nodePort: 30001 }] }),
      says: "failed to allocate requested HealthCheck NodePort 30001: provided port is already allocated",
    },
    {
      text: lb({ externalTrafficPolicy: "Local", healthCheckNodePort: 80 }),
      says: "spec.healthCheckNodePort: Invalid value: 80: provided port is not in the valid range",
    },
    {
      text: lb({ loadBalancerSourceRanges: ["10.0.0.0"] }),
      says: `spec.loadBalancerSourceRanges[0]: Invalid value: "10.0.0.0": ${cidrRule}`,
    },
    {
      text: np("a", port).replace(`"NodePort"`, `"NodePort","loadBalancerSourceRanges":["10.0.0.0/8"]`),
      says: `spec.loadBalancerSourceRanges: ${onlyLoadBalancer}`,
    },
    {
      text: service("a", { allocateLoadBalancerNodePorts: false, ports: [port] }),
      says: `spec.allocateLoadBalancerNodePorts: ${onlyLoadBalancer}`,
    },
    {
      text: annotated({ "service.beta.kubernetes.io/load-balancer-source-ranges": "10.0.0.0/8" }),
      says: `metadata.annotations[service.beta.kubernetes.io/load-balancer-source-ranges]: ${onlyLoadBalancer}`,
    },
    {
      text: annotated({
        "service.kubernetes.io/topology-aware-hints": "auto",
        "service.kubernetes.io/topology-mode": "Auto",
      }),
      says: `metadata.annotations[service.kubernetes.io/topology-mode]: Invalid value: "Auto": must match annotations[service.kubernetes.io/topology-aware-hints] when both are specified`,
    },
    {
      text: service("a", { sessionAffinityConfig: { clientIP: { timeoutSeconds: 9 } }, ports: [port] }),
      says: "spec.sessionAffinityConfig: Forbidden: must not be set when session affinity is None",
    },
    {
      text: withIngress({ hostname: "192.0.2.1" }),
      says: `status.loadBalancer.ingress[0].hostname: Invalid value: "192.0.2.1": must be a DNS name, not an IP address`,
    },
    {
      text: withIngress({ hostname: "a.example", ipMode: "VIP" }),
      says: "status.loadBalancer.ingress[0].ipMode: Forbidden: may not be specified when `ip` is not set",
    },
    { text: slice({ addressType: "ipv4" }), says: `addressType: Unsupported value: "ipv4": supported values: ` },
    {
      text: slice({ endpoints: [{ addresses: [] }] }),
      says: "endpoints[0].addresses: Required value: must contain at least 1 address",
    },
    {
      text: endpoint({ addresses: list(101, (index) => `10.244.1.${index}`) }),
      says: "endpoints[0].addresses: Too many: 101: must have at most 100 items",
    },
    {
      text: slice({ endpoints: list(1001, (index) => ({ addresses: [`10.244.${index >> 8}.${index & 255}`] })) }),
      says: "endpoints: Too many: 1001: must have at most 1000 items",
    },
    {
      text: slice({ ports: list(101, (index) => ({ name: `p${index}`, port: 80 })) }),
      says: "ports: Too many: 101: must have at most 100 items",
    },
    {
      text: slice({
        ports: [
          { name: "a", port: 1 },
          { name: "a", port: 2 },
        ],
      }),
      says: `ports[1].name: Duplicate value: "a"`,
    },
    {
      text: endpoint({ addresses: ["127.0.0.1"] }),
      says: 'endpoints[0].addresses[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
    },
    {
      text: endpoint({ addresses: ["fd00::1"] }),
      says: `endpoints[0].addresses[0]: Invalid value: "fd00::1": must be a valid IPv4 address`,
    },
    {
      text: endpoint({ hints: { forZones: list(9, (index) => ({ name: `z${index}` })) } }),
      says: "endpoints[0].hints.forZones: Too many: 9: must have at most 8 items",
    },
    {
      text: json({ apiVersion: "v1", kind: "Endpoints", metadata: { name: "a" }, subsets: [{ ports: [port] }] }),
      says: "subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`",
    },
    {
      text: json({
        apiVersion: "v1",
        kind: "Node",
        metadata: { name: "n" },
        spec: { podCIDRs: ["10.244.0.0/24", "10.244.1.0/24"] },
      }),
      says: "may specify no more than one CIDR for each IP family",
    },
  ])("$says", ({ text, says }) => {
    const { problems } = loadText(text);
    expect(
      problems
        .filter(({ severity }) => severity === "error")
        .map(({ message }) => message)
        .join("\n"),
    ).toContain(says);
    for (const { origin } of problems) expect(origin?.line).toBe(1);
  });

  test.each<Case & { readonly settings?: Parameters<typeof buildText>[1] }>([
    {
      text: np("a", { ...port, nodePort: 30000 }) + np("b", { ...port, nodePort: 30000 }),
      says: "spec.ports[0].nodePort: Invalid value: 30000: provided port is already allocated",
    },
    {
      text:
        service("a", { clusterIP: "10.96.0.9", ports: [port] }) +
        service("b", { clusterIP: "10.96.0.9", ports: [port] }),
      says: "failed to allocate IP 10.96.0.9: provided IP is already allocated",
    },
    {
      text: service("a", { clusterIP: "10.97.0.9", ports: [port] }),
      settings: { serviceCidrs: ["10.96.0.0/16"] },
      says: "the provided IP (10.97.0.9) is not in the valid range. The range of valid IPs is 10.96.0.0/16",
    },
    {
      text: service("a", { clusterIP: "10.96.0.0", ports: [port] }),
      settings: { serviceCidrs: ["10.96.0.0/16"] },
      says: "the provided IP (10.96.0.0) is not in the valid range",
    },
    {
      text: service("a", { ipFamilyPolicy: "RequireDualStack", ports: [port] }),
      says: "this cluster is not configured for dual-stack services",
    },
    {
      text: service("a", { ipFamilies: ["IPv6"], ports: [port] }),
      says: `spec.ipFamilies: Invalid value: "IPv6": not configured on this cluster`,
    },
    {
      text: service("a", { trafficDistribution: "Close", ports: [port] }),
      settings: { kubeVersion: "1.31" },
      says: `spec.trafficDistribution: Unsupported value: "Close": supported values: "PreferClose"`,
    },
    {
      text: service("a", { trafficDistribution: "PreferSameNode", ports: [port] }),
      settings: { kubeVersion: "1.33" },
      says: `spec.trafficDistribution: Unsupported value: "PreferSameNode"`,
    },
  ])("between objects: $says", ({ text, says, settings }) => {
    const { cluster, problems } = buildText(text, settings);
    expect(cluster).toBeUndefined();
    expect(problems.map(({ message }) => message).join("\n")).toContain(says);
  });
});

describe("what the API server takes", () => {
  test.each([
    { name: "leading zeros, which are decimal", text: service("a", { clusterIP: "010.096.000.09", ports: [port] }) },
    {
      name: "leading zeros in a slice",
      text: endpoint({ addresses: ["10.244.00.7"] }) + service("a", { ports: [port] }),
    },
    { name: "leading zeros in a source range", text: lb({ loadBalancerSourceRanges: ["010.0.0.0/8"] }) },
  ])("$name: with the warning that it gives", ({ text }) => {
    const { cluster, problems } = buildText(text);
    expect(cluster).toBeDefined();
    expect(problems.map(({ code }) => code)).toContain("NON_STANDARD_ADDRESS");
  });

  test("a slice port 0, which kube-proxy passes over", () => {
    const text = slice({ ports: [{ name: "", port: 0 }] }) + service("a", { ports: [port] });
    expect(buildText(text).problems.map(({ code }) => code)).toEqual(["IGNORED_BY_KUBE_PROXY"]);
  });

  test("trafficDistribution before 1.31, which it drops", () => {
    const { cluster, problems } = buildText(service("a", { trafficDistribution: "PreferClose", ports: [port] }));
    expect(cluster).toBeDefined();
    expect(problems.map(({ code }) => code)).toEqual(["IGNORED_BY_KUBE_PROXY"]);
  });

  test("but a slice that makes kube-proxy 1.30 crash is refused", () => {
    const text = slice({ ports: [{ name: "a" }, { name: "b", port: 80 }] });
    expect(buildText(text).problems.map(({ code }) => code)).toContain("SLICE_CRASHES_KUBE_PROXY");
  });
});
