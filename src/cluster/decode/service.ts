import { type Address, isIPv4, isLinkLocal, isLoopback, isMulticast, parseAddress } from "../../wire/address.ts";
import { parseCidr } from "../../wire/cidr.ts";
import type { LoadBalancerIngress, Service, ServicePort } from "../objects.ts";
import { readMeta } from "./meta.ts";
import { isDnsLabel, isDnsSubdomain, readLabels, readPort, readPortNumber, readProtocol } from "./names.ts";
import type { Reader } from "./reader.ts";

const specFields: ReadonlySet<string> = new Set([
  "allocateLoadBalancerNodePorts",
  "clusterIP",
  "clusterIPs",
  "externalIPs",
  "externalName",
  "externalTrafficPolicy",
  "healthCheckNodePort",
  "internalTrafficPolicy",
  "ipFamilies",
  "ipFamilyPolicy",
  "loadBalancerClass",
  "loadBalancerIP",
  "loadBalancerSourceRanges",
  "ports",
  "publishNotReadyAddresses",
  "selector",
  "sessionAffinity",
  "sessionAffinityConfig",
  "trafficDistribution",
  "type",
]);
const portFields: ReadonlySet<string> = new Set(["appProtocol", "name", "nodePort", "port", "protocol", "targetPort"]);

type Spec = Service["spec"];

/** Reads a Service with the API's defaults; what the allocators give stays empty. ValidateService. */
export function readService(object: Reader, namespace: string): Service {
  const metadata = readMeta(object, "label-1035", namespace);
  const spec = object.objectOrEmpty("spec");
  spec.onlyFields(specFields);
  const type = spec.oneOf("type", ["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"]) ?? "ClusterIP";
  const clusterIPs = readClusterIPs(spec, type);
  const externalName = spec.string("externalName");
  const trafficDistribution = spec.string("trafficDistribution");
  const ipFamilyPolicy = spec.oneOf("ipFamilyPolicy", ["SingleStack", "PreferDualStack", "RequireDualStack"]);
  const ports = spec.objects("ports").map((port) => readServicePort(port, type));
  const service: Service = {
    kind: "Service",
    metadata,
    spec: {
      type,
      clusterIP: clusterIPs[0] ?? "",
      clusterIPs,
      ipFamilies: readFamilies(spec, clusterIPs),
      ...(ipFamilyPolicy !== undefined && { ipFamilyPolicy }),
      ...(spec.has("selector") && { selector: readLabels(spec, "selector") }),
      ports,
      externalIPs: readExternalIPs(spec),
      ...(externalName !== undefined && { externalName }),
      sessionAffinity: spec.oneOf("sessionAffinity", ["None", "ClientIP"]) ?? "None",
      sessionAffinityTimeoutSeconds: readAffinityTimeout(spec),
      externalTrafficPolicy: spec.oneOf("externalTrafficPolicy", ["Cluster", "Local"]) ?? "Cluster",
      internalTrafficPolicy: spec.oneOf("internalTrafficPolicy", ["Cluster", "Local"]) ?? "Cluster",
      loadBalancerSourceRanges: readSourceRanges(spec),
      healthCheckNodePort: readPortNumberOrZero(spec, "healthCheckNodePort"),
      allocateLoadBalancerNodePorts: spec.boolean("allocateLoadBalancerNodePorts") ?? true,
      publishNotReadyAddresses: spec.boolean("publishNotReadyAddresses") ?? false,
      ...(trafficDistribution !== undefined && { trafficDistribution }),
    },
    status: { loadBalancer: { ingress: readIngress(object.objectOrEmpty("status"), spec, type) } },
  };
  checkPorts(spec, service.spec);
  checkCombinations(spec, service.spec);
  return service;
}

