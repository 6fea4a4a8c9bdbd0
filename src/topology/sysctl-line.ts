import { LineProblem } from "../iptables/text-error.ts";
import type { Sysctls } from "../kernel/namespace.ts";

/**
 * One line `NAME=VALUE` as sysctl.conf(5) has it; `/` may stand for `.`, and a comment may follow. Values that are no
 * number (`cubic`, `1-100,200`) say nothing about what is modelled. Throws a LineProblem BAD_SYSCTL.
 */
export function setSysctl(sysctls: Sysctls, line: string): void {
  const bare = line.replace(/(^|\s)#.*$/, "").trim();
  if (bare === "") return;
  const match = /^([\w./-]+)\s*=\s*(\S.*)$/.exec(bare);
  if (match === null) throw new LineProblem("BAD_SYSCTL", 1, `${bare} is not NAME=VALUE`);
  const [, path = "", value = ""] = match;
  const name = path.replaceAll("/", ".");
  const numbers = value.split(/\s+/);
  if (!numbers.every((text) => /^-?\d+$/.test(text))) return;
  const [first, second] = numbers.map(Number);
  if (name === "net.ipv4.ip_local_port_range" && first !== undefined && second !== undefined) {
    sysctls.set(`${name}.min`, first);
    sysctls.set(`${name}.max`, second);
  } else if (numbers.length === 1 && first !== undefined) sysctls.set(name, first);
}

/** The settings of a namespace as lines that `setSysctl` and sysctl(8) take. */
export function sysctlLines(sysctls: Sysctls): string[] {
  const range = "net.ipv4.ip_local_port_range";
  const lines = sysctls.entries().filter(([name]) => !name.startsWith(range));
  const isSet = sysctls.entries().some(([name]) => name.startsWith(range));
  return [
    ...lines.map(([name, value]) => `${name}=${value}`),
    ...(isSet ? [`${range}=${sysctls.get(`${range}.min`)} ${sysctls.get(`${range}.max`)}`] : []),
  ];
}
