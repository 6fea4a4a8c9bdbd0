import { gzipSync } from "node:zlib";
import type { Response } from "playwright-core";
import { expect, test } from "vitest";
import { axeFindings } from "./axe.ts";
import { answered, describeBrowser, onPage, position, sentence } from "./page.ts";

/** Issue 5: without the editor. */
const firstLoadKiB = 150;

describeBrowser("what the page loads and bears", () => {
  test(`the first load is below ${firstLoadKiB} KiB gzipped, and the engine comes when it is asked for`, async () => {
    await onPage({}, async (page) => {
      const responses: Response[] = [];
      const hear = (response: Response): number => responses.push(response);
      page.on("response", hear);
      await page.reload();
      await page.locator(".badge").waitFor();
      await page.waitForTimeout(300);
      page.off("response", hear);
      const sizes = new Map<string, number>();
      for (const response of responses) {
        const name = new URL(response.url()).pathname.replace(/-[\w-]{8}\./, ".");
        sizes.set(name, gzipSync(await response.body(), { level: 9 }).length);
      }
      expect(sizes.size).toBeGreaterThan(2);
      const total = [...sizes.values()].reduce((sum, size) => sum + size, 0);
      console.log([...sizes].map(([name, size]) => `${size} ${name}`).join("\n"), `\n${(total / 1024).toFixed(1)} KiB`);
      expect(total).toBeLessThan(firstLoadKiB * 1024);
      expect([...sizes.keys()].filter((name) => /worker|code-editor|share/.test(name))).toEqual([]);
    });
  });

  test("the trace that comes with the page is what the engine says", async () => {
    await onPage({}, async (page) => {
      await page.keyboard.press("End");
      const before = [await position(page), await sentence(page), await page.locator("#verdict").textContent()];
      await answered(page, () => page.getByRole("button", { name: "Run", exact: true }).click());
      await page.locator("h1").click();
      await page.keyboard.press("End");
      expect([await position(page), await sentence(page), await page.locator("#verdict").textContent()]).toEqual(
        before,
      );
    });
  });

  test("by keyboard alone: to the stage, through the story, into the tabs, and to another probe", async () => {
    await onPage({}, async (page) => {
      const focused = (): Promise<string> =>
        page.evaluate(() => {
          const host = document.activeElement;
          const at = host?.shadowRoot?.activeElement ?? host;
          return at?.getAttribute("aria-label") ?? at?.id ?? at?.textContent ?? "";
        });
      const seen = new Set<string>();
      for (let presses = 0; presses < 80; presses++) {
        await page.keyboard.press("Tab");
        seen.add(await focused());
      }
      const expected = [
        "sample",
        "Search and commands (Ctrl+K)",
        "Forward (→)",
        "from",
        "Command",
        "What to send",
        "Scenario and manifests",
        "Play (Space)",
        "Timeline",
        "Filter events",
        "Events",
        "tab-why",
      ];
      expect(expected.filter((name) => !seen.has(name))).toEqual([]);
      await page.locator("#command").focus();
      await page.keyboard.press("Control+a");
      await page.keyboard.type("ping 10.96.0.10");
      await page.keyboard.press("Enter");
      await page.locator(".verdict-run", { hasText: "ping" }).waitFor();
    });
  });

  test("names of markup are text everywhere", async () => {
    await onPage({}, async (page) => {
      const hostile = '"<img src=x onerror=alert(1)><script>alert(2)</script>"';
      const text = await page.locator("#yaml").inputValue();
      await answered(page, () =>
        page
          .locator("#yaml")
          .fill(text.replace("name: by name", `name: ${hostile}`).replaceAll("name: web-0", `name: ${hostile}`)),
      );
      expect(await page.locator("img, main script").count()).toBe(0);
    });
  });

  test("a YAML bomb is a problem, not an end", async () => {
    await onPage({}, async (page) => {
      const levels = Array.from(
        { length: 12 },
        (_, level) => `l${level + 1}: &l${level + 1} [${Array(10).fill(`*l${level}`).join(", ")}]`,
      );
      await page.locator("#file").setInputFiles({
        name: "bomb.yaml",
        mimeType: "text/yaml",
        buffer: Buffer.from(`l0: &l0 x\n${levels.join("\n")}\n`),
      });
      await page.locator(".problems li, .failure:not(:empty)").first().waitFor({ timeout: 20_000 });
      await answered(page, () => page.getByRole("button", { name: "curl a Service" }).click());
      expect(await page.locator(".badge").textContent()).toBe("Delivered");
    });
  });

  test("5 MB of text leave the page usable", async () => {
    await onPage({}, async (page) => {
      await page.locator("#file").setInputFiles({
        name: "big.yaml",
        mimeType: "text/yaml",
        buffer: Buffer.from(
          `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: big }\ndata:\n${'  key: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"\n'.repeat(72_000)}`,
        ),
      });
      await page.locator(".problems li, .failure:not(:empty)").first().waitFor({ timeout: 30_000 });
      await page.locator("h1").click();
      await page.keyboard.press("End");
      expect(await position(page)).toBeGreaterThan(2);
      await answered(page, () => page.getByRole("button", { name: "curl a Service" }).click());
      expect(await page.locator(".problems li").count()).toBe(0);
    });
  });

  test("axe finds nothing with forced colours", async () => {
    await onPage({ forcedColors: "active" }, async (page) => {
      await page.keyboard.press("n");
      expect(await axeFindings(page)).toEqual([]);
    });
  });
});
