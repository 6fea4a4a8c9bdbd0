import { type CompareOptions, goldenSections } from "../../src/lab/golden-compare.ts";
import type { RecordedFlow } from "../../src/lab/golden.ts";
import type { ReplayFlow } from "../../src/sim/replay.ts";

export type { RecordedFlow as GoldenFlow } from "../../src/lab/golden.ts";
export { recordedBranch } from "../../src/lab/golden-compare.ts";

/** The first difference of each part; none when the flow agrees within what golden-compare.ts allows. */
export function differences(golden: RecordedFlow, replayed: ReplayFlow, options?: CompareOptions): string[] {
  return goldenSections(golden, replayed, options).flatMap(({ title, linux, kubehop, differsAt }) =>
    differsAt === undefined
      ? []
      : [
          `${title} line ${differsAt + 1}\n      recorded ${linux[differsAt] ?? "(nothing)"}\n      replayed ${kubehop[differsAt] ?? "(nothing)"}`,
        ],
  );
}
