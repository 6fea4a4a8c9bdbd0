import type { Trace } from "../trace/records.ts";

/** What a page that plays one trace is made of: the built page's own files. */
export interface PageParts {
  /** The text of index.html. */
  readonly index: string;
  readonly styles: readonly string[];
  /** The player as one script, through `embeddable`. */
  readonly script: string;
  /** Of the script, SHA-256 in base64. */
  readonly scriptHash: string;
}

/** A script that holds no end tag, as an element of a page. */
export function embeddable(script: string): string {
  return script.replaceAll("</script", "<\\/script");
}

/** One file that plays the trace, with everything inside: no server, no network, for tickets, slides and lectures. */
export function offlineHtml(trace: Trace, { index, styles, script, scriptHash }: PageParts): string {
  // In JSON `<` stands only in strings, where it can be written as an escape: no name can end the script element.
  const data = JSON.stringify(trace).replaceAll("<", "\\u003c");
  const policy = `default-src 'none'; style-src 'unsafe-inline'; img-src blob: data:; script-src 'sha256-${scriptHash}'`;
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

/** The style sheets that index.html names. */
export function styleSheets(index: string): readonly string[] {
  return [...index.matchAll(/<link rel="stylesheet"[^>]* href="([^"]+)"/g)].map(([, href = ""]) => href);
}
