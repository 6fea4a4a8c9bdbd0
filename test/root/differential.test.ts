import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compareRouters } from "./differential/compare.ts";
import { restoreText } from "./differential/generate.ts";
import { KernelRouter } from "./differential/kernel.ts";
import { opening } from "./differential/packets.ts";
import { setsText } from "./differential/sets.ts";

/*
 * Random rules, sets and packets through a router of this machine's kernel and the same router in the engine: the
 * counters of all rules, what left by which device, the connections and the sets must be the same. More of it:
 * KUBEHOP_CASES=1000 KUBEHOP_SEED=7 npx vitest run --project root test/root/differential.test.ts
 */

const seed = Number(process.env["KUBEHOP_SEED"] ?? 1);
const numRuns = Number(process.env["KUBEHOP_CASES"] ?? 60);
const prefix = `khop-df-${process.pid}`;
const tools = ["ip", "ip6tables-legacy", "iptables-legacy", "ipset", "conntrack", "perl", "taskset", "bridge"];

function whyNot(): string | undefined {
  if (process.getuid?.() !== 0) return "needs root";
  const missing = tools.filter((tool) => {
    try {
      execFileSync("sh", ["-c", `command -v ${tool}`], { stdio: "ignore" });
      return false;
    } catch {
      return true;
    }
  });
  return missing.length === 0 ? undefined : `needs ${missing.join(", ")}`;
}

const reason = whyNot();
if (reason !== undefined) {
  if (process.env["KUBEHOP_REQUIRE"] === "all") throw new Error(`test/root/differential.test.ts: ${reason}`);
  console.warn(`skipped: test/root/differential.test.ts: ${reason}`);
}

describe.skipIf(reason !== undefined)("the kernel of this machine and the engine make the same of", () => {
  let kernel: KernelRouter;
  beforeAll(() => {
    kernel = new KernelRouter(prefix);
  });
  afterAll(() => kernel.stop());

  test(
    `${numRuns} random sets of rules, seed ${seed}`,
    async ({ skip }) => {
      const refused = kernel.refusesSets(setsText);
      skip(refused !== undefined, refused);
      let decided = 0;
      const conversations = fc.array(opening, { minLength: 3, maxLength: 10 });
      const cases = fc.asyncProperty(
        restoreText("ipv4"),
        restoreText("ipv6"),
        conversations,
        async (v4, v6, openings) => {
          const load = { sets: setsText, ipv4: v4, ipv6: v6 };
          const first = await compareRouters(kernel, load, openings);
          // What a busy machine makes late does not come twice.
          const outcome = first.differences.length === 0 ? first : await compareRouters(kernel, load, openings);
          expect(outcome.differences).toEqual([]);
          if (outcome.doubts.length === 0) decided++;
        },
      );
      await fc.assert(cases, { seed, numRuns, interruptAfterTimeLimit: 45_000 * Math.ceil(numRuns / 60) });
      // What is left open says nothing: most cases must be decided.
      expect(decided).toBeGreaterThan(numRuns / 2);
    },
    60_000 * Math.ceil(numRuns / 60),
  );
});
