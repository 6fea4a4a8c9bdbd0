import { readFileSync, readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { applyRestore, emptyRuleset } from "../../src/iptables/apply.ts";
import { parseRestore } from "../../src/iptables/parse.ts";
import { printRuleset } from "../../src/iptables/print.ts";
import type { TableName } from "../../src/iptables/rule.ts";
import { TextError } from "../../src/iptables/text-error.ts";

/** What iptables-legacy 1.8.9 on Linux 6.18 printed for each line; test/root/iptables-save.test.ts asks it again. */
interface RecordedLine {
  readonly family: "ipv4" | "ipv6";
  readonly table: TableName;
  readonly given: string;
  readonly printed: readonly string[];
}

const recorded = JSON.parse(
  readFileSync(new URL("save-lines.json", import.meta.url), "utf8"),
) as readonly RecordedLine[];

test.for(recorded)("$family $table $given", ({ family, table, given, printed }) => {
  const text = `*${table}\n:foo - [0:0]\n${given}\nCOMMIT\n`;
  const ruleset = applyRestore(emptyRuleset(family), parseRestore(text, { family }));
  expect(
    printRuleset(ruleset)
      .split("\n")
      .filter((line) => line.startsWith("-")),
  ).toEqual(printed);
});

const cases = new URL("../referee/kernel/", import.meta.url);
const files = readdirSync(cases, { recursive: true, encoding: "utf8" }).filter((file) => /\/ip6?tables$/.test(file));

test.for(files)("what was restored on the real kernel in %s is printed again", (file) => {
  const family = file.endsWith("ip6tables") || file.startsWith("ipv6/") ? "ipv6" : "ipv4";
  const text = readFileSync(new URL(file, cases), "utf8");
  const ruleset = applyRestore(emptyRuleset(family), parseRestore(text, { family, file }));
  const printed = printRuleset(ruleset);
  const again = applyRestore(emptyRuleset(family), parseRestore(printed, { family }));
  expect(printRuleset(again)).toEqual(printed);
  const rules = (lines: string): number => lines.split("\n").filter((line) => line.startsWith("-A")).length;
  expect(rules(printed)).toBe(rules(text));
});

const restores = new URL("../referee/kube-proxy/expected/", import.meta.url);
const texts = readdirSync(restores).filter((file) => /\.(iptables|ipvs)\.txt$/.test(file));

test.for(texts)("the restore text of kube-proxy 1.30.5 in %s is read without a problem", (file) => {
  const families = readFileSync(new URL(file, restores), "utf8").split(/^######## /m);
  let read = 0;
  for (const part of families) {
    const family = part.startsWith("IPv6") ? "ipv6" : "ipv4";
    for (const section of part.split(/^#### /m)) {
      const from = section.indexOf("\n*");
      if (from >= 0) read += parseRestore(section.slice(from + 1), { family, file }).tables.length;
    }
  }
  expect(read).toBeGreaterThan(0);
});

test("all problems of a text are told at once, with their places", () => {
  const text =
    "*filter\n-A INPUT -p tcp --dport 99999 -j DROP\n-A INPUT -s 10.0.0.256 -j DROP\n-A INPUT --dport 1\n:X FOO\nCOMMIT\n*foo\n";
  const read = (): unknown => parseRestore(text, { family: "ipv4", file: "rules" });
  expect(read).toThrow(TextError);
  try {
    read();
  } catch (error) {
    expect((error as TextError).problems.map(({ code, line, column }) => `${line}:${column} ${code}`)).toEqual([
      "2:25 BAD_NUMBER",
      "3:13 BAD_ADDRESS",
      "4:10 UNKNOWN_OPTION",
      "5:4 BAD_POLICY",
      "7:2 UNKNOWN_TABLE",
    ]);
  }
});
