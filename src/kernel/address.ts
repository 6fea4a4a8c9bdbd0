import type { Owner } from "../trace/records.ts";
import { type Address, familyOf, formatAddress, ipv4, ipv6, isIPv4, isLinkLocal, isLoopback } from "../wire/address.ts";
import { type Cidr, addressBits, cidr, hostCidr } from "../wire/cidr.ts";
import type { Mac } from "../wire/mac.ts";
import type { Device, InterfaceAddress } from "./device.ts";
import type { Route } from "./fib.ts";
import type { NetworkNamespace } from "./namespace.ts";
import { NetlinkError } from "./netlink-error.ts";

/** What `ip addr add` takes besides the address. */
export interface AddressOptions {
  readonly scope?: InterfaceAddress["scope"];
  readonly owner?: Owner;
  /** No connected route (`noprefixroute`). */
  readonly noPrefixRoute?: boolean;
  readonly peer?: Address;
}

/** The network that an address makes reachable. */
export function networkOf({ address, peer, prefixLength }: InterfaceAddress): Cidr {
  return cidr(peer ?? address, prefixLength);
}

/** Whether an IPv4 address shares its network with an earlier one of its device, and goes with that. */
export function isSecondary({ addresses }: Device, entry: InterfaceAddress): boolean {
  return isIPv4(entry.address) && addresses.find((other) => sameNetwork(other, entry)) !== entry;
}

/** Both are of one IPv4 network of the same length: the later one is secondary to the first (__inet_insert_ifa). */
function sameNetwork(a: InterfaceAddress, b: InterfaceAddress): boolean {
  return a.prefixLength === b.prefixLength && networkOf(a).base === networkOf(b).base;
}

/**
 * Adds an address with the routes the kernel makes for it: local, connected and (IPv4) broadcast. EEXIST,
 * ENODEV. fib_add_ifaddr(), net/ipv4/fib_frontend.c; addrconf.c.
 */
export function addAddress(
  ns: NetworkNamespace,
  deviceName: string,
  address: Address,
  prefixLength: number,
  options: AddressOptions = {},
): void {
  const device = ns.devices.get(deviceName);
  if (device === undefined) throw new NetlinkError("ENODEV", `there is no device ${deviceName} in ${ns.name}`);
  if (device.addresses.some((other) => other.address === address && other.prefixLength === prefixLength)) {
    throw new NetlinkError("EEXIST", `${formatAddress(address)} is on ${deviceName} already`);
  }
  const entry: InterfaceAddress = {
    address,
    prefixLength,
    scope: options.scope ?? defaultScope(address),
    ...(options.peer !== undefined && { peer: options.peer }),
    ...(options.owner && { owner: options.owner }),
    ...(options.noPrefixRoute === true && { noPrefixRoute: true }),
  };
  device.addresses.push(entry);
  // The local route needs no link: the address of a device that is down is local all the same (kube-ipvs0).
  const fib = ns.fib[familyOf(address)];
  // On the loopback a whole network is local.
  const block = isIPv4(address) && device.kind === "loopback" ? cidr(address, prefixLength) : hostCidr(address);
  fib.add(kernelRoute(device, entry, hostCidr(address), "local"), "local");
  if (block.prefixLength !== 32 && isIPv4(address)) fib.add(kernelRoute(device, entry, block, "local"), "local");
  if (device.up) connectAddress(ns, device, entry);
}

function defaultScope(address: Address): InterfaceAddress["scope"] {
  if (isLoopback(address)) return "host";
  return !isIPv4(address) && isLinkLocal(address) ? "link" : "global";
}

