import type { Draft, Place } from "./random-topology.ts";

/** Tables, their built-in chains and what may stand in them. */
const hooks = {
  raw: ["PREROUTING", "OUTPUT"],
  mangle: ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"],
  nat: ["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"],
  filter: ["INPUT", "FORWARD", "OUTPUT"],
} as const;
type Table = keyof typeof hooks;

/** Rules for one node: `natFirst`, what a cluster has, Services and masquerading, and some more by chance. */
export function randomRules(draft: Draft, place: Place, natFirst: readonly string[]): void {
  const { dice, v6, add } = draft;
  const file = v6 ? "ip6tables" : "iptables";
  if (dice.happens(0.05)) return;
  const sets = dice.happens(0.3) ? addSets(draft, place) : [];
  for (const table of Object.keys(hooks) as Table[]) {
    if (table !== "nat" && table !== "filter" && dice.happens(0.3)) continue;
    const chains: readonly string[] = hooks[table];
    const own = dice.times(dice.below(3), (index) => `OWN${index}`);
    const rules: string[] = table === "nat" ? [...natFirst] : [];
    if (table === "nat") rules.push(...services(draft));
    if (table === "filter" && dice.happens(0.3)) {
      rules.push("-A FORWARD -m conntrack --ctstate INVALID -j DROP");
      rules.push("-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT");
    }
    const count = dice.below(7);
    for (let index = 0; index < count; index++) {
      const chain = dice.pick([...chains, ...own, ...own]);
      const rank = own.indexOf(chain);
      // Chains jump to later ones only: a loop would be refused.
      const jumps = own.slice(rank + 1);
      const match = matches(draft, place, table, chain, sets);
      rules.push(`-A ${chain}${match.text} ${target(draft, table, chain, match, jumps)}`.trimEnd());
    }
    for (const chain of own) {
      const from = dice.pick(chains);
      if (dice.happens(0.7))
        rules.splice(dice.below(rules.length + 1), 0, `-A ${from} ${dice.pick(["-j", "-j", "-g"])} ${chain}`);
    }
    add(place.name, file, `*${table}`);
    for (const chain of chains) {
      const drops = table === "filter" && dice.happens(0.05);
      add(place.name, file, `:${chain} ${drops ? "DROP" : "ACCEPT"} [0:0]`);
    }
    const named = [...new Set([...own, ...(table === "nat" ? ["SVC0", "SVC1", "SVC2", "MARKED"] : [])])];
    for (const chain of named) add(place.name, file, `:${chain} - [0:0]`);
    for (const rule of rules) add(place.name, file, rule);
    add(place.name, file, "COMMIT");
  }
}

/** What kube-proxy would do, in short. */
function services({ dice, v6, places, virtual }: Draft): string[] {
  const pods = places.filter(({ kind }) => kind === "pod");
  const to = (address: string, port: number): string => (v6 ? `[${address}]:${port}` : `${address}:${port}`);
  const rules: string[] = [];
  for (const [index, address] of virtual.entries()) {
    const chain = `SVC${index}`;
    for (const hook of ["PREROUTING", "OUTPUT"]) {
      if (dice.happens(0.9)) rules.push(`-A ${hook} -d ${address} -p tcp -m tcp --dport 80 -j ${chain}`);
      if (dice.happens(0.6)) rules.push(`-A ${hook} -d ${address} -p udp -m udp --dport 53 -j ${chain}`);
    }
    if (dice.happens(0.5)) rules.push(`-A ${chain} -j MARKED`);
    const first = dice.pick(pods);
    if (dice.happens(0.4)) {
      const chance = dice.pick(["--mode random --probability 0.50000000000", "--mode nth --every 2 --packet 0"]);
      rules.push(`-A ${chain} -p tcp -m statistic ${chance} -j DNAT --to-destination ${to(first.address, 8080)}`);
    }
    const second = dice.pick(pods);
    rules.push(
      `-A ${chain} -p tcp -j DNAT --to-destination ${to(second.address, 8080)}${dice.maybe(0.1, () => " --persistent")}`,
    );
    rules.push(`-A ${chain} -p udp -j DNAT --to-destination ${to(second.address, 5353)}`);
  }
  rules.push(`-A MARKED -j MARK --set-xmark 0x4000/0x4000`);
  for (const hook of ["PREROUTING", "OUTPUT"]) {
    if (dice.happens(0.7)) rules.push(`-A ${hook} -p tcp -m addrtype --dst-type LOCAL -m tcp --dport 30080 -j SVC0`);
  }
  if (dice.happens(0.7)) {
    rules.push("-A POSTROUTING -m mark --mark 0x4000/0x4000 -j MARK --set-xmark 0x4000/0x0");
    rules.splice(
      rules.length - 1,
      1,
      `-A POSTROUTING -m mark --mark 0x4000/0x4000 -j MASQUERADE${dice.maybe(0.5, () => " --random-fully")}`,
    );
  }
  if (dice.happens(0.5)) {
    const net = v6 ? "fd00:10:244::/48" : "10.244.0.0/16";
    rules.push(`-A POSTROUTING -s ${net} ! -d ${net} -j MASQUERADE`);
  }
  return rules;
}

