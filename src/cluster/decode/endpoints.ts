import { parseAddress } from "../../wire/address.ts";
import type { Path } from "../load/origin.ts";
import type { Endpoint, EndpointPort, EndpointSlice, Endpoints } from "../objects.ts";
import { readAddress, refuseSpecial } from "./addresses.ts";
import { readMeta } from "./meta.ts";
import {
  dnsLabelRule,
  dnsSubdomainRule,
  isDnsLabel,
  isDnsSubdomain,
  isLabelValue,
  readPortNumber,
  readProtocol,
} from "./names.ts";
import type { Reader } from "./reader.ts";

const sliceFields: ReadonlySet<string> = new Set([
  "apiVersion",
  "kind",
  "metadata",
  "addressType",
  "ports",
  "endpoints",
]);
const endpointFields: ReadonlySet<string> = new Set([
  "addresses",
  "conditions",
  "deprecatedTopology",
  "hints",
  "hostname",
  "nodeName",
  "targetRef",
  "zone",
]);

type AddressType = EndpointSlice["addressType"];

/**
 * Kubernetes pkg/apis/discovery/validation (ValidateEndpointSlice). A port without a name is called "", unless the
 * object has been through the API server already: pkg/apis/discovery/v1/defaults.go.
 */
export function readEndpointSlice(object: Reader, namespace: string): EndpointSlice {
  const metadata = readMeta(object, "subdomain", namespace);
  object.onlyFields(sliceFields);
  if (!object.has("addressType")) object.required("addressType");
  const addressType = object.oneOf("addressType", ["IPv4", "IPv6", "FQDN"]) ?? "IPv4";
  const endpoints = object.objects("endpoints").map((endpoint) => readEndpoint(endpoint, addressType));
  object.tooMany("endpoints", endpoints.length, 1000);
  const ports = object.objects("ports").map(readEndpointPort);
  object.tooMany("ports", ports.length, 100);
  const names = new Set<string>();
  for (const [index, { name }] of ports.entries()) {
    if (name === undefined) continue;
    if (names.has(name)) object.duplicate(["ports", index, "name"], name);
    names.add(name);
  }
  const unnumbered = ports.findIndex(({ port }) => port === undefined);
  if (unnumbered >= 0 && ports.length > 1) {
    const message = "kube-proxy 1.30 crashes on a slice of several ports of which one has no number";
    object.report("SLICE_CRASHES_KUBE_PROXY", ["ports", unnumbered], message);
  }
  return { kind: "EndpointSlice", metadata, addressType, ports, endpoints };
}

/** The number is not checked: the API server does not, either. */
function readEndpointPort(port: Reader): EndpointPort {
  const name = port.string("name") ?? (port.reading.isAsGiven ? undefined : "");
  if (name !== undefined && name !== "" && !isDnsLabel(name)) port.invalid("BAD_NAME", "name", name, dnsLabelRule);
  const number = port.get("port") === 0 ? 0 : readPortNumber(port, "port");
  return {
    ...(name !== undefined && { name }),
    protocol: readProtocol(port),
    ...(number !== undefined && { port: number }),
  };
}

function readEndpoint(endpoint: Reader, addressType: AddressType): Endpoint {
  endpoint.onlyFields(endpointFields);
  const texts = endpoint.strings("addresses");
  if (texts.length === 0) endpoint.required("addresses", "must contain at least 1 address");
  endpoint.tooMany("addresses", texts.length, 100);
  const addresses = texts.flatMap((text, index) => readEndpointText(endpoint, ["addresses", index], text, addressType));
  const hostname = endpoint.string("hostname");
  if (hostname !== undefined && !isDnsLabel(hostname)) endpoint.invalid("BAD_NAME", "hostname", hostname, dnsLabelRule);
  const nodeName = endpoint.string("nodeName");
  if (nodeName !== undefined && nodeName !== "" && !isDnsSubdomain(nodeName)) {
    endpoint.invalid("BAD_NAME", "nodeName", nodeName, dnsSubdomainRule);
  }
  const zone = endpoint.string("zone");
  const targetRef = endpoint.object("targetRef");
  const hints = endpoint.object("hints");
  return {
    addresses,
    conditions: readConditions(endpoint),
    ...(hostname !== undefined && hostname !== "" && { hostname }),
    ...(nodeName !== undefined && { nodeName }),
    ...(zone !== undefined && { zone }),
    ...(targetRef && { targetRef: readTargetRef(targetRef) }),
    ...(hints && { hints: readHints(hints) }),
  };
}

