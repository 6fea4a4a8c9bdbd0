import { isIPv4, parseAddress } from "../../wire/address.ts";
import type { Path } from "../load/origin.ts";
import type { LoadBalancerIngress, Service, ServicePort } from "../objects.ts";
import { parseAddressSloppy, parseCidrSloppy } from "../sloppy.ts";
import { readAddress, readCidr, refuseSecondOfFamily, refuseSpecial } from "./addresses.ts";
import { readMeta } from "./meta.ts";
import {
  dnsLabelRule,
  dnsSubdomainRule,
  isDnsLabel,
  isDnsSubdomain,
  isLabelKey,
  readLabels,
  readPort,
  readPortNumber,
  readProtocol,
} from "./names.ts";
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
      ipFamilies: readFamilies(spec, type, clusterIPs),
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
  checkAnnotations(object, service.spec);
  return service;
}

/** ValidateServiceClusterIPsRelatedFields. */
function readClusterIPs(spec: Reader, type: Spec["type"]): readonly string[] {
  const listed = spec.strings("clusterIPs");
  const single = spec.string("clusterIP") ?? "";
  const texts = listed.length > 0 ? listed : single === "" ? [] : [single];
  const key = listed.length > 0 ? "clusterIPs" : "clusterIP";
  if (type === "ExternalName") {
    if (texts.some((text) => text !== "")) spec.forbidden(key, "may not be set for ExternalName services");
    return [];
  }
  if (listed.length > 0 && single === "") {
    spec.invalid("BAD_VALUE", "clusterIPs", listed, "must be empty when `clusterIP` is not specified");
  } else if (listed.length > 0 && listed[0] !== single) {
    spec.invalid("BAD_VALUE", "clusterIPs", listed, "first value must match `clusterIP`");
  }
  if (texts.length > 1 && texts.includes("None")) {
    spec.invalid("BAD_VALUE", "clusterIPs", listed, "'None' must be the first and only value");
    return ["None"];
  }
  if (texts.length > 2) spec.invalid("BAD_VALUE", "clusterIPs", listed, "may only hold up to 2 values");
  const clusterIPs = texts.flatMap((text, index) => {
    if (text === "None" || text === "") return [text];
    return readAddress(spec, listed.length > 0 ? [key, index] : key, text) ?? [];
  });
  if (clusterIPs.length === 2) refuseSecondOfFamily(spec, "clusterIPs", clusterIPs, "IP");
  return clusterIPs;
}

function readFamilies(spec: Reader, type: Spec["type"], clusterIPs: readonly string[]): readonly ("IPv4" | "IPv6")[] {
  if (type === "ExternalName") {
    for (const key of ["ipFamilies", "ipFamilyPolicy"]) {
      if (spec.has(key)) spec.forbidden(key, "may not be set for ExternalName services");
    }
  }
  const seen = new Set<string>();
  const families = spec.strings("ipFamilies").flatMap((text, index) => {
    if (seen.has(text)) spec.duplicate(["ipFamilies", index], text);
    seen.add(text);
    if (text === "IPv4" || text === "IPv6") return [text] as const;
    const near = /^ipv[46]$/i.test(text) ? `Write IPv${text.slice(-1)}.` : undefined;
    const words = `Unsupported value: ${JSON.stringify(text)}: supported values: "IPv4", "IPv6"`;
    spec.refuse("BAD_VALUE", ["ipFamilies", index], words, near);
    return [];
  });
  const ofAddresses = clusterIPs.flatMap((text) => {
    const address = parseAddress(text);
    return address === undefined ? [] : ([isIPv4(address) ? "IPv4" : "IPv6"] as const);
  });
  if (families.length === 0) return ofAddresses;
  for (const [index, family] of ofAddresses.entries()) {
    const wanted = families[index];
    if (wanted === undefined || wanted === family) continue;
    const key = spec.has("clusterIPs") ? ["clusterIPs", index] : "clusterIP";
    const detail = `expected an ${wanted} value as indicated by \`ipFamilies[${index}]\``;
    spec.invalid("BAD_ADDRESS", key, clusterIPs[index], detail);
  }
  return families;
}

