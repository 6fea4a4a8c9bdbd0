import {
  type DeviceSpec,
  addDevice,
  deviceOf,
  enslave,
  release,
  removeDevice,
  setDown,
  setMac,
  setMtu,
  setUp,
} from "../kernel/link.ts";
import type { BridgePort } from "../kernel/device.ts";
import type { NetworkNamespace } from "../kernel/namespace.ts";
import type { Mac } from "../wire/mac.ts";
import type { CommandWords } from "./command-words.ts";

/** `ip link add|set|delete`. */
export function runLink(ns: NetworkNamespace, command: CommandWords): void {
  switch (command.keyword(["add", "set", "delete"])) {
    case "add":
      return addLink(ns, command);
    case "set":
      return setLink(ns, command);
    case "delete": {
      if (command.peek === "dev") command.next();
      return removeDevice(ns, command.next("a device"));
    }
  }
}

interface LinkDraft {
  name?: string;
  mac?: Mac;
  mtu?: number;
  up?: boolean;
}

function addLink(ns: NetworkNamespace, command: CommandWords): void {
  const draft: LinkDraft = {};
  while (command.more) {
    const option = command.next();
    if (option === "name" || option === "dev") draft.name = command.next("a name");
    else if (option === "address") draft.mac = command.mac();
    else if (option === "mtu") draft.mtu = command.number();
    else if (option === "up") draft.up = true;
    else if (option === "txqueuelen") command.number();
    else if (option === "link") command.next("a device");
    else if (option === "type") {
      const { name, mac, mtu } = draft;
      if (name === undefined) return command.fail("the device has no name");
      addDevice(ns, {
        name,
        ...(mac && { mac }),
        ...(mtu !== undefined && { mtu }),
        ...readKind(command),
      } as DeviceSpec);
    } else draft.name = option;
  }
  if (draft.name !== undefined && draft.up === true) setUp(ns, draft.name);
}

/** Kinds that ip-link(8) makes and that are devices here whose other side is unknown. */
const foreignKinds: readonly string[] = (
  "bareudp batadv bond can erspan geneve gre gretap gtp hsr ifb ip6erspan ip6gre ip6gretap ip6tnl ipvlan ipvtap " +
  "macsec macvlan macvtap netkit nlmon rmnet sit team tun vcan vlan vrf vti vti6 wireguard xfrm"
).split(" ");

/** What stands behind `type`. */
function readKind(command: CommandWords): Record<string, unknown> {
  const kind = command.next("a type");
  switch (kind) {
    case "bridge":
      return readBridge(command);
    case "dummy":
      return { kind: "dummy" };
    case "vxlan":
      return readVxlan(command);
    case "ipip":
      return readIpip(command);
    default:
      if (foreignKinds.includes(kind)) {
        while (command.more) command.next();
        return { kind: "foreign", type: kind };
      }
      return command.fail(`devices of type ${kind} are not modelled; veth pairs stand in the file links`);
  }
}

/** Options of a bridge. Multicast snooping has no part in what is modelled; spanning tree must be off. */
function readBridge(command: CommandWords): Record<string, unknown> {
  const spec: Record<string, unknown> = { kind: "bridge" };
  while (command.more) {
    const option = command.next();
    const value = Number(command.next("a value"));
    if (option === "stp_state" && value !== 0) command.fail("the spanning tree protocol is not modelled");
    else if (option === "ageing_time") spec["ageingNanos"] = value * 1e7;
    else if (option === "nf_call_iptables") spec["callsIptables"] = value !== 0;
    else if (option === "nf_call_ip6tables") spec["callsIp6tables"] = value !== 0;
  }
  return spec;
}

function readVxlan(command: CommandWords): Record<string, unknown> {
  const spec: Record<string, unknown> = { kind: "vxlan" };
  while (command.more) {
    const option = command.next();
    if (option === "id" || option === "vni") spec["vni"] = command.number();
    else if (option === "dev") spec["lower"] = command.next("a device");
    else if (option === "local") spec["local"] = command.address();
    else if (option === "remote") spec["remote"] = command.address();
    else if (option === "group") spec["group"] = command.address();
    else if (option === "dstport") spec["dstPort"] = command.number();
    else if (option === "srcport" || option === "port") {
      const [first, end] = [command.number(), command.number()];
      if (first < end) spec["srcPorts"] = { first, end };
    } else if (option === "ttl" || option === "hoplimit") readTtl(command, spec);
    else if (option === "df") {
      const df = command.keyword(["unset", "set", "inherit"]);
      if (df !== "unset") spec["df"] = df;
    } else if (option === "ageing") spec["ageingNanos"] = command.number() * 1e9;
    // Checksums do not change where packets go.
    else if (/^(no)?(udpcsum|udp6zerocsumtx|udp6zerocsumrx|localbypass)$/.test(option)) continue;
    else if (option === "learning" || option === "nolearning") spec["learning"] = option === "learning";
    else command.fail(`${option} is not an option of vxlan that is modelled`);
  }
  return spec;
}

