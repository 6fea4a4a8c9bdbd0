import type { Owner } from "../trace/records.ts";
import type { Address } from "../wire/address.ts";
import { type Mac, localMac, zeroMac } from "../wire/mac.ts";
import { addLinkLocal, connectAddress, removeAddress } from "./address.ts";
import { nanosPerSecond } from "./clock.ts";
import type { BridgeDevice, Device, DeviceRef, PortSwitches, VxlanDevice, VxlanFdbEntry } from "./device.ts";
import type { NetworkNamespace } from "./namespace.ts";
import { NetlinkError } from "./netlink-error.ts";
import { lookupOutput } from "./ip/route.ts";
import { isFallback } from "./ipip.ts";
import { flushRoutes } from "./routes.ts";
import type { SysctlTable } from "./sysctl.ts";

interface CommonSpec {
  readonly name: string;
  /** Absent: derived from namespace and name, so that runs repeat. */
  readonly mac?: Mac;
  /** Bytes; 1500 where absent (65,536 for the loopback, 50 less than the lower device for vxlan, 20 less for ipip). */
  readonly mtu?: number;
  readonly owner?: Owner;
}

/** What `ip link add` takes. */
export type DeviceSpec = CommonSpec &
  (
    | { readonly kind: "loopback" | "dummy" }
    | {
        readonly kind: "bridge";
        /** 300 s where absent. */
        readonly ageingNanos?: number;
        readonly callsIptables?: boolean;
        readonly callsIp6tables?: boolean;
      }
    | { readonly kind: "veth" | "physical"; readonly peer?: DeviceRef }
    | {
        readonly kind: "vxlan";
        readonly vni: number;
        readonly local?: Address;
        readonly group?: Address;
        /** The one remote end for all that is not in the forwarding database (`remote`). */
        readonly remote?: Address;
        readonly srcPorts?: VxlanDevice["srcPorts"];
        readonly df?: VxlanDevice["df"];
        /** 300 s where absent. */
        readonly ageingNanos?: number;
        /** 8472 where absent, as in Linux (not IANA's 4789). */
        readonly dstPort?: number;
        readonly lower?: string;
        readonly ttl?: VxlanDevice["ttl"];
        readonly learning?: boolean;
      }
    | {
        readonly kind: "ipip";
        readonly local?: Address;
        readonly remote?: Address;
        readonly lower?: string;
        /** The inner packet's where absent. */
        readonly ttl?: number;
        /** On where absent, but off for the kernel's own `tunl0`. */
        readonly pmtuDiscovery?: boolean;
      }
    | { readonly kind: "foreign"; readonly type: string }
  );

/** Adds a device, down and without addresses. EEXIST when the name is taken. ip-link(8). */
export function addDevice(ns: NetworkNamespace, spec: DeviceSpec): Device {
  if (ns.devices.has(spec.name)) throw new NetlinkError("EEXIST", `device ${spec.name} exists already`);
  const device = build(ns, spec);
  ns.devices.set(spec.name, device);
  (ns.sysctls as SysctlTable).inherit(spec.name);
  if (device.kind === "bridge") device.fdb.set(device.mac, permanent(device.mac, device.name));
  return device;
}

