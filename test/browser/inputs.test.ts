import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { axeFindings } from "./axe.ts";
import { answered, describeBrowser, onPage, saved } from "./page.ts";

const scenarios = resolve(import.meta.dirname, "../../scenarios");
const curl = readFileSync(join(scenarios, "curl-service.yaml"), "utf8");

/** Gives the page a file, as somebody does with the button. */
function openFile(page: Page, name: string, text: string): Promise<void> {
  return page.locator("#file").setInputFiles({ name, mimeType: "text/plain", buffer: Buffer.from(text) });
}

/** A List as kubectl prints it, with so many pods. */
function dump(pods: number): string {
  const nodes = Array.from({ length: 60 }, (_, index) => ({
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: `n${index}` },
    spec: { podCIDR: `10.${Math.floor(index / 16) + 1}.${(index % 16) * 16}.0/20` },
  }));
  const items = Array.from({ length: pods }, (_, index) => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: `web-${index}`, namespace: "shop", labels: { app: index < 3 ? "web" : "other" } },
    spec: { nodeName: `n${index % 60}`, containers: [{ name: "main", image: "a:1", ports: [{ containerPort: 80 }] }] },
  }));
  const service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web", namespace: "shop" },
    spec: { selector: { app: "web" }, ports: [{ port: 80 }] },
  };
  return JSON.stringify({ apiVersion: "v1", kind: "List", items: [...nodes, ...items, service] });
}