function readEndpointText(endpoint: Reader, path: Path, text: string, addressType: AddressType): string[] {
  if (addressType === "FQDN") {
    const isName = parseAddress(text) === undefined && isDnsSubdomain(text.replace(/\.$/, "")) && text.includes(".");
    if (!isName)
      endpoint.invalid("BAD_NAME", path, text, "should be a domain with at least two segments separated by dots");
    return [text];
  }
  const address = readAddress(endpoint, path, text, `must be a valid ${addressType} address`);
  if (address === undefined) return [];
  if (address.includes(":") !== (addressType === "IPv6")) {
    endpoint.invalid("BAD_ADDRESS", path, text, `must be a valid ${addressType} address`);
  }
  if (!endpoint.reading.isAsGiven) refuseSpecial(endpoint, path, address);
  return [address];
}

/** What is not stated stays absent: kube-proxy and the DNS each have their own default for it. */
function readConditions(endpoint: Reader): Endpoint["conditions"] {
  const conditions = endpoint.objectOrEmpty("conditions");
  const ready = conditions.boolean("ready");
  const serving = conditions.boolean("serving");
  const terminating = conditions.boolean("terminating");
  return {
    ...(ready !== undefined && { ready }),
    ...(serving !== undefined && { serving }),
    ...(terminating !== undefined && { terminating }),
  };
}

function readTargetRef(ref: Reader): NonNullable<Endpoint["targetRef"]> {
  return { kind: ref.string("kind") ?? "", namespace: ref.string("namespace") ?? "", name: ref.string("name") ?? "" };
}

/** Eight zones at most, none twice. (ValidateEndpointHints) */
function readHints(hints: Reader): NonNullable<Endpoint["hints"]> {
  const names = (key: string): string[] => {
    const found = new Set<string>();
    hints.tooMany(key, hints.list(key).length, 8);
    return hints.objects(key).map((hint) => {
      const name = hint.requiredString("name");
      if (name !== "" && !isLabelValue(name)) hint.invalid("BAD_LABEL", "name", name, "must be a valid label value");
      if (found.has(name)) hint.duplicate("name", name);
      found.add(name);
      return name;
    });
  };
  return { forZones: names("forZones"), ...(hints.has("forNodes") && { forNodes: names("forNodes") }) };
}

type Subset = Endpoints["subsets"][number];

/** Kubernetes pkg/apis/core/validation (ValidateEndpoints). */
export function readEndpoints(object: Reader, namespace: string): Endpoints {
  const metadata = readMeta(object, "subdomain", namespace);
  return { kind: "Endpoints", metadata, subsets: object.objects("subsets").map(readSubset) };
}

function readSubset(subset: Reader): Subset {
  const ports = subset.objects("ports");
  const addresses = subset.objects("addresses").map(readEndpointAddress);
  const notReadyAddresses = subset.objects("notReadyAddresses").map(readEndpointAddress);
  if (addresses.length + notReadyAddresses.length === 0) {
    subset.refuse("REQUIRED", "", "Required value: must specify `addresses` or `notReadyAddresses`");
  }
  return {
    addresses,
    notReadyAddresses,
    ports: ports.map((port) => {
      if (!port.has("port")) port.required("port");
      const name = port.string("name") ?? "";
      if (name === "" && ports.length > 1) port.required("name");
      if (name !== "" && !isDnsLabel(name)) port.invalid("BAD_NAME", "name", name, dnsLabelRule);
      return { name, protocol: readProtocol(port), port: readPortNumber(port, "port") ?? 0 };
    }),
  };
}

function readEndpointAddress(entry: Reader): Subset["addresses"][number] {
  const text = entry.requiredString("ip");
  const ip = text === "" ? undefined : readAddress(entry, "ip", text, "must be a valid IP address");
  if (ip !== undefined) refuseSpecial(entry, "ip", ip);
  const nodeName = entry.string("nodeName");
  const hostname = entry.string("hostname");
  return { ip: ip ?? text, ...(nodeName !== undefined && { nodeName }), ...(hostname !== undefined && { hostname }) };
}
