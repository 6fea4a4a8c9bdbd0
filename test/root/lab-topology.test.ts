import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { spawn, spawnSync } from "node:child_process";
import { afterAll, describe, expect, test } from "vitest";
import { goldenSections } from "../../src/lab/golden-compare.ts";
import type { Golden } from "../../src/lab/golden.ts";
import { TextError } from "../../src/iptables/text-error.ts";
import { bootTopology } from "../../src/sim/replay.ts";
import { type TopologyFiles, parseTopology } from "../../src/topology/topology.ts";
import { randomTopology } from "../lab/random-topology.ts";
import { command, lab, root, skipReason } from "./lab-command.ts";

/*
 * `kubehop lab` on folders of plain Linux state: first the recorder itself against the recorded set-ups, then the engine
 * against this machine's kernel, on folders made by chance. The expectation is always what a kernel did.
 */

const reason = skipReason("test/root/lab-topology.test.ts");
const referee = "test/referee/kernel";
const folder = mkdtempSync(join(tmpdir(), "kubehop-lab-"));
const compiled = join(root, "node_modules/.kubehop-lab");
afterAll(() => {
  for (const path of [folder, compiled]) rmSync(path, { recursive: true, force: true });
});

describe.skipIf(reason !== undefined)("the recorder", () => {
  // Flows with random in their name may take any branch.
  test.for(["invalid", "ipv6", "hostgw"])("records %s again as it was recorded", { timeout: 120_000 }, (name) => {
    const words = [join(referee, name, "topology"), "-o", "json", "--only", "^(?!.*random)"];
    const { status, stdout, text } = lab(words);
    expect(status, text).toBe(0);
    const shipped = (JSON.parse(readFileSync(join(root, referee, name, "golden.json"), "utf8")) as Golden).flows;
    const recorded = new Map((JSON.parse(stdout) as Golden).flows.map((flow) => [flow.name, flow]));
    const differing = shipped
      .filter((flow) => recorded.has(flow.name))
      .flatMap((flow) =>
        goldenSections(flow, recorded.get(flow.name) as never)
          .filter(({ differsAt }) => differsAt !== undefined)
          .map(({ title }) => `${flow.name}: ${title}`),
      );
    expect(recorded.size).toBeGreaterThan(10);
    expect(differing).toEqual([]);
  });

  test("says what this kernel lacks, and that is no difference", () => {
    const { status, text } = lab([join(referee, "ipvs/topology"), "--only", "^udp-svc$"]);
    expect(status, text).toBe(0);
    expect(text).toMatch(/(skipped, .*(dummy|IPVS)|1 agree)/);
  });
});

/** Seeds whose folders hold every CNI style, both families and most rules. More: KUBEHOP_LAB_SEEDS=1-200. */
const [first = 1, last = first] = (process.env["KUBEHOP_LAB_SEEDS"] ?? "1-8").split("-").map(Number);
const seeds = Array.from({ length: last - first + 1 }, (_, index) => first + index);

function stands(files: TopologyFiles): boolean {
  try {
    bootTopology(parseTopology(files));
    return true;
  } catch (error) {
    if (error instanceof TextError) return false;
    throw error;
  }
}

describe.skipIf(reason !== undefined)("Linux and kubehop show the same", () => {
  test("of folders made by chance", { timeout: 60_000 + seeds.length * 20_000 }, () => {
    const folders: string[] = [];
    for (const seed of seeds) {
      const files = randomTopology(seed);
      const path = join(folder, `seed-${seed}`);
      for (const [file, text] of files) {
        mkdirSync(dirname(join(path, file)), { recursive: true });
        writeFileSync(join(path, file), text);
      }
      // A rule may refuse the gateway of a route behind it: then there is nothing to compare.
      if (stands(files)) folders.push(path);
      else console.warn(`seed ${seed} makes a folder that Linux refuses`);
    }
    const { status, text } = lab(["--differences", ...folders]);
    expect(status, text).toBe(0);
  });

  test.for(["dual-stack", "long-node-names"])("of the scenario %s", { timeout: 240_000 }, (name) => {
    const { status, text } = lab(["--differences", `test/lab/scenarios/${name}.yaml`]);
    expect(status, text).toBe(0);
    expect(text).toContain(" 0 differ, 0 skipped");
  });

  test("from the compiled files, too", { timeout: 240_000 }, () => {
    const tsc = join(root, "node_modules/typescript/bin/tsc");
    const built = command([tsc, "-p", "tsconfig.build.json", "--outDir", compiled]);
    expect(built.status, built.text).toBe(0);
    cpSync(join(root, "src/lab/recorder.pl"), join(compiled, "lab/recorder.pl"));
    cpSync(join(root, "package.json"), join(compiled, "package.json"));
    const words = [join(referee, "invalid/topology"), "scenarios/hairpin.yaml", "--differences"];
    const { status, text } = command([join(compiled, "cli/main.js"), "lab", ...words]);
    expect(status, text).toBe(0);
    expect(text).toMatch(/^1[3-9] agree, 0 differ/m);
  });
});

describe.skipIf(reason !== undefined)("a difference", () => {
  const falsified = ["--import", "tsx", "--import", "./test/root/falsified-engine.ts"];

  test.for([["scenarios/same-node.yaml"], [join(referee, "hostgw/topology"), "--only", "^cross-node-pod$"]] as const)(
    "of %s ends with exit code 1, the first line marked",
    { timeout: 120_000 },
    (words) => {
      const { status, text } = lab([...words, "--differences"], falsified);
      expect(status, text).toBe(1);
      expect(text).toMatch(/✘ .* places differ/);
      expect(text).toMatch(/^ {2}>> .* \| /m);
    },
  );
});

test.skipIf(reason !== undefined)(
  "nothing is left of a lab that was killed in the middle, and the next one runs",
  { timeout: 120_000 },
  async () => {
    const words = ["--import", "tsx", join(root, "src/cli/main.ts"), "lab", join(referee, "hostgw/topology")];
    const child = spawn(process.execPath, words, { cwd: root, stdio: "ignore" });
    await new Promise((resolve) => setTimeout(resolve, 4000));
    child.kill("SIGKILL");
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const left = spawnSync("bash", [
      "-c",
      "ps -e -o args= | grep -c '[k]ubehop[0-9]' ; ip netns list | grep -c '^kubehop[0-9]'",
    ]);
    expect(left.stdout.toString().trim().split(/\s+/)).toEqual(["0", "0"]);
    const { status, text } = lab([join(referee, "hostgw/topology"), "--only", "^same-node-pod$", "--differences"]);
    expect(status, text).toBe(0);
  },
);
