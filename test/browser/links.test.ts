import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { packFragment } from "../../src/viz/share.ts";
import { axeFindings } from "./axe.ts";
import { answered, describeBrowser, onPage, position, sentence, shared } from "./page.ts";

const scenarios = resolve(import.meta.dirname, "../../scenarios");

function scenario(name: string): string {
  return readFileSync(join(scenarios, name), "utf8");
}

describeBrowser("links of the page", () => {
  test("a link opens the files that it carries, at the step that it names", async () => {
    const packed = await packFragment({
      files: [
        {
          name: "scenarios/mine.yaml",
          text: "name: mine\nmanifests: [parts/all.yaml]\nflows:\n  - { name: one, from: shop/pod/client, run: curl http://web }\n",
        },
        { name: "scenarios/parts/all.yaml", text: scenario("curl-service.yaml").replace(/^[^]*?\n---\n/, "") },
      ],
    });
    await onPage({ fragment: `${packed}&t=17&g=step&v=1` }, async (page) => {
      expect(await position(page)).toBe(17);
      expect(await page.locator("#yaml").inputValue()).toContain("name: mine");
      expect(await page.locator(".problems li").count()).toBe(0);
    });
  });

  test("Share gives a link without Secrets, and the link leads back to the same step", async () => {
    await onPage({}, async (page) => {
      const text = `${await page.locator("#yaml").inputValue()}\n---\napiVersion: v1\nkind: Secret\nmetadata: { name: s, namespace: shop }\nstringData: { password: hunter2 }\n`;
      await answered(page, () => page.locator("#yaml").fill(text));
      await page.locator("h1").click();
      await page.keyboard.press("ArrowRight");
      const here = [await position(page), await sentence(page)];
      await page.keyboard.press("y");
      const dialog = page.getByRole("dialog", { name: "Share" });
      const link = await dialog.getByLabel("Link").inputValue();
      expect(link.startsWith(`${shared().url}#s=`)).toBe(true);
      expect(await dialog.textContent()).toContain("never sent to a server");
      expect(await axeFindings(page)).toEqual([]);
      await dialog.getByRole("button", { name: "Close" }).click();
      await page.goto("about:blank");
      await page.goto(link);
      await page.locator(".badge").waitFor();
      expect([await position(page), await sentence(page)]).toEqual(here);
      expect(await page.locator("#yaml").inputValue()).not.toContain("hunter2");
    });
  });

  test("a long link comes with a warning", async () => {
    await onPage({}, async (page) => {
      const noise = Array.from(
        { length: 700 },
        (_, index) => `# ${(index * 2654435761) % 4294967296} ${Math.sin(index)}`,
      );
      const text = `${await page.locator("#yaml").inputValue()}${noise.join("\n")}\n`;
      await answered(page, () => page.locator("#yaml").fill(text));
      await page.getByRole("button", { name: /^Share/ }).click();
      expect(await page.getByRole("dialog", { name: "Share" }).textContent()).toContain("8,000 characters");
    });
  });

  test("a damaged link says so and shows the example", async () => {
    await onPage({ fragment: "#s=AAAA" }, async (page) => {
      expect(await page.locator("#notice").textContent()).toContain("damaged");
    });
  });
});
