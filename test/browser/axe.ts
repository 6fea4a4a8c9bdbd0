import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";

const source = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

interface AxeOptions {
  /** The part of the page to look at, a CSS selector; all of it when absent. */
  readonly within?: string;
  /** Looks at colours alone: in another colour scheme nothing else differs. */
  readonly coloursAlone?: boolean;
}

interface AxeResult {
  readonly violations: readonly { readonly id: string; readonly nodes: readonly { readonly html: string }[] }[];
}

interface Axe {
  run(context: string | Document, options: object): Promise<AxeResult>;
}

/** What axe finds on the page as it is. Through evaluate, not as a script tag: the page's own policy stays as served. */
export async function axeFindings(
  page: Page,
  { within, coloursAlone = false }: AxeOptions = {},
): Promise<readonly string[]> {
  if (!(await page.evaluate(() => "axe" in globalThis))) await page.evaluate(source);
  const options = {
    resultTypes: ["violations"],
    ...(coloursAlone
      ? { runOnly: ["color-contrast", "link-in-text-block"] }
      : { rules: { "target-size": { enabled: true } } }),
  };
  const { violations } = await page.evaluate(
    ([selector, how]) => (globalThis as unknown as { readonly axe: Axe }).axe.run(selector ?? document, how),
    [within, options] as const,
  );
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" | ")}`);
}
