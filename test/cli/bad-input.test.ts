import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { type Ran, kubehop } from "./kubehop.ts";

/*
 * Lines and columns are counted by hand in the texts. Which mistakes are errors: what kubectl --validate=strict and
 * the API server refuse, and scenario files by schema/scenario.json.
 */

const folder = mkdtempSync(join(tmpdir(), "kubehop-"));
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, text: string | Buffer): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

/** `FILE:LINE:COLUMN: CODE`, the file without its folder, of every line on stderr. */
function problemsOf({ notes }: Ran): readonly string[] {
  return notes
    .trimEnd()
    .split("\n")
    .map((line) =>
      line.replace(`${folder}/`, "").replace(/^((?:\S+:\d+:\d+: )?)(?:error|warning) (\w+):? .*$/, "$1$2"),
    );
}

function expectRefused(run: Ran): void {
  expect(run).toMatchObject({ code: 3, out: "" });
  expect(run.notes).not.toMatch(/internal error|^\s+at /m);
}

const pod = `apiVersion: v1
kind: Pod
metadata: { name: client }
spec: { containers: [{ name: c }] }
`;

function trace(file: string): Promise<Ran> {
  return kubehop("trace", "-f", file, "--from", "pod/client", "curl", "http://web");
}

describe("manifests", () => {
  test.for([
    { name: "broken YAML", text: `${pod}---\na: [1\nb: 2\n`, problems: ["in.yaml:7:1: YAML_SYNTAX"] },
    { name: "a duplicate key", text: `${pod}kind: Service\n`, problems: ["in.yaml:5:1: YAML_DUPLICATE_KEY"] },
    {
      name: "a misspelt kind",
      text: `${pod}---\napiVersion: v1\nkind: Sevrice\nmetadata: { name: web }\n`,
      problems: ["in.yaml:7:7: UNKNOWN_KIND"],
    },
    {
      name: "a misspelt field",
      text: `${pod}---\napiVersion: v1\nkind: Service\nmetadata: { name: web }\nspec:\n  slector: { app: web }\n  ports: [{ port: 80 }]\n`,
      problems: ["in.yaml:10:3: UNKNOWN_FIELD"],
    },
    {
      name: "a Service port without a name among several",
      text: `${pod}---\napiVersion: v1\nkind: Service\nmetadata: { name: web }\nspec:\n  ports:\n    - port: 80\n    - { name: b, port: 81 }\n`,
      problems: ["in.yaml:11:7: SERVICE_PORT_NAME"],
    },
    {
      name: "a pod on a node that does not exist",
      text: `${pod.replace("spec: {", "spec: { nodeName: node-z,")}---\napiVersion: v1\nkind: Node\nmetadata: { name: node-a }\n`,
      problems: ["in.yaml:4:19: NO_SUCH_NODE"],
    },
    {
      name: "overlapping pod CIDRs of two nodes",
      text: `${pod}---\napiVersion: v1\nkind: Node\nmetadata: { name: a }\nspec: { podCIDR: 10.244.0.0/23 }\n---\napiVersion: v1\nkind: Node\nmetadata: { name: b }\nspec: { podCIDR: 10.244.1.0/24 }\n`,
      problems: ["in.yaml:14:7: CIDR_OVERLAP"],
    },
    { name: "a text that is no object", text: "hello\n", problems: ["in.yaml:1:1: NOT_AN_OBJECT"] },
  ])("$name: a code, a file, a line and a column; nothing is run", async ({ text, problems }) => {
    const run = await trace(write("in.yaml", text));
    expectRefused(run);
    expect(problemsOf(run)).toEqual(problems);
  });

  test("all mistakes of all files are told at once", async () => {
    const one = write("one.yaml", `${pod}kind: Service\n`);
    const two = write("two.yaml", "apiVersion: v1\nkind: Pdo\nmetadata: { name: a }\n");
    const run = await kubehop("trace", "-f", one, "-f", two, "--from", "pod/client", "curl", "http://web");
    expectRefused(run);
    expect(problemsOf(run)).toEqual(["one.yaml:5:1: YAML_DUPLICATE_KEY", "two.yaml:2:7: UNKNOWN_KIND"]);
  });

  test("files that are not there are all named", async () => {
    const run = await kubehop(
      "trace",
      "-f",
      "nowhere.yaml",
      "-f",
      "neither",
      "--from",
      "pod/client",
      "curl",
      "http://web",
    );
    expectRefused(run);
    expect(run.notes).toBe(
      "error NO_SUCH_FILE: nowhere.yaml cannot be read (ENOENT)\nerror NO_SUCH_FILE: neither cannot be read (ENOENT)\n",
    );
  });

  test("a folder without manifests is no input", async () => {
    const empty = join(folder, "empty");
    mkdirSync(empty);
    const run = await trace(empty);
    expectRefused(run);
    expect(run.notes).toContain("holds no .yaml, .yml or .json file");
  });

  // The API server takes it: a selector that matches nothing gives a Service without endpoints.
  test("a selector that matches nothing is a warning, and the probe runs", async () => {
    const run = await trace(
      write(
        "in.yaml",
        `${pod}---\napiVersion: v1\nkind: Service\nmetadata: { name: web }\nspec:\n  selector: { app: web }\n  ports: [{ port: 80 }]\n`,
      ),
    );
    expect(run.code).toBe(0);
    expect(run.out).toContain("refused");
    expect(problemsOf(run)).toEqual(["in.yaml:10:13: SELECTOR_MATCHES_NOTHING"]);
  });

  test("kinds that have no part in the network are left out with one note", async () => {
    const secret = (name: string): string => `---\napiVersion: v1\nkind: Secret\nmetadata: { name: ${name} }\n`;
    const run = await trace(write("in.yaml", pod + secret("a") + secret("b")));
    expect(run.notes).toBe("note: left out, having no part in the network: 2 Secret\n");
  });
});

