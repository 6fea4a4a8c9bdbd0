import { createReadStream } from "node:fs";
import { realpath, stat } from "node:fs/promises";
import { type IncomingMessage, type Server, type ServerResponse, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, sep } from "node:path";

export interface ServeOptions {
  /** The folder of the built page. */
  readonly directory: string;
  /** The first port to try, 4173 when absent; 0 lets the system choose. */
  readonly port?: number;
}

export interface ServedPage {
  readonly url: string;
  close(): Promise<void>;
}

const host = "127.0.0.1";
const portsTried = 50;

/** Nothing but the page's own files is ever loaded, and nothing leaves the machine. */
const headers: Readonly<Record<string, string>> = {
  "Content-Security-Policy":
    "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; img-src 'self' blob:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Cache-Control": "no-cache",
};

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".yaml": "text/yaml; charset=utf-8",
  ".map": "application/json",
};

/**
 * Serves a folder of static files on loopback, on the first free port from `port` on. Throws when the folder is not
 * there or no port is free.
 */
export async function servePage({ directory, port = 4173 }: ServeOptions): Promise<ServedPage> {
  const root = await realpath(directory);
  const server = createServer((request, response) => {
    answer(root, request, response).catch(() => fail(response, 500, "internal error"));
  });
  const bound = await listen(server, port);
  return {
    url: `http://${host}:${bound}/`,
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()));
        server.closeAllConnections();
      }),
  };
}

async function answer(root: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method !== "GET" && request.method !== "HEAD") return fail(response, 405, "only GET and HEAD");
  if (!isLoopbackName(request.headers.host)) return fail(response, 403, "only for this machine");
  const file = await fileOf(root, request.url ?? "/");
  if (file === undefined) return fail(response, 404, "no such file");
  response.writeHead(200, { ...headers, "Content-Type": types[extname(file)] ?? "application/octet-stream" });
  if (request.method === "HEAD") response.end();
  else createReadStream(file).pipe(response);
}

/** A name that leads here from elsewhere (DNS rebinding) must not be served. */
function isLoopbackName(name: string | undefined): boolean {
  return /^(127\.0\.0\.1|localhost)(:\d+)?$/.test(name ?? "");
}

/** The file that an address names; undefined when there is none inside the folder, links resolved. */
async function fileOf(root: string, url: string): Promise<string | undefined> {
  try {
    const path = decodeURIComponent((url.split("?", 1)[0] as string).replace(/\/$/, "/index.html"));
    const file = await realpath(join(root, path));
    return file.startsWith(root + sep) && (await stat(file)).isFile() ? file : undefined;
  } catch {
    return undefined;
  }
}

function fail(response: ServerResponse, status: number, message: string): void {
  if (!response.headersSent) response.writeHead(status, { ...headers, "Content-Type": "text/plain; charset=utf-8" });
  response.end(`${message}\n`);
}

async function listen(server: Server, first: number): Promise<number> {
  for (let port = first; ; port++) {
    try {
      return await bind(server, port);
    } catch (error) {
      const taken = (error as NodeJS.ErrnoException).code === "EADDRINUSE";
      if (!taken || port >= first + portsTried) throw error;
    }
  }
}

function bind(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}
