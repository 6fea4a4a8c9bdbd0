import fc from "fast-check";

/* Matches that look at the bytes of a packet: `-m u32`, `-m string`, `-m bpf`. */

const not = fc.constantFrom("", "", "! ");

/** Numbers that stand somewhere in a packet: protocols, ports, lengths, flags, parts of addresses. */
const number = fc.constantFrom(
  0,
  1,
  2,
  6,
  17,
  20,
  58,
  80,
  0x45,
  0x60,
  255,
  0x0a01,
  0x0a010002,
  0x4845,
  0xfd01,
  1500,
  40_000,
);
const offset = fc.oneof(fc.nat(24), fc.nat(80));

/** Words of the packet. */
export const u32: fc.Arbitrary<string> = fc
  .tuple(
    not,
    fc.array(
      fc
        .tuple(
          fc.oneof(
            offset.map(String),
            fc
              .tuple(fc.constantFrom(0, 2, 4, 8, 12, 20), offset)
              .map(([at, by]) => `0>>22&0x3C@${at}${by > 40 ? ">>16" : ""}`),
            fc.constantFrom("3&0xff@0", "0>>24<<2@0", "5>>16&0xff@4"),
          ),
          fc.constantFrom("", "&0xff", "&0xffff", ">>24", ">>16", "<<8>>8", ">>16&0xff"),
          fc.oneof(
            number.map(String),
            fc.tuple(number, number).map(([a, b]) => `${Math.min(a, b)}:${Math.max(a, b)}`),
            fc.tuple(number, number).map(([a, b]) => `${a},${b}`),
          ),
        )
        .map(([location, steps, values]) => `${location}${steps}=${values}`),
      { minLength: 1, maxLength: 2 },
    ),
  )
  .map(([n, tests]) => `-m u32 ${n}--u32 "${tests.join("&&")}"`);

/** Text of the packet. */
export const text: fc.Arbitrary<string> = fc
  .tuple(
    not,
    fc.constantFrom(
      "--string GET",
      "--string index",
      "--string World",
      "--string world",
      '--string "get /"',
      '--hex-string "|45 00|"',
      '--hex-string "|020405b4|"',
      '--hex-string "|0a 01 00 02|"',
      '--hex-string "|00 50|"',
      '--hex-string "|0d0a|"',
      '--hex-string "|fd01|"',
    ),
    fc.constantFrom("bm", "kmp"),
    fc.constantFrom("", "", "--from 20", "--from 52", "--to 40", "--to 60", "--from 28 --to 33", "--from 28 --to 40"),
    fc.constantFrom("", "--icase"),
  )
  .map(
    ([n, pattern, algorithm, span, ...more]) =>
      `-m string ${n}${pattern} --algo ${algorithm} ${span} ${more.join(" ")}`,
  );

/** Small programs: a part of the packet, a calculation, a comparison. */
export const program: fc.Arbitrary<string> = fc
  .tuple(
    fc.oneof(
      fc.tuple(fc.constantFrom(32, 40, 48), offset).map(([code, k]) => [`${code} 0 0 ${k}`]),
      fc.tuple(fc.constantFrom(64, 72, 80), fc.nat(30)).map(([code, k]) => ["177 0 0 0", `${code} 0 0 ${k}`]),
      fc.constantFrom(
        ["128 0 0 0"],
        ["0 0 0 60"],
        ["48 0 0 0", "2 0 0 3", "96 0 0 3"],
        ["48 0 0 6", "7 0 0 0", "135 0 0 0"],
      ),
    ),
    fc.option(
      fc
        .tuple(fc.constantFrom(4, 20, 36, 52, 68, 84, 100, 116, 148, 164), fc.constantFrom(1, 2, 3, 8, 15, 16))
        .map(([code, k]) => `${code} 0 0 ${k}`),
    ),
    fc.constantFrom(21, 37, 53, 69),
    number,
    fc.boolean(),
  )
  .map(([loads, calculation, jump, k, direct]) => {
    const all = [...loads, ...(calculation === null ? [] : [calculation])];
    const lines = direct ? [...all, "22 0 0 0"] : [...all, `${jump} 0 1 ${k}`, "6 0 0 1", "6 0 0 0"];
    return `-m bpf --bytecode "${lines.length},${lines.join(",")}"`;
  });
