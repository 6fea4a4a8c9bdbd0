import { isMap, isSeq, parseAllDocuments } from "yaml";

export interface SharedFile {
  readonly name: string;
  readonly text: string;
}

/** What a shared link carries: files by name, the first one opened. */
export interface SharedFiles {
  readonly files: readonly SharedFile[];
}

/** Above this many characters a link is cut by some programs. */
export const longLink = 8_000;
/** Above this many it is of no use: a file is. */
export const longestLink = 30_000;

/**
 * The URL fragment that holds files: `#s=` and deflate-raw in base64url. A fragment is never sent to a server.
 * Secrets, environment variables and annotations of others are taken out before packing.
 */
export async function packFragment(shared: SharedFiles): Promise<string> {
  const clean = { files: shared.files.map(({ name, text }) => ({ name, text: withoutSecrets(text) })) };
  const packed = await through(new CompressionStream("deflate-raw"), new TextEncoder().encode(JSON.stringify(clean)));
  return `#s=${toBase64Url(packed)}`;
}

/** The files of a fragment; undefined when it holds none or is damaged. */
export async function unpackFragment(fragment: string): Promise<SharedFiles | undefined> {
  const packed = /[#&]s=([\w-]+)/.exec(fragment)?.[1];
  if (packed === undefined) return undefined;
  try {
    const bytes = await through(new DecompressionStream("deflate-raw"), fromBase64Url(packed));
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return isSharedFiles(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isSharedFiles(value: unknown): value is SharedFiles {
  if (typeof value !== "object" || value === null || !("files" in value) || !Array.isArray(value.files)) return false;
  return value.files.every((file: unknown) => {
    if (typeof file !== "object" || file === null || !("name" in file) || !("text" in file)) return false;
    return typeof file.name === "string" && typeof file.text === "string";
  });
}

/** The text without Secrets, container environments and annotations that have no part in the network. */
export function withoutSecrets(text: string): string {
  const documents = parseAllDocuments(text);
  if (!Array.isArray(documents) || documents.some((document) => document.errors.length > 0)) return "";
  let changed = false;
  const kept = documents.filter(({ contents }) => {
    const secret = isSecret(contents);
    changed ||= secret;
    return !secret;
  });
  for (const document of kept) if (strip(document.contents)) changed = true;
  const texts = kept.map((document) => document.toString().replace(/^---\n/, ""));
  return changed ? texts.join("---\n") : text;
}

/** A Secret, or a list of them. */
function isSecret(node: unknown): boolean {
  return isMap(node) && /^Secret(?:List)?$/.test(String(node.get("kind")));
}

/** Takes private members out of a YAML tree; true when there were some. */
function strip(node: unknown): boolean {
  if (isSeq(node)) {
    const before = node.items.length;
    node.items = node.items.filter((item) => !isSecret(item));
    return node.items.map(strip).includes(true) || node.items.length < before;
  }
  if (!isMap(node)) return false;
  const before = node.items.length;
  node.items = node.items.filter(({ key }) => String(key) !== "env" && String(key) !== "envFrom");
  let changed = node.items.length < before;
  for (const { key, value } of node.items) {
    if (String(key) === "annotations" && stripAnnotations(value)) changed = true;
    if (strip(value)) changed = true;
  }
  return changed;
}

/** Annotations that decide where packets go: kubehop's own, and those that the components read. */
const kept =
  /^(?:kubehop\.dev\/.*|service\.kubernetes\.io\/topology-(?:mode|aware-hints)|service\.beta\.kubernetes\.io\/load-balancer-source-ranges)$/;

function stripAnnotations(node: unknown): boolean {
  if (!isMap(node)) return false;
  const before = node.items.length;
  node.items = node.items.filter(({ key }) => kept.test(String(key)));
  return node.items.length < before;
}

async function through(transform: CompressionStream | DecompressionStream, bytes: Uint8Array): Promise<Uint8Array> {
  const stream = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream().pipeThrough(transform);
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function toBase64Url(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function fromBase64Url(text: string): Uint8Array {
  return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (char) => char.charCodeAt(0));
}
