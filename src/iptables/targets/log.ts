import type { OptionReader, Options } from "../option.ts";
import { quote } from "../words.ts";
import type { TargetModule } from "./module.ts";

/** `-j LOG`, `-j NFLOG`, `-j TRACE`: the packet goes on. */
export interface LogTarget {
  readonly kind: "LOG" | "NFLOG" | "TRACE";
  /** The options with their values, in the order in which they are printed; defaults are left out. */
  readonly args: readonly string[];
}

/** The options of each target in the order of iptables-save; true: takes a value. */
const optionsOf: Readonly<Record<LogTarget["kind"], Readonly<Record<string, boolean>>>> = {
  LOG: {
    "--log-prefix": true,
    "--log-level": true,
    "--log-tcp-sequence": false,
    "--log-tcp-options": false,
    "--log-ip-options": false,
    "--log-uid": false,
    "--log-macdecode": false,
  },
  NFLOG: {
    "--nflog-prefix": true,
    "--nflog-group": true,
    "--nflog-range": true,
    "--nflog-size": true,
    "--nflog-threshold": true,
  },
  TRACE: {},
};

const levels = ["emerg", "alert", "crit", "error", "warning", "notice", "info", "debug"];

function readArg(option: string, takesValue: boolean, read: OptionReader): string[] {
  if (!takesValue) return [option];
  const text = read.value();
  if (option !== "--log-level") return [option, text];
  const name = text === "panic" ? "emerg" : text;
  const level = levels.includes(name) ? levels.indexOf(name) : read.number(0, 7, text);
  // KERN_WARNING is the default.
  return level === 4 ? [] : [option, String(level)];
}

function logModule(kind: LogTarget["kind"]): TargetModule<LogTarget> {
  const known = optionsOf[kind];
  const names = Object.keys(known);
  const options: Options<LogTarget> = Object.fromEntries(
    names.map((name) => [
      name,
      (draft: { args?: readonly string[] }, read: OptionReader) => {
        draft.args = [...(draft.args ?? []), ...readArg(name, known[name] === true, read)];
      },
    ]),
  );
  return {
    options,
    start: () => ({ kind }),
    finish({ args = [] }) {
      const pairs: string[][] = [];
      for (const [index, arg] of args.entries()) {
        if (Object.hasOwn(known, arg)) pairs.push(args.slice(index, known[arg] === true ? index + 2 : index + 1));
      }
      return { kind, args: pairs.sort(([a = ""], [b = ""]) => names.indexOf(a) - names.indexOf(b)).flat() };
    },
    print: (target) =>
      target.args.map((arg, index) => (target.args[index - 1]?.endsWith("-prefix") ? quote(arg) : arg)).join(" "),
    run: () => "continue",
  };
}

export const log: TargetModule<LogTarget> = logModule("LOG");
export const nflog: TargetModule<LogTarget> = logModule("NFLOG");
export const trace: TargetModule<LogTarget> = logModule("TRACE");