/** validateServicePort. */
function readServicePort(port: Reader, type: Spec["type"]): ServicePort {
  port.onlyFields(portFields);
  const name = port.string("name") ?? "";
  if (name !== "" && !isDnsLabel(name)) port.invalid("BAD_NAME", "name", name, dnsLabelRule);
  if (!port.has("port")) port.required("port");
  const number = readPortNumber(port, "port") ?? 0;
  const stated = port.get("targetPort");
  // 0 and "" are the API's way to say nothing.
  const targetPort = stated === 0 || stated === "" ? undefined : readPort(port, "targetPort");
  const nodePort = readPortNumberOrZero(port, "nodePort");
  if (nodePort !== 0 && type === "ClusterIP") {
    const fix = "Set type: NodePort, or remove it.";
    port.forbidden("nodePort", "may not be used when `type` is 'ClusterIP'", fix);
  } else if (nodePort !== 0) refuseOutsideRange(port, "nodePort", nodePort);
  const appProtocol = port.string("appProtocol");
  if (appProtocol !== undefined && !isLabelKey(appProtocol)) {
    port.invalid("BAD_LABEL", "appProtocol", appProtocol, "must be a qualified name");
  }
  return { name, protocol: readProtocol(port), port: number, targetPort: targetPort ?? number, nodePort };
}

/** pkg/registry/core/service/portallocator (ErrNotInRange), with the range that is the default. */
function refuseOutsideRange(reader: Reader, key: string, port: number): void {
  if (port >= 30000 && port <= 32767) return;
  const detail = "provided port is not in the valid range. The range of valid ports is 30000-32767";
  reader.invalid("NODE_PORT_RANGE", key, port, detail);
}

function readPortNumberOrZero(reader: Reader, key: string): number {
  return reader.get(key) === 0 ? 0 : (readPortNumber(reader, key) ?? 0);
}

function checkPorts(reader: Reader, spec: Spec): void {
  if (spec.ports.length === 0 && spec.clusterIP !== "None" && spec.type !== "ExternalName") {
    reader.refuse("SERVICE_WITHOUT_PORTS", "ports", "Required value");
  }
  const seen = new Map<string, string>();
  const claim = (key: string, path: Path, what: string): void => {
    const first = seen.get(key);
    if (first === undefined) seen.set(key, `ports[${String(path[1])}]`);
    else reader.refuse("DUPLICATE_PORT", path, `Duplicate value: ${what} is already that of ${first}`);
  };
  for (const [index, port] of spec.ports.entries()) {
    if (port.name !== "") claim(`name ${port.name}`, ["ports", index, "name"], `the name ${JSON.stringify(port.name)}`);
    else if (spec.ports.length > 1) {
      reader.refuse("SERVICE_PORT_NAME", ["ports", index, "name"], `Required value: port ${port.port} has no name`);
    }
    claim(`port ${port.port}/${port.protocol}`, ["ports", index], `port ${port.port}/${port.protocol}`);
    if (port.nodePort === 0) continue;
    const path = ["ports", index, "nodePort"];
    claim(`nodePort ${port.nodePort}/${port.protocol}`, path, `nodePort ${port.nodePort}`);
  }
}

