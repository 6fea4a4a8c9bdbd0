import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, inject } from "vitest";
import { type ServedPage, servePage } from "../../src/cli/serve.ts";
import { launchBrowser, missingBrowser } from "./chromium.ts";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

interface OpenOptions extends BrowserContextOptions {
  /** What stands behind the address of the page: `#s=...`. */
  readonly fragment?: string;
}

export interface BuiltPage {
  /** The folder that the page was built into. */
  readonly directory: () => string;
  readonly url: () => string;
  /** Opens the page, runs a test on it, and fails on anything that the console, the network or the page complains of. */
  onPage(options: OpenOptions, run: (page: Page) => Promise<void>): Promise<void>;
}

/** Describes tests of the page, built and served as it is for users. */
export function describePage(title: string, tests: (built: BuiltPage) => void): void {
  describe.skipIf(missingBrowser !== undefined)(`${title}${missingBrowser ? ` (${missingBrowser})` : ""}`, () => {
    const directory = inject("pageDirectory") ?? "";
    let served: ServedPage;
    let browser: Browser;

    beforeAll(async () => {
      served = await servePage({ directory, port: 0 });
      browser = await launchBrowser();
    });

    afterAll(async () => {
      await browser?.close();
      await served?.close();
    });

    tests({
      directory: () => directory,
      url: () => served.url,
      async onPage({ fragment = "", ...options }, run) {
        const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
        const page = await context.newPage();
        const complaints = complaintsOf(page, served.url);
        try {
          await page.goto(served.url + fragment);
          await page.locator(".badge").waitFor();
          await page.locator("#stage .element").first().waitFor({ state: "attached" });
          await run(page);
          expect(complaints).toEqual([]);
        } finally {
          await context.close();
        }
      },
    });
  });
}

/** Fills up with what goes wrong on a page. Only requests to addresses that start with `allowed` are allowed. */
export function complaintsOf(page: Page, allowed: string): readonly string[] {
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("requestfailed", (request) => complaints.push(`failed: ${request.url()}`));
  page.on("response", (response) => {
    if (response.status() >= 400) complaints.push(`${response.status()}: ${response.url()}`);
  });
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(allowed) && !url.startsWith("blob:")) complaints.push(`request to ${url}`);
  });
  return complaints;
}

/** What axe finds on the page as it is. Through evaluate, not as a script tag: the page's own policy stays as served. */
export async function axeFindings(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe);
  return page.evaluate(async () => {
    const { axe: runner } = globalThis as unknown as { axe: { run(options: object): Promise<AxeResult> } };
    const { violations } = await runner.run({ rules: { "target-size": { enabled: true } } });
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" | ")}`);
  });
}

interface AxeResult {
  readonly violations: readonly { readonly id: string; readonly nodes: readonly { readonly html: string }[] }[];
}

/** The number that the player shows: of the stop or of the step. */
export async function position(page: Page): Promise<number> {
  return Number.parseInt((await page.locator(".position").textContent()) ?? "", 10);
}

export function sentence(page: Page): Promise<string | null> {
  return page.locator(".sentence").textContent();
}

/** Waits until the answer to what was just asked for is in sight. */
export async function settled(page: Page): Promise<void> {
  await page.waitForTimeout(200);
  await page.locator('#verdict[aria-busy="false"]').waitFor();
}
