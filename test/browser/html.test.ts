import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import type { Browser } from "playwright-core";
import { build } from "vite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { traceHtml } from "../../src/cli/outputs/html.ts";
import { servePage } from "../../src/cli/serve.ts";
import { type Trace, loadInput, traceProbe } from "../../src/index.ts";
import { launchBrowser, missingBrowser } from "./chromium.ts";
import { axeFindings, complaintsOf, position } from "./page.ts";

const root = resolve(import.meta.dirname, "../..");
const hostile = "</script><img src=x onerror=alert(1)>";

describe.skipIf(missingBrowser !== undefined)("files that stand alone", () => {
  let directory: string;
  /** Two folders down, as a site may have it. */
  let built: string;
  let browser: Browser;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "kubehop-html-"));
    const shared = {
      root: join(root, "src/viz/web"),
      configFile: join(root, "vite.config.ts"),
      logLevel: "error",
    } as const;
    built = join(directory, "a/b");
    await build({ ...shared, build: { outDir: built } });
    await build({ ...shared, mode: "player", build: { outDir: join(built, "player") } });
    browser = await launchBrowser();
  });

  afterAll(async () => {
    await browser?.close();
    await rm(directory, { recursive: true });
  });

  async function curl(): Promise<Trace> {
    const text = await readFile(join(root, "scenarios/curl-service.yaml"), "utf8");
    const input = loadInput([{ name: "all.yaml", text: text.replace(/^[^]*?\n---\n/, "") }]);
    if ("problems" in input) throw new Error(JSON.stringify(input.problems));
    const trace = traceProbe(input, { from: "shop/pod/client", run: "curl http://web", level: "rule" });
    if ("code" in trace) throw new Error(trace.message);
    return trace;
  }

  /** Opens a file of HTML as somebody does who got it by mail, and plays it. */
  async function plays(file: string): Promise<void> {
    const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
    const address = pathToFileURL(file).href;
    const complaints = complaintsOf(page, address);
    await page.goto(address);
    await page.locator("#stage .element").first().waitFor({ state: "attached" });
    expect(await page.locator("img").count()).toBe(0);
    await page.keyboard.press("Home");
    await page.keyboard.press("ArrowRight");
    expect(await position(page)).toBe(2);
    for (const tab of ["Packet", "Rules", "State", "Why"]) await page.getByRole("tab", { name: tab }).click();
    await page.getByRole("button", { name: /assumed$/ }).click();
    expect(await page.locator("#assumed-list li").count()).toBeGreaterThan(5);
    await page.keyboard.press("Escape");
    await page.locator("h1").click();
    await page.keyboard.press("Space");
    await page.getByRole("button", { name: "Pause (Space)" }).waitFor();
    await page.keyboard.press("Space");
    expect(await axeFindings(page)).toEqual([]);
    expect(complaints).toEqual([]);
    await page.close();
  }

  test("trace -o html is one file that plays without any request, whatever the names in it", async () => {
    const file = join(directory, "trace.html");
    const text = traceHtml({ ...(await curl()), message: hostile }, pathToFileURL(`${built}/`));
    await writeFile(file, text);
    await plays(file);
    const [bytes, packed] = [text.length, gzipSync(text).length];
    console.log(`trace.html: ${(bytes / 1024).toFixed(0)} KiB, ${(packed / 1024).toFixed(0)} KiB gzipped`);
    expect(bytes).toBeLessThan(1024 * 1024);
  });

  test("the page saves the same kind of file, and the built page works below any path", async () => {
    const served = await servePage({ directory, port: 0 });
    try {
      const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
      const complaints = complaintsOf(page, `${served.url}a/b/`);
      await page.goto(`${served.url}a/b/`);
      await page.locator(".badge").waitFor();
      await page.locator("#sample").selectOption("no-endpoints.yaml");
      await page.locator(".badge", { hasText: "Rejected" }).waitFor();
      await page.locator("#yaml").focus();
      await page.locator(".code-editor").waitFor();
      await page.locator("h1").click();
      await page.keyboard.press("y");
      const [download] = await Promise.all([
        page.waitForEvent("download"),
        page.getByRole("button", { name: "Save a page that plays (HTML)" }).click(),
      ]);
      const file = join(directory, "saved.html");
      await download.saveAs(file);
      expect((await stat(file)).size).toBeGreaterThan(100_000);
      expect(complaints).toEqual([]);
      await page.close();
      await plays(file);
    } finally {
      await served.close();
    }
  });
});
