import { readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { TopologyFiles } from "../../src/topology/topology.ts";

/** A folder's files by their path inside it. */
export function readFolder(folder: string): TopologyFiles {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) =>
    statSync(join(folder, file)).isFile(),
  );
  return new Map(files.map((file) => [file, readFileSync(join(folder, file), "utf8")]));
}
