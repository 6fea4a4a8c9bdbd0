import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { type Plugin, defineConfig } from "vite";
import { answerOf } from "./src/viz/web/answer.ts";
import { firstSample } from "./src/viz/web/first-sample.ts";

const root = resolve(import.meta.dirname, "src/viz/web");

/** Computes the answer to the first sample, so that the page can show it before it has loaded the engine. */
const firstTrace: Plugin = {
  name: "first-trace",
  resolveId: (id) => (id === "virtual:first-trace" ? `\0${id}` : undefined),
  load(id) {
    if (id !== "\0virtual:first-trace") return undefined;
    const file = resolve(import.meta.dirname, "scenarios", firstSample);
    this.addWatchFile(file);
    const answer = answerOf({ file: firstSample, text: readFileSync(file, "utf8"), flow: 0 }, new Map());
    if ("problems" in answer) throw new Error(JSON.stringify(answer.problems));
    return `export const answer = JSON.parse(${JSON.stringify(JSON.stringify(answer))});`;
  },
};

const shared = {
  root,
  base: "./",
  build: {
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
} as const;

/**
 * The page: static files without inline scripts, so that a strict Content-Security-Policy can be served. With
 * `--mode player` the part of it that plays one recorded trace, as the one script that `kubehop trace -o html` puts into
 * a file.
 */
export default defineConfig(({ mode }) =>
  mode === "player"
    ? {
        ...shared,
        publicDir: false,
        build: {
          ...shared.build,
          outDir: resolve(import.meta.dirname, "dist/web/player"),
          lib: { entry: resolve(root, "offline.ts"), formats: ["iife"], name: "kubehop", fileName: () => "player.js" },
        },
      }
    : {
        ...shared,
        plugins: [firstTrace],
        // Unknown addresses are 404, not index.html: missing files must be seen.
        appType: "mpa",
        build: { ...shared.build, outDir: resolve(import.meta.dirname, "dist/web") },
        worker: { format: "es" },
      },
);
