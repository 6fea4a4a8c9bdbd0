import { LineProblem, readLines } from "../iptables/text-error.ts";
import { type Word, splitWords } from "../iptables/words.ts";
import { addAddress, removeAddress } from "../kernel/address.ts";
import {
  type DeviceSpec,
  addDevice,
  deviceOf,
  enslave,
  release,
  removeDevice,
  setDown,
  setMac,
  setUp,
} from "../kernel/link.ts";
import type { NetworkNamespace } from "../kernel/namespace.ts";
import { NetlinkError } from "../kernel/netlink-error.ts";
import type { InterfaceAddress } from "../kernel/device.ts";
import type { IpRule, Route } from "../kernel/fib.ts";
import type { Neighbour } from "../kernel/neighbour.ts";
import { type RouteSpec, addRoute, replaceRoute } from "../kernel/routes.ts";
import { type Address, familyOf, parseAddress } from "../wire/address.ts";
import { type Cidr, parseCidr, parseInterfaceAddress } from "../wire/cidr.ts";
import { type Mac, parseMac } from "../wire/mac.ts";

/** Runs `ip -batch` lines on a namespace: address, link, neigh, route, rule. Throws a TextError with all problems. */
export function runIpBatch(ns: NetworkNamespace, text: string, file: string): void {
  runBatch(text, file, (command) => runIp(ns, command));
}

/** Runs `bridge -batch` lines: static entries of bridges and VXLAN devices. */
export function runBridgeBatch(ns: NetworkNamespace, text: string, file: string): void {
  runBatch(text, file, (command) => runBridge(ns, command));
}

