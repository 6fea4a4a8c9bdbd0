import { resolve } from "node:path";
import { defineConfig } from "vite";

const root = resolve(import.meta.dirname, "src/viz/web");

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
        // Unknown addresses are 404, not index.html: missing files must be seen.
        appType: "mpa",
        build: { ...shared.build, outDir: resolve(import.meta.dirname, "dist/web") },
        worker: { format: "es" },
      },
);