function build(ns: NetworkNamespace, spec: DeviceSpec): Device {
  const base = {
    ifindex: nextIfindex(ns),
    name: spec.name,
    mac: spec.mac ?? defaultMac(ns, spec),
    mtu: spec.mtu ?? defaultMtu(ns, spec),
    up: false,
    promiscuous: false,
    ...(spec.owner && { owner: spec.owner }),
    addresses: [],
  };
  switch (spec.kind) {
    case "loopback":
    case "dummy":
      return { ...base, kind: spec.kind };
    case "bridge":
      return {
        ...base,
        kind: "bridge",
        mtuIsSet: false,
        ports: [],
        fdb: new Map(),
        ageingNanos: spec.ageingNanos ?? 300 * nanosPerSecond,
        callsIptables: spec.callsIptables ?? false,
        callsIp6tables: spec.callsIp6tables ?? false,
        inheritsMac: spec.mac === undefined,
      };
    case "foreign":
      return { ...base, kind: "foreign", type: spec.type };
    case "veth":
    case "physical":
      return { ...base, kind: spec.kind, ...(spec.peer && { peer: spec.peer }) };
    case "vxlan":
      return {
        ...base,
        kind: "vxlan",
        vni: spec.vni,
        ...(spec.local !== undefined && { local: spec.local }),
        ...(spec.group !== undefined && { group: spec.group }),
        ...(spec.srcPorts && { srcPorts: spec.srcPorts }),
        ...(spec.df && { df: spec.df }),
        ageingNanos: spec.ageingNanos ?? 300 * nanosPerSecond,
        dstPort: spec.dstPort ?? 8472,
        ...(spec.lower !== undefined && { lower: spec.lower }),
        ...(spec.ttl !== undefined && { ttl: spec.ttl }),
        learning: spec.learning ?? true,
        fdb: defaultRemote(spec.group ?? spec.remote),
      };
    case "ipip":
      return {
        ...base,
        kind: "ipip",
        ...(spec.local !== undefined && { local: spec.local }),
        ...(spec.remote !== undefined && { remote: spec.remote }),
        ...(spec.lower !== undefined && { lower: spec.lower }),
        ...(spec.ttl !== undefined && { ttl: spec.ttl }),
        inheritsDf: !(spec.pmtuDiscovery ?? !isFallback(spec)),
        errors: 0,
        errorNanos: 0,
      };
  }
}

const lastIfindex = new WeakMap<NetworkNamespace, number>();

/** Numbers are not given twice: dev_index_reserve(), net/core/dev.c. */
/** The all-zero entry, which takes what no other does. */
function defaultRemote(remote: Address | undefined): Map<Mac, VxlanFdbEntry> {
  return new Map(remote === undefined ? [] : [[zeroMac, { mac: zeroMac, remote, isBound: true }]]);
}

function nextIfindex(ns: NetworkNamespace): number {
  const next = (lastIfindex.get(ns) ?? 0) + 1;
  lastIfindex.set(ns, next);
  return next;
}

function defaultMac(ns: NetworkNamespace, spec: DeviceSpec): Mac {
  if (spec.kind === "loopback" || spec.kind === "ipip") return zeroMac;
  let hash = 7;
  for (const char of `${ns.name}/${spec.name}`) hash = (hash * 131 + char.charCodeAt(0)) % 2 ** 40;
  return localMac(hash);
}

function defaultMtu(ns: NetworkNamespace, spec: DeviceSpec): number {
  switch (spec.kind) {
    case "loopback":
      return 65_536;
    case "vxlan": {
      const lower = spec.lower === undefined ? undefined : ns.devices.get(spec.lower);
      const v6 = typeof (spec.local ?? spec.group ?? spec.remote) === "bigint";
      return lower === undefined ? 1500 : lower.mtu - (v6 ? 70 : 50);
    }
    case "ipip":
      return ipipMtu(ns, spec);
    case "bridge":
    case "dummy":
    case "foreign":
    case "veth":
    case "physical":
      return 1500;
  }
}

/** What is left of the MTU of the device that leads to the remote end: ip_tunnel_bind_dev(). */
function ipipMtu(ns: NetworkNamespace, { local, remote, lower }: Extract<DeviceSpec, { kind: "ipip" }>): number {
  const src = local === undefined ? {} : { src: local };
  const routed = remote === undefined ? undefined : lookupOutput(ns, { dst: remote, mark: 0, ...src });
  const below = routed?.kind === "routed" ? routed.to.device : ns.devices.get(lower ?? "");
  return (below?.mtu ?? 1500) - 20;
}

/** The device of that name. ENODEV when there is none. */
export function deviceOf(ns: NetworkNamespace, name: string): Device {
  const device = ns.devices.get(name);
  if (device === undefined) throw new NetlinkError("ENODEV", `there is no device ${name} in ${ns.name}`);
  return device;
}

/** Removes a device with its addresses, routes, neighbours and bridge ports; the peer of a veth loses its carrier only. */
export function removeDevice(ns: NetworkNamespace, name: string): void {
  const device = deviceOf(ns, name);
  release(ns, name);
  if (device.kind === "bridge") for (const port of device.ports.slice()) release(ns, port);
  for (const { address } of device.addresses.slice()) removeAddress(ns, name, address);
  flushRoutes(ns, name, { local: true });
  ns.neighbours.flush(name);
  ns.devices.delete(name);
}