interface Matched {
  readonly text: string;
  readonly protocol: string | undefined;
}

function matches(draft: Draft, place: Place, table: Table, chain: string, sets: readonly string[]): Matched {
  const { dice, v6, places, virtual } = draft;
  const not = (): string => dice.maybe(0.2, () => "! ");
  const all = [...virtual, ...places.map(({ address }) => address)];
  const bits = (): number => (v6 ? dice.pick([128, 128, 64, 48]) : dice.pick([32, 32, 24, 16]));
  const words: string[] = [];
  const builtIn: readonly string[] = hooks[table];
  const mayIn = builtIn.includes(chain) && ["PREROUTING", "INPUT", "FORWARD"].includes(chain);
  const mayOut = builtIn.includes(chain) && ["POSTROUTING", "OUTPUT", "FORWARD"].includes(chain);
  if (dice.happens(0.3)) words.push(`${not()}-s ${dice.pick(all)}/${bits()}`);
  if (dice.happens(0.3)) words.push(`${not()}-d ${dice.pick(all)}/${bits()}`);
  if (mayIn && dice.happens(0.15)) words.push(`${not()}-i ${dice.pick([...place.devices, "veth+", "lo"])}`);
  if (mayOut && dice.happens(0.15)) words.push(`${not()}-o ${dice.pick([...place.devices, "veth+", "lo"])}`);
  const icmp = v6 ? "ipv6-icmp" : "icmp";
  const protocol = dice.weighted<string | undefined>([
    [5, undefined],
    [4, "tcp"],
    [3, "udp"],
    [2, icmp],
  ]);
  if (protocol !== undefined) words.push(`-p ${protocol}`);
  if (protocol === "tcp" && dice.happens(0.5)) {
    words.push(
      dice.pick([
        "-m tcp --dport 8080",
        "-m tcp --dport 1:1000",
        "-m tcp --sport 41000:41004",
        "-m tcp --tcp-flags SYN,RST,ACK,FIN SYN",
        "-m tcp ! --tcp-flags SYN,RST,ACK,FIN SYN",
        "-m tcp --tcp-flags RST RST",
        "-m multiport --dports 80,8080,30080",
        "-m multiport ! --sports 8080,10250",
      ]),
    );
  }
  if (protocol === "udp" && dice.happens(0.4)) {
    words.push(dice.pick(["-m udp --dport 5353", "-m udp ! --sport 5353", "-m multiport --ports 53,5353"]));
  }
  if (protocol === icmp && dice.happens(0.5)) {
    words.push(
      v6
        ? dice.pick(["-m icmp6 --icmpv6-type 128", "-m icmp6 --icmpv6-type 1"])
        : dice.pick(["-m icmp --icmp-type 8", "-m icmp --icmp-type 3", "-m icmp ! --icmp-type 0"]),
    );
  }
  if (table !== "raw" && dice.happens(0.2)) {
    words.push(
      dice.pick([
        "-m conntrack --ctstate NEW",
        "-m conntrack --ctstate RELATED,ESTABLISHED",
        "-m conntrack --ctstate INVALID",
        "-m conntrack ! --ctstate INVALID",
        "-m conntrack --ctstate DNAT",
        "-m conntrack --ctstate SNAT",
        "-m conntrack --ctdir REPLY",
        "-m conntrack --ctstate UNTRACKED",
        `-m conntrack --ctorigdst ${dice.pick(all)}`,
        "-m conntrack --ctstatus CONFIRMED",
        "-m connmark --mark 0x1/0x1",
        "-m state --state NEW",
      ]),
    );
  }
  if (dice.happens(0.15)) {
    words.push(
      dice.pick([
        "-m mark --mark 0x1/0x1",
        "-m mark ! --mark 0x4000/0x4000",
        '-m comment --comment "by chance"',
        ...(chain === "PREROUTING" || chain === "FORWARD" || chain === "INPUT"
          ? ["-m addrtype --dst-type LOCAL", "-m addrtype --src-type UNICAST", "-m addrtype ! --dst-type LOCAL"]
          : []),
        ...(chain === "PREROUTING" || chain === "FORWARD"
          ? [`-m physdev --physdev-in ${dice.pick(place.devices)}`]
          : []),
        ...(chain === "FORWARD" ? ["-m physdev --physdev-is-bridged"] : []),
        ...(chain === "OUTPUT" || chain === "POSTROUTING"
          ? ["-m owner --uid-owner 0", "-m owner --socket-exists"]
          : []),
        ...((table === "raw" || table === "mangle") && chain === "PREROUTING"
          ? ["-m rpfilter", "-m rpfilter --invert", "-m rpfilter --loose --invert"]
          : []),
        "-m recent --name seen --set",
        "-m recent --name seen --rcheck",
        "-m limit --limit 1/hour --limit-burst 2",
        "-m length --length 0:60",
        v6 ? "-m hl --hl-lt 63" : "-m ttl --ttl-lt 63",
        "-m pkttype --pkt-type unicast",
        "-m statistic --mode nth --every 2 --packet 0",
      ]),
    );
  }
  if (sets.length > 0 && dice.happens(0.3)) {
    const set = dice.pick(sets);
    const flags = set.includes("ipport") ? "src,dst" : dice.pick(["src", "dst"]);
    words.push(`-m set ${not()}--match-set ${set} ${flags}`);
  }
  return { text: words.map((word) => ` ${word}`).join(""), protocol };
}

