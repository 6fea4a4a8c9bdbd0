import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import type { Trace } from "../../index.ts";
import { CliError, exitCodes } from "../exit.ts";
import { packageFile } from "../package-file.ts";

/** One file that plays the trace, with everything inside: no server, no network, for tickets, slides and lectures. */
export function traceHtml(trace: Trace, page: URL = builtPage()): string {
  const read = (path: string): string => readFileSync(new URL(path, page), "utf8");
  const index = read("index.html");
  const styles = [...index.matchAll(/<link rel="stylesheet"[^>]* href="([^"]+)"/g)].map(([, href = ""]) => read(href));
  const script = closed(read("player/player.js"));
  // In JSON `<` stands only in strings, where it can be written as an escape: no name can end the script element.
  const data = JSON.stringify(trace).replaceAll("<", "\\u003c");
  const policy = `default-src 'none'; style-src 'unsafe-inline'; img-src blob: data:; script-src 'sha256-${hash(script)}'`;
  const head = [
    `<meta http-equiv="Content-Security-Policy" content="${policy}">`,
    `<style>${styles.join("\n").replaceAll("</", "<\\/")}</style>`,
  ];
  return index
    .replace(/\s*<(link|script)\b[^>]*>(<\/script>)?/g, "")
    .replace("</head>", () => `${head.join("\n")}\n</head>`)
    .replace(
      "</body>",
      () => `<script type="application/json" id="kubehop-trace">${data}</script>\n<script>${script}</script>\n</body>`,
    );
}

function builtPage(): URL {
  const page = packageFile("dist/web/");
  if (existsSync(new URL("player/player.js", page))) return page;
  throw new CliError(exitCodes.internal, "the page is not built; run `npm run build`");
}

/** A script that holds no end tag, as an element of a page. */
function closed(script: string): string {
  return script.replaceAll("</script", "<\\/script");
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("base64");
}
