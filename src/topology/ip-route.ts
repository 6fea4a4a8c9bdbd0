import type { IpRule, Route } from "../kernel/fib.ts";
import type { NetworkNamespace } from "../kernel/namespace.ts";
import { NetlinkError } from "../kernel/netlink-error.ts";
import { type NextHopSpec, type RouteSpec, addRoute, appendRoute, replaceRoute } from "../kernel/routes.ts";
import { type Family, familyOf } from "../wire/address.ts";
import { type Cidr, parseCidr, parseInterfaceAddress } from "../wire/cidr.ts";
import type { CommandWords } from "./command-words.ts";
import { nexthopObject } from "./ip-nexthop.ts";

const routeTypes = ["unicast", "local", "broadcast", "blackhole", "unreachable", "prohibit", "throw"] as const;

type RouteDraft = { -readonly [K in keyof RouteSpec]?: RouteSpec[K] };

/**
 * `ip route add|append|prepend|replace|change|delete`. The family follows from the addresses, else it is the one given.
 * `isShown`: the route is one that a kernel printed.
 */
export function runRoute(ns: NetworkNamespace, command: CommandWords, family: Family, isShown = false): void {
  const verb = command.keyword(["add", "append", "prepend", "replace", "change", "delete"]);
  const type = routeTypes.find((name) => name === command.peek);
  if (type !== undefined) command.next();
  const text = command.next("a destination");
  const draft: RouteDraft = {};
  while (command.more) readRouteOption(command, draft);
  const { nexthopId } = draft;
  // Dumps name what is behind the number.
  if (nexthopId !== undefined && draft.device === undefined && draft.nexthops === undefined && verb !== "delete") {
    Object.assign(draft, nexthopObject(ns, nexthopId) ?? command.fail(`there is no nexthop ${nexthopId}`));
  }
  const via = draft.via ?? draft.nexthops?.find((hop) => hop.via !== undefined)?.via;
  const named = text === "default" ? undefined : text.includes(":");
  const v6 = named ?? (via === undefined ? family === "ipv6" : familyOf(via) === "ipv6");
  const all = v6 ? "::/0" : "0.0.0.0/0";
  const destination = parseCidr(text === "default" ? all : text.includes("/") ? text : `${text}/${v6 ? 128 : 32}`);
  if (destination === undefined) return command.fail(`${text} is not a destination`);
  if (!v6 && text.includes("/") && parseInterfaceAddress(text)?.address !== destination.base)
    throw new NetlinkError("EINVAL", `Invalid prefix for given prefix length: ${text} has bits behind its prefix`);
  const spec: RouteSpec = {
    ...draft,
    destination,
    ...((type ?? draft.type) && { type: type ?? draft.type }),
    ...(isShown && { isShown }),
  } as RouteSpec;
  if (verb === "replace" || verb === "change") replaceRoute(ns, spec, verb === "change");
  else if (verb === "append" || verb === "prepend") appendRoute(ns, spec, verb === "prepend");
  else if (verb === "add") addRoute(ns, spec);
  else {
    const { table, nexthops: _nexthops, nexthopId: _id, ...match } = spec;
    if (!ns.fib[v6 ? "ipv6" : "ipv4"].delete(match as Pick<Route, "destination"> & Partial<Route>, table ?? "main")) {
      throw new NetlinkError("ESRCH", `there is no route to ${text}`);
    }
  }
}

function readRouteOption(command: CommandWords, draft: RouteDraft): void {
  const option = command.next();
  switch (option) {
    case "nexthop":
      draft.nexthops = [...(draft.nexthops ?? []), readNexthop(command)];
      return;
    case "nhid":
      draft.nexthopId = command.number();
      return;
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
      if (command.peek === "lock") {
        command.next();
        draft.mtuLocked = true;
      }
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
    // How TCP paces itself and when an entry was last used do not change where packets go.
    case "pref":
    case "advmss":
    case "congctl":
    case "cwnd":
    case "hoplimit":
    case "initcwnd":
    case "initrwnd":
    case "quickack":
    case "rto_min":
    case "rtt":
    case "rttvar":
    case "window":
      command.next();
      return;
    case "linkdown":
    case "dead":
    case "offload":
    case "rt_offload":
      return;
    default:
      return command.fail(`${option} is not an option of ip route that is modelled`);
  }
}

/** `nexthop [via ADDRESS] [dev DEVICE] [weight N] [onlink]`, up to the next one. */
function readNexthop(command: CommandWords): NextHopSpec {
  const hop: { -readonly [K in keyof NextHopSpec]?: NextHopSpec[K] } = {};
  while (command.more && command.peek !== "nexthop") {
    const option = command.next();
    if (option === "via") {
      if (command.peek === "inet6" || command.peek === "inet") command.next();
      hop.via = command.address();
    } else if (option === "dev") hop.device = command.next("a device");
    else if (option === "weight") hop.weight = command.number();
    else if (option === "onlink") hop.onlink = true;
    else if (option !== "linkdown" && option !== "dead") command.fail(`${option} is not an option of a nexthop`);
  }
  return hop;
}

/** `ip rule add|delete`. */
export function runRule(ns: NetworkNamespace, command: CommandWords, family: Family): void {
  const verb = command.keyword(["add", "delete"]);
  const draft: { -readonly [K in keyof IpRule]?: IpRule[K] } = { inverted: false };
  const v6 = family === "ipv6";
  while (command.more) {
    const option = command.next();
    if (option === "not") draft.inverted = true;
    else if (option === "from" || option === "to") {
      const block = readBlock(command);
      if (block !== undefined) {
        // The family of a rule is that of the command alone: 0 bits of the other one are "all".
        const other = (typeof block.base === "bigint") !== v6;
        if (other && block.prefixLength > 0)
          throw new NetlinkError("EINVAL", `the address after ${option} is not one of the rule's family`);
        if (!other) draft[option] = block;
      }
    } else if (option === "iif") draft.inDevice = command.next("a device");
    else if (option === "oif") draft.outDevice = command.next("a device");
    else if (option === "fwmark") draft.mark = readMark(command);
    else if (option === "priority" || option === "pref" || option === "prio") draft.priority = command.number();
    else if (option === "lookup" || option === "table")
      draft.action = { kind: "lookup", table: command.next("a table") };
    else if (option === "suppress_prefixlength" || option === "suppress_prefixlen" || option === "sup_pl")
      draft.suppressPrefixLength = command.number();
    else if (option === "goto") draft.action = { kind: "goto", priority: command.number() };
    else if (option === "nop") draft.action = { kind: "nop" };
    // What `ip rule` says of a goto without its target, and who made a rule.
    else if (option === "[unresolved]") continue;
    else if (option === "proto" || option === "protocol") command.next();
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
