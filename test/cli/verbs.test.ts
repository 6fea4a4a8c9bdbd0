import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, test } from "vitest";
import { verbs } from "../../src/cli/verbs/index.ts";
import { kubehop, painted, root } from "./kubehop.ts";

/* Streams, flags and exit codes as docs/cli.md promises them. */

const curlService = join(root, "scenarios/curl-service.yaml");
const fromClient = ["trace", "--scenario", curlService, "--from", "shop/pod/client"] as const;
const curl = (url: string, ...flags: readonly string[]): readonly string[] => [...fromClient, ...flags, "curl", url];

describe("exit codes", () => {
  test.for([
    { name: "0: an answer", args: curl("http://web"), code: 0 },
    { name: "0: a refusal is no failure", args: curl("http://10.244.1.3:1"), code: 0 },
    { name: "0: expected and so", args: curl("http://web", "--expect", "answered"), code: 0 },
    { name: "0: refused as expected", args: curl("http://10.244.1.3:1", "--expect", "refused"), code: 0 },
    { name: "0: no such name as expected", args: curl("http://nope", "--expect", "name-not-found"), code: 0 },
    { name: "1: expected otherwise", args: curl("http://web", "--expect", "refused"), code: 1 },
    { name: "2: no such flag", args: curl("http://web", "--nope"), code: 2 },
    { name: "2: no such verb", args: ["nope"], code: 2 },
    { name: "2: no verb", args: [], code: 2 },
    { name: "2: no such outcome to expect", args: curl("http://web", "--expect", "fine"), code: 2 },
    { name: "2: no such format", args: curl("http://web", "-o", "png"), code: 2 },
    { name: "2: no sender", args: ["trace", "--scenario", curlService, "curl", "http://web"], code: 2 },
    {
      name: "2: no such sender",
      args: ["trace", "--scenario", curlService, "--from", "pod/x", "curl", "http://web"],
      code: 2,
    },
    { name: "2: no such probe", args: [...fromClient, "wget", "http://web"], code: 2 },
    { name: "2: no probe", args: [...fromClient], code: 2 },
    { name: "2: a number that is none", args: curl("http://web", "--seed", "one"), code: 2 },
    { name: "2: a scenario and manifests", args: curl("http://web", "-f", curlService), code: 2 },
    { name: "2: neither", args: ["trace", "--from", "pod/x", "curl", "http://web"], code: 2 },
    { name: "2: no such schema", args: ["schema", "nope"], code: 2 },
    { name: "3: no such file", args: ["run", "nowhere.yaml"], code: 3 },
    { name: "3: a folder without scenarios", args: ["run", join(root, "test/cli")], code: 3 },
    { name: "3: settings that overlap", args: curl("http://web", "--pod-cidr", "10.96.0.0/16"), code: 3 },
    { name: "3: no such CNI plugin", args: curl("http://web", "--cni", "constructor"), code: 3 },
    { name: "4: nobody knows", args: curl("http://www.example.org"), code: 4 },
    {
      name: "4: also where another outcome is expected",
      args: curl("http://www.example.org", "--expect", "answered"),
      code: 4,
    },
  ])("$name", async ({ args, code }) => {
    const run = await kubehop(...args);
    expect(run.code, run.notes).toBe(code);
    expect(run.notes).not.toMatch(/internal error|^\s+at /m);
    if (code === 2 || code === 3) {
      expect(run.out).toBe("");
      expect(run.notes).not.toBe("");
    }
  });

  test("the exit code of the process is not touched: the caller sets it", async () => {
    await kubehop(...curl("http://web", "--expect", "refused"));
    expect(process.exitCode ?? 0).toBe(0);
  });
});

describe("streams", () => {
  test("the trace goes to stdout alone, the notes about the input to stderr alone", async () => {
    const run = await kubehop(...curl("http://web"));
    expect(run.notes).toBe("");
    expect(run.out).toMatch(/^curl http:\/\/web {2}from shop\/pod\/client\n✔ answered: HTTP\/1\.1 200 OK\n/);
    expect(run.out).toMatch(/\n$/);
  });

  test("colour is painted when the stream wants it, and marks say the same without", async () => {
    const plain = await kubehop(...curl("http://web"));
    const coloured = await painted(true, ...curl("http://web"));
    expect(plain.out).not.toContain("\u001B[");
    expect(coloured.out).toContain("\u001B[32m");
    expect(stripVTControlCharacters(coloured.out)).toBe(plain.out);
  });

  // https://no-color.org, https://force-color.org
  test.for([
    { env: {}, painted: false },
    { env: { FORCE_COLOR: "1" }, painted: true },
    { env: { FORCE_COLOR: "1", NO_COLOR: "1" }, painted: false },
    { env: { FORCE_COLOR: "0" }, painted: false },
  ])("$env", ({ env, painted: wanted }) => {
    const asked = 'import("./src/cli/io.ts").then(({ processStreams }) => console.log(String(processStreams.colour)))';
    const out = execFileSync(process.execPath, ["--import", "tsx", "--eval", asked], {
      cwd: root,
      encoding: "utf8",
      env: { PATH: process.env["PATH"], ...env },
    });
    expect(out).toBe(`${wanted}\n`);
  });

  test("-f - reads standard input", () => {
    const manifests = readFileSync(curlService, "utf8")
      .split(/^---\n/m)
      .slice(1)
      .join("---\n");
    const args = ["--import", "tsx", "src/cli/main.ts", "trace", "-f", "-", "-n", "shop", "--from", "pod/client"];
    const run = spawnSync(process.execPath, [...args, "--expect", "answered", "curl", "http://web"], {
      cwd: root,
      encoding: "utf8",
      input: manifests,
      env: { ...process.env, NO_COLOR: "", FORCE_COLOR: "1" },
    });
    expect(run.status, run.stderr).toBe(0);
    expect(run.stdout).toContain("\u001B[32m✔");
    const broken = spawnSync(process.execPath, [...args, "curl", "http://web"], {
      cwd: root,
      encoding: "utf8",
      input: "a: [",
    });
    expect(broken.status).toBe(3);
    expect(broken.stderr).toMatch(/^<stdin>:1:\d+: error YAML_SYNTAX: /);
  });
});

