import { readFileSync, readdirSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { expect, test } from "vitest";

/** What each folder of src may import besides itself. The order is DESIGN.md's: from the wire up to the faces. */
const table: Readonly<Record<string, readonly string[]>> = {
  wire: [],
  trace: ["wire"],
  cluster: ["wire", "trace"],
  kernel: ["wire", "trace"],
  iptables: ["wire", "trace", "kernel"],
  ipvs: ["wire", "trace", "kernel", "iptables"],
  topology: ["wire", "trace", "kernel", "iptables", "ipvs"],
  proxy: ["wire", "trace", "cluster", "kernel"],
  netpolicy: ["wire", "trace", "cluster", "kernel", "iptables"],
  dns: ["wire", "trace", "cluster", "kernel"],
  cni: ["wire", "trace", "cluster", "kernel", "iptables", "netpolicy"],
  sim: ["wire", "trace", "cluster", "kernel", "iptables", "ipvs", "topology", "proxy", "netpolicy", "dns", "cni"],
};
const engine = Object.keys(table);
const layers: Readonly<Record<string, readonly string[]>> = {
  ...table,
  analysis: engine,
  scenario: [...engine, "analysis"],
  "": [...engine, "analysis", "scenario"],
  lab: ["wire", "trace", "cluster", "kernel", "iptables", "ipvs", "topology", "sim", "scenario", ""],
  viz: ["wire", "trace"],
  "viz/web": [...engine, "analysis", "scenario", "", "viz"],
  cli: [...engine, "analysis", "scenario", "", "lab", "viz"],
  vitest: [...engine, "analysis", "scenario", ""],
};
/** The proxiers live beside their kernel half, but know Services: DESIGN.md, section 1. */
const exceptions: Readonly<Record<string, readonly string[]>> = {
  "iptables/proxier": ["cluster", "proxy"],
  "ipvs/proxier": ["cluster", "proxy"],
};

const root = resolve(import.meta.dirname, "../src");
const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));

function layerOf(file: string): string {
  if (file.startsWith("viz/web/")) return "viz/web";
  return file.includes("/") ? (file.split("/")[0] as string) : "";
}

function importsOf(file: string): string[] {
  const source = readFileSync(join(root, file), "utf8");
  return [...source.matchAll(/(?:from|import)\s*\(?\s*"(\.{1,2}\/[^"]+)"/g)].map((match) =>
    relative(root, resolve(root, dirname(file), match[1] as string)),
  );
}

test("every folder of src is in the table", () => {
  expect(files.length).toBeGreaterThan(20);
  const unknown = files.filter((file) => !(layerOf(file) in layers));
  expect(unknown).toEqual([]);
});

test("imports point down only", () => {
  const upward = files.flatMap((file) => {
    const layer = layerOf(file);
    const exception = Object.entries(exceptions).find(([prefix]) => file.startsWith(prefix))?.[1] ?? [];
    const allowed = new Set([layer, ...(layers[layer] ?? []), ...exception]);
    return (
      importsOf(file)
        // schema/ holds data that describes our files: any layer may read it.
        .filter((target) => !target.startsWith("../schema/") && !allowed.has(layerOf(target)))
        .map((target) => `${file} imports ${target}`)
    );
  });
  expect(upward).toEqual([]);
});