/** Adds the routes that need the link: connected and broadcast. Called when an address or the device comes up. */
export function connectAddress(ns: NetworkNamespace, device: Device, entry: InterfaceAddress): void {
  const { address, prefixLength, peer } = entry;
  const fib = ns.fib[familyOf(address)];
  const block = networkOf(entry);
  const bits = addressBits(address);
  if (isSecondary(device, entry)) return;
  if (isLoopback(address) || (isIPv4(address) && device.kind === "loopback")) {
    if (isIPv4(address) && prefixLength < 31) {
      fib.add(kernelRoute(device, entry, hostCidr(lastAddress(block)), "broadcast"), "local");
    }
    return;
  }
  const connected = (prefixLength < bits || (peer !== undefined && peer !== address)) && entry.noPrefixRoute !== true;
  if (connected) fib.add(kernelRoute(device, entry, block, "unicast"));
  if (!isIPv4(address)) return;
  if (prefixLength >= 31) return;
  fib.add(kernelRoute(device, entry, hostCidr(lastAddress(block)), "broadcast"), "local");
}

function lastAddress(block: Cidr): Address {
  const size = 2 ** (32 - block.prefixLength);
  return ipv4((block.base as number) + size - 1);
}

function kernelRoute(device: Device, entry: InterfaceAddress, destination: Cidr, type: Route["type"]): Route {
  const v4 = isIPv4(entry.address);
  return {
    destination,
    type,
    device: device.name,
    ...(v4 && { source: entry.address }),
    scope: v4 ? (type === "local" ? "host" : "link") : "global",
    metric: v4 || type === "local" ? 0 : 256,
    onlink: false,
    protocol: "kernel",
    ...(entry.owner && { owner: entry.owner }),
  };
}

/** Removes an address and the routes made for it. EADDRNOTAVAIL when the device has none such. */
export function removeAddress(ns: NetworkNamespace, deviceName: string, address: Address): void {
  const device = ns.devices.get(deviceName);
  const at = device?.addresses.findIndex((entry) => entry.address === address) ?? -1;
  const entry = device?.addresses[at];
  if (device === undefined || entry === undefined) {
    throw new NetlinkError("EADDRNOTAVAIL", `${formatAddress(address)} is not on ${deviceName}`);
  }
  const isPrimary = device.addresses.findIndex((other) => sameNetwork(other, entry)) === at;
  device.addresses.splice(at, 1);
  const fib = ns.fib[familyOf(address)];
  const byDevice = { device: deviceName };
  const block = networkOf(entry);
  const others = device.addresses.filter((other) => sameNetwork(other, entry));
  fib.delete({ destination: hostCidr(address), type: "local", ...byDevice }, "local");
  if (device.kind === "loopback") fib.delete({ destination: block, type: "local", ...byDevice }, "local");
  if (others.length > 0 && !(isIPv4(address) && isPrimary)) return;
  fib.delete({ destination: block, type: "unicast", ...byDevice });
  if (!isIPv4(address)) return;
  if (entry.prefixLength < 31) {
    fib.delete({ destination: hostCidr(lastAddress(block)), type: "broadcast", ...byDevice }, "local");
  }
  const [next] = others;
  if (next === undefined) return;
  // The network's other addresses go with its first one, unless they are to be promoted (__inet_del_ifa).
  if (ns.sysctls.device(deviceName).promoteSecondaries) connectAddress(ns, device, next);
  else removeAddress(ns, deviceName, next.address);
}

/** The link-local address a device gets when it comes up, and the routes of the link (RFC 4291, addrconf.c). */
export function addLinkLocal(ns: NetworkNamespace, device: Device): void {
  if (device.kind === "loopback" || device.kind === "ipip" || device.kind === "foreign") return;
  if (ns.sysctls.device(device.name).disabled6) return;
  const address = linkLocalOf(device.mac);
  if (device.addresses.some((entry) => entry.address === address)) return;
  addAddress(ns, device.name, address, 64, { scope: "link" });
}

/** fe80::/64 with the modified EUI-64 of a MAC address. RFC 4291, appendix A. */
export function linkLocalOf(mac: Mac): Address {
  const bytes = mac.split(":").map((part) => Number.parseInt(part, 16));
  bytes[0] = (bytes[0] ?? 0) ^ 2;
  bytes.splice(3, 0, 0xff, 0xfe);
  let low = 0n;
  for (const byte of bytes) low = (low << 8n) | BigInt(byte);
  return ipv6((0xfe80n << 112n) | low);
}
