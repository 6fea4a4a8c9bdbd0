import type { Family } from "../wire/address.ts";
import { OptionReader } from "./option.ts";
import { parseRule } from "./parse-rule.ts";
import type { Command, Counters, RestoreText, TableCommands, TableName } from "./rule.ts";
import { LineProblem, readLines } from "./text-error.ts";
import { type Word, splitWords } from "./words.ts";

/** The built-in chains of each table, in the order of the hooks. iptables(8), TABLES. */
export const builtinChains: Readonly<Record<TableName, readonly string[]>> = {
  raw: ["PREROUTING", "OUTPUT"],
  mangle: ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"],
  nat: ["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"],
  filter: ["INPUT", "FORWARD", "OUTPUT"],
  security: ["INPUT", "FORWARD", "OUTPUT"],
};

export interface ParseOptions {
  readonly family: Family;
  /** For the places of problems. */
  readonly file?: string;
}

/**
 * Reads what iptables-save and ip6tables-save print, and what iptables-restore takes: `*TABLE`, `:CHAIN POLICY
 * [packets:bytes]`, iptables commands with `[packets:bytes]` before them or `-c` in them, `COMMIT`, `#` comments.
 * Throws a TextError with all problems.
 */
export function parseRestore(text: string, { family, file = "iptables" }: ParseOptions): RestoreText {
  const tables: TableCommands[] = [];
  let open: { readonly table: TableName; readonly commands: Command[]; readonly line: number } | undefined;
  readLines(`${text}\n\0`, file, (line, number) => {
    if (line === "\0") {
      if (open !== undefined)
        throw new LineProblem("NO_COMMIT", 1, `the table of line ${open.line} has no COMMIT: add one`);
      return;
    }
    const trimmed = line.trim();
    if (trimmed === "" || trimmed.startsWith("#")) return;
    if (trimmed.startsWith("*")) {
      if (open !== undefined)
        throw new LineProblem("NO_COMMIT", 1, `the table of line ${open.line} has no COMMIT before this one`);
      const table = trimmed.slice(1);
      if (!Object.hasOwn(builtinChains, table)) {
        throw new LineProblem(
          "UNKNOWN_TABLE",
          2,
          `${table} is not a table: use ${Object.keys(builtinChains).join(", ")}`,
        );
      }
      open = { table: table as TableName, commands: [], line: number };
      return;
    }
    if (open === undefined)
      throw new LineProblem("NO_TABLE", 1, "a table is not open: begin with a line such as *filter");
    if (trimmed === "COMMIT") {
      tables.push({ table: open.table, commands: open.commands });
      open = undefined;
      return;
    }
    open.commands.push(...(trimmed.startsWith(":") ? [parseChain(line)] : parseCommand(splitWords(line), family)));
  });
  return { family, tables };
}

/** `:NAME POLICY [packets:bytes]`. */
function parseChain(line: string): Command {
  const match = /^\s*:(\S+)\s+(\S+)(?:\s+\[(\d+):(\d+)\])?\s*$/.exec(line);
  const [, chain, policy, packets, bytes] = match ?? [];
  if (chain === undefined || policy === undefined) {
    throw new LineProblem("BAD_CHAIN", 1, "this is not :CHAIN POLICY [packets:bytes]");
  }
  if (policy !== "-" && policy !== "ACCEPT" && policy !== "DROP") {
    throw new LineProblem("BAD_POLICY", line.indexOf(policy) + 1, `${policy} is not a policy: use ACCEPT, DROP or -`);
  }
  const counters = packets === undefined ? undefined : { packets: Number(packets), bytes: Number(bytes) };
  const counted = counters !== undefined && (counters.packets > 0 || counters.bytes > 0);
  return { kind: "chain", chain, ...(policy !== "-" && { policy }), ...(counted && { counters }) };
}

