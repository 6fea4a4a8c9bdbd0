import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { recordedBranch } from "../../src/lab/golden-compare.ts";
import type { GoldenFlow } from "../../src/lab/golden.ts";
import { replay } from "../../src/sim/replay.ts";
import { parseTopology } from "../../src/topology/topology.ts";
import { differences } from "../kernel/golden-compare.ts";

/* What Linux 6.18 showed of folders in which kubehop once differed: test/lab/recorded/README.md. */

interface Recorded {
  readonly files: Readonly<Record<string, readonly string[]>>;
  readonly flows: readonly GoldenFlow[];
}

const folder = join(import.meta.dirname, "recorded");

describe.for(readdirSync(folder).filter((name) => name.endsWith(".json")))("%s", (name) => {
  const { files, flows } = JSON.parse(readFileSync(join(folder, name), "utf8")) as Recorded;
  const texts = Object.entries(files).map(([path, lines]): [string, string] => [path, `${lines.join("\n")}\n`]);
  const replayed = replay(parseTopology(new Map(texts)), { chance: recordedBranch(flows) });

  test.for(flows.map((flow, index) => ({ flow, own: replayed[index] })))(
    "$flow.name goes as on the real kernel",
    ({ flow, own }) => {
      const found =
        own === undefined
          ? ["it was not replayed"]
          : differences(flow, own, { redirects: name.startsWith("redirect") });
      expect(found, found.join("\n    ")).toEqual([]);
    },
  );
});
