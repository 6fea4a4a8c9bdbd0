import { parseInterfaceAddress } from "../../wire/cidr.ts";
import type { Token } from "../coredns/corefile.ts";
import type { PluginContext } from "../coredns/plugin.ts";
import { absolute, longestZone, reverseZones } from "../names.ts";

/** Zones for which a plugin hands a name that it does not have on to the next plugin; undefined: for none. */
export type Fallthrough = readonly string[] | undefined;

/** `fallthrough` alone is for all zones. CoreDNS plugin/pkg/fall. */
export function readFallthrough(args: readonly Token[]): Fallthrough {
  return args.length === 0 ? ["."] : normalisedZones(args);
}

export function fallsThrough(fallthrough: Fallthrough, name: string): boolean {
  return fallthrough !== undefined && longestZone(name, fallthrough) !== undefined;
}

/** A plugin's zones: those it is given, else those of its server block. */
export function zonesOf(args: readonly Token[], context: PluginContext): readonly string[] {
  return args.length === 0 ? context.zones : normalisedZones(args);
}

function normalisedZones(args: readonly Token[]): readonly string[] {
  return args.flatMap((arg) => normaliseZone(arg.text));
}

/** A zone as written in a Corefile: a name, or a CIDR that stands for its reverse zones. CoreDNS plugin/normalize.go. */
export function normaliseZone(text: string): readonly string[] {
  const block = text.includes("/") ? parseInterfaceAddress(text) : undefined;
  return block === undefined ? [absolute(text).toLowerCase()] : reverseZones(block.address, block.prefixLength);
}

/** Checks how many arguments there are. */
export function argumentCount(
  name: Token,
  args: readonly Token[],
  least: number,
  most: number,
  context: PluginContext,
): boolean {
  if (args.length >= least && args.length <= most) return true;
  const wanted =
    least === most ? `${least}` : most === Number.POSITIVE_INFINITY ? `at least ${least}` : `${least} to ${most}`;
  const message = `wrong argument count or unexpected line ending after '${name.text}': it takes ${wanted}`;
  context.problem("COREFILE_ARGUMENT", name, message);
  return false;
}

/** A whole number within bounds. */
export function numberArgument(token: Token, least: number, most: number, context: PluginContext): number | undefined {
  const value = Number(token.text);
  if (/^-?\d+$/.test(token.text) && value >= least && value <= most) return value;
  context.problem("COREFILE_ARGUMENT", token, `'${token.text}' must be a whole number from ${least} to ${most}`);
  return undefined;
}
