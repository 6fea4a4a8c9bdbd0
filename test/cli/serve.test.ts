import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ServedPage, servePage } from "../../src/cli/serve.ts";

const folder = mkdtempSync(join(tmpdir(), "kubehop-serve-"));
const directory = join(folder, "page");
let served: ServedPage;

beforeAll(async () => {
  mkdirSync(join(directory, "assets"), { recursive: true });
  writeFileSync(join(directory, "index.html"), "<!doctype html>");
  writeFileSync(join(directory, "assets/main.js"), "export {};");
  writeFileSync(join(folder, "secret.txt"), "secret");
  symlinkSync(join(folder, "secret.txt"), join(directory, "link.txt"));
  served = await servePage({ directory, port: 0 });
});

afterAll(async () => {
  await served.close();
  rmSync(folder, { recursive: true });
});

/** A request whose path goes out as it is written: fetch would tidy it up. */
function get(
  path: string,
  options: { readonly method?: string; readonly host?: string } = {},
): Promise<{
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}> {
  const { port } = new URL(served.url);
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        host: "127.0.0.1",
        port,
        path,
        method: options.method ?? "GET",
        ...(options.host && { headers: { host: options.host } }),
      },
      (response) => {
        let body = "";
        response.on("data", (chunk: Buffer) => (body += chunk.toString()));
        response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
      },
    );
    sent.on("error", reject);
    sent.end();
  });
}

test("it listens on loopback and serves the page and its files by their types", async () => {
  expect(served.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
  expect(await get("/")).toMatchObject({
    status: 200,
    body: "<!doctype html>",
    headers: { "content-type": "text/html; charset=utf-8" },
  });
  expect(await get("/assets/main.js?v=1")).toMatchObject({
    status: 200,
    headers: { "content-type": "text/javascript; charset=utf-8" },
  });
});

test("every answer carries a policy that allows the page's own files only", async () => {
  for (const path of ["/", "/nothing"]) {
    const policy = String((await get(path)).headers["content-security-policy"]);
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toMatch(/unsafe|\*|https?:/);
  }
});

test.for([
  "/../secret.txt",
  "/%2e%2e/secret.txt",
  "/assets/..%2f..%2fsecret.txt",
  "/link.txt",
  "/assets",
  "/%00",
  "/%zz",
  "//etc/passwd",
])("%s leads nowhere", async (path) => {
  const answer = await get(path);
  expect(answer.status).toBe(404);
  expect(answer.body).not.toContain("secret\n");
});

test("other methods and other names for this machine are refused", async () => {
  expect((await get("/", { method: "POST" })).status).toBe(405);
  expect((await get("/", { host: "attacker.example" })).status).toBe(403);
});

test("a taken port is passed over", async () => {
  const port = Number(new URL(served.url).port);
  const second = await servePage({ directory, port });
  expect(Number(new URL(second.url).port)).toBeGreaterThan(port);
  await second.close();
});

test("a folder that is not there is an error at once", async () => {
  await expect(servePage({ directory: join(folder, "missing") })).rejects.toThrow(/ENOENT/);
});
