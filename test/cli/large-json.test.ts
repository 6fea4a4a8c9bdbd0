import { Buffer } from "node:buffer";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { textsOf } from "../../src/cli/large-json.ts";
import { type Loaded, loadManifests } from "../../src/cluster/load/load.ts";
import { originOf } from "../../src/cluster/load/origin.ts";

/** What is read in parts has to be what is read in one piece. */
function readWhole(text: string): Loaded {
  return loadManifests([{ name: "dump.json", text }]);
}

function readInParts(text: string, partBytes: number): Loaded & { readonly parts: number } {
  const sources = textsOf("dump.json", Buffer.from(text), partBytes);
  return { ...loadManifests(sources), parts: sources.length };
}

function namespaceOf(name: string, label: string): object {
  return { apiVersion: "v1", kind: "Namespace", metadata: { name, labels: { label } } };
}

const namespaces = fc
  .uniqueArray(fc.integer({ min: 0, max: 999 }), { maxLength: 12 })
  .chain((numbers) =>
    fc.tuple(
      ...numbers.map((number) =>
        fc.constantFrom("a", "é", "𝕂", 'q"\\').map((text) => namespaceOf(`ns-${number}`, text)),
      ),
    ),
  );

const texts = fc
  .array(fc.tuple(namespaces, fc.constantFrom(0, 1, 4), fc.constantFrom("list", "list first", "alone")), {
    maxLength: 3,
  })
  .map((groups) =>
    groups
      .map(([items, indent, form]) => {
        const values =
          form === "alone"
            ? items
            : [form === "list" ? { apiVersion: "v1", kind: "List", items } : { items, kind: "List", apiVersion: "v1" }];
        return values.map((value) => JSON.stringify(value, null, indent)).join("\n");
      })
      .join("\n"),
  );

test("a text in parts has the objects of the whole, in their places", () => {
  fc.assert(
    fc.property(texts, fc.integer({ min: 1, max: 600 }), (text, partBytes) => {
      const whole = readWhole(text);
      const parts = readInParts(text, partBytes);
      expect(parts.objects).toEqual(whole.objects);
      const places = (loaded: Loaded): unknown[] =>
        loaded.objects.flatMap((object) => [originOf(object), originOf(object, ["metadata", "labels", "label"])]);
      expect(places(parts)).toEqual(places(whole));
      expect(parts.problems).toEqual(whole.problems);
    }),
    { numRuns: 300 },
  );
});

describe("a list of 40 objects in parts of 300 bytes", () => {
  const items = Array.from({ length: 40 }, (_, index) => namespaceOf(`ns-${index}`, "x"));
  const text = JSON.stringify({ apiVersion: "v1", kind: "List", items }, null, 2);

  test("is read in several", () => {
    const { parts, objects } = readInParts(text, 300);
    expect(parts).toBeGreaterThan(10);
    expect(objects.length).toBe(40);
  });

  test("a mistake in it is reported where it stands", () => {
    const wrong = text.replace('"name": "ns-33"', '"name": 33');
    expect(readWhole(wrong).problems).not.toEqual([]);
    expect(readInParts(wrong, 300).problems).toEqual(readWhole(wrong).problems);
  });

  test.for(["ns-33", '"labels": {\n          "label": "x"\n        }\n      }\n    },\n    {'])(
    "a text that breaks off behind %j is no cluster",
    (last) => {
      const cut = text.slice(0, text.lastIndexOf(last) + last.length);
      expect(readWhole(cut).problems.map(({ code }) => code)).toEqual(["JSON_SYNTAX"]);
      expect(readInParts(cut, 300).problems.map(({ code }) => code)).toContain("JSON_SYNTAX");
    },
  );

  test("a comma that is missing is reported where it is missing", () => {
    const wrong = text.replace(
      /\},(\s+\{\s+"apiVersion": "v1",\s+"kind": "Namespace",\s+"metadata": \{\s+"name": "ns-20")/,
      "}$1",
    );
    expect(readWhole(wrong).problems.map(({ code }) => code)).toEqual(["JSON_SYNTAX"]);
    expect(readInParts(wrong, 300).problems.map(({ code }) => code)).toContain("JSON_SYNTAX");
  });
});

test("YAML is left in one piece", () => {
  const text = "apiVersion: v1\nkind: Namespace\nmetadata: { name: a }\n";
  expect(textsOf("a.yaml", Buffer.from(text), 10)).toEqual([{ name: "a.yaml", text }]);
});
