import { readFileSync } from "node:fs";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { axeFindings } from "./axe.ts";
import { answered, describeBrowser, onPage, position, saved, sentence } from "./page.ts";

/* Every key of the help. Where a key answers at once, the next line looks; where the stage glides, the look is polled. */

/** How the stage is zoomed and panned. */
function look(page: Page): Promise<string | null> {
  return page.locator("#stage .world").getAttribute("transform");
}

/** Where the stage comes to rest: it stays so for some frames, however long this machine takes to draw them. */
function rest(page: Page): Promise<string | null> {
  return page.locator("#stage .world").evaluate(async (world) => {
    let look = world.getAttribute("transform");
    for (let still = 0; still < 8; still++) {
      await new Promise(requestAnimationFrame);
      const now = world.getAttribute("transform");
      if (now !== look) still = 0;
      look = now;
    }
    return look;
  });
}

function grain(page: Page): Promise<string> {
  return page.getByRole("combobox", { name: /^Grain/ }).inputValue();
}

describeBrowser("the keys", () => {
  test("→ . ← , step, Shift and the arrows up and down step at the other grain, g changes it", async () => {
    await onPage({}, async (page) => {
      const at = async (key: string): Promise<number> => {
        await page.keyboard.press(key);
        return position(page);
      };
      expect(await grain(page)).toBe("hop");
      expect([await at("ArrowRight"), await at("."), await at("ArrowLeft"), await at(",")]).toEqual([2, 3, 2, 1]);
      await page.keyboard.press("g");
      await page.keyboard.press("Home");
      expect(await grain(page)).toBe("step");
      expect([await at("ArrowRight"), await at("."), await at("ArrowLeft"), await at(",")]).toEqual([2, 3, 2, 1]);
      expect([await at("ArrowDown"), await at("ArrowUp")]).toEqual([2, 1]);
      const stop = await at("Shift+ArrowRight");
      expect(stop).toBeGreaterThan(2);
      expect(await at("Shift+ArrowRight")).toBeGreaterThan(stop + 1);
      expect(await at("Shift+ArrowLeft")).toBe(stop);
      await page.keyboard.press("g");
      expect(await grain(page)).toBe("hop");
    });
  });

  test("Home and End go to the ends, n and N to the next and the last rewrite", async () => {
    await onPage({}, async (page) => {
      await page.keyboard.press("End");
      const last = await position(page);
      expect(last).toBeGreaterThan(20);
      await page.keyboard.press("Home");
      expect(await position(page)).toBe(1);
      await page.keyboard.press("g");
      await page.keyboard.press("n");
      const first = [await position(page), await sentence(page)] as const;
      expect(first[1]).toContain("rewritten");
      await page.keyboard.press("n");
      expect(await position(page)).toBeGreaterThan(first[0]);
      await page.keyboard.press("N");
      expect([await position(page), await sentence(page)]).toEqual(first);
    });
  });

  test("x goes to the step that spoilt it, at step grain, and a drop opens there", async () => {
    await onPage({}, async (page) => {
      await answered(page, () => page.locator("#sample").selectOption("missing-route.yaml"));
      await page.locator("h1").click();
      const [opened, words] = [await position(page), await sentence(page)];
      expect(await grain(page)).toBe("step");
      expect(await page.locator(".tone").first().getAttribute("data-tone")).toMatch(/dropped|rejected/);
      expect(await axeFindings(page)).toEqual([]);
      await page.keyboard.press("Home");
      await page.keyboard.press("g");
      await page.keyboard.press("x");
      expect([await grain(page), await position(page), await sentence(page)]).toEqual(["step", opened, words]);
    });
  });

  test("b sets a breakpoint and takes it away, in the list and on the timeline; playing stops there", async () => {
    await onPage({ reducedMotion: "reduce" }, async (page) => {
      await page.keyboard.press("ArrowRight");
      await page.keyboard.press("ArrowRight");
      await page.keyboard.press("b");
      expect(await page.locator(".event .broken").count()).toBe(1);
      expect(await page.locator("#timeline .breakpoint").count()).toBe(1);
      await page.keyboard.press("Home");
      await page.getByRole("combobox", { name: "Speed" }).selectOption("instant");
      await page.locator("h1").click();
      await page.keyboard.press("Space");
      await expect.poll(() => position(page)).toBe(3);
      await page.getByRole("button", { name: "Play (Space)" }).waitFor();
      expect(await position(page)).toBe(3);
      await page.keyboard.press("b");
      expect(await page.locator(".broken, .breakpoint").count()).toBe(0);
    });
  });

  test("Space plays and pauses; playing to the end ends it, and Space then starts over", async () => {
    await onPage({ reducedMotion: "reduce" }, async (page) => {
      await page.keyboard.press("Space");
      await page.getByRole("button", { name: "Pause (Space)" }).waitFor();
      await page.keyboard.press("Space");
      await page.getByRole("button", { name: "Play (Space)" }).waitFor();
      await page.getByRole("combobox", { name: "Speed" }).selectOption("instant");
      await page.locator("h1").click();
      await page.keyboard.press("End");
      const last = await position(page);
      await page.keyboard.press("ArrowLeft");
      await page.keyboard.press("Space");
      await expect.poll(() => position(page)).toBe(last);
      await page.getByRole("button", { name: "Play (Space)" }).waitFor();
      await page.keyboard.press("Space");
      await expect.poll(() => position(page)).toBeLessThan(last);
      await page.keyboard.press("Space");
    });
  });

  test("1 to 9 take another branch at a fork, and the trace stays at its step", async () => {
    await onPage({}, async (page) => {
      await page.keyboard.press("g");
      await page.locator("#filter").fill("statistic");
      await page.locator(".event-body .event").first().click();
      await page.keyboard.press("Escape");
      expect(await page.locator(".fork-choice button").count()).toBe(2);
      const [at, taken] = [
        await position(page),
        await page.locator('.fork-choice [aria-pressed="true"]').textContent(),
      ];
      const other = taken === "1" ? "2" : "1";
      await answered(page, () => page.keyboard.press(other));
      await expect.poll(() => page.locator('.fork-choice [aria-pressed="true"]').textContent()).toBe(other);
      expect(await position(page)).toBe(at);
      expect(await axeFindings(page)).toEqual([]);
      await page.keyboard.press("9");
      expect(await page.locator("#verdict").getAttribute("aria-busy")).toBe("false");
      expect(await page.locator('.fork-choice [aria-pressed="true"]').textContent()).toBe(other);
    });
  });

  test("w s a d + - zoom and pan the stage, ] [ go one level in and out, f close and back, Escape shows all", async () => {
    await onPage({}, async (page) => {
      const whole = await rest(page);
      let before = whole;
      for (const key of ["w", "+", "=", "s", "-", "d", "a", "]", "]", "["]) {
        await page.keyboard.press(key);
        const now = await rest(page);
        expect(now, key).not.toBe(before);
        before = now;
      }
      await page.keyboard.press("Escape");
      expect(await rest(page)).toBe(whole);
      await page.keyboard.press("f");
      expect(await rest(page)).not.toBe(whole);
      expect(await page.locator('.crumbs [aria-current="location"]').textContent()).toBe("netns client");
      await page.keyboard.press("f");
      expect(await rest(page)).toBe(whole);
    });
  });

  test("with the pointer or the focus on the timeline, w s a d and f are the timeline's", async () => {
    await onPage({}, async (page) => {
      const stage = await rest(page);
      const brush = (): Promise<string> =>
        page.locator("#timeline .selection").evaluate((one) => `${one.getAttribute("x")} ${one.getAttribute("width")}`);
      await page.locator("#timeline").focus();
      let before = await brush();
      for (const key of ["w", "w", "w", "d", "a", "s", "f"]) {
        await page.keyboard.press(key);
        expect(await brush(), key).not.toBe(before);
        before = await brush();
      }
      expect(await look(page)).toBe(stage);
    });
  });

  test("/ filters, r draws anew, y shares, e saves, P presents, ? helps, Escape clears", async () => {
    await onPage({}, async (page) => {
      await page.keyboard.press("/");
      expect(await page.evaluate(() => document.activeElement?.id)).toBe("filter");
      await page.keyboard.type("kind:route");
      await page.keyboard.press("Enter");
      expect(await page.locator("#filter-note").textContent()).toMatch(/^\d+ of \d+$/);
      await page.keyboard.press("Escape");
      expect(await page.locator("#filter").inputValue()).toBe("");
      await answered(page, () => page.keyboard.press("r"));
      expect(await page.locator("#verdict").textContent()).toContain("seed 2");
      expect((await saved(page, () => page.keyboard.press("e"))).name).toBe("kubehop.svg");
      await page.keyboard.press("y");
      await page.getByRole("dialog", { name: "Share" }).getByRole("button", { name: "Close" }).click();
      await page.keyboard.press("P");
      expect(await page.locator("body.presenting").count()).toBe(1);
      await page.keyboard.press("Escape");
      expect(await page.locator("body.presenting").count()).toBe(0);
      await page.keyboard.press("?");
      const dialog = page.getByRole("dialog", { name: "Keys" });
      expect(await dialog.locator("kbd").count()).toBeGreaterThan(25);
      expect(await axeFindings(page)).toEqual([]);
    });
  });

  test("one setting turns all single keys off; sliders, lists and Ctrl+K stay", async () => {
    await onPage({}, async (page) => {
      await page.keyboard.press("?");
      await page.getByLabel("Single keys work").uncheck();
      await page.getByRole("button", { name: "Close" }).click();
      await page.locator("h1").click();
      const before = [await position(page), await grain(page), await rest(page)];
      for (const key of [" ", ".", "g", "n", "x", "b", "f", "w", "]", "/", "r", "P", "?", "End"])
        await page.keyboard.press(key);
      expect([await position(page), await grain(page), await rest(page)]).toEqual(before);
      expect(await page.locator("#verdict").getAttribute("aria-busy")).toBe("false");
      expect(await page.getByRole("dialog").count()).toBe(0);
      await page.reload();
      await page.locator(".badge").waitFor();
      await page.locator("#timeline").focus();
      await page.keyboard.press("ArrowRight");
      expect(await position(page)).toBe(2);
      await page.getByRole("grid").focus();
      await page.keyboard.press("ArrowDown");
      expect(await position(page)).toBe(3);
      await page.keyboard.press("Control+k");
      expect(await page.getByRole("dialog", { name: "Search and commands" }).isVisible()).toBe(true);
    });
  });

  test("the browser's own keys stay its own: Ctrl+P, Ctrl+F, Ctrl+L", async () => {
    await onPage({}, async (page) => {
      const taken = await page.evaluate(() =>
        ["p", "f", "l"].filter(
          (key) =>
            !document.body.dispatchEvent(
              new KeyboardEvent("keydown", { key, ctrlKey: true, bubbles: true, cancelable: true }),
            ),
        ),
      );
      expect(taken).toEqual([]);
    });
  });

  test("a reader is told where the cursor has come to, not every step on the way", async () => {
    await onPage({}, async (page) => {
      const live = page.locator("#live");
      await expect.poll(() => live.textContent()).toMatch(/^Stop 1 of \d+\. ./);
      await page.evaluate(() => {
        const live = document.querySelector("#live") as HTMLElement;
        new MutationObserver(() => {
          live.dataset["said"] = String(Number(live.dataset["said"] ?? 0) + 1);
        }).observe(live, { childList: true });
        // At once, however slow this machine is.
        for (let presses = 0; presses < 8; presses++)
          document.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }));
      });
      await expect.poll(() => live.textContent()).toMatch(/^Stop 9 of \d+\. ./);
      expect(Number(await live.getAttribute("data-said"))).toBeLessThan(3);
      await page.keyboard.press("g");
      await expect.poll(() => live.textContent()).toMatch(/^Step \d+ of \d+\. ./);
    });
  });

  test("docs/page.md lists the keys of the help, word for word", async () => {
    const listed = [...readFileSync("docs/page.md", "utf8").matchAll(/^\| (.+?) +\| (.+?) +\|$/gm)].map(
      ([, key, does]) => [key, does],
    );
    const from = listed.findIndex(([key]) => key === "Space");
    await onPage({}, async (page) => {
      await page.keyboard.press("?");
      const rows = await page
        .getByRole("dialog", { name: "Keys" })
        .locator("tr")
        .evaluateAll((all) =>
          all.map((row) => [row.querySelector("th")?.textContent, row.querySelector("td")?.textContent]),
        );
      expect(listed.slice(from)).toEqual(rows);
    });
  });
});
