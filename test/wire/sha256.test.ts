import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { sha256 } from "../../src/wire/sha256.ts";

/** The referee is Node's own, which is OpenSSL's. */
function opensslWords(text: string): number[] {
  const bytes = createHash("sha256").update(text, "utf8").digest();
  return Array.from({ length: 8 }, (_, index) => bytes.readInt32BE(index * 4));
}

test("every length around the ends of a block has the digest that OpenSSL gives", () => {
  for (let length = 0; length <= 200; length++) {
    const text = "kube-proxy/".repeat(20).slice(0, length);
    expect([...sha256(text)], `${length} bytes`).toEqual(opensslWords(text));
  }
});

test("two texts hash as one, in any letters", () => {
  const letters = fc.string({ unit: "grapheme", maxLength: 90 });
  fc.assert(
    fc.property(letters, letters, (text, rest) => {
      expect([...sha256(text, rest)]).toEqual(opensslWords(text + rest));
    }),
    { numRuns: 300 },
  );
});