describeBrowser("what goes into the page", () => {
  test("a file dropped anywhere is read, and the page says that it may be dropped", async () => {
    await onPage({}, async (page) => {
      const drag = (type: string, text: string) =>
        page.evaluate(
          ([name, content]) => {
            const dataTransfer = new DataTransfer();
            dataTransfer.items.add(new File([content ?? ""], "dropped.yaml", { type: "text/yaml" }));
            const stage = document.querySelector("#stage");
            stage?.dispatchEvent(new DragEvent(name ?? "", { dataTransfer, bubbles: true, cancelable: true }));
          },
          [type, text] as const,
        );
      await drag("dragover", "");
      expect(await page.locator("body.dropping").count()).toBe(1);
      await drag("drop", curl.replace("run: curl http://web", "run: dig web"));
      await page.locator(".verdict-run", { hasText: "dig web" }).waitFor();
      expect(await page.locator("body.dropping").count()).toBe(0);
      expect(await page.locator("#yaml").inputValue()).toContain("run: dig web");
    });
  });

  test(
    "a large dump tells how many objects are read, can be given up, and is drawn where packets go alone",
    { timeout: 120_000 },
    async () => {
      await onPage({}, async (page) => {
        const text = dump(10_500);
        // Clicked as soon as it is there: a busy test may come too late. One button, whatever the words beside it.
        await page.evaluate(() => {
          const notice = document.querySelector("#notice") as HTMLElement;
          const seen = new Set<Element>();
          new MutationObserver(() => {
            const button = notice.querySelector("button");
            if (!/^(Reading: [\d,]+ objects|Sending the packets)….*Cancel$/.test(notice.textContent ?? "")) return;
            const first = seen.size === 0;
            notice.dataset["buttons"] = String(seen.add(button as Element).size);
            if (first) button?.click();
          }).observe(notice, { childList: true, subtree: true });
        });
        await openFile(page, "dump.json", text);
        await page.locator("#notice[data-buttons]").waitFor({ state: "attached", timeout: 60_000 });
        await page.locator('#verdict[aria-busy="false"]').waitFor();
        expect(await page.locator(".verdict-run").textContent()).toBe("curl http://web");
        await page.getByRole("button", { name: "Run", exact: true }).click();
        await page
          .locator("#notice", { hasText: "of its 10,502 pods only those on the way are drawn" })
          .waitFor({ timeout: 90_000 });
        expect(await page.locator("#notice").getAttribute("data-buttons")).toBe("1");
        expect(await page.locator("#stage svg *").count()).toBeLessThan(3000);
        expect(await page.locator(".badge").textContent()).toBe("Delivered");
        expect(await axeFindings(page)).toEqual([]);
        await answered(page, () => page.getByRole("button", { name: "curl a Service" }).click());
        expect(await page.locator("#notice").textContent()).toBe("");
      });
    },
  );

  test("a text too long for a link becomes a file, without what is private", async () => {
    await onPage({}, async (page) => {
      const noise = Array.from({ length: 2600 }, (_, index) => `# ${Math.sin(index)} ${Math.cos(index * 7)}`).join(
        "\n",
      );
      const secret =
        "apiVersion: v1\nkind: Secret\nmetadata: { name: s, namespace: shop }\nstringData: { a: hunter2 }\n";
      await answered(page, () => openFile(page, "long.yaml", `${curl}${noise}\n---\n${secret}`));
      await page.locator("h1").click();
      await page.keyboard.press("y");
      const dialog = page.getByRole("dialog", { name: "Share" });
      expect(await dialog.textContent()).toContain("Too much for a link");
      expect(await dialog.getByLabel("Link").count()).toBe(0);
      expect(page.url()).not.toContain("#s=");
      expect(await axeFindings(page)).toEqual([]);
      const { name, bytes } = await saved(page, () => dialog.getByRole("button", { name: "Save long.yaml" }).click());
      expect(name).toBe("long.yaml");
      expect(bytes.toString()).toContain("kind: Service");
      expect(bytes.toString()).not.toContain("hunter2");
    });
  });

  test("a text too long for the editor is run beside it, and says so", async () => {
    await onPage({}, async (page) => {
      await answered(page, () =>
        openFile(page, "long.yaml", `${curl}# ${"x".repeat(80)}\n${`# ${"y".repeat(98)}\n`.repeat(31_000)}`),
      );
      expect(await page.locator(".line-bar").textContent()).toMatch(/^long\.yaml is read, and with 3\.\d MB too long/);
      await page.locator(".badge", { hasText: "Delivered" }).waitFor();
    });
  });

  test("no way: the last device that was reached, and what was looked up there", async () => {
    await onPage({}, async (page) => {
      await answered(page, () => page.locator("#sample").selectOption("missing-route.yaml"));
      const panel = page.locator("#tab-panel");
      await expect.poll(() => panel.textContent()).toContain("How far it came");
      expect(await panel.textContent()).toMatch(/The last device that it reached is \S+ of \S+\./);
      await panel.locator(".sentence-link").click();
      expect(await page.locator(".kicker").textContent()).toMatch(/route|rule|chain|nat|filter|neighbour|bridge/);
    });
  });

  test("what is not modelled is unknown, and the verdict says how far it can be trusted", async () => {
    await onPage({}, async (page) => {
      await page.locator("#command").fill("curl https://web:80");
      await page.keyboard.press("Enter");
      await page.locator(".badge", { hasText: "Unknown" }).waitFor();
      expect(await page.locator(".fidelity").textContent()).toBe("not all is modelled");
      await page.getByRole("tab", { name: "Scenario" }).click();
      await page.getByLabel("Kubernetes", { exact: true }).selectOption("1.33");
      await page.locator("#yaml").waitFor({ state: "attached" });
      await page.locator("#command").fill("curl http://web");
      await page.keyboard.press("Enter");
      await page.locator(".fidelity", { hasText: "not refereed" }).waitFor();
      expect(await axeFindings(page)).toEqual([]);
    });
  });

  test("an edit with a mistake keeps the last trace, dimmed, with its problem and its place; mended, all is as before", async () => {
    await onPage({}, async (page) => {
      const text = await page.locator("#yaml").inputValue();
      await page.locator("#yaml").fill(text.replace("kind: Service", "kind: Service\n  : ["));
      await page.locator(".problems li").first().waitFor();
      expect(await page.locator("body.stale").count()).toBe(1);
      expect(await page.locator("#stage .element").count()).toBeGreaterThan(5);
      expect(await page.locator(".problems li").first().textContent()).toMatch(
        /^curl-service\.yaml:\d+:\d+ .*[A-Z_]+$/,
      );
      await page.getByRole("tab", { name: "Dumps" }).click();
      await page.locator(".problems .link").first().click();
      expect(await page.getByRole("tab", { name: "Manifests" }).getAttribute("aria-selected")).toBe("true");
      await page.locator("h1").click();
      await answered(page, () => page.getByRole("button", { name: "curl a Service" }).click());
      expect(await page.locator("body.stale").count()).toBe(0);
    });
  });

  test("what may be meant otherwise is said with the code of the command line, in the list and at its line", async () => {
    await onPage({}, async (page) => {
      const ingress =
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: { name: i, namespace: shop }\nspec: {}\n";
      await page
        .locator("#yaml")
        .fill(`${curl.replace("selector: { app: web }", "selector: { app: wen }")}---\n${ingress}`);
      await page.locator(".warnings summary", { hasText: "2 remarks on the input" }).click();
      expect(await page.locator("body.stale").count()).toBe(0);
      expect(await page.locator(".warnings").textContent()).toMatch(/SELECTOR_MATCHES_NOTHING.*1 Ingress/);
      await page.locator(".warnings .link").click();
      await page.locator(".cm-lint-marker-warning").waitFor();
      expect(await axeFindings(page)).toEqual([]);
    });
  });

  test("names of markup stay text in the forms, the lists and the inspector", async () => {
    await onPage({}, async (page) => {
      const hostile = '"<img src=x onerror=alert(1)>"';
      const text = curl
        .replace("name: by name", `name: ${hostile}`)
        .replace(
          "cluster: { nodes: 2, seed: 1 }",
          `cluster: { nodes: 2, seed: 1 }\nlistens: { 'shop/pod/<img src=x onerror=alert(2)>': [80] }`,
        );
      await openFile(page, "<img src=x onerror=alert(3)>.yaml", text);
      await page.locator(".problems li").first().waitFor();
      expect(await page.locator(".problems").textContent()).toContain("<img src=x onerror=alert(2)>");
      for (const tab of ["Scenario", "Dumps", "Manifests"]) await page.getByRole("tab", { name: tab }).click();
      expect(await page.locator("img, main script").count()).toBe(0);
    });
  });

  for (const colorScheme of ["light", "dark"] as const) {
    test(`axe finds nothing in any panel, ${colorScheme}`, async () => {
      const coloursAlone = colorScheme === "dark";
      await onPage({ colorScheme, reducedMotion: "reduce" }, async (page) => {
        for (const [side, shown] of [
          ["Scenario", ".scenario select"],
          ["Dumps", ".dump:not(:empty)"],
        ] as const) {
          await page.getByRole("tab", { name: side }).click();
          await page.locator(shown).first().waitFor();
          expect(await axeFindings(page, { coloursAlone }), side).toEqual([]);
        }
        await page.keyboard.press("g");
        for (const filter of [
          'kind:nat "destination is rewritten"',
          "kind:rule owner:shop/web",
          'kind:rule "did not match"',
        ]) {
          await page.locator("#filter").fill(filter);
          await page.locator(".event-body .event").first().click();
          for (const tab of ["Why", "Packet", "Rules", "State"]) {
            await page.getByRole("tab", { name: tab }).click();
            const field = page.locator(".fields button").first();
            if (await field.isVisible()) await field.click();
            // What is beside the inspector stays as it was.
            const within = tab === "Why" ? {} : { within: "#inspector" };
            expect(await axeFindings(page, { coloursAlone, ...within }), `${filter} ${tab}`).toEqual([]);
          }
        }
        await page.getByRole("button", { name: /^Share/ }).click();
        expect(await axeFindings(page, { coloursAlone })).toEqual([]);
      });
    });
  }
});
