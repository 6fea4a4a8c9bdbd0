import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import type { Trace } from "../../index.ts";
import { embeddable, offlineHtml, styleSheets } from "../../viz/offline-html.ts";
import { CliError, exitCodes } from "../exit.ts";
import { packageFile } from "../package-file.ts";

/** One file that plays the trace, with everything inside. */
export function traceHtml(trace: Trace, page: URL = builtPage()): string {
  const read = (path: string): string => readFileSync(new URL(path, page), "utf8");
  const index = read("index.html");
  const script = embeddable(read("player/player.js"));
  return offlineHtml(trace, { index, styles: styleSheets(index).map(read), script, scriptHash: hash(script) });
}

function builtPage(): URL {
  const page = packageFile("dist/web/");
  if (existsSync(new URL("player/player.js", page))) return page;
  throw new CliError(exitCodes.internal, "the page is not built; run `npm run build`");
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("base64");
}
