import { familyOf, parseAddress } from "../wire/address.ts";
import { parseCidr } from "../wire/cidr.ts";
import type { Report } from "./checks.ts";
import type { EndpointSlice, Service } from "./objects.ts";
import { since } from "./release.ts";

/**
 * What the API server accepts and kube-proxy passes over. pkg/proxy/serviceport.go (newBaseServiceInfo),
 * pkg/proxy/endpointslicecache.go.
 */
export function checkIgnored(
  services: readonly Service[],
  slices: readonly EndpointSlice[],
  release: number,
  report: Report,
): void {
  for (const service of services) {
    unlessPlain(service, report, checkService);
    checkDistribution(service, release, report);
  }
  for (const slice of slices) unlessPlain(slice, report, checkSlice);
}

/** Objects that there is nothing to say of: an edit leaves most of 10,000 as they were. */
const plain = new WeakSet<Service | EndpointSlice>();

function unlessPlain<T extends Service | EndpointSlice>(
  object: T,
  report: Report,
  check: (object: T, report: Report) => void,
): void {
  if (plain.has(object)) return;
  let isPlain = true;
  check(object, (...said) => {
    isPlain = false;
    report(...said);
  });
  if (isPlain) plain.add(object);
}

/** validateServiceTrafficDistribution; without its gate the API server drops the field. */
function checkDistribution(service: Service, release: number, report: Report): void {
  const { trafficDistribution: value } = service.spec;
  const path = ["spec", "trafficDistribution"];
  if (value === undefined) return;
  if (release < since.hintsAlone) {
    const message = `Kubernetes 1.${release} drops trafficDistribution: ${value} (its gate is off)`;
    report("IGNORED_BY_KUBE_PROXY", service, path, message, "Use Kubernetes 1.31 or later.");
    return;
  }
  const later = release < since.nodeHints ? [] : ["PreferSameZone", "PreferSameNode"];
  const supported = ["PreferClose", ...later];
  if (supported.includes(value)) return;
  const words = supported.map((word) => JSON.stringify(word)).join(", ");
  const message = `spec.trafficDistribution: Unsupported value: ${JSON.stringify(value)}: supported values: ${words}`;
  report("BAD_VALUE", service, path, message);
}

function checkService(service: Service, report: Report): void {
  const { externalIPs, ipFamilies, loadBalancerSourceRanges: ranges, type } = service.spec;
  const { ingress } = service.status.loadBalancer;
  if (externalIPs.length === 0 && ranges.length === 0 && ingress.length === 0) return;
  const say = (path: readonly (string | number)[], message: string): void =>
    report("IGNORED_BY_KUBE_PROXY", service, path, message);
  const families = new Set<string>(ipFamilies.map((family) => family.toLowerCase()));
  const isForeign = (text: string): boolean => {
    const address = parseAddress(text) ?? parseCidr(text)?.base;
    return address !== undefined && families.size > 0 && !families.has(familyOf(address));
  };
  const foreign = ranges.map((text) => isForeign(text.trim()));
  const allowsAll = foreign.length > 0 && foreign.every(Boolean);
  for (const [index, text] of ranges.entries()) {
    if (foreign[index] !== true) continue;
    const so = allowsAll ? "; no range is left, so everybody is let in" : "";
    say(["spec", "loadBalancerSourceRanges", index], `the Service has no address of the family of ${text}${so}`);
  }
  for (const [index, text] of externalIPs.entries()) {
    if (isForeign(text)) say(["spec", "externalIPs", index], `the Service has no address of the family of ${text}`);
  }
  if (type !== "LoadBalancer") return;
  for (const [index, { ip, ipMode }] of ingress.entries()) {
    const path = ["status", "loadBalancer", "ingress", index];
    if (ip === undefined) say(path, "an ingress without an IP is for the load balancer alone");
    else if (ipMode === "Proxy") say(path, `${ip} has ipMode Proxy: packets for it go to the load balancer itself`);
    else if (isForeign(ip)) say(path, `the Service has no address of the family of ${ip}`);
  }
}

function checkSlice(slice: EndpointSlice, report: Report): void {
  const say = (path: readonly (string | number)[], message: string): void =>
    report("IGNORED_BY_KUBE_PROXY", slice, path, message);
  if (slice.addressType === "FQDN") return say(["addressType"], "endpoints of addressType FQDN");
  for (const [index, { name, port }] of slice.ports.entries()) {
    if (port === undefined || port === 0) say(["ports", index], "a port without a number");
    else if (name === undefined)
      say(["ports", index], "a port without a name (the API server would make it an empty one)");
  }
  for (const [index, { addresses }] of slice.endpoints.entries()) {
    if (addresses.length < 2) continue;
    const [first, ...others] = addresses;
    const more =
      others.length > 3 ? `${others.slice(0, 3).join(", ")} and ${others.length - 3} more` : others.join(", ");
    say(["endpoints", index, "addresses"], `only ${first} counts, not ${more}`);
  }
}
