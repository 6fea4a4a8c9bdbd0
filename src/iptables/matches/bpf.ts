import { type Instruction, run } from "../classic-bpf.ts";
import type { OptionReader } from "../option.ts";
import { bytesOf } from "../packet-bytes.ts";
import type { MatchModule } from "./module.ts";

/** `-m bpf`: a program of classic BPF says whether the packet matches. */
export interface BpfMatch {
  readonly kind: "bpf";
  /** `--bytecode "COUNT,CODE JT JF K,..."`, as nfbpf_compile and `tcpdump -ddd` print it. */
  readonly program?: readonly Instruction[];
  /** `--object-pinned PATH`: a program that the text does not hold, so not modelled. */
  readonly path?: string;
}

const most = 0xffffffff;
const mostInstructions = 64;

function readProgram(read: OptionReader): Instruction[] {
  const text = read.value();
  const [count, ...lines] = text.split(",").map((line) => line.trim());
  const program = lines.map((line): Instruction => {
    const [code = "", jumpTrue = "", jumpFalse = "", k = "", ...more] = line.split(/\s+/);
    if (more.length > 0) read.fail("BAD_VALUE", `${line} is not CODE JT JF K`);
    return [
      read.number(0, 0xffff, code),
      read.number(0, 255, jumpTrue),
      read.number(0, 255, jumpFalse),
      read.number(0, most, k),
    ];
  });
  if (program.length === 0 || program.length > mostInstructions || String(program.length) !== count) {
    read.fail("BAD_VALUE", `${text} is not COUNT,CODE JT JF K,... with at most ${mostInstructions} instructions`);
  }
  return program;
}

export const bpf: MatchModule<BpfMatch> = {
  options: {
    "--bytecode": (draft, read) => void (draft.program = readProgram(read)),
    "--object-pinned": (draft, read) => void (draft.path = read.value()),
  },
  start: () => ({ kind: "bpf" }),
  finish({ program, path }, read) {
    if ((program === undefined) === (path === undefined)) {
      return read.fail("MISSING_OPTION", "-m bpf needs --bytecode or --object-pinned");
    }
    return { kind: "bpf", ...(program && { program }), ...(path !== undefined && { path }) };
  },
  print: ({ program, path }) =>
    program === undefined
      ? `--object-pinned ${path}`
      : `--bytecode "${[program.length, ...program.map((instruction) => instruction.join(" "))].join(",")}"`,
  // bpf_mt() of net/netfilter/xt_bpf.c.
  matches: (match, { state }) => match.program && run(match.program, bytesOf(state.skb.packet)),
  explain: (match) => ({ term: bpf.print(match), packet: "the program returns 0" }),
};
