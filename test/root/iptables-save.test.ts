import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { IpSets } from "../../src/iptables/ipset/store.ts";
import { restoreSets, saveSets } from "../../src/iptables/ipset/text.ts";
import { TestNamespace, skipReason } from "./network-namespace.ts";

/* Asks the installed iptables-legacy and ipset again, in a network namespace of our own. */

const namespace = new TestNamespace(`khop-save-${process.pid}`);
const reason = skipReason(
  "test/root/iptables-save.test.ts",
  ["ipset", "iptables-legacy", "ip6tables-legacy"].map((tool) => [tool, "--version"]),
);

interface RecordedLine {
  readonly family: "ipv4" | "ipv6";
  readonly table: string;
  readonly given: string;
  readonly printed: readonly string[];
}
const lines = JSON.parse(
  readFileSync(new URL("../iptables/save-lines.json", import.meta.url), "utf8"),
) as readonly RecordedLine[];

/** What a table holds after each line; `restore` empties it before. */
function printed(given: readonly RecordedLine[]): readonly string[] {
  const outputs = namespace.runAll(
    given.flatMap(({ family, table, given: rule }) => {
      const tool = family === "ipv4" ? "iptables-legacy" : "ip6tables-legacy";
      return [
        { words: [`${tool}-restore`], input: `*${table}\n:foo - [0:0]\n${rule}\nCOMMIT\n` },
        { words: [`${tool}-save`, "-t", table] },
      ];
    }),
  );
  return given.map((_, index) => rulesOf(outputs[2 * index + 1]?.out ?? ""));
}

function rulesOf(saved: string): string {
  return saved
    .split("\n")
    .filter((line) => line.startsWith("-"))
    .map((line) => `${line}\n`)
    .join("");
}

const setTexts = [
  "create a hash:ip\nadd a 10.0.0.1\nadd a 10.0.0.4/30\nadd a 10.1.0.1-10.1.0.3\n",
  'create a hash:net comment\nadd a 10.0.0.0/8 comment "ten: all of it"\nadd a 10.1.0.0/16 nomatch\nadd a 1.1.1.1\n',
  "create a hash:ip,port\nadd a 10.0.0.1,tcp:80\nadd a 10.0.0.1,udp:53-55\nadd a 10.0.0.1,icmp:8/0\n",
  "create a hash:ip,port,ip\nadd a 10.0.0.1,tcp:80,10.0.0.2\n",
  "create a hash:ip,port,net\nadd a 10.0.0.1,sctp:80,10.0.0.0/24\n",
  "create a hash:net,port\nadd a 10.0.0.0/24,tcp:80\n",
  "create a hash:net,net\nadd a 10.0.0.0/24,10.1.0.0/16\n",
  "create a hash:net,iface\nadd a 10.0.0.0/24,eth0\n",
  "create a bitmap:port range 0-65535\nadd a 80\nadd a 90-92\n",
  "create a hash:ip family inet6\nadd a fd00::1\n",
  "create a hash:net family inet6\nadd a fd00::/64\n",
  "create a hash:ip,port\ncreate b list:set\nadd b a\n",
];

describe.skipIf(reason !== undefined)("the installed tools", () => {
  beforeAll(() => {
    namespace.make();
    const sets = "create s1 hash:ip timeout 0\ncreate s2 hash:ip,port timeout 0\n";
    namespace.mustRunAll([{ words: ["ipset", "restore"], input: sets }]);
  });
  afterAll(() => namespace.delete());

  test("iptables-legacy prints all rules as recorded", () => {
    const shown = printed(lines);
    const told = lines.map(({ given }, at) => `${given}\n${shown[at] ?? ""}`);
    expect(told).toEqual(
      lines.map(({ given, printed: own }) => `${given}\n${own.map((line) => `${line}\n`).join("")}`),
    );
  });

  test.for(setTexts)("ipset saves the members that we save: %s", (text, { skip }) => {
    const [, , restored, saved] = namespace.runAll([
      { words: ["ipset", "destroy", "b"] },
      { words: ["ipset", "destroy", "a"] },
      { words: ["ipset", "restore"], input: text },
      { words: ["ipset", "save"] },
    ]);
    skip(restored?.complaint.includes("set type not supported") === true, "this kernel lacks the set type");
    expect(restored?.status, restored?.complaint).toBe(0);
    const sets = new IpSets();
    restoreSets(sets, text, "sets");
    const membersOf = (saving = ""): string[] => saving.split("\n").filter((line) => /^add [ab] /.test(line));
    expect(membersOf(saveSets(sets)).toSorted()).toEqual(membersOf(saved?.out).toSorted());
  });
});
