import { type Browser, type Page, chromium } from "playwright-core";
import { describe, expect, inject } from "vitest";
import { missingBrowser } from "./chromium.ts";
import { Complaints } from "./complaints.ts";

/** What a user has, and by default: light, motion, no touch, a window of 1440 by 900. */
interface OpenOptions {
  /** What stands behind the address of the page: `#s=...`. */
  readonly fragment?: string;
  readonly viewport?: { readonly width: number; readonly height: number };
  readonly hasTouch?: boolean;
  readonly colorScheme?: "light" | "dark";
  readonly reducedMotion?: "reduce";
  readonly forcedColors?: "active";
}

/** Describes what needs a browser. */
export function describeBrowser(title: string, tests: () => void): void {
  describe.skipIf(missingBrowser !== undefined)(`${title}${missingBrowser ? ` (${missingBrowser})` : ""}`, tests);
}

/** What setup.ts made. */
export function shared(): { readonly directory: string; readonly url: string; readonly endpoint: string } {
  const made = inject("shared");
  if (made === undefined) throw new Error("no browser was started");
  return made;
}

let browser: Promise<Browser> | undefined;

/** The browser of all files. */
export function sharedBrowser(): Promise<Browser> {
  return (browser ??= chromium.connect(shared().endpoint));
}

/** A page that one test after another loads anew: to make one takes longer than most tests. */
interface Tab {
  readonly hasTouch: boolean;
  readonly page: Page;
  readonly complaints: Complaints;
}

let tab: Tab | undefined;

/**
 * Opens the page, built and served as it is for users, runs a test on it, and fails on anything that the console, the
 * network or the page complains of.
 */
export async function onPage(options: OpenOptions, run: (page: Page) => Promise<void>): Promise<void> {
  const { page, complaints } = await tabFor(options);
  try {
    await openAnew(page, complaints, options);
    await run(page);
    expect(complaints.all).toEqual([]);
  } catch (error) {
    // Whatever state it is in is not for the next test.
    tab = undefined;
    await page.context().close();
    throw error;
  }
}

/** Touch is a matter of the whole context; all else can be changed. */
async function tabFor({ hasTouch = false }: OpenOptions): Promise<Tab> {
  if (tab?.hasTouch === hasTouch) return tab;
  await tab?.page.context().close();
  const context = await (await sharedBrowser()).newContext({ hasTouch });
  await context.addInitScript(countAnswers);
  const page = await context.newPage();
  return (tab = { hasTouch, page, complaints: new Complaints(page, shared().url) });
}

/** Nothing of the test before is left: neither its documents and workers nor what they stored, nor the pointer. */
async function openAnew(page: Page, complaints: Complaints, options: OpenOptions): Promise<void> {
  const { fragment = "", viewport = { width: 1440, height: 900 } } = options;
  if (page.url() !== "about:blank") {
    await page.mouse.move(0, 0);
    await page.evaluate(() => localStorage.clear());
    // To an address that differs in its fragment alone a browser only scrolls.
    if (fragment !== "") await page.goto("about:blank");
  }
  const { colorScheme = "light", reducedMotion = "no-preference", forcedColors = "none" } = options;
  await page.emulateMedia({ colorScheme, reducedMotion, forcedColors });
  await page.setViewportSize(viewport);
  page.once("framenavigated", () => complaints.clear());
  await page.goto(shared().url + fragment);
  await page.locator(".badge").waitFor();
  await page.locator("#stage .element").first().waitFor({ state: "attached" });
}

/** Runs in the page: its root element says how many answers of the engine have come into sight. */
function countAnswers(): void {
  let answers = 0;
  new MutationObserver((records) => {
    for (const [index, { target, oldValue }] of records.entries()) {
      const value = records[index + 1]?.oldValue ?? (target as Element).getAttribute("aria-busy");
      if (oldValue === "true" && value !== "true") document.documentElement.dataset["answers"] = String(++answers);
    }
  }).observe(document, { subtree: true, attributeFilter: ["aria-busy"], attributeOldValue: true });
}

/** Does what makes the page ask the engine, and waits until the answer is in sight. */
export async function answered(page: Page, ask: () => Promise<unknown>): Promise<void> {
  const before = (await page.locator("html").getAttribute("data-answers")) ?? "";
  await ask();
  await page.locator(`html:not([data-answers="${before}"]) #verdict[aria-busy="false"]`).waitFor();
}

/** Does what makes the page save a file; its name and what is in it. */
export async function saved(
  page: Page,
  save: () => Promise<unknown>,
): Promise<{ readonly name: string; readonly bytes: Buffer }> {
  const [download] = await Promise.all([page.waitForEvent("download"), save()]);
  const parts: Buffer[] = [];
  for await (const part of await download.createReadStream()) parts.push(part as Buffer);
  return { name: download.suggestedFilename(), bytes: Buffer.concat(parts) };
}

/** The number that the player shows: of the stop or of the step. */
export async function position(page: Page): Promise<number> {
  return Number.parseInt((await page.locator(".position").textContent()) ?? "", 10);
}

export function sentence(page: Page): Promise<string | null> {
  return page.locator(".sentence").textContent();
}
