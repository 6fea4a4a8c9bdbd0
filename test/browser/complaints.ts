import type { Page } from "playwright-core";

/** Fills up with what goes wrong on a page. Only requests to addresses that start with `allowed` are allowed. */
export class Complaints {
  readonly all: string[] = [];
  /** What the page in sight asked for: what the one before it left unanswered is no fault of this one. */
  #asked = new WeakSet<object>();

  constructor(page: Page, allowed: string) {
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") this.all.push(message.text());
    });
    page.on("pageerror", (error) => this.all.push(error.message));
    page.on("request", (request) => {
      this.#asked.add(request);
      const url = request.url();
      if (!url.startsWith(allowed) && !url.startsWith("blob:")) this.all.push(`request to ${url}`);
    });
    page.on("requestfailed", (request) => {
      if (this.#asked.has(request)) this.all.push(`failed: ${request.url()}`);
    });
    page.on("response", (response) => {
      if (response.status() >= 400) this.all.push(`${response.status()}: ${response.url()}`);
    });
  }

  /** Forgets what was wrong with the page before. */
  clear(): void {
    this.all.length = 0;
    this.#asked = new WeakSet();
  }
}
