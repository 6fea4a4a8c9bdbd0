import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { dropCodesDocument, problemsDocument } from "./codes.ts";
import { iptablesDocument, strayNotes } from "./iptables.ts";

/** The documents are made from the tables; when one of these fails, put the printed text into the document. */
test("docs/drop-codes.md lists every drop code", () => {
  expect(readFileSync("docs/drop-codes.md", "utf8")).toBe(dropCodesDocument());
});

test("docs/problems.md lists every problem of an input", () => {
  expect(readFileSync("docs/problems.md", "utf8")).toBe(problemsDocument());
});

test("docs/iptables.md lists every match and every target", () => {
  expect(readFileSync("docs/iptables.md", "utf8")).toBe(iptablesDocument());
  expect(strayNotes()).toEqual([]);
});
