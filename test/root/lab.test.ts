import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { lab, root, skipReason } from "./lab-command.ts";

/*
 * Every scenario on the real kernel: the expectation is what Linux did, never what kubehop said. Flows that this kernel
 * cannot run are printed with the reason.
 */

const reason = skipReason("test/root/lab.test.ts");

const scenarios = readdirSync(join(root, "scenarios"))
  .filter((name) => name.endsWith(".yaml"))
  .toSorted();

describe.skipIf(reason !== undefined)("Linux and kubehop show the same", () => {
  test.for(scenarios)("%s", { timeout: 300_000 }, (name) => {
    const { status, text } = lab(["--differences", join("scenarios", name)]);
    for (const line of text.split("\n")) if (line.includes(": skipped, ")) console.warn(`${name}: ${line.trim()}`);
    expect(status, text).toBe(0);
  });

  test("nothing of a lab is left when it is killed in the middle", { timeout: 60_000 }, () => {
    const script = [
      `"${process.execPath}" --import tsx src/cli/main.ts lab scenarios/same-node.yaml >/dev/null 2>&1 &`,
      "sleep 4; kill -9 $!; sleep 1",
      "ps -e -o args= | grep -cE '[k]ubehop[0-9]|[l]ab scenarios/same-node.yaml$' || true",
      "ip netns list | grep -c '^kubehop[0-9]' || true",
    ].join("\n");
    const { stdout } = spawnSync("bash", ["-c", script], { cwd: root, encoding: "utf8" });
    expect(stdout.trim().split(/\s+/)).toEqual(["0", "0"]);
  });
});