describe("what trace prints", () => {
  test("json is the trace, valid by its schema", async () => {
    const isTrace = new Ajv2020({ allowUnionTypes: true }).compile(
      JSON.parse((await kubehop("schema", "trace")).out) as object,
    );
    const { out, code } = await kubehop(...curl("http://web", "-o", "json"));
    expect(code).toBe(0);
    const trace: unknown = JSON.parse(out);
    isTrace(trace);
    expect(isTrace.errors ?? []).toEqual([]);
    expect(trace).toMatchObject({ schemaVersion: 1, outcome: "answered", seed: 1 });
  });

  test("text tells every way once, wide tells every rule", async () => {
    const text = (await kubehop(...curl("http://web"))).out;
    const wide = (await kubehop(...curl("http://web", "-o", "wide"))).out;
    expect(text).toContain("the same way as packet");
    expect(wide).not.toContain("the same way as packet");
    expect(wide).toMatch(/rule \d+: .*, the packet has /);
    expect(wide.length).toBeGreaterThan(2 * text.length);
    for (const id of ["service-cidr", "listens"]) expect(text).toContain(`[${id}]`);
  });

  test("--seed is what the trace says it ran with", async () => {
    const { out } = await kubehop(...curl("http://web", "--seed", "42", "-o", "json"));
    expect(JSON.parse(out)).toMatchObject({ seed: 42 });
  });

  test("flags of the probe are the probe's, in front of it kubehop's", async () => {
    const run = await kubehop(...fromClient, "curl", "-m", "3", "http://10.96.0.99");
    expect(run.out).toContain("curl: (28) Connection timed out after 3000 milliseconds");
  });
});

describe("run", () => {
  test("all scenarios that come with kubehop are met", async () => {
    const run = await kubehop("run", join(root, "scenarios"));
    expect(run.code, run.out).toBe(0);
    expect(run.notes).toBe("");
    expect(run.out).toMatch(/\n\d+ passed, 0 failed\n$/);
    expect(run.out).not.toMatch(/^(?! {2}[✔✖]|\S.* {2}\S|\d+ passed)./m);
  });

  test("json has a row per scenario and flow", async () => {
    const { out } = await kubehop("run", curlService, "-o", "json");
    expect(JSON.parse(out)).toMatchObject([
      { name: "curl a Service across nodes", flows: [{ name: "by name", outcome: "answered", failures: [] }] },
    ]);
  });
});

describe("help", () => {
  test.for(["trace", "run", "rules", "replay", "view", "schema", "env"])(
    "%s --help has examples and ends with 0",
    async (verb) => {
      const run = await kubehop(verb, "--help");
      expect(run.code).toBe(0);
      expect(run.notes).toBe("");
      expect(run.out).toMatch(new RegExp(`^Usage: kubehop ${verb}\\b`));
      expect(run.out).toMatch(new RegExp(`Examples?:\\n {2}(?:kubectl .*\\| )?kubehop ${verb}\\b`));
    },
  );

  test.for(verbs)("the list of verbs says of $name what its own help says", async ({ name, usage, does }) => {
    const { out } = await kubehop(name, "--help");
    expect(out.replaceAll(/\s+/g, " ")).toContain(`Usage: kubehop ${name} ${usage} ${does}`);
  });

  test("--help lists the verbs, --version prints the version", async () => {
    const help = await kubehop("--help");
    expect(help.code).toBe(0);
    for (const verb of ["trace", "run", "rules", "view", "schema"]) expect(help.out).toContain(`\n  ${verb} `);
    expect(await kubehop("--version")).toEqual({ code: 0, out: "1.2.3\n", notes: "" });
  });

  test.for(["trace", "scenario"])("schema %s prints the published file", async (what) => {
    expect(await kubehop("schema", what)).toEqual({
      code: 0,
      out: readFileSync(join(root, `schema/${what}.json`), "utf8"),
      notes: "",
    });
  });
});
