import { hex, readMark } from "../matches/mark.ts";
import { xmark } from "./mark.ts";
import type { TargetModule } from "./module.ts";

/** `-j CONNMARK`: copies between the packet's mark and the connection's, or sets the latter. */
export type ConnmarkTarget =
  | { readonly kind: "CONNMARK"; readonly action: "set"; readonly value: number; readonly mask: number }
  | {
      readonly kind: "CONNMARK";
      readonly action: "save" | "restore";
      readonly nfMask: number;
      readonly ctMask: number;
    };

interface ConnmarkDraft {
  readonly kind: "CONNMARK";
  readonly action?: "set" | "save" | "restore";
  readonly value?: number;
  readonly mask?: number;
  readonly nfMask?: number;
  readonly ctMask?: number;
}

const draftOptions: TargetModule<ConnmarkDraft>["options"] = {
  "--set-xmark": (draft, read) => void Object.assign(draft, { action: "set", ...readMark(read) }),
  "--set-mark"(draft, read) {
    const { value, mask } = readMark(read);
    Object.assign(draft, { action: "set", value, mask: (value | mask) >>> 0 });
  },
  "--or-mark"(draft, read) {
    const value = read.number(0, 0xffffffff);
    Object.assign(draft, { action: "set", value, mask: value });
  },
  "--and-mark": (draft, read) =>
    void Object.assign(draft, { action: "set", value: 0, mask: ~read.number(0, 0xffffffff) >>> 0 }),
  "--xor-mark": (draft, read) =>
    void Object.assign(draft, { action: "set", value: read.number(0, 0xffffffff), mask: 0 }),
  "--save-mark": (draft) => void (draft.action = "save"),
  "--restore-mark": (draft) => void (draft.action = "restore"),
  "--nfmask": (draft, read) => void (draft.nfMask = read.number(0, 0xffffffff)),
  "--ctmask": (draft, read) => void (draft.ctMask = read.number(0, 0xffffffff)),
  "--mask"(draft, read) {
    const mask = read.number(0, 0xffffffff);
    Object.assign(draft, { nfMask: mask, ctMask: mask });
  },
};

export const connmark: TargetModule<ConnmarkTarget> = {
  options: draftOptions as TargetModule<ConnmarkTarget>["options"],
  start: () => ({ kind: "CONNMARK" }),
  finish(given, read) {
    const { action, value, mask, nfMask = 0xffffffff, ctMask = 0xffffffff } = given as Partial<ConnmarkDraft>;
    if (action === undefined)
      return read.fail("MISSING_OPTION", "CONNMARK needs --set-xmark, --save-mark or --restore-mark");
    if (action !== "set") return { kind: "CONNMARK", action, nfMask, ctMask };
    return { kind: "CONNMARK", action, value: value ?? 0, mask: mask ?? 0 };
  },
  print: (target) =>
    target.action === "set"
      ? `--set-xmark ${hex(target.value)}/${hex(target.mask)}`
      : `--${target.action}-mark --nfmask ${hex(target.nfMask)} --ctmask ${hex(target.ctMask)}`,
  effects(target, { state: { skb } }) {
    const entry = skb.conntrack?.entry;
    if (entry === undefined) return {};
    if (target.action === "restore") {
      const to = xmark(skb.mark, entry.mark & target.ctMask, target.nfMask);
      return to === skb.mark ? {} : { changes: [{ field: "mark", from: skb.mark, to }] };
    }
    const to = newConnectionMark(target, entry.mark, skb.mark);
    if (to === entry.mark) return {};
    return {
      stateChanges: [
        { table: "conntrack", action: "update", key: `mark of ${entry.id}`, before: hex(entry.mark), after: hex(to) },
      ],
    };
  },
  run(target, { state: { skb } }) {
    const entry = skb.conntrack?.entry;
    if (entry === undefined) return "continue";
    if (target.action === "restore") skb.mark = xmark(skb.mark, entry.mark & target.ctMask, target.nfMask);
    else entry.mark = newConnectionMark(target, entry.mark, skb.mark);
    return "continue";
  },
  needsConntrack: true,
};

/** connmark_tg_shift() without shifts: net/netfilter/xt_connmark.c. */
function newConnectionMark(target: ConnmarkTarget, old: number, packetMark: number): number {
  return target.action === "set"
    ? xmark(old, target.value, target.mask)
    : xmark(old, packetMark & target.nfMask, target.ctMask);
}
