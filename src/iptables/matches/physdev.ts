import type { OptionReader } from "../option.ts";
import { interfaceMatches } from "./ip.ts";
import { type MatchModule, printOption } from "./module.ts";

/** A flag that may be inverted. */
export interface Flag {
  readonly inverted: boolean;
}

/** `-m physdev`: the bridge ports of a bridged packet. */
export interface PhysdevMatch {
  readonly kind: "physdev";
  readonly in?: Flag & { readonly name: string };
  readonly isIn?: Flag;
  readonly out?: Flag & { readonly name: string };
  readonly isOut?: Flag;
  readonly isBridged?: Flag;
}

function readName(read: OptionReader): Flag & { readonly name: string } {
  return { inverted: read.inverted(), name: read.value() };
}

export const physdev: MatchModule<PhysdevMatch> = {
  options: {
    "--physdev-in": (draft, read) => void (draft.in = readName(read)),
    "--physdev-out": (draft, read) => void (draft.out = readName(read)),
    "--physdev-is-in": (draft, read) => void (draft.isIn = { inverted: read.inverted() }),
    "--physdev-is-out": (draft, read) => void (draft.isOut = { inverted: read.inverted() }),
    "--physdev-is-bridged": (draft, read) => void (draft.isBridged = { inverted: read.inverted() }),
  },
  start: () => ({ kind: "physdev" }),
  finish(draft, read) {
    if (Object.keys(draft).length < 2)
      read.fail("MISSING_OPTION", "-m physdev needs an option such as --physdev-is-bridged");
    return { ...draft, kind: "physdev" };
  },
  print(match) {
    const flag = (option: string, value: Flag | undefined): string[] =>
      value ? [`${value.inverted ? "! " : ""}${option}`] : [];
    return [
      ...flag("--physdev-is-in", match.isIn),
      ...(match.in ? [printOption(match.in.inverted, "--physdev-in", match.in.name)] : []),
      ...flag("--physdev-is-out", match.isOut),
      ...(match.out ? [printOption(match.out.inverted, "--physdev-out", match.out.name)] : []),
      ...flag("--physdev-is-bridged", match.isBridged),
    ].join(" ");
  },
  // physdev_mt (net/netfilter/xt_physdev.c): a name is not compared where the port is missing.
  matches(match, { state: { physIn, physOut } }) {
    const bridged = physIn !== undefined || physOut !== undefined;
    if (!bridged) return Object.values(match).every((term) => term === "physdev" || (term as Flag).inverted);
    if (match.isBridged && (physOut !== undefined) === match.isBridged.inverted) return false;
    if (match.isIn && (physIn !== undefined) === match.isIn.inverted) return false;
    if (match.isOut && (physOut !== undefined) === match.isOut.inverted) return false;
    if (match.in && physIn && interfaceMatches(match.in.name, physIn.name) === match.in.inverted) return false;
    return !(match.out && physOut && interfaceMatches(match.out.name, physOut.name) === match.out.inverted);
  },
  explain: (match, { state: { physIn, physOut } }) => ({
    term: physdev.print(match),
    packet: `port in ${physIn?.name ?? "none"}, port out ${physOut?.name ?? "none"}`,
  }),
};
