/** Targets that decide or change something; every other name is a chain. iptables-extensions(8). */
const effects: Readonly<Record<string, (table: string, chain: string, rules: string) => string>> = {
  ACCEPT: (table) => `table ${table} lets the packet pass`,
  DROP: () => "the packet is dropped without a word",
  REJECT: () => "the packet is refused and its sender is told",
  RETURN: (_, chain) => `the rest of chain ${chain} is skipped`,
  DNAT: (_table, _chain, rules) => `the connection gets a new destination${argument(rules, "--to-destination")}`,
  REDIRECT: () => "the connection is turned to a process of this machine",
  SNAT: (_table, _chain, rules) => `the connection gets a new source${argument(rules, "--to-source")}`,
  MASQUERADE: () => "the connection gets the address of the device it leaves by as its source",
  MARK: () => "the packet gets a mark, a number that later rules look at",
  CONNMARK: () => "the mark is copied between packet and connection",
  NOTRACK: () => "the packet's connection is not tracked",
  CT: () => "connection tracking is told how to treat the packet",
  LOG: () => "the packet is logged",
  NFLOG: () => "the packet is logged",
  TRACE: () => "the kernel reports each rule that the packet matches from now on",
  TTL: () => "the number of routers that the packet may still pass is changed",
  HL: () => "the number of routers that the packet may still pass is changed",
  DSCP: () => "the packet gets another class of service",
  TOS: () => "the packet gets another type of service",
  CLASSIFY: () => "the packet gets a class for the queues of a device",
  CHECKSUM: () => "the packet gets its checksum now",
  NETMAP: (_table, _chain, rules) => `the address is moved to another network${argument(rules, "--to")}`,
  TCPMSS: () => "the largest segment size that the connection may use is lowered",
  TPROXY: () => "the packet is handed to a proxy on this machine",
  SET: () => "a set is changed by the packet's addresses",
  TEE: (_table, _chain, rules) => `a copy of the packet goes to another host${argument(rules, "--gateway")}`,
};

/** Targets of iptables that are not modelled. Any other unknown name is a chain. */
export const otherTargets: ReadonlySet<string> = new Set(
  "AUDIT CLUSTERIP CONNSECMARK DNPT ECN HMARK IDLETIMER LED NFQUEUE QUEUE RATEEST SECMARK SNPT SYNPROXY TCPOPTSTRIP".split(
    " ",
  ),
);

function argument(rules: string, option: string): string {
  const value = rules.split(`${option} `)[1]?.split(" ", 1)[0];
  return value === undefined ? "" : `, ${value}`;
}

/** What a rule that matched brings about, to stand behind `so`. */
export function effect(step: {
  readonly table: string;
  readonly chain: string;
  readonly target?: string;
  readonly rules?: string;
}): string {
  const { target, table, chain, rules = "" } = step;
  if (target === undefined) return "it only counts the packet";
  const name = target.toUpperCase();
  if (Object.hasOwn(effects, name)) return (effects[name] as (typeof effects)[string])(table, chain, rules);
  if (otherTargets.has(target)) return `the target ${target}, which is not modelled, gets the packet`;
  return `chain ${target.replace(/^(goto|jump) /, "")} decides next`;
}

type Reader = (value: string, negated: boolean) => string;

/** The terms that are easily said aloud. What is missing here is still in the rule's own text, beside the sentence. */
const readers: readonly (readonly [RegExp, Reader])[] = [
  [/(?:^| )(! )?-s (\S+)/, (value, not) => `${not ? "not " : ""}from ${block(value)}`],
  [/(?:^| )(! )?-d (\S+)/, (value, not) => `${not ? "not " : ""}to ${block(value)}`],
  [/(?:^| )(! )?-p (\S+)/, (value, not) => `${not ? "not " : ""}${value.toUpperCase()}`],
  [/(?:^| )(! )?--dports? (\S+)/, (value, not) => `${not ? "not " : ""}port ${value}`],
  [/(?:^| )(! )?--ctstate (\S+)/, (value, not) => `connection ${not ? "not " : ""}${value.split(",").join(" or ")}`],
  [/(?:^| )(! )?--mark (\S+)/, (value, not) => `mark ${not ? "not " : ""}${value}`],
  [/(?:^| )(! )?--probability (\S+)/, (value) => `a chance of ${Math.round(Number(value) * 10000) / 100} %`],
];

/** What was said of the last rules: packets meet the same ones again and again. */
const said = new Map<string, string>();
const mostSaid = 4096;

/** The conditions of a rule in iptables-save syntax in words: `to 10.96.0.11, TCP port 80`. */
export function conditions(rule: string): string {
  let words = said.get(rule);
  if (words === undefined) {
    if (said.size >= mostSaid) said.clear();
    said.set(rule, (words = sayConditions(rule)));
  }
  return words;
}

function sayConditions(rule: string): string {
  const bare = rule.replace(/"(?:[^"\\]|\\.)*"/g, '""');
  const words: string[] = [];
  for (const [pattern, read] of readers) {
    const found = pattern.exec(bare);
    if (found?.[2] !== undefined) words.push(read(found[2], found[1] !== undefined));
  }
  return words.join(", ").replace(/(TCP|UDP|SCTP), port /, "$1 port ");
}

function block(value: string): string {
  return value.replace(/\/(32|128)$/, "");
}
