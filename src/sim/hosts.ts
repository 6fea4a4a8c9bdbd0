import { type Address, type Family, address, familyOf, parseAddress } from "../wire/address.ts";
import type { Who } from "./who.ts";

const loopback: readonly Address[] = [address("::1"), address("127.0.0.1")];

/**
 * What /etc/hosts says of a name, which the resolver reads first: `localhost` everywhere, and a pod's own name where
 * the kubelet writes the file (kubernetes pkg/kubelet/kubelet_pods.go, managedHostsFileContent). Undefined: nothing.
 */
export function addressesInHosts(who: Who, host: string, families: readonly Family[]): readonly Address[] | undefined {
  const name = host.toLowerCase();
  const wanted = (addresses: readonly Address[]): readonly Address[] =>
    addresses.filter((one) => families.includes(familyOf(one)));
  if (name === "localhost") return wanted(loopback);
  if (who.kind !== "pod" || who.pod.spec.hostNetwork) return undefined;
  const { metadata, spec, status } = who.pod;
  // The kernel's limit of a host name cuts it (truncatePodHostnameIfNeeded).
  const own = spec.hostname ?? metadata.name.slice(0, 63);
  if (name !== own) return undefined;
  const found = wanted(status.podIPs.flatMap((text) => parseAddress(text) ?? []));
  return found.length === 0 ? undefined : found;
}

/** What is wrong with a host name, in dig's words; undefined when a resolver can ask for it. RFC 1035, 2.3.4. */
export function nameFault(host: string): string | undefined {
  const name = host.replace(/\.$/, "");
  if (name === "") return undefined;
  const labels = name.split(".");
  if (labels.includes("")) return "empty label";
  if (labels.some((label) => label.length > 63)) return "label too long";
  return name.length > 253 ? "ran out of space" : undefined;
}