/** Fields that belong to some types only. */
function checkCombinations(reader: Reader, spec: Spec): void {
  const { type } = spec;
  const onlyFor = (key: string): void => {
    if (reader.has(key)) reader.forbidden(key, "may only be used when `type` is 'LoadBalancer'");
  };
  if (type === "ExternalName") {
    const name = spec.externalName ?? "";
    if (name === "") reader.required("externalName");
    else if (!isDnsSubdomain(name.replace(/\.$/, ""))) {
      reader.invalid("BAD_NAME", "externalName", name, dnsSubdomainRule);
    }
  }
  if (spec.clusterIP === "None" && (type === "NodePort" || type === "LoadBalancer")) {
    const words = `Invalid value: "None": may not be set to 'None' for ${type} services`;
    reader.refuse("NOT_ALLOWED_HERE", reader.has("clusterIP") ? "clusterIP" : "clusterIPs", words);
  }
  const external = type === "NodePort" || type === "LoadBalancer" || spec.externalIPs.length > 0;
  const policy = reader.string("externalTrafficPolicy") ?? "";
  if (!external && policy !== "") {
    const words = `Invalid value: "${policy}": may only be set for externally-accessible services`;
    reader.refuse("NOT_ALLOWED_HERE", "externalTrafficPolicy", words);
  }
  if (type !== "LoadBalancer") {
    onlyFor("loadBalancerClass");
    onlyFor("allocateLoadBalancerNodePorts");
    if (spec.loadBalancerSourceRanges.length > 0) onlyFor("loadBalancerSourceRanges");
  } else {
    const name = reader.string("loadBalancerClass");
    if (name !== undefined && !isLabelKey(name)) {
      reader.invalid("BAD_LABEL", "loadBalancerClass", name, "must be a qualified name");
    }
  }
  checkHealthCheckPort(reader, spec);
  if (spec.sessionAffinity === "None" && reader.object("sessionAffinityConfig")?.has("clientIP") === true) {
    reader.forbidden("sessionAffinityConfig", "must not be set when session affinity is None");
  }
  checkDualStack(reader, spec);
}

function checkHealthCheckPort(reader: Reader, { type, externalTrafficPolicy, healthCheckNodePort, ports }: Spec): void {
  if (healthCheckNodePort === 0) return;
  if (type !== "LoadBalancer" || externalTrafficPolicy !== "Local") {
    const detail = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
    reader.refuse("NOT_ALLOWED_HERE", "healthCheckNodePort", `Invalid value: ${healthCheckNodePort}: ${detail}`);
    return;
  }
  refuseOutsideRange(reader, "healthCheckNodePort", healthCheckNodePort);
  if (ports.some(({ nodePort }) => nodePort === healthCheckNodePort)) {
    const detail = `failed to allocate requested HealthCheck NodePort ${healthCheckNodePort}: provided port is already allocated`;
    reader.invalid("NODE_PORT_TAKEN", "healthCheckNodePort", healthCheckNodePort, detail);
  }
}

/** pkg/registry/core/service/storage/alloc.go (initIPFamilyFields). */
function checkDualStack(reader: Reader, { ipFamilyPolicy, clusterIPs, ipFamilies }: Spec): void {
  if (ipFamilyPolicy !== "SingleStack") return;
  const several = clusterIPs.length > 1 ? "cluster IPs" : ipFamilies.length > 1 ? "IP families" : undefined;
  if (several === undefined) return;
  const detail = `must be 'RequireDualStack' or 'PreferDualStack' when multiple ${several} are specified`;
  reader.invalid("BAD_VALUE", "ipFamilyPolicy", ipFamilyPolicy, detail);
}

/** Seconds; the API's default is three hours. */
function readAffinityTimeout(spec: Reader): number {
  const config = spec.object("sessionAffinityConfig")?.object("clientIP");
  const seconds = config?.integer("timeoutSeconds") ?? 10800;
  if (seconds < 1 || seconds > 86400) {
    config?.invalid("BAD_VALUE", "timeoutSeconds", seconds, "must be greater than 0 and less than 86400");
  }
  return seconds;
}

/** What kube-proxy passes over, where the API server has let it through. */
function passOver(spec: Reader, key: string | Path, text: string): void {
  spec.report("IGNORED_BY_KUBE_PROXY", key, `${JSON.stringify(text)} is nothing that it can read`, "Remove it.");
}

function readExternalIPs(spec: Reader): readonly string[] {
  return spec.strings("externalIPs").flatMap((text, index) => {
    const path = ["externalIPs", index];
    if (spec.reading.isAsGiven) {
      if (parseAddressSloppy(text) === undefined) passOver(spec, path, text);
      return [text];
    }
    const address = readAddress(spec, path, text);
    if (address !== undefined) refuseSpecial(spec, path, address);
    return address ?? [];
  });
}