/** `ip link set DEV up`: the routes of its addresses appear, and in IPv6 a link-local address. */
export function setUp(ns: NetworkNamespace, name: string): void {
  const device = deviceOf(ns, name);
  if (device.up) return;
  device.up = true;
  for (const address of device.addresses) connectAddress(ns, device, address);
  addLinkLocal(ns, device);
}

/** `ip link set DEV down`: all routes by it are gone but those of its own addresses (fib_sync_down_dev). */
export function setDown(ns: NetworkNamespace, name: string): void {
  const device = deviceOf(ns, name);
  device.up = false;
  flushRoutes(ns, name, { local: false });
  ns.neighbours.flush(name);
}

/** `ip link set DEV address MAC`. */
export function setMac(ns: NetworkNamespace, name: string, mac: Mac): void {
  const device = deviceOf(ns, name);
  const bridge = device.kind === "bridge" ? device : device.port?.bridge;
  if (bridge?.fdb.get(device.mac)?.port === name) bridge.fdb.delete(device.mac);
  device.mac = mac;
  if (bridge === undefined) return;
  bridge.fdb.set(mac, permanent(mac, name));
  if (device.port !== undefined) inheritMac(bridge, ns);
}

/** `ip link set DEV master BRIDGE`, with the port options of `bridge link`. */
export function enslave(ns: NetworkNamespace, name: string, master: string, options: PortSwitches = {}): void {
  const device = deviceOf(ns, name);
  const bridge = deviceOf(ns, master);
  if (bridge.kind !== "bridge") throw new NetlinkError("EINVAL", `${master} is no bridge`);
  if (device.port !== undefined) release(ns, name);
  device.port = {
    bridge,
    hairpin: false,
    isolated: false,
    learning: true,
    flood: true,
    broadcastFlood: true,
    multicastFlood: true,
    disabled: false,
    ...options,
  };
  bridge.ports.push(name);
  if (!bridge.fdb.get(device.mac)?.permanent) bridge.fdb.set(device.mac, permanent(device.mac, name));
  inheritMac(bridge, ns);
  followMtu(bridge, ns);
}

/** `ip link set DEV nomaster`. */
export function release(ns: NetworkNamespace, name: string): void {
  const device = deviceOf(ns, name);
  const bridge = device.port?.bridge;
  if (bridge === undefined) return;
  device.port = undefined;
  bridge.ports.splice(bridge.ports.indexOf(name), 1);
  for (const entry of bridge.fdb.values()) if (entry.port === name) bridge.fdb.delete(entry.mac);
  inheritMac(bridge, ns);
  followMtu(bridge, ns);
}

/** `ip link set DEV mtu BYTES`. */
export function setMtu(ns: NetworkNamespace, name: string, mtu: number): void {
  const device = deviceOf(ns, name);
  device.mtu = mtu;
  if (device.kind === "bridge") device.mtuIsSet = true;
  if (device.port !== undefined) followMtu(device.port.bridge, ns);
}

/** br_mtu_auto_adjust(): the lowest MTU of the ports, 1500 without any, unless one was set on the bridge itself. */
function followMtu(bridge: BridgeDevice, ns: NetworkNamespace): void {
  if (bridge.mtuIsSet) return;
  const mtus = bridge.ports.map((port) => deviceOf(ns, port).mtu);
  bridge.mtu = mtus.length === 0 ? 1500 : Math.min(...mtus);
}

/** br_stp_recalculate_bridge_id(): the lowest MAC of the ports, unless one was set. */
function inheritMac(bridge: BridgeDevice, ns: NetworkNamespace): void {
  if (bridge.inheritsMac !== true || bridge.ports.length === 0) return;
  const lowest = bridge.ports.map((port) => deviceOf(ns, port).mac).reduce((a, b) => (b < a ? b : a));
  if (bridge.fdb.get(bridge.mac)?.port === bridge.name) bridge.fdb.delete(bridge.mac);
  bridge.mac = lowest;
}

function permanent(mac: Mac, port: string): { mac: Mac; port: string; permanent: true; updatedAtNanos: number } {
  return { mac, port, permanent: true, updatedAtNanos: 0 };
}
