import { expect, test } from "vitest";
import { axeFindings } from "./axe.ts";
import { answered, describeBrowser, onPage, position, sentence } from "./page.ts";

describeBrowser("the palette and the filter", () => {
  test("Ctrl+K finds a Service, a pod and a step by name, by keyboard alone", async () => {
    await onPage({}, async (page) => {
      const choose = async (words: string, group: string): Promise<void> => {
        await page.keyboard.press("Control+k");
        await page.keyboard.type(words);
        const option = page.getByRole("group", { name: group }).getByRole("option").first();
        await option.waitFor();
        for (let presses = 0; (await option.getAttribute("aria-selected")) !== "true"; presses++) {
          expect(presses).toBeLessThan(40);
          await page.keyboard.press("ArrowDown");
        }
        await page.keyboard.press("Enter");
        expect(await page.getByRole("dialog").count()).toBe(0);
      };
      await choose("web-0", "Pods");
      expect(await page.locator(".kicker").textContent()).toContain("shop/web-0");
      await choose("node-b", "Nodes");
      expect(await page.locator(".kicker").textContent()).toContain("node-b");
      await choose("web.shop", "Services");
      expect(await page.locator(".event[aria-selected=true]").textContent()).toContain("node-a");
      await choose("step 17", "Steps");
      expect(await position(page)).toBe(17);
      await choose("destination is rewritten", "Steps");
      expect(await sentence(page)).toContain("destination is rewritten");
    });
  });

  test("it does what keys do, opens examples, and is reached from within the text", async () => {
    await onPage({}, async (page) => {
      await page.locator("#filter").focus();
      await page.keyboard.press("Control+k");
      expect(await axeFindings(page)).toEqual([]);
      await page.keyboard.type("to the end");
      await page.keyboard.press("Enter");
      expect(await position(page)).toBeGreaterThan(20);
      await page.getByRole("button", { name: "Search and commands (Ctrl+K)" }).click();
      await page.keyboard.type("hairpin");
      await answered(page, () => page.keyboard.press("Enter"));
      expect(await page.locator("#sample").inputValue()).toBe("hairpin.yaml");
      await page.keyboard.press("Control+k");
      await page.keyboard.type("light or dark");
      await page.keyboard.press("Enter");
      expect(await page.locator("html").getAttribute("data-theme")).toBe("dark");
    });
  });

  test("a name that is nowhere is said to be nowhere, and Escape closes", async () => {
    await onPage({}, async (page) => {
      await page.keyboard.press("Control+k");
      await page.keyboard.type("zzzz");
      expect(await page.getByRole("dialog").textContent()).toContain("Nothing has this name");
      await page.keyboard.press("Enter");
      await page.keyboard.press("Control+k");
      await page.keyboard.press("Escape");
      expect(await page.getByRole("dialog").count()).toBe(0);
    });
  });

  test("the filter offers keys, then values of this trace, and turns green and red", async () => {
    await onPage({}, async (page) => {
      await page.keyboard.press("/");
      const options = page.locator("#filter-options [role=option]");
      expect(await options.count()).toBeGreaterThan(8);
      expect(await axeFindings(page)).toEqual([]);
      await page.keyboard.type("ki");
      await page.keyboard.press("ArrowDown");
      await page.keyboard.press("Tab");
      expect(await page.locator("#filter").inputValue()).toBe("kind:");
      await page.keyboard.type("na");
      await options.first().waitFor();
      await page.keyboard.press("ArrowDown");
      expect(await page.locator("#filter").getAttribute("aria-activedescendant")).toBe("filter-option-0");
      await page.keyboard.press("Enter");
      expect(await page.locator("#filter").inputValue()).toBe("kind:nat ");
      expect(await page.locator("#filter.works").count()).toBe(1);
      await page.keyboard.type("colour:red");
      expect(await page.locator("#filter").getAttribute("aria-invalid")).toBe("true");
      await page.keyboard.press("Escape");
      await page.locator("#filter").fill("nosuchword");
      expect(await page.locator(".no-events").textContent()).toContain("No event fits");
      expect(await axeFindings(page)).toEqual([]);
      await page.getByRole("button", { name: "Show all events" }).click();
      expect(await page.locator(".event-body .event").count()).toBeGreaterThan(2);
    });
  });

  test("the list is walked along the rows that the filter leaves", async () => {
    await onPage({}, async (page) => {
      await page.keyboard.press("g");
      await page.locator("#filter").fill("kind:nat");
      await page.keyboard.press("Enter");
      const grid = page.getByRole("grid", { name: "Events" });
      const rows = Number(await grid.getAttribute("aria-rowcount")) - 1;
      for (const key of ["Home", "ArrowDown", "ArrowDown", "PageDown", "ArrowUp", "End"]) {
        await page.keyboard.press(key);
        const active = await grid.getAttribute("aria-activedescendant");
        expect(await page.locator(`#${active} .kind`).textContent(), key).toBe("nat");
      }
      expect(await grid.getAttribute("aria-activedescendant")).toBe(`event-${rows - 1}`);
      expect(await page.locator(".event-body .event").count()).toBeLessThan(60);
    });
  });
});
