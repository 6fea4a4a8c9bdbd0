import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { packFragment } from "../../src/viz/share.ts";
import { axeFindings, describePage, position, sentence, settled } from "./page.ts";

const scenarios = resolve(import.meta.dirname, "../../scenarios");

function scenario(name: string): string {
  return readFileSync(join(scenarios, name), "utf8");
}

describePage("the panels of the page", ({ onPage, url }) => {
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
      await page.locator("#yaml").fill(text);
      await settled(page);
      await page.locator("h1").click();
      await page.keyboard.press("ArrowRight");
      const here = [await position(page), await sentence(page)];
      await page.keyboard.press("y");
      const dialog = page.getByRole("dialog", { name: "Share" });
      const link = await dialog.getByLabel("Link").inputValue();
      expect(link.startsWith(`${url()}#s=`)).toBe(true);
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
      await page.locator("#yaml").fill(`${await page.locator("#yaml").inputValue()}${noise.join("\n")}\n`);
      await settled(page);
      await page.getByRole("button", { name: /^Share/ }).click();
      expect(await page.getByRole("dialog", { name: "Share" }).textContent()).toContain("8,000 characters");
    });
  });

  test("a damaged link says so and shows the example", async () => {
    await onPage({ fragment: "#s=AAAA" }, async (page) => {
      expect(await page.locator("#notice").textContent()).toContain("damaged");
    });
  });

  test("three cards: a Service, a drop, and an empty page", async () => {
    await onPage({}, async (page) => {
      await page.getByRole("button", { name: "Why is this dropped?" }).click();
      await settled(page);
      expect(await page.locator(".badge").textContent()).toBe("Rejected");
      expect(await page.locator(".sentence").textContent()).toContain("refused");
      await page.getByRole("button", { name: "Paste your YAML" }).click();
      expect(await page.locator("#notice").textContent()).toContain("Nothing to send yet");
      expect(await axeFindings(page)).toEqual([]);
      await page.getByRole("button", { name: "Show me an example" }).click();
      await settled(page);
      expect(await page.locator(".badge").textContent()).toBe("Delivered");
      await page.getByRole("button", { name: "curl a Service" }).click();
      await settled(page);
      expect(await page.locator("#notice").textContent()).toBe("");
    });
  });

  test("a problem dims the last trace, is counted on the stage and leads to its line", async () => {
    await onPage({}, async (page) => {
      await page.locator("#yaml").fill("name: x\nflows: [\n");
      await page.locator(".problems li").first().waitFor();
      expect(await page.locator("body.stale").count()).toBe(1);
      expect(await page.locator("#notice").textContent()).toContain("last trace that worked");
      await page.locator("#notice").getByRole("button", { name: "Show" }).click();
      await page.keyboard.press("Enter");
      expect(await axeFindings(page)).toEqual([]);
    });
  });

  test("the filter shows what fits, says how many, and turns red at what it does not know", async () => {
    await onPage({}, async (page) => {
      await page.keyboard.press("g");
      await page.keyboard.press("/");
      await page.keyboard.type("kind:nat where:node-a");
      expect(await page.locator("#filter-note").textContent()).toMatch(/^\d+ of \d+$/);
      const shown = await page.locator(".event-body .event").allTextContents();
      expect(shown.length).toBeGreaterThan(0);
      expect(shown.every((row) => row.includes("node-a"))).toBe(true);
      await page.keyboard.type(" colour:red");
      expect(await page.locator("#filter").getAttribute("aria-invalid")).toBe("true");
      expect(await page.locator("#filter-note").textContent()).toContain("no key colour");
      expect(await axeFindings(page)).toEqual([]);
      await page.keyboard.press("Escape");
      expect(await page.locator("#filter").inputValue()).toBe("");
    });
  });

  test("tabs: the packet with its headers, the rules with the failing terms, the state at that step", async () => {
    await onPage({}, async (page) => {
      await toRewrite(page);
      await page.getByRole("tab", { name: "Packet" }).click();
      expect(await page.locator(".headers li").allTextContents()).toEqual([
        "Ethernet14 B",
        "IPv420 B",
        "TCP40 B",
      ]);
      expect(await page.locator(".fields .changed").count()).toBeGreaterThan(0);
      expect(await axeFindings(page)).toEqual([]);
      await page.keyboard.press("ArrowRight");
      expect(await page.locator(".rule-lines .missed .failed-term").first().textContent()).toContain(
        "but the packet has",
      );
      expect(await page.locator(".rule-lines .matched").count()).toBeGreaterThan(2);
      expect(await axeFindings(page)).toEqual([]);
      await page.keyboard.press("ArrowRight");
      expect(await page.locator("#tab-panel").textContent()).toMatch(/conntrack.*routes.*neighbours.*FDB/);
      expect(await axeFindings(page)).toEqual([]);
    });
  });

  test("a rule of the Rules tab leads to its step", async () => {
    await onPage({}, async (page) => {
      await toRewrite(page);
      await page.getByRole("tab", { name: "Rules" }).click();
      await page.locator(".rule-lines .matched").nth(1).click();
      expect(await page.locator('.rule-lines .matched[aria-current="step"]').count()).toBe(1);
      expect(await page.locator(".kicker").textContent()).toContain("KUBE-SERVICES");
    });
  });

  test("playing stops at a breakpoint", async () => {
    await onPage({ reducedMotion: "reduce" }, async (page) => {
      await page.keyboard.press("ArrowRight");
      await page.keyboard.press("ArrowRight");
      const at = await position(page);
      await page.keyboard.press("b");
      expect(await page.locator(".broken").count()).toBe(1);
      await page.keyboard.press("Home");
      await page.getByRole("combobox", { name: "Speed" }).selectOption("8");
      await page.locator("h1").click();
      await page.keyboard.press("Space");
      await page.getByRole("button", { name: "Pause (Space)" }).waitFor();
      await page.getByRole("button", { name: "Play (Space)" }).waitFor();
      expect(await position(page)).toBe(at);
    });
  });

  test("keys zoom, pan, go in and out, and Escape shows everything", async () => {
    await onPage({}, async (page) => {
      const look = (): Promise<string | null> => page.locator("#stage g").first().getAttribute("transform");
      const whole = await look();
      const seen = [whole];
      for (const key of ["w", "s", "w", "a", "d", "d", "]", "]", "[", "f"]) {
        await page.keyboard.press(key);
        seen.push(await look());
      }
      expect(new Set(seen).size).toBeGreaterThan(5);
      await page.keyboard.press("Escape");
      expect(await look()).toBe(whole);
    });
  });

  test("r draws the random choices anew", async () => {
    await onPage({}, async (page) => {
      await page.keyboard.press("r");
      await settled(page);
      expect(await page.locator("#verdict").textContent()).toContain("seed 2");
    });
  });

  test("the editor marks the line of the step, and a line shows its steps", async () => {
    await onPage({}, async (page) => {
      await page.locator("#yaml").focus();
      await page.locator(".code-editor").waitFor();
      await page.locator("h1").click();
      await page.locator("#filter").fill("owner:service owner:shop/web");
      await page.locator(".event-body .event").first().click();
      await page.keyboard.press("g");
      await page.locator("#filter").fill('owner:"service shop/web"');
      await page.locator(".event-body .event").first().click();
      await page.locator(".cm-origin").waitFor();
      await page.locator(".cm-origin").click();
      await page.locator(".line-bar button").click();
      expect(await page.locator("#filter").inputValue()).toMatch(/^line:\d+$/);
      expect(await page.locator(".event-body .event").count()).toBeGreaterThan(0);
      expect(await axeFindings(page)).toEqual([]);
    });
  });

  test("the editor shows errors in place, with the code of the command line", async () => {
    await onPage({}, async (page) => {
      await page.locator("#yaml").focus();
      await page.locator(".code-editor").waitFor();
      await page.locator(".cm-line").first().click();
      await page.keyboard.press("Control+a");
      await page.keyboard.press("Delete");
      await page.keyboard.type("name: x\nflows: 7\n");
      await page.locator(".problems li").first().waitFor();
      await page.locator(".cm-lint-marker-error").first().waitFor();
      expect(await page.locator(".problems code").first().textContent()).toMatch(/^[A-Z_]+$/);
      expect(await axeFindings(page)).toEqual([]);
    });
  });

  test("the editor completes keys and kinds", async () => {
    await onPage({}, async (page) => {
      await page.locator("#yaml").focus();
      await page.locator(".code-editor").waitFor();
      await page.locator(".cm-line").first().click();
      await page.keyboard.press("Home");
      await page.keyboard.type("kind: NetworkP");
      await page.locator(".cm-tooltip-autocomplete li", { hasText: "NetworkPolicy" }).waitFor();
      // The list takes no key in its first moments, lest somebody who types fast accept it unseen.
      await page.waitForTimeout(200);
      await page.keyboard.press("Enter");
      await page.locator(".cm-line", { hasText: "kind: NetworkPolicy" }).waitFor();
    });
  });

  test("an edit of a small cluster is run again at once", async () => {
    await onPage({}, async (page) => {
      const times: number[] = [];
      await page.getByRole("button", { name: "Run", exact: true }).click();
      await settled(page);
      for (let round = 0; round < 5; round++) {
        times.push(
          await page.evaluate(async () => {
            const verdict = document.querySelector("#verdict") as HTMLElement;
            const changed = (busy: string): Promise<number> =>
              new Promise((resolve) => {
                const observer = new MutationObserver(() => {
                  if (verdict.getAttribute("aria-busy") !== busy) return;
                  observer.disconnect();
                  resolve(performance.now());
                });
                observer.observe(verdict, { attributes: true });
              });
            const done = changed("false");
            const start = performance.now();
            document.querySelector<HTMLButtonElement>("button[form=send]")?.click();
            return (await done) - start;
          }),
        );
      }
      const [, , median = 0] = times.toSorted((a, b) => a - b);
      console.log(`run and drawn again: median ${median.toFixed(0)} ms`);
      expect(median).toBeLessThan(1000);
    });
  });

  test("assumptions are listed and lead to a step that needed them", async () => {
    await onPage({}, async (page) => {
      await page.locator("#assumptions summary").click();
      expect(await page.locator("#assumptions li").count()).toBeGreaterThan(5);
      expect(await axeFindings(page)).toEqual([]);
    });
  });

  test("P presents: the stage, one sentence, and back", async () => {
    await onPage({}, async (page) => {
      await page.keyboard.press("P");
      expect(await page.locator("#caption").isVisible()).toBe(true);
      expect(await page.locator("#inputs").isVisible()).toBe(false);
      await page.keyboard.press("ArrowRight");
      expect(await page.locator("#caption").textContent()).not.toBe("");
      expect(await axeFindings(page)).toEqual([]);
      await page.keyboard.press("Escape");
      expect(await page.locator("#inputs").isVisible()).toBe(true);
    });
  });

  test("a click on a pod and one on another send between them, with what is picked", async () => {
    await onPage({}, async (page) => {
      await page.getByLabel("What to send").selectOption("ping");
      const pod = (name: string) => page.locator(".box-pod", { has: page.locator("title", { hasText: name }) });
      await pod("shop/web-0").click({ position: { x: 10, y: 12 } });
      expect(await page.locator("#notice").textContent()).toContain("From shop/web-0");
      await pod("shop/client").click({ position: { x: 10, y: 12 } });
      await settled(page);
      expect(await page.locator(".verdict-run").textContent()).toMatch(/^ping 10\.244\.0\.\d+$/);
      expect(await page.locator("#verdict").textContent()).toContain("from shop/pod/web-0");
      expect(await page.locator(".badge").textContent()).toBe("Delivered");
    });
  });

  test("the ribbon shows the way of the packet and leads to each place", async () => {
    await onPage({}, async (page) => {
      await toRewrite(page);
      expect(await page.locator("#ribbon li").allTextContents()).toEqual([
        "client",
        "node-a",
        "(switch)",
        "node-b",
        "web-0",
      ]);
      await page.locator("#ribbon button").last().click();
      expect(await page.locator(".kicker").textContent()).toContain("shop/web-0");
      expect(await page.locator('#ribbon [aria-current="step"]').textContent()).toBe("web-0");
    });
  });

  test("100 nodes and 3,000 pods: tiles but for the way, few elements, and frames that keep up", async () => {
    await onPage({}, async (page) => {
      await page.locator("#file").setInputFiles({
        name: "large.yaml",
        mimeType: "text/yaml",
        buffer: Buffer.from(largeCluster()),
      });
      await page.locator("#stage .tile").first().waitFor({ state: "attached", timeout: 60_000 });
      await page.locator('#verdict[aria-busy="false"]').waitFor({ timeout: 60_000 });
      const expanded = await page.locator("#stage .box-node").count();
      expect(await page.locator("#stage .tile").count()).toBe(100 - expanded);
      expect(expanded).toBeLessThan(8);
      expect(await page.locator("#stage svg *").count()).toBeLessThan(3000);
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
      console.log(`frames at 100 nodes: median ${median.toFixed(1)} ms, 95th percentile ${late.toFixed(1)} ms`);
      expect(median).toBeLessThan(50);
    });
  });

  test("the stage is saved as SVG and as PNG", async () => {
    await onPage({}, async (page) => {
      for (const name of ["SVG", "PNG"] as const) {
        await page.getByRole("button", { name: "Picture" }).click();
        const [download] = await Promise.all([
          page.waitForEvent("download"),
          page.getByRole("button", { name: `Save the stage as ${name}` }).click(),
        ]);
        const bytes = readFileSync(await download.path());
        if (name === "SVG") expect(bytes.toString("utf8")).toMatch(/^<svg[^]*node-a/);
        else expect(bytes.subarray(1, 4).toString("latin1")).toBe("PNG");
      }
    });
  });
});

