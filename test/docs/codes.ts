import { problemCodes } from "../../src/cluster/codes.ts";
import { ruleDropCodes } from "../../src/iptables/drop-codes.ts";
import { ipvsDropCodes } from "../../src/ipvs/drop-codes.ts";
import { conntrackDropCodes } from "../../src/kernel/conntrack/drop-codes.ts";
import { type DropCode, kernelDropCodes } from "../../src/kernel/drop-codes.ts";
import { socketDropCodes } from "../../src/kernel/socket/drop-codes.ts";

const dropTables: readonly (readonly [string, Readonly<Record<string, DropCode>>])[] = [
  ["The packet path", kernelDropCodes],
  ["Connection tracking and NAT", conntrackDropCodes],
  ["Sockets", socketDropCodes],
  ["Rules", ruleDropCodes],
  ["IPVS", ipvsDropCodes],
];

/** docs/drop-codes.md, from the tables of the engine. */
export function dropCodesDocument(): string {
  const parts = dropTables.map(([title, codes]) => {
    const rows = Object.entries(codes).map(
      ([code, { meaning, kernelReason }]) =>
        `| \`${code}\` | ${meaning} | ${kernelReason === undefined ? "" : `\`${kernelReason}\``} |`,
    );
    return [`## ${title}`, "", "| code | meaning | the kernel's drop reason |", "| --- | --- | --- |", ...rows].join(
      "\n",
    );
  });
  const head =
    "# Drop codes\n\nWhy a packet ended, as traces name it. The codes are stable; the kernel's own reason stands beside them where it has one.";
  return `${[head, ...parts].join("\n\n")}\n`;
}

/** docs/problems.md, from the table of the loader. */
export function problemsDocument(): string {
  const rows = Object.entries(problemCodes).map(
    ([code, { severity, means, fix }]) => `| \`${code}\` | ${severity} | ${means} | ${fix} |`,
  );
  const head =
    "# Problems of an input\n\nWhat is wrong with manifests, or deserves a look. Errors make the whole input unusable (exit code 3); warnings are accepted, as the API server accepts them.";
  return `${[head, ["| code | severity | meaning | what to do |", "| --- | --- | --- | --- |", ...rows].join("\n")].join("\n\n")}\n`;
}