function readClusterIPs(spec: Reader, type: Spec["type"]): readonly string[] {
  const listed = spec.strings("clusterIPs");
  const single = spec.string("clusterIP") ?? "";
  const clusterIPs = listed.length > 0 ? listed : single === "" ? [] : [single];
  for (const text of clusterIPs) {
    if (text === "None" || text === "" || parseAddress(text) !== undefined) continue;
    spec.report(
      "BAD_ADDRESS",
      listed.length > 0 ? "clusterIPs" : "clusterIP",
      `\`${text}\` is neither an IP address nor None`,
    );
  }
  if (listed.length > 0 && single !== "" && listed[0] !== single) {
    spec.report("BAD_VALUE", "clusterIPs", `its first entry must be clusterIP, ${single}`, "Make them equal.");
  }
  if (type === "ExternalName" && clusterIPs.some((text) => text !== "")) {
    spec.report("NOT_ALLOWED_HERE", "clusterIP", "may not be set for ExternalName services");
  }
  return clusterIPs;
}

function readFamilies(spec: Reader, clusterIPs: readonly string[]): readonly ("IPv4" | "IPv6")[] {
  const families = spec.strings("ipFamilies").flatMap((text) => {
    if (text === "IPv4" || text === "IPv6") return [text] as const;
    spec.report("BAD_VALUE", "ipFamilies", `\`${text}\` is neither IPv4 nor IPv6`);
    return [];
  });
  if (families.length > 0) return families;
  return clusterIPs.flatMap((text) => {
    const address = parseAddress(text);
    return address === undefined ? [] : [isIPv4(address) ? "IPv4" : "IPv6"];
  });
}

function readServicePort(port: Reader, type: Spec["type"]): ServicePort {
  port.onlyFields(portFields);
  const name = port.string("name") ?? "";
  if (name !== "" && !isDnsLabel(name)) port.report("BAD_NAME", "name", `\`${name}\` is no valid port name`);
  if (!port.has("port")) port.required("port");
  const number = readPortNumber(port, "port") ?? 0;
  const stated = port.get("targetPort");
  // 0 and "" are the API's way to say nothing.
  const targetPort = stated === 0 || stated === "" ? undefined : readPort(port, "targetPort");
  const nodePort = readPortNumberOrZero(port, "nodePort");
  if (nodePort !== 0 && type === "ClusterIP") {
    port.report(
      "NOT_ALLOWED_HERE",
      "nodePort",
      "nodePort may not be used when type is ClusterIP",
      "Set type: NodePort, or remove it.",
    );
  } else if (nodePort !== 0 && (nodePort < 30000 || nodePort > 32767)) {
    port.report("NODE_PORT_RANGE", "nodePort", `nodePort ${nodePort} is not in the range 30000-32767`);
  }
  return { name, protocol: readProtocol(port), port: number, targetPort: targetPort ?? number, nodePort };
}

function readPortNumberOrZero(reader: Reader, key: string): number {
  return reader.get(key) === 0 ? 0 : (readPortNumber(reader, key) ?? 0);
}

function checkPorts(reader: Reader, spec: Spec): void {
  if (spec.ports.length === 0 && spec.clusterIP !== "None" && spec.type !== "ExternalName") {
    reader.report("SERVICE_WITHOUT_PORTS", "ports", "spec.ports is missing");
  }
  const seen = new Map<string, string>();
  const claim = (key: string, index: number, what: string): void => {
    const first = seen.get(key);
    if (first === undefined) seen.set(key, `ports[${index}]`);
    else reader.report("DUPLICATE_PORT", ["ports", index], `${what} is already that of ${first}`);
  };
  for (const [index, port] of spec.ports.entries()) {
    if (port.name !== "") claim(`name ${port.name}`, index, `the name ${port.name}`);
    else if (spec.ports.length > 1)
      reader.report("SERVICE_PORT_NAME", ["ports", index], `port ${port.port} has no name`);
    claim(`port ${port.port}/${port.protocol}`, index, `port ${port.port}/${port.protocol}`);
    if (port.nodePort !== 0) claim(`nodePort ${port.nodePort}/${port.protocol}`, index, `nodePort ${port.nodePort}`);
  }
}

