import type { Buffer } from "node:buffer";
import type { ManifestSource } from "../index.ts";

/** Bytes of a text that is read in one piece. A string of V8 holds 2^29 - 24 characters; there is no need to go near. */
const longestText = 2 ** 28;

const listStart = '{"items":[';
const listEnd = "]}";

/**
 * A manifest text of any size: one string, or, for JSON that is longer than `partBytes`, several, each of whole objects.
 * Each part knows where in the file it begins. What it holds is judged by who reads it.
 */
export function textsOf(name: string, bytes: Buffer, partBytes: number = longestText): ManifestSource[] {
  const first = bytes[skipSpace(bytes, 0)];
  const isJson = first === openBrace || first === openBracket;
  // YAML of this size is refused by who reads it: its beginning is enough for that.
  if (!isJson || bytes.length <= partBytes) return [{ name, text: bytes.toString("utf8", 0, longestText) }];
  const placeAt = placesIn(bytes);
  return partsOf(bytes, partBytes).map(({ start, end, isInList }): ManifestSource => {
    const { line, column } = placeAt(start);
    const text = bytes.toString("utf8", start, end);
    if (!isInList) return { name, text, begin: { line, column } };
    return { name, text: listStart + text + listEnd, begin: { line, column: column - listStart.length } };
  });
}

/** A range of the text: values that follow each other, or items of a List with commas between them. */
interface Part {
  readonly start: number;
  end: number;
  readonly isInList: boolean;
}

/** Line and column, from 1, of offsets that are asked for in their order. */
function placesIn(bytes: Buffer): (offset: number) => { readonly line: number; readonly column: number } {
  let at = 0;
  let line = 1;
  let column = 1;
  return (offset) => {
    for (; at < offset; at++) {
      const byte = bytes[at] as number;
      if (byte === 10) {
        line++;
        column = 1;
      } else if (byte < 0x80 || byte >= 0xc0) column += byte >= 0xf0 ? 2 : 1;
    }
    return { line, column };
  };
}

const [quote, comma, backslash] = [34, 44, 92];
const [openBracket, closeBracket, openBrace, closeBrace] = [91, 93, 123, 125];

/** Cuts the text between values that follow each other, and between the items of Lists. */
function partsOf(bytes: Buffer, partBytes: number): readonly Part[] {
  const parts: Part[] = [];
  let part: Part | undefined;
  const add = (start: number, end: number, isInList: boolean): void => {
    if (part !== undefined && part.isInList === isInList && end - part.start <= partBytes) part.end = end;
    else parts.push((part = { start, end, isInList }));
  };
  /** The items of the list at `start`; returns where it ends. */
  const addItems = (start: number): number => {
    part = undefined;
    let at = skipSpace(bytes, start + 1);
    while (at < bytes.length && bytes[at] !== closeBracket) {
      const end = endOfValue(bytes, at);
      add(at, end, true);
      at = skipSpace(bytes, end);
      if (bytes[at] === comma) at = skipSpace(bytes, at + 1);
      else break;
    }
    part = undefined;
    return at + 1;
  };
  let at = skipSpace(bytes, 0);
  while (at < bytes.length) {
    const start = at;
    let isList = false;
    if (bytes[at] === openBrace) {
      at = skipSpace(bytes, at + 1);
      while (bytes[at] === quote) {
        const keyEnd = endOfText(bytes, at);
        const key = bytes.toString("latin1", at + 1, Math.min(keyEnd - 1, at + 16));
        const value = skipSpace(bytes, skipSpace(bytes, keyEnd) + 1);
        const isItems = key === "items" && bytes[value] === openBracket;
        isList ||= isItems;
        at = skipSpace(bytes, isItems ? addItems(value) : endOfValue(bytes, value));
        if (bytes[at] === comma) at = skipSpace(bytes, at + 1);
      }
      at++;
    } else at = Math.max(endOfValue(bytes, at), at + 1);
    if (!isList) add(start, Math.min(at, bytes.length), false);
    at = skipSpace(bytes, at);
  }
  return parts;
}

function skipSpace(bytes: Buffer, start: number): number {
  let at = start;
  for (let byte = bytes[at]; byte === 32 || byte === 10 || byte === 13 || byte === 9; byte = bytes[at]) at++;
  return at;
}

/** Behind the closing quote; the end of the text where there is none. */
function endOfText(bytes: Buffer, start: number): number {
  for (let at = start + 1; at < bytes.length; at++) {
    if (bytes[at] === backslash) at++;
    else if (bytes[at] === quote) return at + 1;
  }
  return bytes.length;
}

/** Behind a value: brackets are counted, nothing else. */
function endOfValue(bytes: Buffer, start: number): number {
  let depth = 0;
  for (let at = start; at < bytes.length; at++) {
    const byte = bytes[at] as number;
    if (byte === quote) {
      at = endOfText(bytes, at) - 1;
      if (depth === 0) return at + 1;
    } else if (byte === openBrace || byte === openBracket) depth++;
    else if (byte === closeBrace || byte === closeBracket) {
      if (depth <= 1) return depth === 1 ? at + 1 : at;
      depth--;
    } else if (depth === 0 && (byte === comma || byte <= 32)) return at;
  }
  return bytes.length;
}