function runBatch(text: string, file: string, run: (command: CommandWords) => void): void {
  readLines(text, file, (line) => {
    const words = splitWords(line.replace(/(^|\s)#.*$/, ""));
    if (words.length === 0) return;
    const command = new CommandWords(words);
    try {
      run(command);
    } catch (error) {
      if (error instanceof NetlinkError) throw new LineProblem(error.errno, words[0]?.column ?? 1, error.message);
      throw error;
    }
  });
}

/** The words of one command, read from left to right. */
class CommandWords {
  readonly #words: readonly Word[];
  #at = 0;

  constructor(words: readonly Word[]) {
    this.#words = words;
  }

  get more(): boolean {
    return this.#at < this.#words.length;
  }

  get peek(): string | undefined {
    return this.#words[this.#at]?.text;
  }

  next(what = "a word"): string {
    const word = this.#words[this.#at];
    if (word === undefined) return this.fail(`${what} is missing at the end`);
    this.#at++;
    return word.text;
  }

  /** The next word when it is one of these; full names may be cut short as iproute2 allows it. */
  keyword<K extends string>(names: readonly K[]): K {
    const text = this.next();
    return (
      names.find((name) => name === text) ??
      names.find((name) => name.startsWith(text)) ??
      this.fail(`${text} is not one of ${names.join(", ")}`)
    );
  }

  number(): number {
    const text = this.next("a number");
    return /^(0x[0-9a-f]+|\d+)$/i.test(text) ? Number(text) : this.fail(`${text} is not a number`);
  }

  address(): Address {
    const text = this.next("an address");
    return parseAddress(text) ?? this.fail(`${text} is not an address`);
  }

  mac(): Mac {
    const text = this.next("a MAC address");
    return parseMac(text) ?? this.fail(`${text} is not a MAC address`);
  }

  fail(message: string): never {
    throw new LineProblem("BAD_COMMAND", this.#words[Math.max(0, this.#at - 1)]?.column ?? 1, message);
  }
}

function runIp(ns: NetworkNamespace, command: CommandWords): void {
  while (command.peek?.startsWith("-") === true) command.next();
  switch (command.keyword(["address", "link", "neighbour", "neighbor", "route", "rule"])) {
    case "address":
      return runAddress(ns, command);
    case "link":
      return runLink(ns, command);
    case "neighbour":
    case "neighbor":
      return runNeighbour(ns, command);
    case "route":
      return runRoute(ns, command);
    case "rule":
      return runRule(ns, command);
  }
}

function runAddress(ns: NetworkNamespace, command: CommandWords): void {
  const verb = command.keyword(["add", "replace", "delete"]);
  const text = command.next("an address");
  const parsed = parseInterfaceAddress(text) ?? command.fail(`${text} is not ADDRESS/PREFIX`);
  let device = "";
  let scope: InterfaceAddress["scope"] | undefined;
  let noPrefixRoute = false;
  while (command.more) {
    const option = command.next();
    if (option === "dev") device = command.next("a device");
    else if (option === "scope") scope = command.keyword(["global", "link", "host"] as const);
    else if (option === "noprefixroute") noPrefixRoute = true;
    else if (option === "brd" || option === "broadcast" || option === "label") command.next();
    else if (option !== "nodad") command.fail(`${option} is not an option of ip address that is modelled`);
  }
  if (verb === "delete") return removeAddress(ns, device, parsed.address);
  addAddress(ns, device, parsed.address, parsed.prefixLength, { ...(scope && { scope }), noPrefixRoute });
}

function runLink(ns: NetworkNamespace, command: CommandWords): void {
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

/** What stands behind `type`. */
function readKind(command: CommandWords): Record<string, unknown> {
  const kind = command.next("a type");
  switch (kind) {
    case "bridge":
      // Spanning tree and multicast snooping are not modelled: both are off in container networks.
      while (command.more) {
        command.next();
        command.next();
      }
      return { kind: "bridge" };
    case "dummy":
      return { kind: "dummy" };
    case "vxlan":
      return readVxlan(command);
    case "ipip": {
      const spec: Record<string, unknown> = { kind: "ipip" };
      while (command.more) {
        const option = command.next();
        if (option === "local" || option === "remote") spec[option] = command.address();
        else command.fail(`${option} is not an option of ipip that is modelled`);
      }
      return spec;
    }
    default:
      return command.fail(`devices of type ${kind} are not modelled; veth pairs stand in the file links`);
  }
}

function readVxlan(command: CommandWords): Record<string, unknown> {
  const spec: Record<string, unknown> = { kind: "vxlan" };
  while (command.more) {
    const option = command.next();
    if (option === "id" || option === "vni") spec["vni"] = command.number();
    else if (option === "dev") spec["lower"] = command.next("a device");
    else if (option === "local") spec["local"] = command.address();
    else if (option === "dstport") spec["dstPort"] = command.number();
    else if (option === "ttl") spec["ttl"] = command.number();
    else if (option === "learning" || option === "nolearning") spec["learning"] = option === "learning";
    else command.fail(`${option} is not an option of vxlan that is modelled`);
  }
  return spec;
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
        device.mtu = command.number();
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
        while (command.more) {
          const key = command.keyword(["hairpin", "isolated", "learning", "flood"]);
          device.port[key] = command.keyword(["on", "off"]) === "on";
        }
        break;
      default:
        return command.fail(`${option} is not an option of ip link set that is modelled`);
    }
  }
}

function runNeighbour(ns: NetworkNamespace, command: CommandWords): void {
  const verb = command.keyword(["add", "replace", "delete"]);
  const address = command.address();
  let device = "";
  let mac: Mac | undefined;
  let state: Neighbour["state"] = "PERMANENT";
  while (command.more) {
    const option = command.next();
    if (option === "dev") device = command.next("a device");
    else if (option === "lladdr") mac = command.mac();
    else if (option === "nud") state = command.next("a state").toUpperCase() as Neighbour["state"];
    else command.fail(`${option} is not an option of ip neigh`);
  }
  deviceOf(ns, device);
  if (verb === "delete") ns.neighbours.delete(device, address);
  else ns.neighbours.set({ device, address, state, ...(mac && { mac }) });
}

const routeTypes = ["unicast", "local", "broadcast", "blackhole", "unreachable", "prohibit", "throw"] as const;

type RouteDraft = { -readonly [K in keyof RouteSpec]?: RouteSpec[K] };

function runRoute(ns: NetworkNamespace, command: CommandWords): void {
  const verb = command.keyword(["add", "append", "replace", "delete"]);
  const type = routeTypes.find((name) => name === command.peek);
  if (type !== undefined) command.next();
  const text = command.next("a destination");
  const draft: RouteDraft = {};
  while (command.more) readRouteOption(command, draft);
  const v6 = draft.via === undefined ? text.includes(":") || text === "::/0" : familyOf(draft.via) === "ipv6";
  const all = v6 ? "::/0" : "0.0.0.0/0";
  const destination = parseCidr(text === "default" ? all : text.includes("/") ? text : `${text}/${v6 ? 128 : 32}`);
  if (destination === undefined) return command.fail(`${text} is not a destination`);
  const spec: RouteSpec = { ...draft, destination, ...(type && { type }) };
  if (verb === "replace") replaceRoute(ns, spec);
  else if (verb !== "delete") addRoute(ns, spec);
  else {
    const { table, ...match } = spec;
    if (!ns.fib[v6 ? "ipv6" : "ipv4"].delete(match as Pick<Route, "destination"> & Partial<Route>, table ?? "main")) {
      throw new NetlinkError("ESRCH", `there is no route to ${text}`);
    }
  }
}

function readRouteOption(command: CommandWords, draft: RouteDraft): void {
  const option = command.next();
  switch (option) {
    case "via":
      if (command.peek === "inet6" || command.peek === "inet") command.next();
      draft.via = command.address();
      return;
    case "dev":
      draft.device = command.next("a device");
      return;
    case "src":
      draft.source = command.address();
      return;
    case "metric":
      draft.metric = command.number();
      return;
    case "mtu":
      if (command.peek === "lock") command.next();
      draft.mtu = command.number();
      return;
    case "scope":
      draft.scope = command.keyword(["global", "link", "host"]);
      return;
    case "table":
      draft.table = command.next("a table");
      return;
    case "proto":
    case "protocol":
      draft.protocol = command.next("a protocol");
      return;
    case "onlink":
      draft.onlink = true;
      return;
    case "pref":
      command.next();
      return;
    case "linkdown":
      return;
    default:
      return command.fail(`${option} is not an option of ip route that is modelled`);
  }
}

function runRule(ns: NetworkNamespace, command: CommandWords): void {
  const verb = command.keyword(["add", "delete"]);
  const draft: { -readonly [K in keyof IpRule]?: IpRule[K] } = { inverted: false };
  let v6 = false;
  while (command.more) {
    const option = command.next();
    if (option === "not") draft.inverted = true;
    else if (option === "from" || option === "to") {
      const block = readBlock(command);
      if (block !== undefined) {
        draft[option] = block;
        v6 ||= typeof block.base === "bigint";
      }
    } else if (option === "iif") draft.inDevice = command.next("a device");
    else if (option === "oif") draft.outDevice = command.next("a device");
    else if (option === "fwmark") draft.mark = readMark(command);
    else if (option === "priority" || option === "pref" || option === "prio") draft.priority = command.number();
    else if (option === "lookup" || option === "table")
      draft.action = { kind: "lookup", table: command.next("a table") };
    else if (option === "blackhole" || option === "unreachable" || option === "prohibit")
      draft.action = { kind: option };
    else command.fail(`${option} is not an option of ip rule that is modelled`);
  }
  const fib = ns.fib[v6 ? "ipv6" : "ipv4"];
  if (verb === "delete") {
    if (!fib.deleteRule(draft)) throw new NetlinkError("ESRCH", "there is no such rule");
    return;
  }
  if (draft.action === undefined) return command.fail("the rule has no action: add lookup TABLE");
  // Without a priority the kernel takes one below the first rule that is not 0 (fib_default_rule_pref).
  const first = fib.rules.find(({ priority }) => priority > 0)?.priority ?? 1;
  fib.addRule({ priority: first - 1, inverted: false, ...draft, action: draft.action });
}

function readBlock(command: CommandWords): Cidr | undefined {
  const text = command.next("an address");
  if (text === "all" || text === "any" || text === "default") return undefined;
  return (
    parseCidr(text.includes("/") ? text : `${text}/${text.includes(":") ? 128 : 32}`) ??
    command.fail(`${text} is not an address`)
  );
}

function readMark(command: CommandWords): { readonly value: number; readonly mask: number } {
  const text = command.next("a mark");
  const [value, mask = 0xffffffff] = text.split("/").map(Number);
  return value === undefined || Number.isNaN(value) || Number.isNaN(mask)
    ? command.fail(`${text} is not a mark`)
    : { value, mask };
}

function runBridge(ns: NetworkNamespace, command: CommandWords): void {
  if (command.next() !== "fdb") return command.fail("only bridge fdb is modelled");
  const verb = command.keyword(["add", "append", "replace", "delete"]);
  const mac = command.mac();
  let name = "";
  let remote: Address | undefined;
  while (command.more) {
    const option = command.next();
    if (option === "dev") name = command.next("a device");
    else if (option === "dst") remote = command.address();
    else if (!["self", "master", "permanent", "static", "local", "dynamic"].includes(option)) {
      command.fail(`${option} is not an option of bridge fdb that is modelled`);
    }
  }
  const device = deviceOf(ns, name);
  if (device.kind === "vxlan") {
    if (verb === "delete") device.fdb.delete(mac);
    else if (remote === undefined) command.fail("an entry of a VXLAN device needs dst ADDRESS");
    else device.fdb.set(mac, { mac, remote });
    return;
  }
  const fdb =
    (device.kind === "bridge" ? device : device.port?.bridge)?.fdb ?? command.fail(`${name} is no bridge port`);
  if (verb === "delete") fdb.delete(mac);
  else fdb.set(mac, { mac, port: name, permanent: false, updatedAtNanos: Number.POSITIVE_INFINITY });
}
