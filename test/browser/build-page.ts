import { join, resolve } from "node:path";
import { build } from "vite";

const root = resolve(import.meta.dirname, "../..");

/** Builds the page into a folder, as users get it, with the player below it. */
export async function buildPage(directory: string): Promise<void> {
  const shared = {
    root: join(root, "src/viz/web"),
    configFile: join(root, "vite.config.ts"),
    logLevel: "error",
  } as const;
  await build({ ...shared, build: { outDir: directory } });
  await build({ ...shared, mode: "player", build: { outDir: join(directory, "player") } });
}
