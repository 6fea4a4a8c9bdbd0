import fc from "fast-check";
import { addressTypes } from "../../src/iptables/matches/addrtype.ts";
import type { Match } from "../../src/iptables/matches/index.ts";
import type { Rule } from "../../src/iptables/rule.ts";
import type { Target } from "../../src/iptables/targets/index.ts";
import { ipv4 } from "../../src/wire/address.ts";
import { maskIPv4 } from "../../src/wire/cidr.ts";
import type { Mac } from "../../src/wire/mac.ts";

const port = fc.integer({ min: 0, max: 65_535 });
const octet = fc.integer({ min: 0, max: 255 });
const positive = fc.integer({ min: 1, max: 255 });
const inverted = fc.boolean();
const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,9}$/);
const device = fc.stringMatching(/^[a-z][a-z0-9]{0,8}\+?$/);
const mark = fc.integer({ min: 0, max: 0xffffffff });
const address = fc.integer({ min: 0x01000000, max: 0xdfffffff }).map(ipv4);
const prefix = fc
  .tuple(address, fc.integer({ min: 1, max: 32 }))
  .map(([base, prefixLength]) => ({ base: maskIPv4(base, prefixLength), prefixLength }));
/** 255.x.255.0: eight leading ones, and a hole. */
const holed = fc
  .tuple(address, fc.integer({ min: 0, max: 127 }))
  .map(([base, octet]) => ({ octet, base }))
  .map(({ octet, base }) => {
    const mask = ipv4(((0xff << 24) | (octet << 16) | (0xff << 8)) >>> 0);
    return { base: ipv4((base & mask) >>> 0), prefixLength: 8, mask };
  });
const block = fc.oneof(prefix, prefix, holed);
const span = fc.tuple(port, port).map(([a, b]) => ({ from: Math.min(a, b), to: Math.max(a, b) }));
const range = fc.tuple(span, inverted).map(([ports, not]) => ({ ...ports, inverted: not }));

/** An object whose optional keys may be missing. */
function record<T extends object>(
  parts: { [K in keyof T]-?: fc.Arbitrary<T[K]> },
  required: (keyof T)[],
): fc.Arbitrary<T> {
  return fc.record(parts as never, { requiredKeys: required as never }) as unknown as fc.Arbitrary<T>;
}

const header: fc.Arbitrary<Match>[] = [
  fc.tuple(block, inverted).map(([own, not]) => ({ kind: "source", ...own, inverted: not })),
  fc.tuple(block, inverted).map(([own, not]) => ({ kind: "destination", ...own, inverted: not })),
  fc.tuple(device, inverted).map(([own, not]) => ({ kind: "in-interface", name: own, inverted: not })),
  fc.tuple(device, inverted).map(([own, not]) => ({ kind: "out-interface", name: own, inverted: not })),
  fc
    .tuple(fc.constantFrom(1, 4, 6, 17, 47, 132, 200), inverted)
    .map(([number, not]) => ({ kind: "protocol", number, inverted: not })),
  inverted.map((not) => ({ kind: "fragment", inverted: not })),
];

const bits = (max: number): fc.Arbitrary<{ bits: number; inverted: boolean }> =>
  fc.record({ bits: fc.integer({ min: 1, max }), inverted });

const types = fc
  .subarray([...addressTypes], { minLength: 1 })
  .chain((list) => fc.record({ types: fc.constant(addressTypes.filter((type) => list.includes(type))), inverted }));