function target(draft: Draft, table: Table, chain: string, { protocol }: Matched, jumps: readonly string[]): string {
  const { dice, v6, places } = draft;
  const builtIn = (hooks[table] as readonly string[]).includes(chain);
  const address = (): string => dice.pick(places).address;
  const to = (port: string): string =>
    port === "" ? address() : v6 ? `[${address()}]:${port}` : `${address()}:${port}`;
  const port = (): string => (protocol === "tcp" || protocol === "udp" ? dice.pick(["", "8080", "5353", "9000"]) : "");
  const choices: (readonly [number, () => string])[] = [
    [4, () => "-j ACCEPT"],
    [3, () => "-j RETURN"],
    [2, () => ""],
    [3, () => `-j MARK --set-xmark ${dice.pick(["0x1/0xffffffff", "0x4000/0x4000", "0x2/0x2", "0x1/0x0"])}`],
    [1, () => '-j LOG --log-prefix "seen "'],
    [1, () => "-j NFLOG --nflog-group 5"],
  ];
  if (jumps.length > 0) choices.push([6, () => `${dice.pick(["-j", "-j", "-g"])} ${dice.pick(jumps)}`]);
  if (table !== "nat") {
    choices.push([2, () => "-j DROP"]);
    choices.push([
      3,
      () =>
        `-j CONNMARK ${dice.pick(["--set-xmark 0x1/0xffffffff", "--save-mark", "--restore-mark", "--set-xmark 0x1/0x1"])}`,
    ]);
  }
  if (table === "filter") {
    const types = v6
      ? ["icmp6-port-unreachable", "icmp6-adm-prohibited", "icmp6-no-route", "icmp6-addr-unreachable"]
      : [
          "icmp-port-unreachable",
          "icmp-host-unreachable",
          "icmp-net-unreachable",
          "icmp-admin-prohibited",
          "icmp-proto-unreachable",
          "icmp-host-prohibited",
        ];
    choices.push([
      4,
      () => `-j REJECT --reject-with ${protocol === "tcp" && dice.happens(0.5) ? "tcp-reset" : dice.pick(types)}`,
    ]);
  }
  if (table === "raw") choices.push([4, () => "-j CT --notrack"]);
  if (table === "mangle" && protocol === "tcp" && dice.happens(0.3))
    choices.push([1, () => "-m tcp --tcp-flags SYN,RST SYN -j TCPMSS --set-mss 1000"]);
  if (table === "nat" && builtIn) {
    if (chain === "PREROUTING" || chain === "OUTPUT") {
      choices.push([4, () => `-j DNAT --to-destination ${to(port())}`]);
      choices.push([
        3,
        () => `-j REDIRECT${protocol === "tcp" ? dice.pick(["", " --to-ports 10250", " --to-ports 8080"]) : ""}`,
      ]);
    }
    if (chain === "POSTROUTING") {
      choices.push([
        4,
        () => `-j MASQUERADE${dice.pick(["", " --random-fully", protocol === "tcp" ? " --to-ports 31000-31999" : ""])}`,
      ]);
      choices.push([3, () => `-j SNAT --to-source ${to("")}`]);
    }
    if (chain === "INPUT") choices.push([2, () => `-j SNAT --to-source ${to("")}`]);
  }
  return dice.weighted(choices)();
}

function addSets({ dice, v6, places, virtual, add }: Draft, { name }: Place): string[] {
  const family = v6 ? "inet6" : "inet";
  const all = [...virtual, ...places.map(({ address }) => address)];
  add(name, "ipset", `create hosts hash:ip family ${family} hashsize 1024 maxelem 65536`);
  for (const address of new Set(dice.times(3, () => dice.pick(all)))) add(name, "ipset", `add hosts ${address}`);
  add(name, "ipset", `create nets hash:net family ${family} hashsize 1024 maxelem 65536`);
  add(name, "ipset", `add nets ${v6 ? "fd00:10:244::/64" : "10.244.0.0/24"}`);
  if (dice.happens(0.5)) add(name, "ipset", `add nets ${dice.pick(places).address} nomatch`);
  add(name, "ipset", `create ipport hash:ip,port family ${family} hashsize 1024 maxelem 65536`);
  for (const address of new Set(dice.times(3, () => dice.pick(all)))) {
    add(name, "ipset", `add ipport ${address},${dice.pick(["tcp:8080", "udp:5353", "tcp:80"])}`);
  }
  return ["hosts", "nets", "ipport"];
}
