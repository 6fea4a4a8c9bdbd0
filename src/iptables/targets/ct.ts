import { mostZone } from "../../kernel/conntrack/zone.ts";
import type { Draft, OptionReader } from "../option.ts";
import type { TargetModule } from "./module.ts";

/** A zone's number, or that of the packet's mark. */
type Zone = number | "mark";

/** `-j CT`: decides before conntrack looks (raw table). `-j NOTRACK` is the older name of `-j CT --notrack`. */
export interface CtTarget {
  readonly kind: "CT" | "NOTRACK";
  readonly notrack?: true;
  readonly zone?: { readonly of: "both" | "orig" | "reply"; readonly id: Zone };
  readonly helper?: string;
  /** Names a policy of time-outs, which is not modelled. */
  readonly timeout?: string;
  /** Which events are told to listeners; they decide nothing. */
  readonly events?: string;
  readonly expectationEvents?: string;
}

function zoneOption(of: "both" | "orig" | "reply"): (draft: Draft<CtTarget>, read: OptionReader) => void {
  return (draft, read) => {
    if (draft.zone !== undefined) read.fail("BAD_OPTION", "one zone is enough: remove the others");
    const text = read.value();
    const id = text === "mark" ? text : read.number(0, 65_535, text);
    // Zone 0 is where everything is.
    if (id !== 0) draft.zone = { of, id };
  };
}

const zoneNames = { both: "--zone", orig: "--zone-orig", reply: "--zone-reply" } as const;

export const ct: TargetModule<CtTarget> = {
  options: {
    "--notrack": (draft) => void (draft.notrack = true),
    "--helper": (draft, read) => void (draft.helper = read.value()),
    "--timeout": (draft, read) => void (draft.timeout = read.value()),
    "--ctevents": (draft, read) => void (draft.events = read.value()),
    "--expevents": (draft, read) => void (draft.expectationEvents = read.value()),
    "--zone": zoneOption("both"),
    "--zone-orig": zoneOption("orig"),
    "--zone-reply": zoneOption("reply"),
  },
  start: () => ({ kind: "CT" }),
  print: ({ notrack, helper, timeout, events, expectationEvents, zone }) =>
    [
      ...(notrack ? ["--notrack"] : []),
      ...(helper === undefined ? [] : [`--helper ${helper}`]),
      ...(timeout === undefined ? [] : [`--timeout ${timeout}`]),
      ...(events === undefined ? [] : [`--ctevents ${events}`]),
      ...(expectationEvents === undefined ? [] : [`--expevents ${expectationEvents}`]),
      ...(zone === undefined ? [] : [`${zoneNames[zone.of]} ${zone.id}`]),
    ].join(" "),
  run(target, { state: { skb } }) {
    // The first such target wins, and one that comes back over the loopback is tracked already.
    if (skb.conntrack !== undefined || skb.untracked || skb.zone !== undefined) return "continue";
    if (target.notrack || target.kind === "NOTRACK") {
      skb.untracked = true;
      return "continue";
    }
    const { of, id } = target.zone ?? { of: "both", id: 0 };
    if (target.timeout !== undefined || (id !== "mark" && id > mostZone)) return "unknown";
    skb.zone =
      id === "mark"
        ? { original: 0, reply: 0, ofMark: of }
        : { original: of === "reply" ? 0 : id, reply: of === "orig" ? 0 : id };
    return "continue";
  },
  needsConntrack: (target) => target.kind === "CT" && target.notrack !== true,
};

export const notrack: TargetModule<CtTarget> = { ...ct, options: {}, start: () => ({ kind: "NOTRACK" }) };