export const extension: fc.Arbitrary<Match> = fc.oneof(
  fc
    .string({ unit: "grapheme-ascii", minLength: 1, maxLength: 60 })
    .map((comment): Match => ({ kind: "comment", comment })),
  record<Extract<Match, { kind: "tcp" }>>(
    {
      kind: fc.constant("tcp"),
      srcPorts: range,
      dstPorts: range,
      flags: fc.record({ mask: fc.integer({ min: 1, max: 63 }), compare: fc.integer({ min: 0, max: 63 }), inverted }),
      option: fc.record({ number: fc.integer({ min: 1, max: 255 }), inverted }),
    },
    ["kind"],
  ),
  record<Extract<Match, { kind: "udp" }>>({ kind: fc.constant("udp"), srcPorts: range, dstPorts: range }, ["kind"]),
  fc.record({ kind: fc.constantFrom("mark" as const, "connmark" as const), value: mark, mask: mark, inverted }),
  record<Extract<Match, { kind: "conntrack" }>>(
    {
      kind: fc.constant("conntrack"),
      states: bits(127),
      protocol: fc.record({ number: fc.constantFrom(6, 17), inverted }),
      originalSrc: fc.tuple(block, inverted).map(([own, not]) => ({ ...own, inverted: not })),
      originalDst: fc.tuple(block, inverted).map(([own, not]) => ({ ...own, inverted: not })),
      replySrc: fc.tuple(block, inverted).map(([own, not]) => ({ ...own, inverted: not })),
      replyDst: fc.tuple(block, inverted).map(([own, not]) => ({ ...own, inverted: not })),
      originalSrcPort: range,
      originalDstPort: range,
      replySrcPort: range,
      replyDstPort: range,
      status: bits(15),
      expire: range,
      direction: fc.constantFrom("ORIGINAL" as const, "REPLY" as const),
    },
    ["kind"],
  ),
  fc.record({ kind: fc.constant("state" as const), states: bits(31) }),
  fc
    .tuple(types, types, fc.option(fc.constantFrom("in" as const, "out" as const), { nil: undefined }))
    .map(([src, dst, side]): Match => ({ kind: "addrtype", src, dst, ...(side && { limitInterface: side }) })),
  fc.tuple(fc.integer({ min: 0, max: 2 ** 31 }), inverted).map(([numerator, not]): Match => ({
    kind: "statistic",
    mode: "random",
    probability: Number((numerator / 2 ** 31).toFixed(11)),
    inverted: not,
  })),
  fc
    .tuple(fc.integer({ min: 1, max: 100 }), inverted)
    .map(([every, not]): Match => ({ kind: "statistic", mode: "nth", every, packet: every - 1, inverted: not })),
  fc.record({
    kind: fc.constant("set" as const),
    set: name,
    flags: fc.array(fc.constantFrom("src" as const, "dst" as const), { minLength: 1, maxLength: 3 }),
    inverted,
  }),
  fc.record({
    kind: fc.constant("multiport" as const),
    side: fc.constantFrom("source" as const, "destination" as const, "either" as const),
    ports: fc.array(span, { minLength: 1, maxLength: 7 }),
    inverted,
  }),
  record<Extract<Match, { kind: "recent" }>>(
    {
      kind: fc.constant("recent"),
      action: fc.constantFrom("set", "rcheck", "update", "remove"),
      name,
      side: fc.constantFrom("source", "destination"),
      inverted,
      seconds: fc.integer({ min: 1, max: 100_000 }),
      reap: fc.constant(true),
      hitcount: fc.integer({ min: 1, max: 255 }),
      rttl: fc.constant(true),
      mask: fc.constant(ipv4(0xffffff00)),
    },
    ["kind", "action", "name", "side", "inverted", "seconds"],
  ),
  fc.record({
    kind: fc.constant("limit" as const),
    average: fc.constantFrom(1, 10_000, 20_000, 600_000, 36_000_000, 864_000_000),
    burst: fc.integer({ min: 0, max: 100 }),
  }),
  fc.record({ kind: fc.constant("nfacct" as const), name }),
  fc.record({
    kind: fc.constant("icmp" as const),
    type: fc.integer({ min: 0, max: 254 }),
    firstCode: fc.constant(0),
    lastCode: fc.constant(255),
    inverted,
  }),
  fc.tuple(span, inverted).map(([own, not]): Match => ({ kind: "length", ...own, inverted: not })),
  fc.tuple(span, inverted).map(([own, not]): Match => ({ kind: "tcpmss", ...own, inverted: not })),
  fc.tuple(address, inverted).map(([first, not]): Match => {
    const range = { first, last: ipv4(first + 9), inverted: not };
    return { kind: "iprange", src: range, dst: range };
  }),
  fc.record({
    kind: fc.constant("ttl" as const),
    relation: fc.constantFrom("lt" as const, "gt" as const),
    value: fc.integer({ min: 0, max: 255 }),
    inverted: fc.constant(false),
  }),
  fc.record({
    kind: fc.constant("pkttype" as const),
    type: fc.constantFrom("unicast" as const, "broadcast" as const, "multicast" as const),
    inverted,
  }),
  fc.record({ kind: fc.constant("mac" as const), source: fc.constant("02:00:00:00:00:0a" as Mac), inverted }),
  fc.record({ kind: fc.constant("dscp" as const), value: fc.integer({ min: 0, max: 63 }), inverted }),
  fc.record({ kind: fc.constant("tos" as const), value: octet, mask: octet, inverted }),
  fc.record({
    kind: fc.constant("hashlimit" as const),
    name,
    above: fc.boolean(),
    cost: fc.constantFrom(100_000, 20_000_000, 3_600_000_000),
    of: fc.constant("packets" as const),
    burst: fc.integer({ min: 1, max: 100 }),
    modes: fc.subarray(["srcip", "srcport", "dstip", "dstport"] as const),
    srcPrefix: fc.integer({ min: 0, max: 32 }),
    expireMillis: fc.integer({ min: 1, max: 100_000 }),
    table: fc.constant({ "--hashlimit-htable-max": 100 }),
  }),
  fc.record({
    kind: fc.constant("sctp" as const),
    chunks: fc.record({
      mode: fc.constantFrom("any" as const, "all" as const, "only" as const),
      types: fc.constantFrom([{ type: 0, flags: "UBe" }, { type: 3 }], [{ type: 1 }], []),
      inverted,
    }),
  }),
  fc.record({
    kind: fc.constant("set" as const),
    set: name,
    flags: fc.constant(["src" as const]),
    inverted,
    keepCounters: fc.constant(true as const),
    packets: fc.record({ relation: fc.constantFrom("eq", "ne", "lt", "gt"), value: fc.nat() }),
  }),
  fc.record({ kind: fc.constant("socket" as const), transparent: fc.constant(true as const) }),
  fc.record({
    kind: fc.constant("connlimit" as const),
    limit: fc.nat(),
    above: fc.boolean(),
    prefixLength: fc.integer({ min: 0, max: 32 }),
    side: fc.constantFrom("source" as const, "destination" as const),
  }),
  fc
    .tuple(span, inverted, fc.constantFrom("packets", "bytes", "avgpkt"), fc.constantFrom("original", "reply", "both"))
    .map(([{ from, to }, not, mode, direction]): Match => {
      return { kind: "connbytes", from, to, inverted: not && from !== to, mode, direction };
    }),
  fc.record({ kind: fc.constant("quota" as const), bytes: fc.nat(), inverted }),
  fc.record({
    kind: fc.constant("u32" as const),
    tests: fc.array(
      fc.record({
        at: octet,
        steps: fc.array(
          fc.tuple(fc.constantFrom("&" as const, "<<" as const, ">>" as const, "@" as const), fc.nat(31)),
          {
            maxLength: 4,
          },
        ),
        ranges: fc.array(
          span.map(({ from, to }) => [from, to] as const),
          { minLength: 1, maxLength: 4 },
        ),
      }),
      { minLength: 1, maxLength: 3 },
    ),
    inverted,
  }),
  record<Extract<Match, { kind: "string" }>>(
    {
      kind: fc.constant("string"),
      pattern: fc.array(octet, { minLength: 1, maxLength: 20 }),
      inverted,
      algorithm: fc.constantFrom("bm", "kmp"),
      from: port,
      to: port,
      ignoreCase: fc.constant(true),
    },
    ["kind", "pattern", "inverted", "algorithm", "from", "to"],
  ),
  fc.record({
    kind: fc.constant("bpf" as const),
    program: fc.array(fc.tuple(fc.constantFrom(48, 40, 21, 6), octet, octet, mark), { minLength: 1, maxLength: 5 }),
  }),
  fc.record({ kind: fc.constant("rpfilter" as const), invert: fc.constant(true as const) }),
  fc
    .tuple(name, fc.array(name, { maxLength: 3 }))
    .map(([own, args]): Match => ({ kind: "unmodelled", name: `x${own}`, args })),
);