function readIpip(command: CommandWords): Record<string, unknown> {
  const spec: Record<string, unknown> = { kind: "ipip" };
  while (command.more) {
    const option = command.next();
    if (option === "local" || option === "remote") {
      if (command.peek === "any") command.next();
      else spec[option] = command.address();
    } else if (option === "dev") spec["lower"] = command.next("a device");
    else if (option === "mode") command.keyword(["ipip", "any"]);
    else if (option === "ttl" || option === "hoplimit") readTtl(command, spec);
    else if (option === "pmtudisc" || option === "nopmtudisc") spec["pmtuDiscovery"] = option === "pmtudisc";
    else command.fail(`${option} is not an option of ipip that is modelled`);
  }
  // An outer packet has the inner one's, unless a number says otherwise.
  if (spec["ttl"] === "inherit") delete spec["ttl"];
  if (spec["ttl"] !== undefined && spec["pmtuDiscovery"] === false) {
    command.fail("with nopmtudisc the TTL has to be inherited");
  }
  return spec;
}

const portSwitches = {
  hairpin: "hairpin",
  isolated: "isolated",
  learning: "learning",
  flood: "flood",
  bcast_flood: "broadcastFlood",
  mcast_flood: "multicastFlood",
} as const;

/** Options of a bridge port: `ip link set ... type bridge_slave`, `bridge link set`. Numbers or names as states. */
export function readPortOptions(command: CommandWords, port: BridgePort): void {
  const names = Object.keys(portSwitches) as (keyof typeof portSwitches)[];
  while (command.more) {
    const key = command.keyword([...names, "state", "priority", "cost", "fastleave", "guard", "root_block"]);
    if (key === "state") {
      const state = command.next("a state");
      // Any other state turns to forwarding at once, where spanning tree is off.
      port.disabled = state === "0" || state === "disabled";
    } else if (isSwitch(key)) port[portSwitches[key]] = command.keyword(["on", "off"]) === "on";
    // What spanning tree and IGMP snooping would look at.
    else command.next();
  }
}

function isSwitch(key: string): key is keyof typeof portSwitches {
  return Object.hasOwn(portSwitches, key);
}

function readTtl(command: CommandWords, spec: Record<string, unknown>): void {
  if (command.peek === "inherit") spec["ttl"] = command.next();
  else if (command.peek === "auto") command.next();
  else {
    const ttl = command.number();
    if (ttl > 0) spec["ttl"] = ttl;
  }
}

function setLink(ns: NetworkNamespace, command: CommandWords): void {
  if (command.peek === "dev") command.next();
  const name = command.next("a device");
  const device = deviceOf(ns, name);
  while (command.more) {
    const option = command.next();
    switch (option) {
      case "up":
        setUp(ns, name);
        break;
      case "down":
        setDown(ns, name);
        break;
      case "mtu":
        setMtu(ns, name, command.number());
        break;
      case "address":
        setMac(ns, name, command.mac());
        break;
      // Offloads do not change what is sent.
      case "gso_max_segs":
      case "gso_max_size":
      case "gso_ipv4_max_size":
      case "gro_max_size":
      case "gro_ipv4_max_size":
      case "txqueuelen":
        command.number();
        break;
      case "promisc":
        device.promiscuous = command.keyword(["on", "off"]) === "on";
        break;
      case "master":
        enslave(ns, name, command.next("a bridge"));
        break;
      case "nomaster":
        release(ns, name);
        break;
      case "type":
        if (command.next() !== "bridge_slave" || device.port === undefined)
          return command.fail(`${name} is no bridge port`);
        readPortOptions(command, device.port);
        break;
      default:
        return command.fail(`${option} is not an option of ip link set that is modelled`);
    }
  }
}
