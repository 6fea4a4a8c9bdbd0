import { LineProblem, readLines } from "../iptables/text-error.ts";
import { splitWords } from "../iptables/words.ts";
import { addAddress, removeAddress } from "../kernel/address.ts";
import type { InterfaceAddress } from "../kernel/device.ts";
import { deviceOf } from "../kernel/link.ts";
import type { NetworkNamespace } from "../kernel/namespace.ts";
import type { Neighbour } from "../kernel/neighbour.ts";
import { NetlinkError } from "../kernel/netlink-error.ts";
import type { Address, Family } from "../wire/address.ts";
import { parseInterfaceAddress } from "../wire/cidr.ts";
import type { Mac } from "../wire/mac.ts";
import { CommandWords } from "./command-words.ts";
import { readPortOptions, runLink } from "./ip-link.ts";
import { runNexthop } from "./ip-nexthop.ts";
import { runRoute, runRule } from "./ip-route.ts";

/** Runs `ip -batch` lines on a namespace: address, link, neigh, route, rule. Throws a TextError with all problems. */
export function runIpBatch(ns: NetworkNamespace, text: string, file: string): void {
  runBatch(text, file, (command) => runIp(ns, command));
}

/** Runs `bridge -batch` lines: static entries of bridges and VXLAN devices. */
export function runBridgeBatch(ns: NetworkNamespace, text: string, file: string): void {
  runBatch(text, file, (command) => runBridge(ns, command));
}

/** Runs each line of a text as a command; what the kernel would refuse is a problem of its line. */
export function runBatch(
  text: string,
  file: string,
  run: (command: CommandWords) => void,
  rewrite: (line: string) => string = (line) => line,
): void {
  readLines(text, file, (line) => {
    const words = splitWords(rewrite(line.replace(/(^|\s)#.*$/, "")));
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

/** One command of ip(8) without the program's name. `isShown`: it was made of what a kernel printed. */
export function runIp(ns: NetworkNamespace, command: CommandWords, isShown = false): void {
  let family: Family = "ipv4";
  while (command.peek?.startsWith("-") === true) if (command.next() === "-6") family = "ipv6";
  switch (command.keyword(["address", "link", "neighbour", "neighbor", "nexthop", "route", "rule"])) {
    case "address":
      return runAddress(ns, command);
    case "link":
      return runLink(ns, command);
    case "neighbour":
    case "neighbor":
      return runNeighbour(ns, command);
    case "nexthop":
      return runNexthop(ns, command);
    case "route":
      return runRoute(ns, command, family, isShown);
    case "rule":
      return runRule(ns, command, family);
  }
}

function runAddress(ns: NetworkNamespace, command: CommandWords): void {
  const verb = command.keyword(["add", "replace", "delete"]);
  const text = command.next("an address");
  const parsed = parseInterfaceAddress(text) ?? command.fail(`${text} is not ADDRESS/PREFIX`);
  let device = "";
  let scope: InterfaceAddress["scope"] | undefined;
  let noPrefixRoute = false;
  let peer: ReturnType<typeof parseInterfaceAddress>;
  while (command.more) {
    const option = command.next();
    if (option === "dev") device = command.next("a device");
    else if (option === "scope") scope = command.keyword(["global", "link", "host"] as const);
    else if (option === "noprefixroute") noPrefixRoute = true;
    else if (option === "peer" || option === "remote") {
      const end = command.next("an address");
      peer = parseInterfaceAddress(end) ?? command.fail(`${end} is not ADDRESS/PREFIX`);
    } else if (option === "brd" || option === "broadcast" || option === "label") command.next();
    else if (option !== "nodad") command.fail(`${option} is not an option of ip address that is modelled`);
  }
  if (verb === "delete") return removeAddress(ns, device, parsed.address);
  addAddress(ns, device, parsed.address, (peer ?? parsed).prefixLength, {
    ...(scope && { scope }),
    ...(peer && { peer: peer.address }),
    noPrefixRoute,
  });
}

function runNeighbour(ns: NetworkNamespace, command: CommandWords): void {
  const verb = command.keyword(["add", "replace", "delete"]);
  const isProxy = command.peek === "proxy";
  if (isProxy) command.next();
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
  if (isProxy) ns.neighbours.setProxy(device, address, verb !== "delete");
  else if (verb === "delete") ns.neighbours.delete(device, address);
  else ns.neighbours.set({ device, address, state, ...(mac && { mac }) });
}

/** One command of bridge(8) without the program's name. */
export function runBridge(ns: NetworkNamespace, command: CommandWords): void {
  const what = command.keyword(["fdb", "link"]);
  if (what === "link") {
    if (command.keyword(["set", "show"]) !== "set") return;
    if (command.peek === "dev") command.next();
    const device = deviceOf(ns, command.next("a device"));
    return readPortOptions(command, device.port ?? command.fail(`${device.name} is no bridge port`));
  }
  const verb = command.keyword(["add", "append", "replace", "delete"]);
  const mac = command.mac();
  let name = "";
  let remote: Address | undefined;
  let isBound = false;
  while (command.more) {
    const option = command.next();
    if (option === "dev") name = command.next("a device");
    else if (option === "dst") remote = command.address();
    else if (option === "via") {
      command.next("a device");
      isBound = true;
    } else if (!["self", "master", "permanent", "static", "local", "dynamic"].includes(option)) {
      command.fail(`${option} is not an option of bridge fdb that is modelled`);
    }
  }
  const device = deviceOf(ns, name);
  if (device.kind === "vxlan") {
    if (verb === "delete") device.fdb.delete(mac);
    else if (remote === undefined) command.fail("an entry of a VXLAN device needs dst ADDRESS");
    else {
      const known = verb === "append" ? device.fdb.get(mac) : undefined;
      device.fdb.set(
        mac,
        known === undefined
          ? { mac, remote, ...(isBound && { isBound }) }
          : { ...known, others: [...(known.others ?? []), remote] },
      );
    }
    return;
  }
  const fdb =
    (device.kind === "bridge" ? device : device.port?.bridge)?.fdb ?? command.fail(`${name} is no bridge port`);
  if (verb === "delete") fdb.delete(mac);
  else fdb.set(mac, { mac, port: name, permanent: false, updatedAtNanos: Number.POSITIVE_INFINITY });
}
