import type { SetEntry } from "../ipset/set.ts";
import { type SetFlag, readSetAndFlags } from "../matches/set.ts";
import { xmark } from "./mark.ts";
import type { TargetModule } from "./module.ts";

/** `-j SET`: puts the packet's element into a set, takes it out, or gives the packet what a set says of it. */
export interface SetTarget {
  readonly kind: "SET";
  readonly action: "add" | "del" | "map";
  readonly set: string;
  readonly flags: readonly SetFlag[];
  readonly exist?: true;
  /** Seconds. */
  readonly timeout?: number;
  /** What `--map-set` copies. Class and queue decide nothing here. */
  readonly mapMark?: true;
  readonly mapClass?: true;
  readonly mapQueue?: true;
}

/** The mark that an element has for its packets (`skbmark VALUE/MASK`). */
function markOf({ skbinfo = [] }: SetEntry): { readonly value: number; readonly mask: number } | undefined {
  const at = skbinfo.indexOf("skbmark");
  if (at < 0) return undefined;
  const [value, mask] = (skbinfo[at + 1] ?? "").split("/");
  return { value: Number(value), mask: mask === undefined ? 0xffffffff : Number(mask) };
}

export const set: TargetModule<SetTarget> = {
  options: {
    "--add-set": (draft, read) => void Object.assign(draft, { action: "add", ...readSetAndFlags(read) }),
    "--del-set": (draft, read) => void Object.assign(draft, { action: "del", ...readSetAndFlags(read) }),
    "--map-set": (draft, read) => void Object.assign(draft, { action: "map", ...readSetAndFlags(read) }),
    "--exist": (draft) => void (draft.exist = true),
    "--timeout": (draft, read) => void (draft.timeout = read.number(0, 0xffffffff)),
    "--map-mark": (draft) => void (draft.mapMark = true),
    "--map-prio": (draft) => void (draft.mapClass = true),
    "--map-queue": (draft) => void (draft.mapQueue = true),
  },
  start: () => ({ kind: "SET" }),
  finish(draft, read) {
    const { action, set: name, flags } = draft;
    if (action === undefined || name === undefined || flags === undefined) {
      return read.fail("MISSING_OPTION", "SET needs --add-set, --del-set or --map-set");
    }
    return { ...draft, kind: "SET", action, set: name, flags };
  },
  print: (target) =>
    `--${target.action}-set ${target.set} ${target.flags.join(",")}` +
    (target.exist ? " --exist" : "") +
    (target.timeout === undefined ? "" : ` --timeout ${target.timeout}`) +
    (target.mapMark ? " --map-mark" : "") +
    (target.mapClass ? " --map-prio" : "") +
    (target.mapQueue ? " --map-queue" : ""),
  effects: (target, evaluation) =>
    target.action === "map"
      ? {}
      : {
          stateChanges: [
            {
              table: "ipset",
              action: target.action === "add" ? "add" : "delete",
              key: `${target.set} ${evaluation.elementFor(target)}`,
            },
          ],
        },
  run(target, evaluation) {
    if (target.action !== "map") return evaluation.changeSet(target) ? "continue" : "unknown";
    const { skb } = evaluation.state;
    const found = evaluation.entryFor(target);
    if (found === undefined) return "unknown";
    const mark = target.mapMark && found.entry && markOf(found.entry);
    if (mark) skb.mark = xmark(skb.mark, mark.value, mark.mask);
    return "continue";
  },
};