/** 100 nodes with 30 pods each, in three zones; one Service. */
function largeCluster(): string {
  const documents = ["name: large\nflows:\n  - { name: one, from: shop/pod/web-3-1, run: curl http://web }"];
  for (let node = 0; node < 100; node++) {
    const address = `172.18.${Math.floor(node / 250)}.${(node % 250) + 2}`;
    documents.push(
      `apiVersion: v1\nkind: Node\nmetadata: { name: n${node}, labels: { topology.kubernetes.io/zone: z${node % 3} } }\nstatus: { addresses: [{ type: InternalIP, address: ${address} }] }`,
    );
    for (let pod = 0; pod < 30; pod++) {
      const labels = pod === 0 && node < 5 ? "{ app: web }" : "{ app: other }";
      documents.push(
        `apiVersion: v1\nkind: Pod\nmetadata: { name: web-${node}-${pod}, namespace: shop, labels: ${labels} }\nspec: { nodeName: n${node}, containers: [{ name: main, image: "a:1", ports: [{ containerPort: 80 }] }] }`,
      );
    }
  }
  documents.push(
    "apiVersion: v1\nkind: Service\nmetadata: { name: web, namespace: shop }\nspec: { selector: { app: web }, ports: [{ port: 80 }] }",
  );
  return `${documents.join("\n---\n")}\n`;
}

/** To the stop in which node-a gives the connection its pod. */
async function toRewrite(page: Page): Promise<void> {
  await page.locator("#filter").fill('kind:nat where:node-a "destination is rewritten" 8080');
  await page.locator(".event-body .event").first().click();
  await page.locator("#filter").fill("");
}