const ports = fc
  .tuple(fc.integer({ min: 1, max: 65_535 }), fc.integer({ min: 1, max: 65_535 }))
  .map(([a, b]) => (a === b ? { port: a } : { port: Math.min(a, b), lastPort: Math.max(a, b) }));

export const target: fc.Arbitrary<Target> = fc.oneof(
  fc.constantFrom<Target>(
    { kind: "ACCEPT" },
    { kind: "DROP" },
    { kind: "RETURN" },
    { kind: "jump", chain: "user" },
    { kind: "goto", chain: "user" },
  ),
  fc.constantFrom<Target>(
    { kind: "REJECT", with: "icmp-port-unreachable" },
    { kind: "REJECT", with: "tcp-reset" },
    { kind: "CT", notrack: true },
    { kind: "NOTRACK" },
  ),
  fc.record({ kind: fc.constant("MARK" as const), value: mark, mask: mark }),
  fc.record({ kind: fc.constant("CONNMARK" as const), action: fc.constant("set" as const), value: mark, mask: mark }),
  fc.record({
    kind: fc.constant("CONNMARK" as const),
    action: fc.constantFrom("save" as const, "restore" as const),
    nfMask: mark,
    ctMask: mark,
  }),
  fc
    .tuple(fc.constantFrom("DNAT" as const, "SNAT" as const), address, ports)
    .map(([kind, own, span]): Target => ({ kind, address: own, ...span })),
  ports.map((span): Target => ({ kind: "MASQUERADE", ...span, randomFully: true })),
  ports.map((span): Target => ({ kind: "REDIRECT", ...span })),
  fc.record({ kind: fc.constant("TPROXY" as const), port, markValue: mark, markMask: mark }),
  fc.record({ kind: fc.constant("TCPMSS" as const), mss: port }),
  fc.record({ kind: fc.constant("TTL" as const), action: fc.constantFrom("set", "inc", "dec"), value: positive }),
  fc.record({ kind: fc.constant("DSCP" as const), value: fc.integer({ min: 0, max: 63 }) }),
  fc.record({ kind: fc.constant("TOS" as const), value: octet, mask: octet }),
  fc.record({ kind: fc.constant("CLASSIFY" as const), major: port, minor: port }),
  block.map((own): Target => ({ kind: "NETMAP", ...own })),
  fc.record({
    kind: fc.constant("CT" as const),
    zone: fc.record({
      of: fc.constantFrom("both", "orig", "reply"),
      id: fc.oneof(fc.constant("mark"), fc.integer({ min: 1, max: 65_535 })),
    }),
  }) as fc.Arbitrary<Target>,
  fc.constantFrom<Target>(
    { kind: "CHECKSUM" },
    { kind: "SET", action: "map", set: "a", flags: ["src"], mapMark: true },
  ),
  fc.constantFrom<Target>(
    { kind: "LOG", args: ["--log-prefix", "a b", "--log-level", "7"] },
    { kind: "NFLOG", args: ["--nflog-group", "5"] },
  ),
  fc.record({
    kind: fc.constant("SET" as const),
    action: fc.constantFrom("add" as const, "del" as const),
    set: name,
    flags: fc.constant(["src" as const]),
  }),
);

/** IP header terms at most once each and first, as iptables-save orders them. */
export const rule: fc.Arbitrary<Rule> = fc
  .tuple(
    fc.tuple(...header.map((own) => fc.option(own, { nil: undefined, freq: 2 }))),
    fc.array(extension, { maxLength: 4 }),
    fc.option(target, { nil: undefined }),
  )
  .map(([own, extensions, decided]) => ({
    matches: [...own.filter((match): match is Match => match !== undefined), ...extensions],
    ...(decided && { target: decided }),
  }));
