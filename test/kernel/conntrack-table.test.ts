import fc from "fast-check";
import { expect, test } from "vitest";
import { TupleTable } from "../../src/kernel/conntrack/hash-table.ts";
import { TupleKey } from "../../src/kernel/conntrack/tuple-key.ts";
import { invert, makeTuple } from "../../src/kernel/conntrack/tuple.ts";
import type { Tuple } from "../../src/kernel/conntrack/entry.ts";
import { type Address, ipv4, ipv6 } from "../../src/wire/address.ts";

/*
 * The table of connections against the plainest one there can be: a Map from the text of a tuple. What is expected
 * comes from the Map.
 */

const end = fc.oneof(fc.integer({ min: 0, max: 5 }), fc.constant(0xffffffff));
const tuple: fc.Arbitrary<Tuple> = fc
  .tuple(fc.constantFrom("tcp", "udp", "sctp", "icmp", "other"), fc.boolean(), end, end, fc.nat(3), fc.nat(3))
  .map(([protocol, isIPv6, src, dst, srcPort, dstPort]) => {
    const own = (value: number): Address => (isIPv6 ? ipv6((BigInt(value) << 64n) | 7n) : ipv4(value));
    if (protocol === "icmp") {
      return makeTuple(isIPv6 ? "icmpv6" : "icmp", own(src), own(dst), srcPort, srcPort, isIPv6 ? 128 : 8);
    }
    if (protocol === "other") return makeTuple("other", own(src), own(dst), 0, 0, undefined, 47 + dstPort);
    return makeTuple(protocol, own(src), own(dst), srcPort, dstPort);
  });

const operation = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant("begin" as const), tuple, seconds: fc.integer({ min: 1, max: 50 }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("delete" as const), pick: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("wait" as const), seconds: fc.nat(20) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("find" as const), tuple }) },
);

interface Known {
  readonly original: Tuple;
  readonly expires: number;
  readonly mark: number;
}

function textOf({ protocol, number, src, dst, srcPort, dstPort, icmpType }: Tuple): string {
  return [protocol, number, src, dst, srcPort, dstPort, icmpType].map(String).join(" ");
}

test("finds, forgets and lists what a Map of tuples does", () => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 400 }), (operations) => {
      let now = 0;
      let made = 0;
      const table = new TupleTable(() => now);
      const known = new Map<string, Known>();
      const living = (text: string): Known | undefined => {
        const found = known.get(text);
        return found !== undefined && found.expires > now ? found : undefined;
      };
      for (const step of operations) {
        switch (step.kind) {
          case "begin": {
            const { tuple: original } = step;
            const reply = invert(original);
            // A connection to itself the other way round is one that the tracker never begins.
            if (living(textOf(original)) !== undefined || living(textOf(reply)) !== undefined) break;
            if (textOf(original) === textOf(reply)) break;
            // Expired ones leave when they are met.
            expect([table.find(original), table.find(reply)]).toEqual([undefined, undefined]);
            const entry = table.begin(new TupleKey().ofTuple(original));
            entry.expiresAtNanos = now + step.seconds;
            entry.mark = ++made;
            expect(table.insertUnlessTaken(entry)).toBeUndefined();
            const value = { original, expires: now + step.seconds, mark: made };
            known.set(textOf(original), value);
            known.set(textOf(reply), value);
            break;
          }
          case "delete": {
            const all = table.entries();
            const entry = all[step.pick % Math.max(1, all.length)];
            if (entry === undefined) break;
            table.delete(entry);
            known.delete(textOf(entry.original));
            known.delete(textOf(entry.reply));
            break;
          }
          case "wait":
            now += step.seconds;
            break;
          case "find": {
            const found = table.find(step.tuple);
            const expected = living(textOf(step.tuple));
            expect(found?.entry.mark).toBe(expected?.mark);
            if (found === undefined) break;
            expect(found.entry[found.direction]).toEqual(step.tuple);
            break;
          }
        }
      }
      const expected = new Set([...known.values()].filter(({ expires }) => expires > now));
      expect(table.entries().map(({ original, mark }) => ({ original, mark }))).toEqual(
        [...expected].map(({ original, mark }) => ({ original, mark })).sort((a, b) => a.mark - b.mark),
      );
    }),
    { numRuns: 100 },
  );
});

