import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { largeCluster } from "./large-cluster.ts";
import { axeFindings } from "./axe.ts";
import { answered, describeBrowser, onPage, position, saved } from "./page.ts";

/** UI.md, section 5. */
const mostElements = 3000;

async function openLarge(page: Page): Promise<void> {
  await page.locator("#file").setInputFiles({
    name: "large.yaml",
    mimeType: "text/yaml",
    buffer: Buffer.from(largeCluster()),
  });
  await page.locator("#stage .zone").first().waitFor({ state: "attached", timeout: 60_000 });
  await page.locator('#verdict[aria-busy="false"]').waitFor({ timeout: 60_000 });
  await page.locator("h1").click();
}

describeBrowser("the stage", () => {
  test("kinds of things are told by shape: hexagon, diamond, rectangle, cylinder", async () => {
    await onPage({}, async (page) => {
      const outlines = (kind: string): Promise<string[]> =>
        page
          .locator(`#stage .element-${kind} > path`)
          .evaluateAll((all) => all.map((one) => one.getAttribute("d") ?? ""));
      const lines = (d: string): number => d.match(/[LH]/g)?.length ?? 0;
      for (const [kind, fits] of [
        ["process", (d: string) => lines(d) === 5 && !/[Aa]/.test(d)],
        ["stack", (d: string) => lines(d) === 3 && !/[Aa]/.test(d)],
        ["interface", (d: string) => /a6,6/.test(d)],
        ["bridge", (d: string) => /a5,5/.test(d)],
        ["state", (d: string) => d.match(/A/g)?.length === 3],
      ] as const) {
        const all = await outlines(kind);
        expect(all.length, kind).toBeGreaterThan(0);
        expect(all.every(fits), kind).toBe(true);
      }
    });
  });

  test("a step that looks into conntrack lights its cylinder", async () => {
    await onPage({}, async (page) => {
      await page.keyboard.press("g");
      await page.locator("#filter").fill("kind:conntrack where:node-a");
      await page.locator(".event-body .event").first().click();
      expect(await page.locator("#stage .element-state.touched title").allTextContents()).toEqual([
        "conntrack in node-a",
      ]);
    });
  });

  test("the last leg of a packet that was refused is dashed and ends in an arrow back; one that arrived is thick", async () => {
    await onPage({}, async (page) => {
      const dashes = (tone: string): Promise<string> =>
        page
          .locator(`#stage .trail [data-tone="${tone}"] .under`)
          .last()
          .evaluate((one) => getComputedStyle(one).strokeDasharray);
      await answered(page, () => page.getByRole("button", { name: "Why is this dropped?" }).click());
      expect(await dashes("rejected")).toMatch(/\d+px, \d+px/);
      expect(await page.locator("#stage .glyph .end-sign").count()).toBe(1);
      await answered(page, () => page.getByRole("button", { name: "curl a Service" }).click());
      await page.locator("h1").click();
      await page.keyboard.press("End");
      expect(await dashes("delivered")).toBe("none");
      expect(await page.locator("#stage .end-sign").count()).toBe(0);
    });
  });

  test("other packets on their way are seen beside the one in sight", async () => {
    await onPage({}, async (page) => {
      const seen: number[] = [];
      for (let presses = 0; presses < 8; presses++) {
        await page.keyboard.press("ArrowRight");
        seen.push(await page.locator("#stage .clone").count());
      }
      expect(Math.max(...seen)).toBeGreaterThan(0);
      expect(Math.max(...seen)).toBeLessThanOrEqual(3);
    });
  });

  test("the packet travels by transform alone, and jumps where motion is not wanted", async () => {
    const places = async (page: Page): Promise<number> => {
      await page.keyboard.press("ArrowRight");
      await page.keyboard.press("ArrowRight");
      return page.evaluate(async () => {
        const glyph = document.querySelector("#stage .glyph") as SVGElement;
        const changed = new Set<string>();
        const observer = new MutationObserver((all) => {
          for (const { attributeName } of all)
            changed.add(`${attributeName}=${glyph.getAttribute(attributeName ?? "")}`);
        });
        observer.observe(glyph, { attributes: true, attributeFilter: ["transform", "x", "y", "d", "style"] });
        document.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }));
        await new Promise((resolve) => setTimeout(resolve, 500));
        observer.disconnect();
        if ([...changed].some((one) => !/^(transform=|style=(transform:|$|null))/.test(one)))
          throw new Error([...changed].join());
        return changed.size;
      });
    };
    await onPage({}, async (page) => expect(await places(page)).toBeGreaterThan(1));
    await onPage({ reducedMotion: "reduce" }, async (page) => expect(await places(page)).toBe(1));
  });

  test("nothing plays by itself, and a page that is hidden pauses", async () => {
    await onPage({}, async (page) => {
      await page.waitForTimeout(1500);
      expect(await position(page)).toBe(1);
      await page.keyboard.press("Space");
      await page.getByRole("button", { name: "Pause (Space)" }).waitFor();
      await page.evaluate(() => {
        Object.defineProperty(document, "hidden", { value: true, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
      });
      await page.getByRole("button", { name: "Play (Space)" }).waitFor();
    });
  });

  test("the line under the stage is the packet, and what the step changed on it flashes", async () => {
    await onPage({}, async (page) => {
      await page.keyboard.press("g");
      await page.keyboard.press("n");
      expect(await page.locator("#wire .flash").allTextContents()).toEqual([
        expect.stringMatching(/^10\.244\.\d+\.\d+:53$/),
      ]);
      await page.keyboard.press("ArrowRight");
      expect(await page.locator("#wire .flash").count()).toBe(0);
    });
  });

  test("the ribbon shows the way of the packet, what is ahead of it, and leads to each place", async () => {
    await onPage({}, async (page) => {
      expect(await page.locator("#ribbon .ahead").count()).toBe(await page.locator("#ribbon li").count());
      await page.locator("#filter").fill('kind:nat where:node-a "destination is rewritten" 8080');
      await page.locator(".event-body .event").first().click();
      expect(await page.locator("#ribbon button").allTextContents()).toEqual([
        "client",
        "node-a",
        "switch",
        "node-b",
        "web-0",
      ]);
      expect(await page.locator("#ribbon .ahead button").allTextContents()).toEqual(["switch", "node-b", "web-0"]);
      await page.locator("#ribbon button").last().click();
      expect(await page.locator(".kicker").textContent()).toContain("shop/web-0");
      expect(await page.locator('#ribbon [aria-current="step"]').textContent()).toBe("web-0");
      expect(await page.locator("#ribbon .ahead").count()).toBe(0);
    });
  });

  test("breadcrumbs lead from the cluster to the namespace, and the stage follows the packet there", async () => {
    await onPage({}, async (page) => {
      const crumbs = page.locator(".crumbs button");
      expect(await crumbs.allTextContents()).toEqual(["cluster", "node-a", "netns client"]);
      await crumbs.nth(1).click();
      await expect.poll(() => page.locator(".crumbs [aria-current]").textContent()).toBe("node-a");
      await expect.poll(() => page.locator(".minimap.on").count()).toBe(1);
      expect(await axeFindings(page)).toEqual([]);
      await page.locator("h1").click();
      await page.keyboard.press("End");
      await page.locator("#ribbon button").last().click();
      await expect.poll(() => crumbs.last().textContent()).toMatch(/^netns /);
      await crumbs.first().click();
      await expect.poll(() => page.locator(".minimap.on").count()).toBe(0);
    });
  });

  test("100 nodes, 3,000 pods: dots in zones, few elements, a mini-map, a click on a dot, and frames that keep up", async () => {
    await onPage({}, async (page) => {
      await openLarge(page);
      const expanded = await page.locator("#stage .box-node").count();
      expect(expanded).toBeLessThan(8);
      const zones = await page.locator("#stage .zone").allTextContents();
      expect(zones.map((text) => text.slice(0, 2))).toEqual(["z0", "z1", "z2"]);
      const more = zones.map((text) => Number(/(\d+) more nodes/.exec(text)?.[1]));
      expect(more.reduce((sum, count) => sum + count, 0)).toBe(100 - expanded);
      expect(Number(await page.locator("#stage .dots").getAttribute("data-dots"))).toBeGreaterThanOrEqual(3000);
      const elements = await page.locator("#stage svg *").count();
      console.log(`SVG elements at 100 nodes, 3,000 pods: ${elements}`);
      expect(elements).toBeLessThan(mostElements);
      expect(await page.locator(".dot-legend li").allTextContents()).toEqual([
        "sends",
        "answers",
        "on the way",
        "not involved",
      ]);
      expect(await page.locator(".minimap.on").count()).toBe(1);
      expect(await axeFindings(page)).toEqual([]);

      // A dot of a node on the way: its tooltip and its click are those of a pod.
      const dot = await page.locator("#stage .box-node").first().locator("path").boundingBox();
      const scale = Number(
        /scale\(([\d.]+)\)/.exec((await page.locator("#stage .world").getAttribute("transform")) ?? "")?.[1],
      );
      await page.mouse.click((dot?.x ?? 0) + 33 * scale, (dot?.y ?? 0) + 31 * scale);
      expect(await page.locator("#stage").getAttribute("title")).toMatch(/ on n\d+: /);
      expect(await page.locator("#notice").textContent()).toMatch(/^From \S+: click the pod/);
      await page.keyboard.press("Escape");

      const { bytes } = await saved(page, () => page.keyboard.press("e"));
      expect(bytes.toString()).toMatch(/<image href="data:image\/png;base64,[^"]{1000}/);

      const metrics = await page.context().newCDPSession(page);
      await metrics.send("Performance.enable");
      const scriptMillis = async (): Promise<number> => {
        const { metrics: all } = await metrics.send("Performance.getMetrics");
        return (all.find(({ name }) => name === "ScriptDuration")?.value ?? 0) * 1000;
      };
      const [before, start] = [await scriptMillis(), await position(page)];
      await page.getByRole("combobox", { name: "Speed" }).selectOption("8");
      await page.locator("h1").click();
      await page.keyboard.press("Space");
      const frames = await page.evaluate(async () => {
        const times: number[] = [];
        for (let before = await frame(); times.length < 120;) {
          const now = await frame();
          times.push(now - before);
          before = now;
        }
        return times.toSorted((a, b) => a - b);
        function frame(): Promise<number> {
          return new Promise((resolve) => requestAnimationFrame(resolve));
        }
      });
      const [median = 0, late = 0] = [frames[60], frames[114]];
      console.log(
        `frames while playing at 100 nodes: median ${median.toFixed(1)} ms, 95th percentile ${late.toFixed(1)} ms`,
      );
      const steps = (await position(page)) - start;
      console.log(
        `script while playing: ${(((await scriptMillis()) - before) / frames.length).toFixed(2)} ms for each frame`,
      );
      await metrics.detach();
      expect(steps).toBeGreaterThan(1);
      expect(await page.locator("#stage svg *").count()).toBeLessThan(mostElements);
    });
  });

  test("a pod that no packet saw is found by name and looked at", async () => {
    await onPage({}, async (page) => {
      await openLarge(page);
      const before = await page.locator("#stage .world").getAttribute("transform");
      await page.keyboard.press("Control+k");
      await page.keyboard.type("web-77-7");
      expect(await page.getByRole("dialog").getByRole("option").first().textContent()).toContain("not in this trace");
      await page.keyboard.press("Enter");
      await expect.poll(() => page.locator("#stage .world").getAttribute("transform")).not.toBe(before);
    });
  });
});
