import type { OptionReader } from "../option.ts";
import { portOfService } from "../services.ts";
import type { Failure } from "./module.ts";

/** A range of numbers, both ends included, as `--dport 80` or `! --sport 1000:2000` state it. */
export interface PortRange {
  readonly from: number;
  readonly to: number;
  readonly inverted: boolean;
}

/** Reads `80`, `http`, `1000:2000`, `:2000` or `1000:`. */
export function readPortRange(read: OptionReader, max = 65_535): PortRange {
  const inverted = read.inverted();
  return { ...readSpan(read, read.value(), max), inverted };
}

/** Reads a span out of a word. */
export function readSpan(
  read: OptionReader,
  text: string,
  max = 65_535,
): { readonly from: number; readonly to: number } {
  const bound = (word: string): number => portOfService(word) ?? read.number(0, max, word);
  const colon = text.indexOf(":");
  if (colon < 0) {
    const port = bound(text);
    return { from: port, to: port };
  }
  const from = colon === 0 ? 0 : bound(text.slice(0, colon));
  const to = colon === text.length - 1 ? max : bound(text.slice(colon + 1));
  if (from > to) read.fail("BAD_RANGE", `${text} ends before it begins`);
  return { from, to };
}

export function printSpan(range: { readonly from: number; readonly to: number }): string {
  return range.from === range.to ? String(range.from) : `${range.from}:${range.to}`;
}

/** `! --dport 80`. */
export function printRange(option: string, range: PortRange | undefined): string[] {
  return range === undefined ? [] : [`${range.inverted ? "! " : ""}${option} ${printSpan(range)}`];
}

export function inRange(range: PortRange, port: number): boolean {
  return (port >= range.from && port <= range.to) !== range.inverted;
}

/** The first of two port terms that does not hold. */
export function explainPorts(
  match: { readonly srcPorts?: PortRange; readonly dstPorts?: PortRange },
  ports: { readonly srcPort: number; readonly dstPort: number },
): Failure | undefined {
  if (match.srcPorts && !inRange(match.srcPorts, ports.srcPort)) {
    return { term: printRange("--sport", match.srcPorts).join(""), packet: String(ports.srcPort) };
  }
  if (match.dstPorts && !inRange(match.dstPorts, ports.dstPort)) {
    return { term: printRange("--dport", match.dstPorts).join(""), packet: String(ports.dstPort) };
  }
  return undefined;
}
