import { readFileSync } from "node:fs";
import type { TopologyFiles } from "../../src/topology/topology.ts";
import type { GoldenFlow } from "./golden-compare.ts";

/** A topology and what Linux made of its flows, in one text: test/kernel/recorded. */
export interface Recorded {
  readonly files: TopologyFiles;
  readonly flows: readonly GoldenFlow[];
  readonly has: (port: string) => boolean;
}

/** Reads `== PATH` sections; the last one, `== recorded`, holds the flows. */
export function readRecorded(file: string): Recorded {
  const text = readFileSync(file, "utf8");
  const files = new Map<string, string>();
  for (const part of text.split(/^== /m).slice(1)) {
    const end = part.indexOf("\n");
    files.set(part.slice(0, end).trim(), part.slice(end + 1));
  }
  const recorded = files.get("recorded") ?? "";
  files.delete("recorded");
  const numbers = new Set([...files.values()].join("\n").match(/\d+/g));
  return {
    files,
    flows: recorded
      .split(/^flow /m)
      .slice(1)
      .map(readFlow),
    has: (port) => numbers.has(port),
  };
}

/** `flow NAME PROTOCOL RESULT [JSON]`, then `ct NAMESPACE ...`, `rules NAMESPACE PACKET; STEP; ...` and frames. */
function readFlow(text: string): GoldenFlow {
  const [head = "", ...lines] = text.trimEnd().split("\n");
  const [, name = "", proto = "", result = "", json = "{}"] = /^(\S+) (\S+) (\S+) ?(.*)$/.exec(head) ?? [];
  const conntrack: Record<string, string[]> = {};
  const trace: Record<string, { readonly at: string; readonly steps: readonly string[] }[]> = {};
  const wire: string[] = [];
  for (const line of lines) {
    const [, kind, namespace = "", entry = ""] = /^(ct|rules) (\S+) (.*)$/.exec(line) ?? [];
    const [at = "", ...steps] = entry.split("; ");
    if (kind === undefined) wire.push(line);
    else if (kind === "ct") (conntrack[namespace] ??= []).push(entry);
    else (trace[namespace] ??= []).push({ at, steps });
  }
  return { name, proto, result, ...(JSON.parse(json === "" ? "{}" : json) as object), wire, conntrack, trace };
}
