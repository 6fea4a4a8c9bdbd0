import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { servePage } from "../../src/cli/serve.ts";
import { buildPage } from "./build-page.ts";
import { launchBrowser, missingBrowser } from "./chromium.ts";

/** What all files that drive a browser share; absent without a browser. */
interface Shared {
  /** The folder that the page was built into, and below it the player. */
  readonly directory: string;
  /** Where the page is served. */
  readonly url: string;
  /** Where the browser is driven from. */
  readonly endpoint: string;
}

declare module "vitest" {
  interface ProvidedContext {
    readonly shared: Shared | undefined;
  }
}

/** Builds and serves the page and starts the browser, once for all files; returns what ends it. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  if (missingBrowser !== undefined) {
    console.warn(`browser tests skipped: ${missingBrowser}`);
    return () => Promise.resolve();
  }
  const directory = await mkdtemp(join(tmpdir(), "kubehop-page-"));
  await buildPage(directory);
  const served = await servePage({ directory, port: 0 });
  const browser = await launchBrowser();
  project.provide("shared", { directory, url: served.url, endpoint: browser.wsEndpoint() });
  return async () => {
    await browser.close();
    await served.close();
    await rm(directory, { recursive: true });
  };
}
