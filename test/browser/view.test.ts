import { expect, test } from "vitest";
import { axeFindings } from "./axe.ts";
import { answered, describeBrowser, onPage, position, sentence } from "./page.ts";

describeBrowser("the page in Chromium", () => {
  test("the first sample is loaded and paused at its first step", async () => {
    await onPage({}, async (page) => {
      expect(await position(page)).toBe(1);
      expect(await page.getByRole("button", { name: "Play (Space)" }).isVisible()).toBe(true);
      expect(await page.locator("#stage .box-node").count()).toBeGreaterThan(0);
      expect(await page.getByRole("row").count()).toBeGreaterThan(3);
    });
  });

  test("buttons and keys step forward and back, to the ends and to the next rewrite", async () => {
    await onPage({}, async (page) => {
      await page.keyboard.press("g");
      const first = await sentence(page);
      await page.keyboard.press("ArrowRight");
      expect(await position(page)).toBe(2);
      expect(await sentence(page)).not.toBe(first);
      await page.getByRole("button", { name: "Back (←)" }).click();
      expect(await sentence(page)).toBe(first);
      await page.getByRole("button", { name: "Forward (→)" }).click();
      expect(await position(page)).toBe(2);
      await page.keyboard.press("End");
      const last = await position(page);
      expect(last).toBeGreaterThan(10);
      await page.keyboard.press("Home");
      expect(await position(page)).toBe(1);
      await page.keyboard.press("n");
      expect(await page.locator(".fields .changed").count()).toBeGreaterThan(0);
    });
  });

  test("one cursor: stage, list, timeline and inspector show the same step", async () => {
    await onPage({}, async (page) => {
      await page.keyboard.press("g");
      await page.keyboard.press("n");
      const at = await position(page);
      const text = await sentence(page);
      expect(await page.getByRole("slider", { name: "Timeline" }).getAttribute("aria-valuenow")).toBe(String(at));
      expect(await page.locator('.event[aria-selected="true"] .what').textContent()).toBe(text);
      expect(await page.getByRole("grid").getAttribute("aria-activedescendant")).toBe(`event-${at - 1}`);
      expect(await page.locator("#stage .element.active").count()).toBe(1);
      await page.locator('.event[aria-selected="true"] + .event').click();
      expect(await position(page)).toBe(at + 1);
    });
  });

  test("single keys do nothing while somebody types", async () => {
    await onPage({}, async (page) => {
      await page.locator("#yaml").focus();
      await page.keyboard.press("End");
      expect(await position(page)).toBe(1);
    });
  });

  test("an edit of the text runs by itself, and what stays keeps its place", async () => {
    await onPage({}, async (page) => {
      const places = (): Promise<(string | null)[]> =>
        page.locator("#stage .box path").evaluateAll((paths) => paths.map((path) => path.getAttribute("d")));
      const before = await places();
      const text = await page.locator("#yaml").inputValue();
      await page.locator("#yaml").fill(text.replace("curl http://web", "curl http://web/again"));
      await page.locator(".verdict-run", { hasText: "again" }).waitFor();
      expect(await places()).toEqual(before);
    });
  });

  test("every sample runs and leaves the page without complaint", async () => {
    await onPage({}, async (page) => {
      const files = await page
        .locator("#sample option")
        .evaluateAll((options) =>
          options.map((one) => (one as HTMLOptionElement).value).filter((value) => value !== ""),
        );
      expect(files.length).toBeGreaterThan(10);
      for (const file of files) {
        await answered(page, () => page.locator("#sample").selectOption(file));
        expect(await page.locator(".failure:not(:empty)").allTextContents(), file).toEqual([]);
        // A remark is no complaint: one sample is about a selector that matches nothing.
        expect(await page.locator(".problems > ul li").allTextContents(), file).toEqual([]);
      }
    });
  });

  test("a hostile name is text and nothing else", async () => {
    await onPage({}, async (page) => {
      const hostile = "<img src=x onerror=alert(1)>";
      await page.locator("#command").fill(`curl http://${hostile}`);
      await answered(page, () => page.getByRole("button", { name: "Run", exact: true }).click());
      expect(await page.locator("img").count()).toBe(0);
    });
  });

  // 360 pixels: phone.test.ts.
  for (const colorScheme of ["light", "dark"] as const) {
    test(`axe finds nothing, ${colorScheme}`, async () => {
      await onPage({ colorScheme }, async (page) => {
        await page.keyboard.press("g");
        await page.keyboard.press("n");
        expect(await axeFindings(page, { coloursAlone: colorScheme === "dark" })).toEqual([]);
        expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(1440);
      });
    });
  }
});
