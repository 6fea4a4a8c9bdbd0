import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { axeFindings } from "./axe.ts";
import { describeBrowser, onPage, position, sentence } from "./page.ts";

async function brush(page: Page): Promise<{ readonly x: number; readonly width: number }> {
  const [x, width] = await page
    .locator("#timeline .selection")
    .evaluate((one) => [Number(one.getAttribute("x")), Number(one.getAttribute("width"))] as const);
  return { x, width };
}

describeBrowser("the timeline", () => {
  test("is a slider that tells the step in words and moves by its own keys", async () => {
    await onPage({}, async (page) => {
      const slider = page.getByRole("slider", { name: "Timeline" });
      await page.keyboard.press("g");
      await slider.focus();
      await page.keyboard.press("ArrowRight");
      expect(await position(page)).toBe(2);
      expect(await slider.getAttribute("aria-valuetext")).toMatch(/^Step 2 of \d+\. ./);
      await page.keyboard.press("End");
      expect(await slider.getAttribute("aria-valuenow")).toBe(await slider.getAttribute("aria-valuemax"));
      await page.keyboard.press("Home");
      expect(await slider.getAttribute("aria-valuenow")).toBe("1");
    });
  });

  test("a brush over the strip chooses what the lanes show, and the cursor pulls it along", async () => {
    await onPage({}, async (page) => {
      const whole = await brush(page);
      const strip = await page.locator("#timeline .overview").boundingBox();
      const { x = 0, y = 0 } = strip ?? {};
      const left = x + whole.x;
      await page.mouse.move(left + whole.width, y + 12);
      await page.mouse.down();
      await page.mouse.move(left + whole.width / 4, y + 12, { steps: 4 });
      await page.mouse.up();
      const quarter = await brush(page);
      expect(quarter.width).toBeLessThan(whole.width / 3);
      expect(quarter.x).toBeCloseTo(whole.x, 0);
      const times = await page.locator("#timeline .time").allTextContents();
      await page.mouse.move(0, 0);
      await page.locator("h1").click();
      await page.keyboard.press("End");
      expect((await brush(page)).x).toBeGreaterThan(quarter.x + quarter.width);
      expect(await page.locator("#timeline .time").allTextContents()).not.toEqual(times);
      await page.keyboard.press("Escape");
      expect((await brush(page)).width).toBeCloseTo(whole.width, 0);
    });
  });

  test("a click goes to the step under the pointer, whose words are its tooltip", async () => {
    await onPage({}, async (page) => {
      await page.keyboard.press("g");
      const lanes = await page.locator("#timeline .lanes").boundingBox();
      const { x = 0, y = 0, width = 0 } = lanes ?? {};
      await page.mouse.move(x + width / 2, y + 40);
      const tooltip = (await page.locator("#timeline .detail").getAttribute("title")) ?? "";
      await page.mouse.click(x + width / 2, y + 40);
      expect(tooltip.split("\n")[1]).toBe(await sentence(page));
      expect(await position(page)).toBeGreaterThan(100);
    });
  });

  test("ticks have the shape of their kind once there is room, and forks show the odds", async () => {
    await onPage({}, async (page) => {
      expect(await page.locator("#timeline .odds").first().textContent()).toBe("1/2");
      expect(await page.locator("#timeline .lanes .ticks.dense").count()).toBeGreaterThan(0);
      await page.locator("#timeline").focus();
      for (let presses = 0; presses < 16; presses++) await page.keyboard.press("w");
      expect(await page.locator("#timeline .lanes .ticks.dense").count()).toBe(0);
      const drawn = await page.locator('#timeline .lanes .ticks[data-tone="forwarded"]').getAttribute("d");
      // A hexagon has six corners, a rectangle four.
      const corners = (drawn ?? "").split("Z").map((piece) => piece.match(/[ML]/g)?.length ?? 0);
      expect(corners).toContain(6);
      expect(corners).toContain(4);
    });
  });

  test("lanes are places, or layers from the resolver down to the links", async () => {
    await onPage({}, async (page) => {
      const lanes = (): Promise<string[]> => page.locator("#timeline .lane-name title").allTextContents();
      expect(await lanes()).toContain("shop/client");
      await page.getByRole("combobox", { name: "Lanes of the timeline" }).selectOption("layers");
      expect(await lanes()).toEqual([
        "Resolver",
        "TCP, sockets",
        "Services, NAT",
        "Policy, filter",
        "Connections",
        "Routing",
        "Links",
      ]);
      expect(await axeFindings(page)).toEqual([]);
    });
  });

  test("the story below the stage is made higher and lower, by the pointer and by keys", async () => {
    await onPage({}, async (page) => {
      const height = async (): Promise<number> => (await page.locator(".story").boundingBox())?.height ?? 0;
      const before = await height();
      const handle = page.getByRole("separator", { name: "Height of the story" });
      await handle.focus();
      await page.keyboard.press("ArrowUp");
      const higher = await height();
      expect(higher).toBeGreaterThan(before + 10);
      await page.keyboard.press("ArrowDown");
      await page.keyboard.press("ArrowDown");
      expect(await height()).toBeLessThan(before);
      expect(await position(page)).toBe(1);
      const box = await handle.boundingBox();
      const [x, y] = [(box?.x ?? 0) + 200, (box?.y ?? 0) + 5];
      await page.mouse.move(x, y);
      await page.mouse.down();
      await page.mouse.move(x, y - 150, { steps: 3 });
      await page.mouse.up();
      expect(await height()).toBeGreaterThan(higher);
      expect(await axeFindings(page)).toEqual([]);
    });
  });

  test("where the whole story would be too small to read, the stage follows the packet from node to node", async () => {
    await onPage({ viewport: { width: 1280, height: 720 } }, async (page) => {
      await page.keyboard.press("g");
      const here = page.locator(".crumbs [aria-current]");
      expect(await here.textContent()).toBe("node-a");
      expect(await page.locator(".minimap.on").count()).toBe(1);
      await page.locator("#filter").fill("where:node-b");
      await page.locator(".event-body .event").first().click();
      expect(await here.textContent()).toBe("node-b");
    });
  });
});
