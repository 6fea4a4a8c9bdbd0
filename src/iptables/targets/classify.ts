import type { TargetModule } from "./module.ts";

/** `-j CLASSIFY --set-class MAJOR:MINOR`: the packet's class for queues, which are not modelled and decide nothing. */
export interface ClassifyTarget {
  readonly kind: "CLASSIFY";
  readonly major: number;
  readonly minor: number;
}

export const classify: TargetModule<ClassifyTarget> = {
  options: {
    "--set-class"(draft, read) {
      const [major = "", minor = ""] = read.value().split(":");
      draft.major = read.number(0, 0xffff, `0x${major}`);
      draft.minor = read.number(0, 0xffff, `0x${minor}`);
    },
  },
  start: () => ({ kind: "CLASSIFY" }),
  finish({ major, minor }, read) {
    if (major === undefined || minor === undefined) return read.fail("MISSING_OPTION", "CLASSIFY needs --set-class");
    return { kind: "CLASSIFY", major, minor };
  },
  print: ({ major, minor }) => `--set-class ${hex4(major)}:${hex4(minor)}`,
  run: () => "continue",
};

function hex4(value: number): string {
  return value.toString(16).padStart(4, "0");
}
