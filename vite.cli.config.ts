import { dirname, resolve } from "node:path";
import { type Plugin, defineConfig } from "vite";

const dist = resolve(import.meta.dirname, "dist");

/**
 * The lab stays as it is compiled, for it starts programs of its own that lie beside it; and what it throws has to be
 * the class that is caught.
 */
const apart = ["cli/verbs/lab.js", "cli/exit.js", "scenario/read-file.js"].map((path) => resolve(dist, path));

const leaveApart: Plugin = {
  name: "leave-apart",
  enforce: "pre",
  resolveId(source, importer) {
    if (importer === undefined || !source.startsWith(".")) return undefined;
    const id = resolve(dirname(importer), source);
    return apart.includes(id) ? { id, external: "relative" } : undefined;
  },
};

/**
 * The compiled program in few files, beside those it is made of: to find and read 400 modules takes longer than a whole
 * trace.
 */
export default defineConfig({
  publicDir: false,
  plugins: [leaveApart],
  build: {
    ssr: resolve(dist, "cli/main.js"),
    outDir: resolve(dist, "cli"),
    emptyOutDir: false,
    target: "node20",
    minify: true,
    rolldownOptions: { output: { entryFileNames: "kubehop.js", chunkFileNames: "kubehop-[name].js" } },
  },
  // Shared with the lab, too.
  ssr: { noExternal: true, external: ["commander"] },
});