const manifests = `---
${pod}---
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { selector: {}, ports: [{ port: 80 }] }
`;
const flow = "flows:\n  - { from: pod/client, run: curl http://web }\n";

describe("scenario files", () => {
  test.for([
    { name: "an empty file", text: "", problems: ["in.yaml:1:1: EMPTY_SCENARIO"] },
    { name: "a comment alone", text: "# nothing\n", problems: ["in.yaml:1:1: EMPTY_SCENARIO"] },
    { name: "broken YAML", text: "name: [\n", problems: ["in.yaml:2:1: BAD_YAML"] },
    { name: "a duplicate key", text: "name: a\nname: b\n", problems: ["in.yaml:2:1: DUPLICATE_KEY"] },
    { name: "a list", text: "- name: a\n", problems: ["in.yaml:1:1: WRONG_TYPE", "in.yaml:1:1: MISSING_FIELD"] },
    {
      name: "misspelt fields and wrong types",
      text: `name: a\nclsuter: {}\ncluster: { nodes: two, networkPolicy: maybe }\n${flow}`,
      problems: ["in.yaml:2:1: UNKNOWN_FIELD", "in.yaml:3:19: WRONG_TYPE", "in.yaml:3:39: BAD_VALUE"],
    },
    {
      name: "a flow without a sender, and one that expects the impossible",
      text: "name: a\nflows:\n  - { run: curl http://web }\n  - { from: pod/a, run: ping b, expect: { outcome: fine } }\n",
      problems: ["in.yaml:3:5: MISSING_FIELD", "in.yaml:4:52: BAD_VALUE"],
    },
    {
      name: "events with no verb, two verbs, and half of one",
      text: `name: a\nevents:\n  - { at: 1s }\n  - { kill: node/a, delete: pod/b }\n  - { scale: deploy/a }\n  - { exec: ip link }\n${flow}`,
      problems: [
        "in.yaml:3:5: BAD_EVENT",
        "in.yaml:4:5: BAD_EVENT",
        "in.yaml:5:5: BAD_EVENT",
        "in.yaml:6:5: BAD_EVENT",
      ],
    },
    {
      name: "ports and times that are none",
      text: `name: a\nlistens: { pod/a: [0, http] }\nevents: [{ at: soon, kill: node/a }]\n${flow}`,
      problems: ["in.yaml:2:20: BAD_VALUE", "in.yaml:2:23: BAD_VALUE", "in.yaml:3:16: BAD_VALUE"],
    },
    {
      name: "manifests that are not there",
      text: `name: a\nmanifests: [x.yaml, sub/y.yaml]\n${flow}`,
      problems: ["in.yaml:2:13: NO_SUCH_FILE", "in.yaml:2:21: NO_SUCH_FILE"],
    },
    {
      name: "mistakes in its manifests",
      text: `name: a\n${flow}---\n${pod}kind: Service\n`,
      problems: ["in.yaml:9:1: YAML_DUPLICATE_KEY"],
    },
    {
      name: "components that do not exist",
      text: `name: a\ncluster: { cni: x, proxyMode: y, kernel: "2.4", ipvsScheduler: z }\n${flow}${manifests}`,
      problems: ["UNKNOWN_SETTING", "UNKNOWN_SETTING", "UNKNOWN_SETTING", "UNKNOWN_SETTING"],
    },
    {
      name: "senders, probes and objects of events that do not exist, all of them",
      text: `name: a
events:
  - { at: 0s, delete: pod/x }
  - { at: 0s, kill: node/x }
  - { at: 0s, exec: rm -rf /, on: node/node-a }
  - { at: 0s, stop: kubelet, on: node/node-a }
  - { at: 0s, apply: nowhere.yaml }
flows:
  - { from: pod/x, run: curl http://web }
  - { from: pod/client, run: wget http://web }
${manifests}`,
      problems: [
        "in.yaml:3:5: NO_SUCH_OBJECT",
        "in.yaml:4:5: NO_SUCH_SENDER",
        "in.yaml:5:5: BAD_COMMAND",
        "in.yaml:6:5: BAD_EVENT",
        "in.yaml:7:5: NO_SUCH_FILE",
        "in.yaml:9:5: NO_SUCH_SENDER",
        "in.yaml:10:5: BAD_PROBE",
      ],
    },
    {
      name: "a listener that is nobody",
      text: `name: a\nlistens:\n  pod/cleint: [80]\n${flow}${manifests}`,
      problems: ["in.yaml:3:15: NO_SUCH_SENDER"],
    },
  ])("$name: everything at once, with its place", async ({ text, problems }) => {
    const run = await kubehop("run", write("in.yaml", text));
    expect(run.code).toBe(3);
    expect(run.out).toBe("0 passed, 0 failed\n");
    expect(run.notes).not.toMatch(/internal error|^\s+at /m);
    expect(problemsOf(run)).toEqual(problems);
  });

  test("a broken file does not hide the others", async () => {
    const bad = write("bad.yaml", "name: [\n");
    const good = write("good.yaml", `name: good\n${flow}${manifests}`);
    const run = await kubehop("run", bad, good);
    expect(run.code).toBe(3);
    expect(run.out).toContain("1 passed, 0 failed");
    expect(problemsOf(run)).toEqual(["bad.yaml:2:1: BAD_YAML"]);
  });

  test("manifests are found from the scenario's folder, also above it", async () => {
    const deep = join(folder, "a/b");
    mkdirSync(deep, { recursive: true });
    write("shared.yaml", pod);
    const file = write(
      "a/b/in.yaml",
      `name: a\nmanifests: [../../shared.yaml]\nflows: [{ from: pod/client, run: ping 127.0.0.1 }]\n`,
    );
    expect((await kubehop("run", file)).code).toBe(0);
    const here = process.cwd();
    process.chdir(deep);
    try {
      expect((await kubehop("run", "in.yaml")).code).toBe(0);
      process.chdir(join(folder, "a"));
      expect((await kubehop("run", "../a/b/in.yaml")).code).toBe(0);
    } finally {
      process.chdir(here);
    }
  });

  test("anchors and aliases are followed", async () => {
    const text = `name: a\nflows:\n  - { from: &who pod/client, run: ping 127.0.0.1, expect: &fine { outcome: answered } }\n  - { from: *who, run: ping localhost, expect: *fine }\n---\n${pod}`;
    const run = await kubehop("run", write("in.yaml", text));
    expect(run.notes).toBe("");
    expect(run.out).toContain("2 passed, 0 failed");
  });
});

