import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "vite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { traceHtml } from "../../src/cli/outputs/html.ts";
import { loadInput, traceProbe } from "../../src/index.ts";
import { launchBrowser, missingBrowser } from "./chromium.ts";
import { axeFindings, complaintsOf, position } from "./page.ts";

const root = resolve(import.meta.dirname, "../..");
const hostile = "</script><img src=x onerror=alert(1)>";

describe.skipIf(missingBrowser !== undefined)("trace -o html", () => {
  let directory: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "kubehop-html-"));
    const shared = {
      root: join(root, "src/viz/web"),
      configFile: join(root, "vite.config.ts"),
      logLevel: "error",
    } as const;
    await build({ ...shared, build: { outDir: directory } });
    await build({ ...shared, mode: "player", build: { outDir: join(directory, "player") } });
  });

  afterAll(() => rm(directory, { recursive: true }));

  test("is one file that plays without any request, whatever the names in it", async () => {
    const text = await readFile(join(root, "scenarios/curl-service.yaml"), "utf8");
    const input = loadInput([{ name: "all.yaml", text: text.replace(/^[^]*?\n---\n/, "") }]);
    if ("problems" in input) throw new Error(JSON.stringify(input.problems));
    const trace = traceProbe(input, { from: "shop/pod/client", run: "curl http://web" });
    if ("code" in trace) throw new Error(trace.message);
    const file = join(directory, "trace.html");
    await writeFile(file, traceHtml({ ...trace, message: hostile }, pathToFileURL(`${directory}/`)));
    const browser = await launchBrowser();
    try {
      const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
      const address = pathToFileURL(file).href;
      const complaints = complaintsOf(page, address);
      await page.goto(address);
      await page.locator("#stage .element").first().waitFor();
      expect(await page.locator(".verdict-message").textContent()).toBe(hostile);
      expect(await page.locator("img").count()).toBe(0);
      await page.keyboard.press("ArrowRight");
      expect(await position(page)).toBe(2);
      expect(await axeFindings(page)).toEqual([]);
      expect(complaints).toEqual([]);
    } finally {
      await browser.close();
    }
  });
});
