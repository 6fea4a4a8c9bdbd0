import { findJsonFault } from "./json-fault.ts";

/** Where a JSON text breaks off or goes wrong. */
export class JsonError extends Error {
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}

/** An object of the input with its place in the text. */
export interface JsonItem {
  readonly value: unknown;
  readonly start: number;
  readonly end: number;
}

/**
 * The objects of a JSON text: several values may follow each other, and the `items` of a List are given one by one,
 * so that a dump of a whole cluster is never in memory twice and every object knows its place at no cost.
 * @throws JsonError where the text is not JSON.
 */
export function* readJsonObjects(text: string): Generator<JsonItem> {
  let at = skipSpace(text, text.charCodeAt(0) === 0xfeff ? 1 : 0);
  while (at < text.length) {
    if (isList(text, at)) at = skipSpace(text, yield* readList(text, at));
    else {
      const end = endOfValue(text, at);
      if (end === at) throw new JsonError(`unexpected \`${text[at]}\``, at);
      yield parseItem(text, at, end);
      at = skipSpace(text, end);
    }
  }
}

/** Whether an object has a member `items` that is a list: only `v1.List` and its typed forms do. */
function isList(text: string, start: number): boolean {
  if (text[start] !== "{") return false;
  for (const member of membersOf(text, start)) if (member.key === "items") return text[member.valueStart] === "[";
  return false;
}

/** Gives the items and returns where the list object ends. One pass: `items` may be hundreds of megabytes. */
function* readList(text: string, start: number): Generator<JsonItem, number> {
  let at = skipSpace(text, start + 1);
  while (at < text.length && text[at] !== "}") {
    const member = memberAt(text, at);
    let end: number;
    if (member.key === "items") {
      end = member.valueStart + 1;
      for (const item of elementsOf(text, member.valueStart)) {
        yield parseItem(text, item.start, item.end);
        end = item.end;
      }
      end = skipSpace(text, end);
      if (text[end] !== "]") throw new JsonError("expected `,` or `]` after an item", end);
      end++;
    } else end = parseItem(text, member.valueStart, endOfValue(text, member.valueStart)).end;
    at = nextElement(text, end, "}");
  }
  if (at >= text.length) throw new JsonError("the text ends inside an object", text.length);
  return at + 1;
}

function parseItem(text: string, start: number, end: number): JsonItem {
  try {
    return { value: JSON.parse(text.slice(start, end)) as unknown, start, end };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const offset = findJsonFault(text, start, end);
    const found = text.slice(offset, offset + 12).split(/\s/, 1)[0] ?? "";
    throw new JsonError(found === "" ? "the text ends too early" : `unexpected \`${found}\``, offset);
  }
}

/** The offset of the value at a path inside the value at `start`; of its key where `wanted` is "key"; undefined when there is none. */
export function findInJson(
  text: string,
  start: number,
  path: readonly (string | number)[],
  wanted: "key" | "value",
): number | undefined {
  let at: number | undefined = start;
  for (const [depth, step] of path.entries()) {
    at = childOf(text, at, step, wanted === "key" && depth === path.length - 1);
    if (at === undefined) return undefined;
  }
  return at;
}

function childOf(text: string, start: number, step: string | number, keyOffset: boolean): number | undefined {
  if (typeof step === "number") {
    if (text[start] !== "[") return undefined;
    let index = 0;
    for (const element of elementsOf(text, start)) if (index++ === step) return element.start;
    return undefined;
  }
  if (text[start] !== "{") return undefined;
  for (const member of membersOf(text, start)) {
    if (member.key === step) return keyOffset ? member.keyStart : member.valueStart;
  }
  return undefined;
}

interface Member {
  readonly key: string;
  readonly keyStart: number;
  readonly valueStart: number;
}

function memberAt(text: string, at: number): Member {
  if (text[at] !== '"') throw new JsonError("expected a member name in quotes", at);
  const keyEnd = endOfString(text, at);
  const colon = skipSpace(text, keyEnd);
  if (text[colon] !== ":") throw new JsonError("expected `:` after a member name", colon);
  return { key: text.slice(at + 1, keyEnd - 1), keyStart: at, valueStart: skipSpace(text, colon + 1) };
}

function* membersOf(text: string, start: number): Generator<Member> {
  let at = skipSpace(text, start + 1);
  while (at < text.length && text[at] !== "}") {
    const member = memberAt(text, at);
    yield member;
    at = nextElement(text, endOfValue(text, member.valueStart), "}");
  }
}

function* elementsOf(text: string, start: number): Generator<{ readonly start: number; readonly end: number }> {
  let at = skipSpace(text, start + 1);
  while (at < text.length && text[at] !== "]") {
    const end = endOfValue(text, at);
    yield { start: at, end };
    at = nextElement(text, end, "]");
  }
}

/** Where the next member or element starts, or where `closing` stands. */
function nextElement(text: string, end: number, closing: "}" | "]"): number {
  const at = skipSpace(text, end);
  if (text[at] === closing) return at;
  const next = skipSpace(text, at + 1);
  if (text[at] !== "," || text[next] === closing) throw new JsonError(`expected \`,\` or \`${closing}\``, at);
  return next;
}

function skipSpace(text: string, start: number): number {
  let at = start;
  for (let code = text.charCodeAt(at); code === 32 || code === 10 || code === 13 || code === 9;) {
    code = text.charCodeAt(++at);
  }
  return at;
}

/** The offset after the closing quote. */
function endOfString(text: string, start: number): number {
  let at = start;
  for (;;) {
    at = text.indexOf('"', at + 1);
    if (at < 0) throw new JsonError("a text without its closing quote", start);
    let backslashes = 0;
    while (text.charCodeAt(at - 1 - backslashes) === 92) backslashes++;
    if (backslashes % 2 === 0) return at + 1;
  }
}

/** The offset after a value. Brackets are counted only: JSON.parse judges the rest. Not recursive, however deep. */
function endOfValue(text: string, start: number): number {
  let depth = 0;
  let at = start;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === 34) at = endOfString(text, at) - 1;
    else if (code === 123 || code === 91) depth++;
    else if (code === 125 || code === 93) {
      if (depth <= 1) return depth === 1 ? at + 1 : at;
      depth--;
    } else if (depth === 0 && (code === 44 || code <= 32)) return at;
    at++;
    if (depth === 0 && code === 34) return at;
  }
  if (depth > 0) throw new JsonError("the text ends inside an object or list", text.length);
  return at;
}