/** The connection number `index` of many. */
function numbered(index: number): Tuple {
  return makeTuple("udp", ipv4(0x0a000000 + (index >> 4)), ipv4(0x0a600001), 1024 + (index & 15), 53);
}

test("grows by thousands, gives memory back, and one held from before still reads as it was", () => {
  const table = new TupleTable(() => 0);
  const add = (index: number): ReturnType<TupleTable["begin"]> => {
    const entry = table.begin(new TupleKey().ofTuple(numbered(index)));
    entry.expiresAtNanos = 1;
    expect(table.insertUnlessTaken(entry)).toBeUndefined();
    return entry;
  };
  const held = add(0);
  for (let round = 0; round < 3; round++) {
    for (let index = 1; index < 40_000; index++) add(index);
    expect(table.size).toBe(40_000);
    expect(table.find(numbered(39_999))?.entry.original).toEqual(numbered(39_999));
    for (const entry of table.entries().slice(1)) table.delete(entry);
    expect(table.entries().map(({ id }) => id)).toEqual([held.id]);
  }
  table.delete(held);
  for (let index = 1; index < 40_000; index++) add(index);
  expect(held.dead).toBe(true);
  expect(held.original).toEqual(numbered(0));
});

test("a connection that was begun before a flush is confirmed after it", () => {
  const table = new TupleTable(() => 0);
  const early = table.begin(new TupleKey().ofTuple(numbered(1)));
  table.clear();
  const late = table.begin(new TupleKey().ofTuple(numbered(2)));
  for (const entry of [late, early]) {
    entry.expiresAtNanos = 1;
    expect(table.insertUnlessTaken(entry)).toBeUndefined();
  }
  expect(table.entries().map(({ original }) => original)).toEqual([numbered(1), numbered(2)]);
  expect(table.find(invert(numbered(1)))?.entry.id).toBe(early.id);
});

test("the source of a client finds its connections, newest first", () => {
  const table = new TupleTable(() => 0);
  for (const dst of [1, 2, 3]) {
    const entry = table.begin(new TupleKey().ofTuple(makeTuple("udp", ipv4(9), ipv4(dst), 1000, 53)));
    entry.expiresAtNanos = 1;
    entry.settle("src", false);
    expect(table.insertUnlessTaken(entry)).toBeUndefined();
    // The first question makes the index; what comes after it is added.
    if (dst === 2)
      expect([...table.fromSource(new TupleKey().ofTuple(entry.original))].map(({ original }) => original.dst)).toEqual(
        [2, 1],
      );
  }
  const asked = new TupleKey().ofTuple(makeTuple("udp", ipv4(9), ipv4(99), 1000, 53));
  expect([...table.fromSource(asked)].map(({ original }) => original.dst)).toEqual([3, 2, 1]);
  const [second] = [...table.fromSource(asked)].slice(1);
  if (second !== undefined) table.delete(second);
  expect([...table.fromSource(asked)].map(({ original }) => original.dst)).toEqual([3, 1]);
});

test("finds the connections of a client port that has hundreds, in both directions, also when some went", () => {
  const table = new TupleTable(() => 0);
  const tuples = Array.from({ length: 600 }, (_, index) => makeTuple("udp", ipv4(1), ipv4(1000 + index), 50_000, 53));
  const open = (tuple: Tuple): void => {
    const entry = table.begin(new TupleKey().ofTuple(tuple));
    entry.expiresAtNanos = 1;
    expect(table.insertUnlessTaken(entry)).toBeUndefined();
  };
  const found = (tuple: Tuple): readonly unknown[] => {
    const entry = table.find(tuple)?.entry;
    const answered = table.find(invert(tuple));
    return [entry?.original.dst, answered?.entry.original.dst, answered?.direction];
  };
  for (const tuple of tuples) open(tuple);
  for (const [index, tuple] of tuples.entries()) {
    const entry = table.find(tuple)?.entry;
    if (index % 3 === 0 && entry !== undefined) table.delete(entry);
  }
  for (const [index, tuple] of tuples.entries()) {
    expect(found(tuple)).toEqual(index % 3 === 0 ? [undefined, undefined, undefined] : [tuple.dst, tuple.dst, "reply"]);
  }
  for (const [index, tuple] of tuples.entries()) if (index % 3 === 0) open(tuple);
  for (const tuple of tuples) expect(found(tuple)).toEqual([tuple.dst, tuple.dst, "reply"]);
  expect(table.size).toBe(600);
});
