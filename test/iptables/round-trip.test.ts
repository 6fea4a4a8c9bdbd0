import fc from "fast-check";
import { expect, test } from "vitest";
import { parseRule } from "../../src/iptables/parse-rule.ts";
import { printRule } from "../../src/iptables/print-rule.ts";
import { splitWords } from "../../src/iptables/words.ts";
import { rule } from "./arbitraries.ts";

test("a rule that is printed and read again is the same rule", () => {
  fc.assert(
    fc.property(rule, (own) => {
      const text = printRule(own, "ipv4");
      expect(parseRule(splitWords(text), "ipv4"), text).toEqual([own]);
    }),
    { numRuns: 2000 },
  );
});
