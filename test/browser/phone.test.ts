import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { axeFindings } from "./axe.ts";
import { describeBrowser, onPage, position } from "./page.ts";

const phone = { viewport: { width: 360, height: 780 }, hasTouch: true } as const;

/** One finger sideways over the way of the packet. */
async function swipe(page: Page, dx: number): Promise<void> {
  await page.locator("#ribbon").evaluate((ribbon, by) => {
    const touch = (x: number): Touch => new Touch({ identifier: 1, target: ribbon, clientX: x, clientY: 300 });
    ribbon.dispatchEvent(
      new TouchEvent("touchstart", { touches: [touch(200)], changedTouches: [touch(200)], bubbles: true }),
    );
    ribbon.dispatchEvent(new TouchEvent("touchend", { touches: [], changedTouches: [touch(200 + by)], bubbles: true }));
  }, dx);
}

async function fits(page: Page): Promise<void> {
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  expect(await page.evaluate(() => document.documentElement.scrollHeight)).toBeLessThanOrEqual(780);
}

describeBrowser("a small screen", () => {
  for (const colorScheme of ["light", "dark"] as const) {
    test(`every view is clean and fits, ${colorScheme}`, async () => {
      await onPage({ ...phone, colorScheme }, async (page) => {
        await page.getByRole("button", { name: "Forward (→)" }).click();
        await page.getByRole("button", { name: "Forward (→)" }).click();
        for (const [view, part] of [
          ["Way", "#ribbon li"],
          ["Map", "#stage svg"],
          ["Events", ".event-body .event"],
          ["Input", "#yaml"],
        ] as const) {
          await page.locator(".views").getByRole("button", { name: view, exact: true }).click();
          expect(await page.locator(part).first().isVisible(), view).toBe(true);
          await fits(page);
          expect(await axeFindings(page, { coloursAlone: colorScheme === "dark" }), view).toEqual([]);
        }
      });
    });
  }

  test("the way stands upright, says what happened at each place, and a swipe is a step", async () => {
    await onPage(phone, async (page) => {
      const tops = await page
        .locator("#ribbon li")
        .evaluateAll((all) => all.map((one) => one.getBoundingClientRect().top));
      expect(tops.length).toBeGreaterThan(2);
      expect(tops).toEqual(tops.toSorted((a, b) => a - b));
      await swipe(page, -120);
      await swipe(page, -120);
      await swipe(page, -120);
      expect(await position(page)).toBe(4);
      expect(await page.locator("#ribbon .here .about").textContent()).toContain("destination becomes");
      await swipe(page, 120);
      expect(await position(page)).toBe(3);
      await swipe(page, 20);
      expect(await position(page)).toBe(3);
    });
  });

  test("the inspector is a sheet that shows its sentence, and the rest when it is opened", async () => {
    await onPage(phone, async (page) => {
      const handle = page.getByRole("button", { name: "Details" });
      expect(await page.locator(".sentence").isVisible()).toBe(true);
      expect(await page.getByRole("tablist").isVisible()).toBe(false);
      await handle.click();
      expect(await handle.getAttribute("aria-expanded")).toBe("true");
      await page.getByRole("tab", { name: "Packet" }).click();
      await fits(page);
      expect(await axeFindings(page)).toEqual([]);
      await handle.click();
      expect(await page.getByRole("tablist").isVisible()).toBe(false);
    });
  });

  test("text is for reading, with a link to take to a desktop", async () => {
    await onPage(phone, async (page) => {
      await page.locator(".views").getByRole("button", { name: "Input" }).click();
      expect(await page.locator("#yaml").evaluate((area) => (area as HTMLTextAreaElement).readOnly)).toBe(true);
      await page.getByRole("button", { name: "Open on desktop" }).click();
      const dialog = page.getByRole("dialog", { name: "Share" });
      expect(await dialog.getByLabel("Link").inputValue()).toContain("#s=");
      await fits(page);
    });
  });

  test("targets are large enough for a finger", async () => {
    await onPage(phone, async (page) => {
      const small = await page.locator("button:visible, select:visible, summary:visible").evaluateAll((all) =>
        all.flatMap((one) => {
          const { width, height } = one.getBoundingClientRect();
          return width >= 24 && height >= 24 ? [] : [`${one.textContent} ${width}x${height}`];
        }),
      );
      expect(small).toEqual([]);
    });
  });
});
