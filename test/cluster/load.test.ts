import { expect, test } from "vitest";
import { loadManifests } from "../../src/cluster/load/load.ts";
import { originOf } from "../../src/cluster/load/origin.ts";
import { loadText, placed } from "./build-from.ts";

const good = "apiVersion: v1\nkind: Namespace\nmetadata: { name: shop }\n";

interface FaultCase {
  readonly name: string;
  readonly text: string;
  readonly expected: readonly string[];
}

// Lines and columns are counted by hand in the texts; which of them are errors is the API server's strict decoding.
test.for<FaultCase>([
  { name: "broken YAML", text: "a: [1\nb: 2\n", expected: ["YAML_SYNTAX 2:1"] },
  { name: "a key that stands twice", text: `${good}kind: Pod\n`, expected: ["YAML_DUPLICATE_KEY 4:1"] },
  {
    name: "both documents at fault",
    text: `a: [\n---\nkind: Pod\nkind: Pod\n`,
    expected: ["YAML_SYNTAX 2:1", "YAML_DUPLICATE_KEY 4:1"],
  },
  { name: "a document without kind", text: `${good}---\n  foo: bar\n`, expected: ["NOT_AN_OBJECT 5:3"] },
  { name: "a list in place of an object", text: "- a\n- b\n", expected: ["NOT_AN_OBJECT 1:1"] },
  {
    name: "a misspelt kind",
    text: "apiVersion: v1\nkind: Servce\nmetadata: { name: a }\n",
    expected: ["UNKNOWN_KIND 2:7"],
  },
  {
    name: "a kind of another group",
    text: "apiVersion: extensions/v1beta1\nkind: Deployment\nmetadata: { name: a }\n",
    expected: ["BAD_API_VERSION 1:13"],
  },
  {
    name: "a misspelt field",
    text: "apiVersion: v1\nkind: Service\nmetadata: { name: a }\nspec:\n  ports:\n    - { port: 80, tragetPort: 8080 }\n",
    expected: ["UNKNOWN_FIELD 6:19"],
  },
  {
    name: "a number where text must stand",
    text: "apiVersion: v1\nkind: Service\nmetadata:\n  name: a\n  labels: { v: 1 }\nspec: { ports: [{ port: 80 }] }\n",
    expected: ["WRONG_TYPE 5:16"],
  },
  {
    name: "a truth value in YAML 1.1's words",
    text: "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: a\n  labels: { v: yes }\n",
    expected: ["WRONG_TYPE 5:16"],
  },
  { name: "an object that stands twice", text: `${good}---\n${good}`, expected: ["DUPLICATE_OBJECT 7:19"] },
  { name: "JSON that breaks off", text: '{"apiVersion": "v1", "kind": "Pod"', expected: ["JSON_SYNTAX 1:35"] },
  { name: "JSON with a slip inside", text: '{"apiVersion": "v1",\n "kind": nul}', expected: ["JSON_SYNTAX 2:10"] },
  {
    name: "a name with capital letters",
    text: "apiVersion: v1\nkind: Namespace\nmetadata: { name: Shop }\n",
    expected: ["BAD_NAME 3:19"],
  },
])("a fault has its place: $name", ({ text, expected }) => {
  expect(placed(loadText(text).problems)).toEqual(expected);
});

test("a misspelling comes with the word that was meant", () => {
  const text =
    "apiVersion: v1\nkind: Service\nmetadata: { name: a }\nspec: { selctor: { a: b }, ports: [{ port: 80 }] }\n";
  expect(loadText(text).problems[0]?.fix).toBe("Did you mean `selector`?");
});

test("a Helm template is named as one", () => {
  expect(loadText("{{- if .Values.a }}\nkind: Pod\n{{- end }}\n").problems[0]?.fix).toContain("helm template");
});

test("objects come from documents, Lists, typed lists and JSON streams alike", () => {
  const item = { apiVersion: "v1", kind: "Namespace", metadata: { name: "a" } };
  const names = (text: string): string[] => loadText(text).objects.map(({ metadata }) => metadata.name);
  expect(names(`# nothing\n---\n---\n${good}---\n${good.replace("shop", "web")}`)).toEqual(["shop", "web"]);
  expect(
    names(
      `apiVersion: v1\nkind: List\nitems:\n- ${JSON.stringify(item)}\n- ${JSON.stringify({ ...item, metadata: { name: "b" } })}\n`,
    ),
  ).toEqual(["a", "b"]);
  expect(names(JSON.stringify({ kind: "NamespaceList", apiVersion: "v1", items: [item] }))).toEqual(["a"]);
  expect(names(`${JSON.stringify(item)}\n${JSON.stringify({ ...item, metadata: { name: "b" } })}`)).toEqual(["a", "b"]);
  expect(names(JSON.stringify({ apiVersion: "v1", kind: "List", items: [] }))).toEqual([]);
  expect(names("{apiVersion: v1, kind: Namespace, metadata: {name: flow}}")).toEqual(["flow"]);
});

