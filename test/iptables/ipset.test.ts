import { expect, test } from "vitest";
import { IpSets } from "../../src/iptables/ipset/store.ts";
import { restoreSets, saveSets } from "../../src/iptables/ipset/text.ts";
import { TextError } from "../../src/iptables/text-error.ts";

const three = "create l list:set\ncreate ip hash:ip\ncreate net hash:net\nadd l ip\n";

/** ipset v7.17 on Linux 6.18 refuses the same commands, with the message behind `#`. */
test.for([
  ["add l nix", "NO_SET"], // Set to be added/deleted/tested as element does not exist.
  ["add l l", "BAD_ELEMENT"], // Sets with list:set type cannot be added to the set.
  ["swap l ip", "SET_TYPES_DIFFER"], // The sets cannot be swapped: their type does not match
  ["swap ip net", "SET_TYPES_DIFFER"], // The sets cannot be swapped: their type does not match
  ["rename ip other", "SET_IN_USE"], // Set cannot be renamed: it is in use by another system
  ["destroy ip", "SET_IN_USE"], // Set cannot be destroyed: it is in use by a kernel component
  ["del l net", "NO_ELEMENT"], // Element cannot be deleted from the set: it's not added
  ["swap x ip", "NO_SET"], // The set with the given name does not exist
] as const)("`ipset %s` is refused", ([command, code]) => {
  const sets = new IpSets();
  restoreSets(sets, three, "ipset");
  const before = saveSets(sets);
  let error: unknown;
  try {
    restoreSets(sets, command, "ipset");
  } catch (thrown) {
    error = thrown;
  }
  expect((error as TextError).problems.map((problem) => problem.code)).toEqual([code]);
  expect(saveSets(sets)).toBe(before);
});
