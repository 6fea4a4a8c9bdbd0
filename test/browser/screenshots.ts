import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type Page, chromium } from "playwright-core";
import { servePage } from "../../src/cli/serve.ts";
import { buildPage } from "./build-page.ts";
import { launchBrowser } from "./chromium.ts";
import { largeCluster } from "./large-cluster.ts";

/*
 * Takes the pictures of docs/images again: npx tsx test/browser/screenshots.ts [FOLDER]
 * Each is one state of the page; look at them before you commit them.
 */

interface Shot {
  readonly file: string;
  readonly width?: number;
  readonly height?: number;
  readonly colorScheme?: "light" | "dark";
  readonly forcedColors?: "active";
  /** The sample to open; the first one where absent. */
  readonly sample?: string;
  /** Brings the page into the state to be seen. */
  readonly act: (page: Page) => Promise<void>;
}

/** Goes to the step at which kube-proxy's rule gives the connection its pod. */
async function toRewrite(page: Page): Promise<void> {
  await page.locator("#filter").fill('kind:nat where:node-a "destination is rewritten" 8080');
  await page.locator(".event-body .event").first().click();
  await page.keyboard.press("Escape");
  await page.locator("h1").click();
}

async function toRewriteStep(page: Page): Promise<void> {
  await page.keyboard.press("g");
  await toRewrite(page);
}

async function openLarge(page: Page): Promise<void> {
  await page.locator("#file").setInputFiles({
    name: "large.yaml",
    mimeType: "text/yaml",
    buffer: Buffer.from(largeCluster()),
  });
  await page.locator("#stage .zone").first().waitFor({ state: "attached", timeout: 60_000 });
  await page.locator('#verdict[aria-busy="false"]').waitFor({ timeout: 60_000 });
  await page.locator("h1").click();
  for (let stops = 0; stops < 9; stops++) await page.keyboard.press("ArrowRight");
}

const shots: readonly Shot[] = [
  { file: "view-first.png", act: async () => undefined },
  {
    file: "view.png",
    act: async (page) => {
      await toRewrite(page);
      await page.getByRole("tab", { name: "Rules" }).click();
    },
  },
  { file: "view-step.png", act: toRewriteStep },
  { file: "view-dark.png", colorScheme: "dark", act: toRewrite },
  { file: "view-dropped.png", sample: "default-deny-cuts-dns.yaml", act: async () => undefined },
  { file: "view-100-nodes.png", act: openLarge },
  {
    file: "view-palette.png",
    act: async (page) => {
      await page.keyboard.press("Control+k");
      await page.keyboard.type("web");
    },
  },
  {
    file: "view-phone.png",
    width: 360,
    height: 780,
    act: async (page) => {
      for (let stops = 0; stops < 3; stops++) await page.keyboard.press("ArrowRight");
    },
  },
  { file: "view-forced-colors.png", forcedColors: "active", act: toRewrite },
  {
    file: "view-presenting.png",
    act: async (page) => {
      await toRewrite(page);
      await page.keyboard.press("P");
    },
  },
];

const folder = resolve(process.argv[2] ?? join(import.meta.dirname, "../../docs/images"));
const directory = await mkdtemp(join(tmpdir(), "kubehop-page-"));
await buildPage(directory);
const served = await servePage({ directory, port: 0 });
const server = await launchBrowser();
const browser = await chromium.connect(server.wsEndpoint());
try {
  for (const { file, width = 1440, height = 900, colorScheme = "light", forcedColors = "none", sample, act } of shots) {
    const page = await browser.newPage({ viewport: { width, height }, colorScheme, forcedColors });
    await page.goto(served.url);
    await page.locator("#stage .element").first().waitFor({ state: "attached" });
    if (sample !== undefined) {
      await page.locator("#sample").selectOption(sample);
      await page.waitForTimeout(500);
      await page.locator('#verdict[aria-busy="false"]').waitFor();
    }
    await act(page);
    await page.evaluate(() => scrollTo(0, 0));
    await page.mouse.move(0, 0);
    await page.waitForTimeout(900);
    await page.screenshot({ path: join(folder, file) });
    await page.close();
    process.stdout.write(`${file}\n`);
  }
} finally {
  await server.close();
  await served.close();
  await rm(directory, { recursive: true });
}
