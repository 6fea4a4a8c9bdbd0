import type { DnsRecord } from "../wire/dns.ts";
import { parseRecord } from "../wire/dns-text.ts";
import { absolute } from "./names.ts";

/** Where no TTL is stated: miekg/dns scan.go. */
const defaultTtlSeconds = 3600;

export interface ZoneFile {
  readonly records: readonly DnsRecord[];
  /** Lines that hold something not known here; their place counts from 1. */
  readonly unknown: readonly { readonly line: number; readonly text: string }[];
}

/** Reads a zone file (RFC 1035, section 5.1): $ORIGIN, $TTL, `@`, omitted owners, brackets over several lines. */
export function parseZoneFile(text: string, zone: string): ZoneFile {
  const records: DnsRecord[] = [];
  const unknown: { line: number; text: string }[] = [];
  let origin = zone;
  let ttl = defaultTtlSeconds;
  let owner = zone;
  for (const { line, text: entry, indented } of entriesOf(text)) {
    const words = entry.match(/"(?:[^"\\]|\\.)*"|[^\s"]+/g) ?? [];
    if (words[0] === "$ORIGIN") origin = absolute(words[1] ?? origin);
    else if (words[0] === "$TTL") ttl = secondsOf(words[1]) ?? ttl;
    else {
      if (!indented) owner = inOrigin(words.shift() ?? "@", origin);
      let recordTtl = ttl;
      while (words[0] === "IN" || secondsOf(words[0]) !== undefined) recordTtl = secondsOf(words.shift()) ?? recordTtl;
      const type = words.shift()?.toUpperCase();
      const data = words.map((word, index) =>
        isNamePlace(type, index) ? inOrigin(word, origin) : soaNumber(type, word),
      );
      const record = parseRecord([owner, recordTtl, "IN", type, ...data].join(" "));
      if (record === undefined) unknown.push({ line, text: entry.trim() });
      else records.push(record);
    }
  }
  return { records, unknown };
}

/** Lines without comments; those in brackets are joined. */
function entriesOf(
  text: string,
): readonly { readonly line: number; readonly text: string; readonly indented: boolean }[] {
  const entries: { line: number; text: string; indented: boolean }[] = [];
  let depth = 0;
  for (const [index, raw] of text.split("\n").entries()) {
    const bare = raw.replace(/("(?:[^"\\]|\\.)*")|;.*/g, "$1").trimEnd();
    const last = entries.at(-1);
    const content = bare.replace(/[()]/g, " ");
    if (depth > 0 && last !== undefined) last.text += ` ${content.trim()}`;
    else if (bare.trim() !== "") entries.push({ line: index + 1, text: content, indented: /^\s/.test(bare) });
    depth += (bare.match(/\(/g)?.length ?? 0) - (bare.match(/\)/g)?.length ?? 0);
  }
  return entries;
}

function inOrigin(name: string, origin: string): string {
  if (name === "@") return origin;
  if (name.endsWith(".")) return name;
  return origin === "." ? `${name}.` : `${name}.${origin}`;
}

/** Which fields of a record's data are names. */
function isNamePlace(type: string | undefined, index: number): boolean {
  switch (type) {
    case "CNAME":
    case "PTR":
    case "NS":
      return index === 0;
    case "MX":
      return index === 1;
    case "SRV":
      return index === 3;
    case "SOA":
      return index < 2;
    default:
      return false;
  }
}

function soaNumber(type: string | undefined, word: string): string {
  return type === "SOA" ? String(secondsOf(word) ?? word) : word;
}

/** `3600`, `1h30m`, `2D`. */
function secondsOf(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d+[smhdw]?(\d+[smhdw])*$/i.test(text)) return undefined;
  const units: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86400, w: 604800 };
  return [...text.matchAll(/(\d+)([smhdw]?)/gi)].reduce(
    (sum, [, count, unit = ""]) => sum + Number(count) * (units[unit.toLowerCase()] ?? 1),
    0,
  );
}