/** Of the field, which the annotation of old times stands in for. The API trims blanks and takes host bits. */
function readSourceRanges(spec: Reader): readonly string[] {
  return spec.strings("loadBalancerSourceRanges").flatMap((text, index) => {
    const path = ["loadBalancerSourceRanges", index];
    if (!spec.reading.isAsGiven) return readCidr(spec, path, text) ?? [];
    if (parseCidrSloppy(text.trim()) === undefined) passOver(spec, path, text);
    return [text];
  });
}

const sourceRangesAnnotation = "service.beta.kubernetes.io/load-balancer-source-ranges";
const hintAnnotations = ["service.kubernetes.io/topology-aware-hints", "service.kubernetes.io/topology-mode"] as const;

/** Annotations that the API server looks at; kube-proxy reads no source ranges there. */
function checkAnnotations(object: Reader, { type, loadBalancerSourceRanges }: Spec): void {
  const meta = object.objectOrEmpty("metadata");
  const annotations = meta.stringMap("annotations");
  const [old, mode] = hintAnnotations.map((key) => annotations[key]);
  if (old !== undefined && mode !== undefined && old !== mode) {
    const detail = `must match annotations[${hintAnnotations[0]}] when both are specified`;
    meta.refuse(
      "NOT_ALLOWED_HERE",
      ["annotations", hintAnnotations[1]],
      `Invalid value: ${JSON.stringify(mode)}: ${detail}`,
    );
  }
  const ranges = annotations[sourceRangesAnnotation];
  if (ranges === undefined || loadBalancerSourceRanges.length > 0) return;
  const path = ["annotations", sourceRangesAnnotation];
  if (type !== "LoadBalancer") meta.forbidden(path, "may only be used when `type` is 'LoadBalancer'");
  else for (const text of ranges.split(",")) if (text.trim() !== "") readCidr(meta, path, text);
}

/** The stated addresses of the load balancer; without a status the one that loadBalancerIP asks for. */
function readIngress(status: Reader, spec: Reader, type: Spec["type"]): readonly LoadBalancerIngress[] {
  const ingress = status.objectOrEmpty("loadBalancer").objects("ingress").map(readIngressPoint);
  const stated = spec.string("loadBalancerIP") ?? "";
  // The API server does not look at it; a cloud that cannot read it gives another address.
  const asked = stated === "" ? undefined : readAddress(spec, "loadBalancerIP", stated);
  return ingress.length === 0 && asked !== undefined && type === "LoadBalancer" ? [{ ip: asked }] : ingress;
}

/** ValidateLoadBalancerStatus. */
function readIngressPoint(point: Reader): LoadBalancerIngress {
  const stated = point.string("ip") ?? "";
  const hostname = point.string("hostname");
  const ipMode = point.oneOf("ipMode", ["VIP", "Proxy"]);
  const ip = stated === "" ? undefined : readIngressIP(point, stated);
  if (stated === "" && ipMode !== undefined) point.forbidden("ipMode", "may not be specified when `ip` is not set");
  if (hostname !== undefined && hostname !== "") {
    if (parseAddress(hostname) !== undefined) {
      point.invalid("BAD_NAME", "hostname", hostname, "must be a DNS name, not an IP address");
    } else if (!isDnsSubdomain(hostname)) point.invalid("BAD_NAME", "hostname", hostname, dnsSubdomainRule);
  }
  return {
    ...(ip !== undefined && { ip }),
    ...(hostname !== undefined && hostname !== "" && { hostname }),
    ...(ipMode !== undefined && { ipMode }),
  };
}

function readIngressIP(point: Reader, text: string): string | undefined {
  if (!point.reading.isAsGiven) return readAddress(point, "ip", text);
  if (parseAddressSloppy(text) === undefined) passOver(point, "ip", text);
  return text;
}
