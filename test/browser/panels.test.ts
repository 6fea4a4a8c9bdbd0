import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { axeFindings } from "./axe.ts";
import { answered, describeBrowser, onPage, saved } from "./page.ts";

const scenarios = resolve(import.meta.dirname, "../../scenarios");

function scenario(name: string): string {
  return readFileSync(join(scenarios, name), "utf8");
}

/** What is beside it is looked at elsewhere. */
const inspector = { within: "#inspector" } as const;

describeBrowser("the panels of the page", () => {
  test("three cards: a Service, a drop, and an empty page", async () => {
    await onPage({}, async (page) => {
      await answered(page, () => page.getByRole("button", { name: "Why is this dropped?" }).click());
      expect(await page.locator(".badge").textContent()).toBe("Rejected");
      expect(await page.locator(".sentence").textContent()).toContain("refused");
      await page.getByRole("button", { name: "Paste your YAML" }).click();
      expect(await page.locator("#notice").textContent()).toContain("Nothing to send yet");
      expect(await axeFindings(page)).toEqual([]);
      await answered(page, () => page.getByRole("button", { name: "Show me an example" }).click());
      expect(await page.locator(".badge").textContent()).toBe("Delivered");
      await answered(page, () => page.getByRole("button", { name: "curl a Service" }).click());
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
      expect(await page.locator(".headers li").allTextContents()).toEqual(["Ethernet14 B", "IPv420 B", "TCP40 B"]);
      expect(await page.locator(".fields .changed").count()).toBeGreaterThan(0);
      expect(await axeFindings(page, inspector)).toEqual([]);
      await page.keyboard.press("ArrowRight");
      expect(await page.locator(".rule-lines .missed .failed-term").first().textContent()).toContain(
        "but the packet has",
      );
      expect(await page.locator(".rule-lines .matched").count()).toBeGreaterThan(2);
      expect(await axeFindings(page, inspector)).toEqual([]);
      await page.keyboard.press("ArrowRight");
      expect(await page.locator("#tab-panel").textContent()).toMatch(/conntrack.*routes.*neighbours.*FDB/);
      expect(await axeFindings(page, inspector)).toEqual([]);
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

  test("assumptions are listed and lead to a step that needed them", async () => {
    await onPage({}, async (page) => {
      await page.getByRole("button", { name: /assumed$/ }).click();
      expect(await page.locator("#assumed-list li").count()).toBeGreaterThan(5);
      expect(await axeFindings(page)).toEqual([]);
      await page.locator("#assumed-list").getByRole("button", { name: "see where" }).first().click();
      expect(await page.locator("#tab-panel").textContent()).toContain("Assumed, because the input does not say");
      expect(await page.locator("#assumed-list").isVisible()).toBe(false);
    });
  });

  test("a setting is changed in its form: it stands in the text, is run, goes along in the link, and is undone", async () => {
    await onPage({}, async (page) => {
      const before = await page.locator("#yaml").inputValue();
      await page.getByRole("button", { name: /assumed$/ }).click();
      await page.getByRole("button", { name: "Change them" }).click();
      await answered(page, () => page.getByLabel("kube-proxy mode").selectOption("ipvs"));
      await page.locator(".changes", { hasText: "kube-proxy mode changed" }).waitFor();
      expect(await page.locator("#yaml").inputValue()).toBe(before.replace("seed: 1 }", "seed: 1, proxyMode: ipvs }"));
      expect(await axeFindings(page)).toEqual([]);
      await page.locator("#filter").fill("kind:ipvs");
      expect(await page.locator(".event-body .event").count()).toBeGreaterThan(0);
      await page.keyboard.press("Escape");
      await page.locator("h1").click();
      await page.keyboard.press("y");
      const link = await page.getByRole("dialog", { name: "Share" }).getByLabel("Link").inputValue();
      await page.keyboard.press("Escape");
      await answered(page, () => page.getByRole("button", { name: "Undo" }).click());
      await page.locator(".changes:empty").waitFor({ state: "attached" });
      expect(await page.locator("#yaml").inputValue()).toBe(before);
      await page.goto("about:blank");
      await page.goto(link);
      await page.locator(".badge").waitFor();
      expect(await page.locator("#yaml").inputValue()).toContain("proxyMode: ipvs");
    });
  });

  test("every kind of setting can be changed: a box, a number, a list, who listens, the seed", async () => {
    await onPage({}, async (page) => {
      await page.getByRole("tab", { name: "Scenario" }).click();
      const text = () => page.locator("#yaml").inputValue();
      await answered(page, () => page.getByLabel("bridge-nf-call-iptables").uncheck());
      await expect.poll(text).toContain("bridgeNfCallIptables: false");

      await answered(page, () => page.getByLabel("bridge-nf-call-iptables").check());
      await expect.poll(text).toContain("bridgeNfCallIptables: true");

      await page.getByLabel("Nodes", { exact: true }).fill("3");
      await page.keyboard.press("Enter");
      await expect.poll(text).toContain("nodes: 3");
      await page.locator("#stage .box-node").nth(2).waitFor({ state: "attached" });
      await page.getByLabel("Pod CIDR").fill("10.50.0.0/16");
      await answered(page, () => page.keyboard.press("Enter"));
      await expect.poll(text).toContain("podCidrs: [ 10.50.0.0/16 ]");

      await page.getByLabel("Seed of all chance").fill("7");
      await page.keyboard.press("Enter");
      await page.locator("#verdict", { hasText: "seed 7" }).waitFor();
      await page.getByLabel("Who listens").fill("shop/pod/web-0");
      await page.getByLabel("Ports", { exact: true }).fill("9999");
      await page.getByRole("button", { name: "Add", exact: true }).click();
      await page.locator(".badge", { hasText: "Rejected" }).waitFor();
      await page.getByRole("button", { name: "Say nothing of shop/pod/web-0" }).click();
      await page.locator(".badge", { hasText: "Delivered" }).waitFor();
      await page.getByLabel("Pod CIDR").fill("nonsense");
      await page.keyboard.press("Enter");
      await page.locator(".problems li").first().waitFor();
      expect(await page.locator("body.stale").count()).toBe(1);
    });
  });

  test("manifests alone get a scenario when a setting is changed", async () => {
    await onPage({}, async (page) => {
      const manifests = scenario("curl-service.yaml").replace(/^[^]*?\n---\n/, "");
      await answered(page, () => page.locator("#yaml").fill(manifests));
      await page.getByRole("tab", { name: "Scenario" }).click();
      await answered(page, () => page.getByLabel("NetworkPolicies").selectOption("none"));
      await expect.poll(() => page.locator("#yaml").textContent()).toContain("networkPolicy: none");

      expect(await page.locator("#yaml").textContent()).toContain("name: client");
      expect(await page.locator(".badge").textContent()).toBe("Delivered");
    });
  });

  test("the dump of a node is shown as its tools print it, and compared with one of a real node", async () => {
    await onPage({}, async (page) => {
      await page.getByRole("tab", { name: "Dumps" }).click();
      await page.locator(".dump", { hasText: "KUBE-SERVICES" }).waitFor();
      const text = (await page.locator(".dump").textContent()) ?? "";
      await page.getByLabel("The same of your own node").fill(text.replaceAll("[0:0]", "[3:180]"));
      expect(await page.locator(".differences").textContent()).toContain("The same");
      await page.getByLabel("The same of your own node").fill(`${text}-A FORWARD -j DOCKER-USER\n`);
      expect(await page.locator(".differences").textContent()).toBe("Only on your node: 1-A FORWARD -j DOCKER-USER");
      expect(await axeFindings(page)).toEqual([]);
      await page.getByLabel("Command", { exact: true }).last().selectOption("ip");
      await page.locator(".dump", { hasText: "10.244.1.0/24 via 172.18.0.3" }).waitFor();
    });
  });

  test("a rule is told term by term, and for a miss what it would have taken", async () => {
    await onPage({}, async (page) => {
      await page.keyboard.press("g");
      await page.locator("#filter").fill('kind:rule chain:KUBE-SERVICES "did not match"');
      await page.locator(".event-body .event").first().click();
      expect(await page.locator(".terms .failed").count()).toBeGreaterThan(0);
      expect(await page.locator(".would").first().textContent()).toMatch(
        /^It would have come to -j KUBE-SVC-\w+ if .* held\.$/,
      );
      await page.locator("#filter").fill('kind:rule chain:KUBE-SERVICES owner:shop/web "matched"');
      await page.locator(".event-body .event").first().click();
      expect(await page.locator(".terms .held").count()).toBeGreaterThan(2);
      expect(await page.locator(".terms .failed").count()).toBe(0);
      expect(await axeFindings(page, inspector)).toEqual([]);
    });
  });

  test("a field selected shows its bytes, and a byte its field", async () => {
    await onPage({}, async (page) => {
      await toRewrite(page);
      await page.getByRole("tab", { name: "Packet" }).click();
      await page.getByRole("button", { name: "to port" }).click();
      expect(await page.locator(".bytes .selected").allTextContents()).toEqual(["1f", "90"]);
      await page
        .locator(".bytes [data-field]")
        .nth(14 + 8)
        .click();
      expect(await page.locator(".fields .selected th").textContent()).toBe("time to live");
      expect(await page.locator(".bytes .selected").allTextContents()).toEqual(["3f"]);
      expect(await axeFindings(page, inspector)).toEqual([]);
    });
  });

  test("the state has what the namespace held before, what is new, and what was looked up", async () => {
    await onPage({}, async (page) => {
      await toRewrite(page);
      await page.getByRole("tab", { name: "State" }).click();
      const here = page.locator(".namespace-state[open]");
      expect(await here.locator("summary").first().textContent()).toContain("node-a");
      expect(await here.locator(".add").first().textContent()).toMatch(/^new tcp SYN_SENT/);
      expect(await here.locator(".used").first().textContent()).toBe("looked up 10.244.1.0/24 via 172.18.0.3 dev eth0");
      expect(await here.textContent()).toContain("default via 172.18.0.1 dev eth0");
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

  test.each([
    ["curl", /^curl http:\/\/10\.244\.1\.\d+:8080$/, "Delivered"],
    ["dig", /^dig 10-244-1-\d+\.shop\.pod\.cluster\.local$/, "Delivered"],
    ["ping", /^ping 10\.244\.1\.\d+$/, "Delivered"],
    ["tcp", /^tcp 10\.244\.1\.\d+:8080$/, "Delivered"],
    ["udp", /^udp 10\.244\.1\.\d+:8080$/, "Rejected"],
  ] as const)("a click on a pod and one on another send %s between them", async (tool, command, verdict) => {
    await onPage({}, async (page) => {
      await page.getByLabel("What to send").selectOption(tool);
      const pod = (name: string) => page.locator(".box-pod", { has: page.locator("title", { hasText: name }) });
      await pod("shop/client").click({ position: { x: 10, y: 12 } });
      expect(await page.locator("#notice").textContent()).toContain("From shop/client");
      await answered(page, () => pod("shop/web-0").click({ position: { x: 10, y: 12 } }));
      await expect.poll(() => page.locator(".verdict-run").textContent()).toMatch(command);
      expect(await page.locator("#verdict").textContent()).toContain("from shop/pod/client");
      expect(await page.locator(".badge").textContent()).toBe(verdict);
    });
  });

  test("the stage is saved as SVG and as PNG", async () => {
    await onPage({}, async (page) => {
      for (const name of ["SVG", "PNG"] as const) {
        await page.getByRole("button", { name: "Picture" }).click();
        const save = page.getByRole("button", { name: `Save the stage as ${name}` });
        const { bytes } = await saved(page, () => save.click());
        if (name === "SVG") expect(bytes.toString("utf8")).toMatch(/^<svg[^]*node-a/);
        else expect(bytes.subarray(1, 4).toString("latin1")).toBe("PNG");
      }
    });
  });
});

/** To the stop in which node-a gives the connection its pod. */
async function toRewrite(page: Page): Promise<void> {
  await page.locator("#filter").fill('kind:nat where:node-a "destination is rewritten" 8080');
  await page.locator(".event-body .event").first().click();
  await page.locator("#filter").fill("");
}
