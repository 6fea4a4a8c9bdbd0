import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { chainName } from "../../src/iptables/proxier-names.ts";

/** RFC 4648 over what OpenSSL makes of the text. */
function expected(text: string): string {
  const bits = Array.from(createHash("sha256").update(text).digest(), (byte) => byte.toString(2).padStart(8, "0")).join(
    "",
  );
  const five = (bits.match(/.{5}/g) ?? []).slice(0, 16);
  return five.map((digit) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[Number.parseInt(digit, 2)]).join("");
}

test("a chain name is the base32 text of SHA-256, at every length around the ends of a block", () => {
  for (let length = 0; length <= 200; length++) {
    const text = "default/web:httptcp10.244.0.10:8080/".repeat(6).slice(0, length);
    const cut = length >> 1;
    expect(chainName("", text), `${length} bytes`).toBe(expected(text));
    expect(chainName("KUBE-SEP-", text.slice(0, cut), text.slice(cut))).toBe(`KUBE-SEP-${expected(text)}`);
  }
});
