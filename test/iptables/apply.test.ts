import { expect, test } from "vitest";
import { applyRestore, emptyRuleset } from "../../src/iptables/apply.ts";
import { parseRestore } from "../../src/iptables/parse.ts";
import { printRuleset } from "../../src/iptables/print.ts";

const before = `*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:MINE - [0:0]
-A INPUT -j MINE
-A MINE -j ACCEPT
COMMIT
`;

/** Both tried with iptables-legacy-restore 1.8.9 and iptables-nft-restore in a network namespace. */
test.for([
  {
    name: "without --noflush a text replaces the table",
    noFlush: false,
    text: "*filter\n:INPUT DROP [0:0]\nCOMMIT\n",
    rules: [],
  },
  {
    name: "with --noflush the line of a built-in chain keeps its rules",
    noFlush: true,
    text: "*filter\n:INPUT DROP [0:0]\nCOMMIT\n",
    rules: ["-A INPUT -j MINE", "-A MINE -j ACCEPT"],
  },
  {
    name: "with --noflush the line of a user chain empties it",
    noFlush: true,
    text: "*filter\n:MINE - [0:0]\nCOMMIT\n",
    rules: ["-A INPUT -j MINE"],
  },
])("$name", ({ noFlush, text, rules }) => {
  const parse = (source: string) => parseRestore(source, { family: "ipv4", file: "test" });
  const loaded = applyRestore(emptyRuleset("ipv4"), parse(before));
  const after = printRuleset(applyRestore(loaded, parse(text), { noFlush }));
  expect(after.split("\n").filter((line) => line.startsWith("-A"))).toEqual(rules);
});
