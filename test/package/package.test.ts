import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

/*
 * The package as its users get it: built and packed from a copy of the sources (the working tree's dist is left alone),
 * then installed from the tarball in the example project of docs/example.
 */

interface Manifest {
  readonly version: string;
  readonly devDependencies: Readonly<Record<string, string>>;
}

const root = resolve(import.meta.dirname, "../..");
const { version, devDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Manifest;
const folder = mkdtempSync(join(tmpdir(), "kubehop-package-"));
const staging = join(folder, "source");
const shop = join(folder, "shop");
const installed = join(shop, "node_modules/kubehop");
const curl = [
  "trace",
  "--scenario",
  join(installed, "scenarios/curl-service.yaml"),
  "--from",
  "shop/pod/client",
  "curl",
];
let tarball = "";
let packed: readonly string[] = [];

/** What a command prints; its whole output is in the message when it fails. */
function run(directory: string, command: string, ...args: readonly string[]): string {
  try {
    return execFileSync(command, args, { cwd: directory, encoding: "utf8", stdio: "pipe", env });
  } catch (error) {
    const { stdout, stderr } = error as { readonly stdout: string; readonly stderr: string };
    throw new Error(`${basename(command)} ${args.join(" ")}\n${stdout}${stderr}`, { cause: error });
  }
}

/** Without what the npm and the vitest that run this test tell their children. */
const env = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(npm_|VITEST|NODE_ENV|NODE_OPTIONS|FORCE_COLOR)/.test(name)),
);
env["NO_COLOR"] = "1";

const installedBinary = (name: string): string => join(shop, "node_modules/.bin", name);
const ownBinary = (name: string): string => join(root, "node_modules/.bin", name);

beforeAll(() => {
  const left = new Set(["node_modules", "dist", "test", "bench", ".git"]);
  cpSync(root, staging, { recursive: true, filter: (path) => path === root || !left.has(path.slice(root.length + 1)) });
  symlinkSync(join(root, "node_modules"), join(staging, "node_modules"));
  const [pack] = JSON.parse(run(staging, "npm", "pack", "--json")) as readonly Pack[];
  if (pack === undefined) throw new Error("npm pack names what it packed");
  tarball = join(staging, pack.filename);
  packed = pack.files.map(({ path }) => path);

  cpSync(join(root, "docs/example"), shop, { recursive: true });
  const manifest = JSON.parse(readFileSync(join(shop, "package.json"), "utf8")) as Manifest;
  // The versions of this repository: npm has them at hand, and no new release can break the test.
  const pinned = Object.fromEntries(Object.keys(manifest.devDependencies).map((name) => [name, devDependencies[name]]));
  const wanted = { ...manifest, devDependencies: { ...pinned, kubehop: `file:${tarball}` } };
  writeFileSync(join(shop, "package.json"), JSON.stringify(wanted));
  run(shop, "npm", "install", "--prefer-offline", "--no-audit", "--no-fund", "--ignore-scripts");
}, 240_000);

interface Pack {
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the tarball", () => {
  test("holds library, program, page, schemas and scenarios, and nothing of the tests", () => {
    for (const file of [
      "README.md",
      "LICENSE",
      "dist/index.js",
      "dist/index.d.ts",
      "dist/vitest/index.d.ts",
      "dist/cli/kubehop.js",
      "dist/web/index.html",
      "schema/scenario.json",
      "schema/trace.json",
      "scenarios/curl-service.yaml",
      "scenarios/shop/web.yaml",
    ]) {
      expect(packed).toContain(file);
    }
    expect(packed.filter((path) => /^(src|test|bench|node_modules)\/|tsbuildinfo|\.map$/.test(path))).toEqual([]);
  });

  test("passes publint", () => {
    run(staging, ownBinary("publint"), tarball, "--strict");
  });

  test("passes attw", () => {
    run(staging, ownBinary("attw"), tarball, "--profile", "esm-only");
  });
});

describe("installed", () => {
  test("both programs run and know their version", () => {
    for (const name of ["kubehop", "kubectl-kubehop"]) {
      expect(run(shop, installedBinary(name), "--version").trim()).toBe(version);
    }
  });

  test("traces, as a kubectl plugin too", () => {
    const text = run(shop, installedBinary("kubectl-kubehop"), ...curl, "http://web");
    expect(text).toContain("answered: HTTP/1.1 200 OK");
  });

  test("runs the scenarios that come with it", () => {
    expect(run(shop, installedBinary("kubehop"), "run", join(installed, "scenarios"))).toMatch(/\d+ passed, 0 failed/);
  });

  test("prints both schemas", () => {
    for (const name of ["scenario", "trace"]) {
      const schema = JSON.parse(run(shop, installedBinary("kubehop"), "schema", name)) as { readonly $schema?: string };
      expect(schema.$schema).toMatch(/json-schema/);
    }
  });

  test("serves the page with its files", async () => {
    const view = spawn(installedBinary("kubehop"), ["view", "--port", "0"], { cwd: shop, env, stdio: "pipe" });
    try {
      const url = /http:\/\/127\.0\.0\.1:\d+\//.exec(await firstLine(view))?.[0] ?? "";
      const page = await (await fetch(url)).text();
      const files = [...page.matchAll(/(?:src|href)="\.\/([^"]+)"/g)].map((match) => match[1] as string);
      expect(files.some((file) => file.endsWith(".js"))).toBe(true);
      for (const file of files) expect((await fetch(`${url}${file}`)).status, file).toBe(200);
    } finally {
      view.kill();
    }
  });

  test("is typed, library checks included", () => {
    writeFileSync(
      join(shop, "typed.ts"),
      `import { type Trace, formatTrace, loadInput, traceProbe } from "kubehop";
import { load } from "kubehop/vitest";
import { expect } from "vitest";

const trace: Trace = (await load("manifests")).from("pod/a").curl("http://b");
const text: string = formatTrace(trace);
expect(trace).toReach("deploy/web");
expect(trace).not.toBeRejected({ kind: "NetworkPolicy" });
// @ts-expect-error a place is a text
expect(trace).toGoThrough(3);
// @ts-expect-error an owner is needed
expect(trace).toBeDroppedBy();
// @ts-expect-error there is no such outcome
const never: boolean = trace.outcome === "lost";
export { loadInput, never, text, traceProbe };
`,
    );
    run(shop, installedBinary("tsc"), "-p", ".");
  });

  test("the example's tests pass", () => {
    const tests = /^test\(|^ {2}test\(/gm;
    const count = readFileSync(join(shop, "routes.test.ts"), "utf8").match(tests)?.length ?? 0;
    expect(count).toBeGreaterThan(0);
    expect(run(shop, installedBinary("vitest"), "run")).toMatch(new RegExp(`Tests +${count} passed \\(${count}\\)`));
  });
});

/** The first line that a program prints; fails when it ends before. */
function firstLine(program: ChildProcess): Promise<string> {
  return new Promise((resolveLine, reject) => {
    if (program.stdout) createInterface(program.stdout).once("line", resolveLine);
    program.once("exit", (code) => reject(new Error(`ended with ${code}`)));
  });
}
