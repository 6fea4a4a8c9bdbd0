import { matchNames, moduleOf } from "../../src/iptables/matches/index.ts";
import { rejectErrors } from "../../src/iptables/targets/reject.ts";
import { targetModule, targetNames } from "../../src/iptables/targets/index.ts";

/** What of a match or target is read and printed, and makes the outcome unknown where it decides. */
const notModelled: Readonly<Record<string, string>> = {
  bpf: "`--object-pinned`; bytes of the packet that are not known",
  frag: "identifications",
  string: "text in what is not known of the packet",
  u32: "bytes of the packet that are not known",
  sctp: "flags of chunks (`DATA:U`)",
  set: "a set that does not exist",
  socket: "`--restore-skmark`; `--transparent` where nobody said whether the listener is",
  CT: "`--timeout`, zones above 32767; helpers find no related connections",
  SET: "a set that does not exist",
  TPROXY: "without a listener that is known to be transparent, or not (`tcp 15001 transparent` in a topology)",
};

const row = (name: string, options: readonly string[]): string =>
  `| \`${name}\` | ${options.map((option) => `\`${option}\``).join(" ")} | ${notModelled[name] ?? ""} |`;

/** docs/iptables.md, from the registries of the engine. */
export function iptablesDocument(): string {
  const table = (head: string, rows: readonly string[]): string[] => [
    `| ${head} | options | not modelled |`,
    "| --- | --- | --- |",
    ...rows,
  ];
  const matches = matchNames.toSorted().map((name) => row(name, Object.keys(moduleOf(name).options)));
  const targets = targetNames.toSorted().map((name) => row(name, Object.keys(targetModule(name).options)));
  return `${[
    "# What of iptables is modelled",
    "",
    "Tables raw, mangle, nat, filter and security, for IPv4 and IPv6, as `iptables-save` prints them and `iptables-restore` reads them. Each match and each target is one file in [`src/iptables/matches`](../src/iptables/matches) and [`src/iptables/targets`](../src/iptables/targets).",
    "",
    "What is not in these lists is kept and printed unchanged. It makes the outcome `unknown` only where every modelled term of its rule matched: a known term that fails is a certain miss.",
    "",
    "## Matches",
    "",
    "The terms of the IP header: `-s`, `-d`, `-i`, `-o`, `-p`, `-f`, each with `!`.",
    "",
    ...table("`-m`", matches),
    "",
    "## Targets",
    "",
    "Jumps (`-j CHAIN`) and gotos (`-g CHAIN`).",
    "",
    ...table("`-j`", targets),
    "",
    `\`REJECT --reject-with\` takes ${["tcp-reset", ...Object.keys(rejectErrors)].map((name) => `\`${name}\``).join(", ")}.`,
    "",
    "## ipset",
    "",
    "`hash:`, `bitmap:` and `list:set` sets of the parts `ip`, `net`, `port`, `mac`, `iface` and `mark`, with `nomatch`, as `ipset save` prints them. Elements expire by their time-outs, count packets and bytes, and stay within `maxelem` and the range of a bitmap. `skbinfo` is kept and has no effect.",
  ].join("\n")}\n`;
}

/** Names of notes that stand for nothing. */
export function strayNotes(): string[] {
  const names = new Set<string>([...matchNames, ...targetNames]);
  return Object.keys(notModelled).filter((name) => !names.has(name));
}
