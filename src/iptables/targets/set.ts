import { type SetFlag, readSetAndFlags } from "../matches/set.ts";
import type { TargetModule } from "./module.ts";

/** `-j SET --add-set NAME src,dst`, `--del-set`. */
export interface SetTarget {
  readonly kind: "SET";
  readonly action: "add" | "del";
  readonly set: string;
  readonly flags: readonly SetFlag[];
  readonly exist?: true;
  /** Seconds. */
  readonly timeout?: number;
}

export const set: TargetModule<SetTarget> = {
  options: {
    "--add-set": (draft, read) => void Object.assign(draft, { action: "add", ...readSetAndFlags(read) }),
    "--del-set": (draft, read) => void Object.assign(draft, { action: "del", ...readSetAndFlags(read) }),
    "--exist": (draft) => void (draft.exist = true),
    "--timeout": (draft, read) => void (draft.timeout = read.number(0, 0xffffffff)),
  },
  start: () => ({ kind: "SET" }),
  finish(draft, read) {
    const { action, set: name, flags } = draft;
    if (action === undefined || name === undefined || flags === undefined) {
      return read.fail("MISSING_OPTION", "SET needs --add-set or --del-set");
    }
    return { ...draft, kind: "SET", action, set: name, flags };
  },
  print: (target) =>
    `--${target.action}-set ${target.set} ${target.flags.join(",")}` +
    (target.exist ? " --exist" : "") +
    (target.timeout === undefined ? "" : ` --timeout ${target.timeout}`),
  effects: (target, evaluation) => ({
    stateChanges: [
      {
        table: "ipset",
        action: target.action === "add" ? "add" : "delete",
        key: `${target.set} ${evaluation.elementFor(target)}`,
      },
    ],
  }),
  run(target, evaluation) {
    return evaluation.changeSet(target) ? "continue" : "unknown";
  },
};
