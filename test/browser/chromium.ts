import { existsSync } from "node:fs";
import { type BrowserServer, chromium } from "playwright-core";

const executablePath = process.env["KUBEHOP_CHROMIUM"] ?? "/usr/bin/chromium";

/** Why browser tests cannot run here; undefined when they can. With KUBEHOP_REQUIRE=all nothing is skipped. */
export const missingBrowser: string | undefined =
  existsSync(executablePath) || process.env["KUBEHOP_REQUIRE"] === "all"
    ? undefined
    : `no Chromium at ${executablePath}`;

/** Starts a Chromium that several processes can drive. */
export function launchBrowser(): Promise<BrowserServer> {
  const args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"];
  return chromium.launchServer({ executablePath, args: [...args, "--disable-component-update", "--disable-sync"] });
}