// Every letter of it may come from somebody who means harm: a coded error or an outcome, soon, and no stack.
describe("hostile input", () => {
  const bomb = [
    "a: &a [x, x, x, x, x, x, x, x, x]",
    ...[..."bcdefgh"].map((name, index) => `${name}: &${name} [${`*${"abcdefg"[index]},`.repeat(9)}]`),
  ].join("\n");
  const binary = Buffer.from(Array.from({ length: 20_000 }, (_, index) => (index * 7919) % 256));
  const texts: readonly { readonly name: string; readonly text: string | Buffer }[] = [
    { name: "an alias bomb", text: bomb },
    { name: "an alias bomb in a known field", text: `${bomb}\nname: *h\nflows: *h\n` },
    {
      name: "__proto__ keys",
      text: "__proto__: { x: 1 }\nname: a\nlistens: { __proto__: [80] }\nupstream: { __proto__: { A: [1.2.3.4] } }\nflows: []\n",
    },
    {
      name: "markup in a name",
      text: `name: <script>alert(1)</script>\n${flow}---\n${pod.replace("client", '"<img src=x onerror=alert(1)>"')}`,
    },
    { name: "5 MB of one word", text: "x".repeat(5_000_000) },
    { name: "5 MB in one field", text: `name: ${"x".repeat(5_000_000)}\nflows: []\n` },
    { name: "nesting without end", text: `name: ${"[".repeat(100_000)}` },
    { name: "braces without end", text: "{".repeat(100_000) },
    { name: "a binary", text: binary },
    { name: "zeros", text: Buffer.alloc(10_000) },
    { name: "a byte order mark alone", text: "\uFEFF" },
    { name: "terminal escapes", text: 'name: "\\e[2J"\nflows: [{ from: "\\e[31m", run: "\\e]0;x\\a" }]\n' },
    { name: "JSON of the wrong kind", text: '[null, 1, "x"]' },
  ];

  test.for(texts)("$name as a scenario", async ({ text }) => {
    const run = await kubehop("run", write("in.yaml", text));
    expect([0, 3]).toContain(run.code);
    expect(run.notes).not.toMatch(/internal error|^\s+at /m);
    expect(run.notes.length).toBeLessThan(300_000);
  });

  test.for(texts)("$name as manifests", async ({ text }) => {
    for (const name of ["in.yaml", "in.json"]) {
      const run = await trace(write(name, text));
      // 2 where nothing is wrong but there is no pod to send from.
      expect([2, 3]).toContain(run.code);
      expect(run.out).toBe("");
      expect(run.notes).not.toMatch(/internal error|^\s+at /m);
      expect(run.notes.length).toBeLessThan(1_000_000);
    }
  });

  test("nothing of it stays behind in the process", () => {
    expect(Object.keys(Object.prototype)).toEqual([]);
    expect(({} as Record<string, unknown>)["x"]).toBeUndefined();
  });

  test.for([
    "deploy/__proto__",
    "__proto__/x",
    "constructor/pod/x",
    "pod/../x",
    "external:1e3",
    "external:0.0.0.0/0",
    "///",
    "",
  ])("the sender `%s` is nobody", async (who) => {
    const run = await kubehop("trace", "-f", write("in.yaml", pod), "--from", who, "curl", "http://web");
    expect(run).toMatchObject({ code: 2, out: "" });
    expect(run.notes).toMatch(/BAD_WHO|NO_SUCH_SENDER/);
  });

  test("a sender who lives in another namespace is found there", async () => {
    const elsewhere = pod.replace("metadata: {", "metadata: { namespace: shop,");
    const run = await kubehop("trace", "-f", write("in.yaml", elsewhere), "--from", "pod/client", "curl", "http://web");
    expect(run.notes).toContain("but there is one in namespace shop; choose it with -n");
  });

  test.for([
    ["curl", "http://[::1"],
    ["curl", "ftp://web"],
    ["curl", "http://web:99999999999"],
    ["curl", "http://user:secret@web"],
    ["curl", "http://web", "http://web"],
    ["curl", "-m", "-1", "http://web"],
    ["curl", "-m"],
    ["curl", "-X", "POST", "http://web"],
    ["dig", "a..b"],
    ["dig", `${"a".repeat(64)}.example`],
    ["dig", "web", "FOO"],
    ["dig", "web", "@banana"],
    ["ping", "-s", "65508", "web"],
    ["ping", "-t", "0", "web"],
    ["ping", "-c", "2", "web"],
    ["tcp", "web"],
    ["tcp", "web:0"],
    ["udp", "web:http"],
  ])("the probe `%s %s` is none", async (words) => {
    const run = await kubehop("trace", "-f", write("in.yaml", pod), "--from", "pod/client", ...words);
    expect(run).toMatchObject({ code: 2, out: "" });
    expect(run.notes).toMatch(/^error BAD_PROBE: /);
  });
});
