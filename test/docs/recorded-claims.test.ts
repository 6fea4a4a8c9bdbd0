import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readRecorded } from "../kernel/recorded.ts";

/** The table at the end of docs/packet-walk.md: its flows were recorded with these results. */
const text = readFileSync(join(import.meta.dirname, "../../docs/packet-walk.md"), "utf8");
const rows = [...text.matchAll(/^\| (.*) \| `([\w-]+)` \| `([\w-]+)` \| `([\w-]+)` \|$/gm)].map(
  ([, , topology = "", flow = "", result = ""]) => ({ topology, flow, result }),
);

test("the table has rows", () => expect(rows.length).toBeGreaterThan(15));

test.for(rows)("$topology, $flow: $result", ({ topology, flow, result }) => {
  const { flows } = readRecorded(join(import.meta.dirname, `../kernel/recorded/${topology}.txt`));
  expect(flows.find(({ name }) => name === flow)?.result).toBe(result);
});
