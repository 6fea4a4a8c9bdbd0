import {
  type KnownBytes,
  type KnownWord,
  allBits,
  and,
  isBetween,
  isKnown,
  knownWord,
  shiftLeft,
  shiftRight,
} from "./known-bytes.ts";

/** One instruction of classic BPF. Documentation/networking/filter.rst. */
export type Instruction = readonly [code: number, jumpTrue: number, jumpFalse: number, k: number];

/** Bits of an instruction's code (include/uapi/linux/bpf_common.h, filter.h). */
const classes = { ld: 0, ldx: 1, st: 2, stx: 3, alu: 4, jmp: 5, ret: 6, misc: 7 } as const;
const useX = 8;
const sizes: Readonly<Record<number, number>> = { 0: 4, 8: 2, 16: 1 };
const modes = { imm: 0, abs: 32, ind: 64, mem: 96, len: 128, msh: 160 } as const;
/** Places from here on are no bytes of the packet (SKF_LL_OFF). */
const ancillary = 0xffe00000;

const unknown: KnownWord = { value: 0, known: 0 };

/** Whether what a program returns is not 0; undefined where that hangs on something that is not known. */
export function run(program: readonly Instruction[], bytes: KnownBytes): boolean | undefined {
  let a = knownWord(0);
  let x = knownWord(0);
  const memory: KnownWord[] = [];
  for (let at = 0; at < program.length; at++) {
    const [code, jumpTrue, jumpFalse, k] = program[at] as Instruction;
    const operand = (code & useX) === 0 ? knownWord(k) : x;
    switch (code & 7) {
      case classes.ld:
      case classes.ldx: {
        const loaded = load(code, k, x, memory, bytes);
        // Beyond the end of the packet the program ends with 0.
        if (loaded === undefined) return false;
        if (loaded === "unknown") return undefined;
        if ((code & 7) === classes.ld) a = loaded;
        else x = loaded;
        break;
      }
      case classes.st:
        memory[k] = a;
        break;
      case classes.stx:
        memory[k] = x;
        break;
      case classes.alu: {
        const result = calculate(code & 0xf0, a, operand);
        if (result === undefined) return false;
        a = result;
        break;
      }
      case classes.jmp: {
        const jumps = compare(code & 0xf0, a, operand);
        if (jumps === undefined) return undefined;
        at += jumps === "always" ? k : jumps ? jumpTrue : jumpFalse;
        break;
      }
      case classes.ret: {
        const isZero = isBetween((code & 0x18) === 0x10 ? a : operand, 0, 0);
        return isZero === undefined ? undefined : !isZero;
      }
      case classes.misc:
        if ((code & 0xf8) === 0) x = a;
        else a = x;
    }
  }
  return undefined;
}

function load(
  code: number,
  k: number,
  x: KnownWord,
  memory: readonly KnownWord[],
  bytes: KnownBytes,
): KnownWord | "unknown" | undefined {
  switch (code & 0xe0) {
    case modes.imm:
      return knownWord(k);
    case modes.len:
      return knownWord(bytes.length);
    case modes.mem:
      return memory[k] ?? "unknown";
    case modes.msh: {
      const first = bytes.wordAt(k, 1);
      return first && shiftLeft(and(first, 15), 2);
    }
    case modes.abs:
    case modes.ind: {
      const isIndirect = (code & 0xe0) === modes.ind;
      if (k >= ancillary || (isIndirect && !isKnown(x))) return "unknown";
      return bytes.wordAt(k + (isIndirect ? x.value : 0), sizes[code & 0x18] ?? 4);
    }
    default:
      return "unknown";
  }
}

/** A + X and the like; undefined: a division by 0, which ends the program. */
function calculate(operation: number, a: KnownWord, b: KnownWord): KnownWord | undefined {
  if (operation === 0x30 || operation === 0x90) {
    if (isKnown(b) && b.value === 0) return undefined;
  }
  if (isKnown(b)) {
    if (operation === 0x50) return and(a, b.value);
    if (operation === 0x60 && b.value < 32) return shiftLeft(a, b.value);
    if (operation === 0x70 && b.value < 32) return shiftRight(a, b.value);
  }
  if (!isKnown(a) || !isKnown(b)) return unknown;
  const result = arithmetic[operation]?.(a.value, b.value);
  return result === undefined ? unknown : knownWord(result);
}

const arithmetic: Readonly<Record<number, (a: number, b: number) => number>> = {
  0x00: (a, b) => a + b,
  0x10: (a, b) => a - b,
  0x20: (a, b) => Math.imul(a, b),
  0x30: (a, b) => Math.floor(a / b),
  0x40: (a, b) => a | b,
  0x80: (a) => -a,
  0x90: (a, b) => a % b,
  0xa0: (a, b) => a ^ b,
};

function compare(operation: number, a: KnownWord, b: KnownWord): boolean | "always" | undefined {
  if (operation === 0) return "always";
  if (!isKnown(b)) return undefined;
  switch (operation) {
    case 0x10:
      return isBetween(a, b.value, b.value);
    case 0x20:
      return b.value === allBits ? false : isBetween(a, b.value + 1, allBits);
    case 0x30:
      return isBetween(a, b.value, allBits);
    case 0x40: {
      const isZero = isBetween(and(a, b.value), 0, 0);
      return isZero === undefined ? undefined : !isZero;
    }
    default:
      return undefined;
  }
}
