import type { Family } from "../wire/address.ts";
import { contains } from "../wire/cidr.ts";
import { type Fib, type FibResult, type FlowKey, type IpRule, type Route, usesDevice } from "./fib.ts";
import { RoutingTable } from "./routing-table.ts";

/** The rules a namespace starts with; IPv6 has no `default` table. `ip rule`. */
function defaultRules(family: Family): IpRule[] {
  const rule = (priority: number, table: string): IpRule => ({
    priority,
    inverted: false,
    action: { kind: "lookup", table },
  });
  const both = [rule(0, "local"), rule(32_766, "main")];
  return family === "ipv4" ? [...both, rule(32_767, "default")] : both;
}

/** An empty forwarding information base with the default rules. */
export function createFib(family: Family): Fib {
  const rules = defaultRules(family);
  const tables = new Map<string, RoutingTable>();
  /** The table of each rule; made anew when there is another rule or table. */
  let ruleTables: readonly (RoutingTable | undefined)[] | undefined;

  function table(name: string): RoutingTable {
    let found = tables.get(name);
    if (found === undefined) {
      tables.set(name, (found = new RoutingTable()));
      ruleTables = undefined;
    }
    return found;
  }

  function tablesOfRules(): readonly (RoutingTable | undefined)[] {
    return (ruleTables ??= rules.map(({ action }) =>
      action.kind === "lookup" ? tables.get(action.table) : undefined,
    ));
  }

  return {
    family,
    rules,
    add: (route, name = "main", first = false) => table(name).add(route, first),
    delete: (match, name = "main") =>
      tables.get(name)?.delete(match.destination, (route) => agrees(route, match)) ?? false,
    find: (match, name = "main") => tables.get(name)?.find(match.destination, (route) => agrees(route, match)),
    addRule(rule) {
      // The kernel puts a new rule behind those of the same priority.
      const at = rules.findIndex((other) => other.priority > rule.priority);
      rules.splice(at < 0 ? rules.length : at, 0, rule);
      ruleTables = undefined;
    },
    deleteRule(match) {
      const at = rules.findIndex((rule) => ruleAgrees(rule, match));
      if (at >= 0) rules.splice(at, 1);
      ruleTables = undefined;
      return at >= 0;
    },
    routes: (name = "main") => tables.get(name)?.routes() ?? [],
    tables: () => [...tables.keys()].filter((name) => (tables.get(name)?.size ?? 0) > 0),
    lookupIn: (name, address, accept) => tables.get(name)?.lookup(address, undefined, accept),
    lookup: (key, accept) => lookup(rules, tablesOfRules(), key, accept),
  };
}

/** fib_rules_lookup(): a `throw` route, a table without a match, and a suppressed find go on to the next rule. */
function lookup(
  rules: readonly IpRule[],
  tables: readonly (RoutingTable | undefined)[],
  key: FlowKey,
  accept: ((route: Route) => boolean) | undefined,
): FibResult | undefined {
  for (let i = 0; i < rules.length; i++) {
    const rule = rules[i] as IpRule;
    if (!ruleMatches(rule, key)) continue;
    const { action } = rule;
    if (action.kind === "lookup") {
      const route = tables[i]?.lookup(key.dst, key.outDevice, accept);
      if (route !== undefined && route.type !== "throw" && !suppresses(rule, route)) {
        return { route, table: action.table, rule };
      }
    } else if (action.kind === "goto") {
      // A target that is not there is no target: the rule does nothing.
      const target = rules.findIndex(({ priority }) => priority === action.priority);
      if (target > i) i = target - 1;
    } else if (action.kind !== "nop") return { route: refusal(key, action.kind), table: "", rule };
  }
  return undefined;
}

/** fib4_rule_suppress(): routes that refuse are never suppressed. */
function suppresses({ suppressPrefixLength }: IpRule, { type, destination }: Route): boolean {
  if (suppressPrefixLength === undefined || suppressPrefixLength < destination.prefixLength) return false;
  return type === "unicast" || type === "local" || type === "broadcast";
}

/** A rule whose action refuses stands for a route of that type to everywhere. */
function refusal(key: FlowKey, type: "blackhole" | "unreachable" | "prohibit"): Route {
  const bits = typeof key.dst === "number" ? 32 : 128;
  return {
    destination: { base: key.dst, prefixLength: bits },
    type,
    scope: "global",
    metric: 0,
    onlink: false,
    protocol: "rule",
  };
}

function ruleMatches(rule: IpRule, key: FlowKey): boolean {
  if (
    rule.from === undefined &&
    rule.to === undefined &&
    rule.inDevice === undefined &&
    rule.outDevice === undefined &&
    rule.mark === undefined
  ) {
    return !rule.inverted;
  }
  const matched =
    (rule.from === undefined ||
      rule.from.prefixLength === 0 ||
      (key.src !== undefined && contains(rule.from, key.src))) &&
    (rule.to === undefined || contains(rule.to, key.dst)) &&
    (rule.inDevice === undefined || rule.inDevice === (key.inDevice ?? "lo")) &&
    (rule.outDevice === undefined || rule.outDevice === key.outDevice) &&
    (rule.mark === undefined || ((key.mark ^ rule.mark.value) & rule.mark.mask) === 0);
  return matched !== rule.inverted;
}

function agrees(route: Route, match: Pick<Route, "destination"> & Partial<Route>): boolean {
  return (
    (match.via === undefined || match.via === route.via) &&
    (match.device === undefined || usesDevice(route, match.device)) &&
    (match.metric === undefined || match.metric === route.metric) &&
    (match.type === undefined || match.type === route.type) &&
    (match.source === undefined || match.source === route.source)
  );
}

function ruleAgrees(rule: IpRule, match: Partial<IpRule>): boolean {
  return Object.entries(match).every(([key, value]) => {
    const own = rule[key as keyof IpRule];
    return own === value || textOf(own) === textOf(value);
  });
}

function textOf(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => (typeof part === "bigint" ? `${part}n` : part)) ?? "";
}
