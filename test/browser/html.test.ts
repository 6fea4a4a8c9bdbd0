import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { traceHtml } from "../../src/cli/outputs/html.ts";
import { servePage } from "../../src/cli/serve.ts";
import { type Trace, loadInput, traceProbe } from "../../src/index.ts";
import { axeFindings } from "./axe.ts";
import { Complaints } from "./complaints.ts";
import { describeBrowser, position, saved, shared, sharedBrowser } from "./page.ts";

const root = resolve(import.meta.dirname, "../..");
const hostile = "</script><img src=x onerror=alert(1)>";

describeBrowser("files that stand alone", () => {
  let directory: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "kubehop-html-"));
  });
  afterAll(() => rm(directory, { recursive: true }));

  async function curl(): Promise<Trace> {
    const text = await readFile(join(root, "scenarios/curl-service.yaml"), "utf8");
    const input = loadInput([{ name: "all.yaml", text: text.replace(/^[^]*?\n---\n/, "") }]);
    if ("problems" in input) throw new Error(JSON.stringify(input.problems));
    const trace = traceProbe(input, { from: "shop/pod/client", run: "curl http://web", level: "rule" });
    if ("code" in trace) throw new Error(trace.message);
    return trace;
  }

  async function newPage(): Promise<Page> {
    return (await sharedBrowser()).newPage({ viewport: { width: 1440, height: 900 } });
  }

  /** Opens a file of HTML as somebody does who got it by mail, and plays it. */
  async function plays(file: string): Promise<void> {
    const page = await newPage();
    const address = pathToFileURL(file).href;
    const complaints = new Complaints(page, address);
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
    expect(complaints.all).toEqual([]);
    await page.close();
  }

  test("trace -o html is one file that plays without any request, whatever the names in it", async () => {
    const file = join(directory, "trace.html");
    const text = traceHtml({ ...(await curl()), message: hostile }, pathToFileURL(`${shared().directory}/`));
    await writeFile(file, text);
    await plays(file);
    const [bytes, packed] = [text.length, gzipSync(text).length];
    console.log(`trace.html: ${(bytes / 1024).toFixed(0)} KiB, ${(packed / 1024).toFixed(0)} KiB gzipped`);
    expect(bytes).toBeLessThan(1024 * 1024);
  });

  test("the page saves the same kind of file, and the built page works below any path", async () => {
    // Two folders down, as a site may have it.
    await cp(shared().directory, join(directory, "a/b"), { recursive: true });
    const served = await servePage({ directory, port: 0 });
    try {
      const page = await newPage();
      const complaints = new Complaints(page, `${served.url}a/b/`);
      await page.goto(`${served.url}a/b/`);
      await page.locator(".badge").waitFor();
      await page.locator("#sample").selectOption("no-endpoints.yaml");
      await page.locator(".badge", { hasText: "Rejected" }).waitFor();
      await page.locator("#yaml").focus();
      await page.locator(".code-editor").waitFor();
      await page.locator("h1").click();
      await page.keyboard.press("y");
      const save = page.getByRole("button", { name: "Save a page that plays (HTML)" });
      const { bytes } = await saved(page, () => save.click());
      expect(bytes.length).toBeGreaterThan(100_000);
      const file = join(directory, "saved.html");
      await writeFile(file, bytes);
      expect(complaints.all).toEqual([]);
      await page.close();
      await plays(file);
    } finally {
      await served.close();
    }
  });
});
