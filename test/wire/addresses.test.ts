import { isIP } from "node:net";
import fc from "fast-check";
import { IPv4, IPv4CidrRange, IPv6, IPv6CidrRange } from "ip-num";
import { describe, expect, test } from "vitest";
import { familyOf, formatAddress, ipv4, ipv6, parseAddress } from "../../src/wire/address.ts";
import { cidr, contains, covers, formatCidr, nthAddress, overlaps, parseCidr, sizeOf } from "../../src/wire/cidr.ts";

/* Addresses and blocks against ip-num, and against what Node.js itself takes for an address. */

const v4 = fc.nat(2 ** 32 - 1).map(ipv4);
// Runs of zeros are what the text forms differ in.
const group = fc.oneof(fc.constant(0), fc.nat(0xffff));
const v6 = fc
  .array(group, { minLength: 8, maxLength: 8 })
  .map((groups) => ipv6(groups.reduce((value, part) => (value << 16n) | BigInt(part), 0n)));
const v4Block = fc.tuple(v4, fc.nat(32)).map(([address, length]) => cidr(address, length));
const v6Block = fc.tuple(v6, fc.nat(128)).map(([address, length]) => cidr(address, length));
const text = fc.oneof(
  v4.map(formatAddress),
  v6.map(formatAddress),
  fc.stringMatching(/^[0-9.]{1,16}$/),
  fc.stringMatching(/^[0-9a-f:.]{1,24}$/),
);

describe("addresses", () => {
  test("IPv4 text means the number that ip-num reads", () => {
    fc.assert(fc.property(v4, (address) => BigInt(address) === new IPv4(formatAddress(address)).getValue()));
  });

  test("IPv6 text means the number that ip-num reads", () => {
    fc.assert(fc.property(v6, (address) => address === new IPv6(formatAddress(address)).getValue()));
  });

  test("what is no address for Node.js is none here, and the other way round", () => {
    fc.assert(
      fc.property(text, (written) => {
        const parsed = parseAddress(written);
        const family = parsed === undefined ? 0 : familyOf(parsed) === "ipv4" ? 4 : 6;
        expect(family, written).toBe(isIP(written));
      }),
      { numRuns: 2000 },
    );
  });

  test("IPv6 text is the shortest, as WHATWG URLs write it; mapped IPv4 is dotted, as Go writes it", () => {
    fc.assert(
      fc.property(v6, (address) => {
        const mapped = address >> 32n === 0xffffn;
        if (!mapped)
          expect(formatAddress(address)).toBe(new URL(`http://[${formatAddress(address)}]/`).hostname.slice(1, -1));
      }),
    );
    expect(formatAddress(ipv6(0xffff0a000001n))).toBe("::ffff:10.0.0.1");
  });
});

describe("blocks", () => {
  test("first, last and size are ip-num's", () => {
    fc.assert(
      fc.property(v4Block, (block) => {
        const range = IPv4CidrRange.fromCidr(formatCidr(block));
        expect(range.getFirst().getValue()).toBe(BigInt(block.base));
        expect(range.getSize()).toBe(BigInt(sizeOf(block)));
        expect(range.getLast().getValue()).toBe(BigInt(nthAddress(block, sizeOf(block) - 1)));
      }),
    );
    fc.assert(
      fc.property(v6Block, (block) => {
        const range = IPv6CidrRange.fromCidr(formatCidr(block));
        expect(range.getFirst().getValue()).toBe(block.base);
        expect(Number(range.getSize())).toBe(sizeOf(block));
      }),
    );
  });

  test("text with host bits is cut to ip-num's first address", () => {
    fc.assert(
      fc.property(v4, fc.nat(32), (address, length) => {
        const written = `${formatAddress(address)}/${length}`;
        const block = parseCidr(written);
        expect(block && BigInt(block.base)).toBe(IPv4CidrRange.fromCidr(written).getFirst().getValue());
      }),
    );
  });

  test("holding an address, another block, or a part of it: ip-num agrees", () => {
    // Blocks of one neighbourhood, so that all answers occur.
    const near = fc.tuple(fc.nat(0xffff), fc.integer({ min: 16, max: 32 }));
    fc.assert(
      fc.property(near, near, ([a, aLength], [b, bLength]) => {
        const [one, two] = [cidr(ipv4(0x0a0a0000 + a), aLength), cidr(ipv4(0x0a0a0000 + b), bLength)];
        const [first, second] = [one, two].map((block) => IPv4CidrRange.fromCidr(formatCidr(block)));
        if (first === undefined || second === undefined) throw new Error("two blocks");
        const same = first.isEquals(second);
        expect(contains(one, two.base)).toBe(
          same ||
            (first.getFirst().getValue() <= second.getFirst().getValue() &&
              second.getFirst().getValue() <= first.getLast().getValue()),
        );
        expect(covers(one, two)).toBe(same || first.contains(second));
        expect(overlaps(one, two)).toBe(same || first.contains(second) || second.contains(first));
      }),
    );
  });
});
