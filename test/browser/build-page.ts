import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { build } from "vite";
import type { TestProject } from "vitest/node";
import { missingBrowser } from "./chromium.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** The folder that the page was built into; absent without a browser. */
    readonly pageDirectory: string | undefined;
  }
}

const root = resolve(import.meta.dirname, "../..");

/** Builds the page as users get it, once for all files that drive a browser; returns what removes it. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  if (missingBrowser !== undefined) {
    console.warn(`browser tests skipped: ${missingBrowser}`);
    return () => Promise.resolve();
  }
  const directory = await mkdtemp(join(tmpdir(), "kubehop-page-"));
  await build({
    root: join(root, "src/viz/web"),
    configFile: join(root, "vite.config.ts"),
    logLevel: "error",
    build: { outDir: directory },
  });
  project.provide("pageDirectory", directory);
  return () => rm(directory, { recursive: true });
}
