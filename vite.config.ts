import { resolve } from "node:path";
import { defineConfig } from "vite";

/** The page: static files without inline scripts, so that a strict Content-Security-Policy can be served. */
export default defineConfig({
  root: resolve(import.meta.dirname, "src/viz/web"),
  base: "./",
  // Unknown addresses are 404, not index.html: missing files must be seen.
  appType: "mpa",
  build: {
    outDir: resolve(import.meta.dirname, "dist/web"),
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  worker: { format: "es" },
});