/** One iptables(8) command without the program's name, such as `-A INPUT -j DROP`; a list of addresses makes several. */
export function parseCommand(given: readonly Word[], family: Family): Command[] {
  const { words, counters } = takeCounters(given);
  const [first, second] = words;
  if (first === undefined) return [];
  const name = longNames[first.text] ?? first.text;
  const chain = second?.text ?? "";
  const needChain = (): void => {
    if (second === undefined) throw new LineProblem("MISSING_CHAIN", first.column, `${first.text} needs a chain`);
  };
  const rules = (from: number): ReturnType<typeof parseRule> => parseRule(words.slice(from), family);
  const number = (at: number): number | undefined => {
    const text = words[at]?.text;
    return text !== undefined && /^[1-9]\d*$/.test(text) ? Number(text) : undefined;
  };
  switch (name) {
    case "-A":
      needChain();
      return rules(2).map((rule) => ({ kind: "append", chain, rule, ...(counters && { counters }) }));
    case "-I": {
      needChain();
      const given = number(2);
      const at = given ?? 1;
      return rules(given === undefined ? 2 : 3)
        .reverse()
        .map((rule) => ({ kind: "insert", chain, number: at, rule, ...(counters && { counters }) }));
    }
    case "-R": {
      needChain();
      const at = number(2);
      const [rule] = rules(3);
      if (at === undefined || rule === undefined)
        throw new LineProblem("MISSING_NUMBER", first.column, "-R needs CHAIN NUMBER RULE");
      return [{ kind: "replace", chain, number: at, rule }];
    }
    case "-D": {
      needChain();
      const at = number(2);
      if (at !== undefined) return [{ kind: "delete-number", chain, number: at }];
      return rules(2).map((rule) => ({ kind: "delete", chain, rule }));
    }
    case "-N":
      needChain();
      return [{ kind: "new-chain", chain }];
    case "-E":
      needChain();
      return [{ kind: "rename-chain", chain, to: words[2]?.text ?? "" }];
    case "-P": {
      const policy = words[2]?.text;
      if (policy !== "ACCEPT" && policy !== "DROP") {
        throw new LineProblem("BAD_POLICY", first.column, "-P needs CHAIN and ACCEPT or DROP");
      }
      return [{ kind: "policy", chain, policy, ...(counters && { counters }) }];
    }
    case "-X":
      return [{ kind: "delete-chain", ...(second && { chain }) }];
    case "-F":
      return [{ kind: "flush", ...(second && { chain }) }];
    case "-Z":
      return [{ kind: "zero", ...(second && { chain }) }];
    default:
      throw new LineProblem(
        "UNKNOWN_COMMAND",
        first.column,
        `${first.text} is not a command such as -A, -I, -D, -N, -X, -P, -F`,
      );
  }
}

const longNames: Readonly<Record<string, string>> = {
  "--append": "-A",
  "--insert": "-I",
  "--replace": "-R",
  "--delete": "-D",
  "--new-chain": "-N",
  "--rename-chain": "-E",
  "--policy": "-P",
  "--delete-chain": "-X",
  "--flush": "-F",
  "--zero": "-Z",
};

/** `[packets:bytes]` before a command, or `-c packets bytes` in it. */
function takeCounters(given: readonly Word[]): { readonly words: readonly Word[]; readonly counters?: Counters } {
  const before = /^\[(\d+):(\d+)\]$/.exec(given[0]?.text ?? "");
  if (before !== null)
    return { words: given.slice(1), counters: { packets: Number(before[1]), bytes: Number(before[2]) } };
  const at = given.findIndex(({ text, quoted }) => !quoted && (text === "-c" || text === "--set-counters"));
  if (at < 0) return { words: given };
  const read = new OptionReader("ipv4", given.slice(at + 1));
  const counters = { packets: read.number(0, Number.MAX_SAFE_INTEGER), bytes: read.number(0, Number.MAX_SAFE_INTEGER) };
  return { words: [...given.slice(0, at), ...given.slice(at + 3)], counters };
}