/** Fields that belong to some types only. */
function checkCombinations(reader: Reader, spec: Spec): void {
  const { type } = spec;
  const notAllowed = (key: string, message: string): void => {
    if (reader.has(key)) reader.report("NOT_ALLOWED_HERE", key, `${key} ${message}`);
  };
  if (type === "ExternalName") {
    const name = spec.externalName ?? "";
    if (name === "") reader.required("externalName");
    else if (!isDnsSubdomain(name.replace(/\.$/, "")))
      reader.report("BAD_NAME", "externalName", `\`${name}\` is no DNS name`);
  }
  if (spec.clusterIP === "None" && (type === "NodePort" || type === "LoadBalancer")) {
    reader.report("NOT_ALLOWED_HERE", "clusterIP", `may not be None for ${type} services`);
  }
  const external = type === "NodePort" || type === "LoadBalancer" || spec.externalIPs.length > 0;
  if (!external) notAllowed("externalTrafficPolicy", "may only be set for externally-accessible services");
  if (type !== "LoadBalancer") {
    notAllowed("loadBalancerClass", "may only be used when type is LoadBalancer");
    if (spec.loadBalancerSourceRanges.length > 0) {
      notAllowed("loadBalancerSourceRanges", "may only be used when type is LoadBalancer");
    }
  }
  if (spec.healthCheckNodePort !== 0 && (type !== "LoadBalancer" || spec.externalTrafficPolicy !== "Local")) {
    notAllowed("healthCheckNodePort", "may only be set when type is LoadBalancer and externalTrafficPolicy is Local");
  }
  if (spec.sessionAffinity === "None" && reader.object("sessionAffinityConfig")?.has("clientIP") === true) {
    notAllowed("sessionAffinityConfig", "must not be set when session affinity is None");
  }
}

/** Seconds; the API's default is three hours. */
function readAffinityTimeout(spec: Reader): number {
  const config = spec.object("sessionAffinityConfig")?.object("clientIP");
  const seconds = config?.integer("timeoutSeconds") ?? 10800;
  if (seconds < 1 || seconds > 86400) {
    config?.report("BAD_VALUE", "timeoutSeconds", `timeoutSeconds ${seconds} must be from 1 to 86400`);
  }
  return seconds;
}

function readExternalIPs(spec: Reader): readonly string[] {
  const externalIPs = spec.strings("externalIPs");
  for (const [index, text] of externalIPs.entries()) {
    const address = parseAddress(text);
    if (address === undefined) spec.report("BAD_ADDRESS", ["externalIPs", index], `\`${text}\` is no IP address`);
    else if (isSpecial(address)) {
      const message = `${text} may not be unspecified, loopback, link-local or multicast`;
      spec.report("BAD_ADDRESS", ["externalIPs", index], message);
    }
  }
  return externalIPs;
}

/** ValidateNonSpecialIP. */
function isSpecial(address: Address): boolean {
  return BigInt(address) === 0n || isLoopback(address) || isLinkLocal(address) || isMulticast(address);
}

/** The API trims blanks and takes host bits. */
function readSourceRanges(spec: Reader): readonly string[] {
  const ranges = spec.strings("loadBalancerSourceRanges");
  for (const [index, text] of ranges.entries()) {
    if (!text.includes("/") || parseCidr(text.trim()) === undefined) {
      spec.report("BAD_CIDR", ["loadBalancerSourceRanges", index], `\`${text}\` is no CIDR`);
    }
  }
  return ranges;
}

/** The stated addresses of the load balancer; without a status the one that loadBalancerIP asks for. */
function readIngress(status: Reader, spec: Reader, type: Spec["type"]): readonly LoadBalancerIngress[] {
  const ingress = status.objectOrEmpty("loadBalancer").objects("ingress").map(readIngressPoint);
  const asked = spec.string("loadBalancerIP") ?? "";
  if (asked !== "" && parseAddress(asked) === undefined) {
    spec.report("BAD_ADDRESS", "loadBalancerIP", `\`${asked}\` is no IP address`);
  }
  return ingress.length === 0 && asked !== "" && type === "LoadBalancer" ? [{ ip: asked }] : ingress;
}

function readIngressPoint(point: Reader): LoadBalancerIngress {
  const ip = point.string("ip");
  const hostname = point.string("hostname");
  const ipMode = point.oneOf("ipMode", ["VIP", "Proxy"]);
  if (ip !== undefined && ip !== "" && parseAddress(ip) === undefined) {
    point.report("BAD_ADDRESS", "ip", `\`${ip}\` is no IP address`);
  }
  return {
    ...(ip !== undefined && ip !== "" && { ip }),
    ...(hostname !== undefined && hostname !== "" && { hostname }),
    ...(ipMode !== undefined && { ipMode }),
  };
}
