import fc from "fast-check";
import type { TableName } from "../../../src/iptables/rule.ts";
import type { Family } from "../../../src/wire/address.ts";
import { header, match, protocol } from "./matches.ts";
import { type Hook, type Place, hooksOf, tables } from "./place.ts";
import { target } from "./targets.ts";

/* Random rules as a person would write them: text that the real iptables-restore takes. */

/** Several protocol terms in one rule: the first stays. */
function tidy(rule: string): string {
  const [first, ...others] = ` ${rule}`.split(/(?=! -p )|(?<!! )(?=-p )/);
  if (others.length < 2) return rule.replaceAll(/ +/g, " ").trim();
  const [kept = "", ...dropped] = others;
  const tail = dropped.join("").match(/-[jg] .*$/)?.[0] ?? "";
  const needsTcp = /TCPMSS|tcp-reset|:\d+|--to-ports|REDIRECT/.test(tail);
  return `${first}${kept} ${needsTcp ? "" : tail}`.replaceAll(/ +/g, " ").trim();
}

/** The rules of one table: base chains and two user chains; A may jump to B. */
function tableText(family: Family, table: TableName): fc.Arbitrary<string> {
  const hooks = hooksOf[table];
  // In the nat table a user chain belongs to one side, as DNAT and SNAT have their hooks.
  const reach: Readonly<Record<string, readonly Hook[]>> =
    table === "nat" ? { A: ["PREROUTING", "OUTPUT"], B: ["POSTROUTING"] } : { A: hooks, B: hooks };
  const place = (chain: string): Place => ({ family, table, chain, hooks: reach[chain] ?? [chain as Hook] });
  const jumps = (chain: string): string[] => {
    if (table === "nat")
      return chain === "PREROUTING" || chain === "OUTPUT" ? ["A"] : chain === "POSTROUTING" ? ["B"] : [];
    return chain === "B" ? [] : chain === "A" ? ["B"] : ["A", "B"];
  };
  const rule = fc.constantFrom(...hooks, "A", "B").chain((chain) => {
    const at = place(chain);
    return fc
      .tuple(
        header(at),
        fc.option(protocol(at), { freq: 2 }),
        fc.array(match(at), { maxLength: 2 }),
        target(at, jumps(chain)),
      )
      .map(
        (parts) =>
          `-A ${chain} ${tidy(
            parts
              .flat()
              .filter((part) => part !== null && part !== "")
              .join(" "),
          )}`,
      );
  });
  const policy = fc.constantFrom(
    "ACCEPT",
    "ACCEPT",
    "ACCEPT",
    "ACCEPT",
    "ACCEPT",
    "ACCEPT",
    table === "nat" ? "ACCEPT" : "DROP",
  );
  return fc.tuple(fc.array(rule, { maxLength: 8 }), policy, fc.constantFrom(...hooks)).map(([rules, last, at]) => {
    const chains = [
      ...hooks.map((hook) => `:${hook} ${hook === at ? last : "ACCEPT"} [0:0]`),
      ":A - [0:0]",
      ":B - [0:0]",
    ];
    return [`*${table}`, ...chains, ...rules, "COMMIT", ""].join("\n");
  });
}

/** iptables-restore text of all tables of a family. */
export function restoreText(family: Family): fc.Arbitrary<string> {
  return fc.tuple(...tables.map((table) => tableText(family, table))).map((texts) => texts.join(""));
}
