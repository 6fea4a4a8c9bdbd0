import { isIPv4, parseAddress } from "../../wire/address.ts";
import type { Endpoint, EndpointPort, EndpointSlice, Endpoints } from "../objects.ts";
import { readMeta } from "./meta.ts";
import { isDnsLabel, readPortNumber, readProtocol } from "./names.ts";
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
export function readEndpointSlice(object: Reader, namespace: string, isAsGiven: boolean): EndpointSlice {
  const metadata = readMeta(object, "subdomain", namespace);
  object.onlyFields(sliceFields);
  if (!object.has("addressType")) object.required("addressType");
  const addressType = object.oneOf("addressType", ["IPv4", "IPv6", "FQDN"]) ?? "IPv4";
  const endpoints = object.objects("endpoints").map((endpoint) => readEndpoint(endpoint, addressType));
  if (endpoints.length > 1000) object.report("BAD_VALUE", "endpoints", "must have at most 1000 items");
  return {
    kind: "EndpointSlice",
    metadata,
    addressType,
    ports: object.objects("ports").map((port) => readEndpointPort(port, isAsGiven)),
    endpoints,
  };
}

function readEndpointPort(port: Reader, isAsGiven: boolean): EndpointPort {
  const name = port.string("name") ?? (isAsGiven ? undefined : "");
  if (name !== undefined && name !== "" && !isDnsLabel(name))
    port.report("BAD_NAME", "name", `\`${name}\` is no valid port name`);
  const number = readPortNumber(port, "port");
  return {
    ...(name !== undefined && { name }),
    protocol: readProtocol(port),
    ...(number !== undefined && { port: number }),
  };
}

function readEndpoint(endpoint: Reader, addressType: AddressType): Endpoint {
  endpoint.onlyFields(endpointFields);
  const addresses = endpoint.strings("addresses");
  if (addresses.length === 0) endpoint.required("addresses");
  for (const [index, text] of addresses.entries()) {
    if (!isOfType(text, addressType))
      endpoint.report("BAD_ADDRESS", ["addresses", index], `\`${text}\` is no ${addressType} address`);
  }
  const hostname = endpoint.string("hostname");
  const nodeName = endpoint.string("nodeName");
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

function isOfType(text: string, addressType: AddressType): boolean {
  const address = parseAddress(text);
  if (addressType === "FQDN") return address === undefined;
  return address !== undefined && isIPv4(address) === (addressType === "IPv4");
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

function readHints(hints: Reader): NonNullable<Endpoint["hints"]> {
  const names = (key: string): string[] => hints.objects(key).map((hint) => hint.requiredString("name"));
  return { forZones: names("forZones"), ...(hints.has("forNodes") && { forNodes: names("forNodes") }) };
}

type Subset = Endpoints["subsets"][number];

export function readEndpoints(object: Reader, namespace: string): Endpoints {
  const metadata = readMeta(object, "subdomain", namespace);
  return { kind: "Endpoints", metadata, subsets: object.objects("subsets").map(readSubset) };
}

function readSubset(subset: Reader): Subset {
  return {
    addresses: subset.objects("addresses").map(readEndpointAddress),
    notReadyAddresses: subset.objects("notReadyAddresses").map(readEndpointAddress),
    ports: subset.objects("ports").map((port) => {
      if (!port.has("port")) port.required("port");
      return { name: port.string("name") ?? "", protocol: readProtocol(port), port: readPortNumber(port, "port") ?? 0 };
    }),
  };
}

function readEndpointAddress(entry: Reader): Subset["addresses"][number] {
  const ip = entry.requiredString("ip");
  if (ip !== "" && parseAddress(ip) === undefined) entry.report("BAD_ADDRESS", "ip", `\`${ip}\` is no IP address`);
  const nodeName = entry.string("nodeName");
  const hostname = entry.string("hostname");
  return { ip, ...(nodeName !== undefined && { nodeName }), ...(hostname !== undefined && { hostname }) };
}