test("every object and every part of it knows its line, in YAML and in JSON", () => {
  const yaml = `apiVersion: v1\nkind: List\nitems:\n  - apiVersion: v1\n    kind: Service\n    metadata: { name: a }\n    spec:\n      ports:\n        - name: x\n          port: 80\n`;
  const json =
    '{\n "kind": "List", "apiVersion": "v1",\n "items": [\n  {"apiVersion": "v1", "kind": "Service",\n   "metadata": {"name": "a"},\n   "spec": {"ports": [\n    {"name": "x", "port": 80}]}}]}';
  const place = (text: string, path: readonly (string | number)[]): string => {
    const [object] = loadText(text).objects;
    const origin = object && originOf(object, path);
    return `${origin?.line}:${origin?.column}`;
  };
  expect(
    [[], ["spec", "ports", 0], ["spec", "ports", 0, "port"], ["spec", "nothing"]].map((path) => place(yaml, path)),
  ).toEqual(["4:5", "9:11", "10:17", "8:7"]);
  expect([[], ["spec", "ports", 0], ["spec", "ports", 0, "port"]].map((path) => place(json, path))).toEqual([
    "4:3",
    "7:5",
    "7:27",
  ]);
});

test("aliases are followed, and bombs of them are refused", () => {
  const bomb = [
    "a: &a [x, x, x, x, x, x, x, x, x]",
    ...[..."bcdefgh"].map((name, index) => `${name}: &${name} [${`*${"abcdefg"[index]},`.repeat(9)}]`),
  ].join("\n");
  expect(placed(loadText(bomb).problems)).toEqual(["YAML_ALIASES 1:1"]);
  const labels = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: a\n  labels: &l { x: y }\n  annotations: *l\n";
  expect(loadText(labels).objects[0]?.metadata.annotations).toEqual({ x: "y" });
});

test("a key named __proto__ pollutes nothing", () => {
  const yaml =
    "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: a\n  annotations: { __proto__: x, constructor: y }\n";
  const json =
    '{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"a","annotations":{"__proto__":"x","constructor":"y"},"__proto__":{"name":"b"}}}';
  for (const text of [yaml, json]) {
    const [object] = loadText(text, { lenient: true }).objects;
    expect(Object.keys(object?.metadata.annotations ?? {})).toEqual(["__proto__", "constructor"]);
    expect(object?.metadata.name).toBe("a");
  }
  expect(({} as Record<string, unknown>)["name"]).toBeUndefined();
});

test("nesting without end is a fault, not a crash", () => {
  expect(loadText(`${"[".repeat(100_000)}`).problems).not.toEqual([]);
  expect(loadText(`a: ${"{a: ".repeat(20_000)}`).problems).not.toEqual([]);
  expect(loadText(`{"a":${"[".repeat(100_000)}${"]".repeat(100_000)}}`).problems).not.toEqual([]);
});

test("YAML over the limit is refused with the way out, JSON is not", () => {
  const yaml = `${good}#${"x".repeat(200)}\n`;
  expect(placed(loadText(yaml, { maxYamlLength: 100 }).problems)).toEqual(["YAML_TOO_LARGE 1:1"]);
  expect(
    loadText(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"a"}}${" ".repeat(200)}`, { maxYamlLength: 100 })
      .problems,
  ).toEqual([]);
});

test("what has no part in the network is left out in one note, what is not modelled is kept", () => {
  const text = [
    "apiVersion: v1\nkind: Secret\nmetadata: { name: a }",
    "apiVersion: v1\nkind: Secret\nmetadata: { name: b }",
    "apiVersion: example.com/v1\nkind: Service\nmetadata: { name: c }",
    "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: { name: d }\nspec: { defaultBackend: { service: { name: web } } }",
    "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: { name: e }",
    "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: { name: f }",
  ].join("\n---\n");
  const loaded = loadText(text);
  expect(loaded.problems).toEqual([]);
  expect(loaded.notes).toEqual([
    "left out, having no part in the network: 2 Secret, 1 Service",
    "not modelled, so that the outcome is unknown where they could matter: 1 CiliumNetworkPolicy, 1 Gateway, 1 Ingress",
  ]);
  expect(
    loaded.objects.map((object) => (object.kind === "Unmodelled" ? [object.apiKind, object.mentions] : object.kind)),
  ).toEqual([
    ["Ingress", ["web"]],
    ["CiliumNetworkPolicy", []],
    ["Gateway", []],
  ]);
});

test("a scenario's own document is left out and lines count on", () => {
  const loaded = loadManifests([{ name: "s.yaml", text: `name: x\n---\n${good}`, skipDocuments: 1 }]);
  expect(loaded.objects.map((object) => originOf(object)?.line)).toEqual([3]);
});

test("-n is the namespace of objects that state none", () => {
  const text = "apiVersion: v1\nkind: Pod\nmetadata: { name: a }\nspec: { containers: [{ name: c }] }\n";
  expect(loadText(text, { namespace: "shop" }).objects[0]?.metadata.namespace).toBe("shop");
});
