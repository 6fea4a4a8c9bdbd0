import { formatAddress, parseAddress } from "./address.ts";
import type { DnsRecord } from "./dns.ts";

/** A record as one line of a zone file (RFC 1035, section 5.1): `web.shop.svc.cluster.local. 30 IN A 10.96.10.10`. */
export function formatRecord(record: DnsRecord): string {
  return `${record.name} ${record.ttlSeconds} IN ${record.type} ${formatData(record)}`;
}

function formatData(record: DnsRecord): string {
  switch (record.type) {
    case "A":
    case "AAAA":
      return formatAddress(record.address);
    case "CNAME":
    case "PTR":
    case "NS":
      return record.target;
    case "SRV":
      return `${record.priority} ${record.weight} ${record.port} ${record.target}`;
    case "MX":
      return `${record.preference} ${record.target}`;
    case "TXT":
      return record.texts.map((text) => `"${text.replace(/["\\]/g, "\\$&")}"`).join(" ");
    case "SOA":
      return [
        record.mname,
        record.rname,
        record.serial,
        record.refreshSeconds,
        record.retrySeconds,
        record.expireSeconds,
        record.minimumSeconds,
      ].join(" ");
  }
}

/** Reads one such line; undefined when it is not a record of a type known here. Names must be absolute. */
export function parseRecord(line: string): DnsRecord | undefined {
  const fields = line.match(/"(?:[^"\\]|\\.)*"|[^\s"]+/g) ?? [];
  const [name, ttl, recordClass, type, ...data] = fields;
  if (name === undefined || !name.endsWith(".") || recordClass !== "IN" || type === undefined) return undefined;
  const ttlSeconds = wholeNumber(ttl);
  return ttlSeconds === undefined ? undefined : parseData(name, ttlSeconds, type, data);
}

function parseData(name: string, ttlSeconds: number, type: string, data: readonly string[]): DnsRecord | undefined {
  const [first, second] = data;
  if (first === undefined) return undefined;
  switch (type) {
    case "A":
    case "AAAA": {
      const address = parseAddress(first);
      const wanted = type === "A" ? "number" : "bigint";
      return typeof address === wanted && address !== undefined ? { name, ttlSeconds, type, address } : undefined;
    }
    case "CNAME":
    case "PTR":
    case "NS":
      return { name, ttlSeconds, type, target: first };
    case "SRV": {
      const [priority, weight, port] = data.slice(0, 3).map(wholeNumber);
      const target = data[3];
      if (priority === undefined || weight === undefined || port === undefined || target === undefined)
        return undefined;
      return { name, ttlSeconds, type, priority, weight, port, target };
    }
    case "MX": {
      const preference = wholeNumber(first);
      return preference === undefined || second === undefined
        ? undefined
        : { name, ttlSeconds, type, preference, target: second };
    }
    case "TXT":
      return { name, ttlSeconds, type, texts: data.map(unquote) };
    case "SOA":
      return second === undefined
        ? undefined
        : parseSoa(name, ttlSeconds, first, second, data.slice(2).map(wholeNumber));
    default:
      return undefined;
  }
}

function parseSoa(
  name: string,
  ttlSeconds: number,
  mname: string,
  rname: string,
  numbers: readonly (number | undefined)[],
): DnsRecord | undefined {
  const [serial, refreshSeconds, retrySeconds, expireSeconds, minimumSeconds] = numbers;
  if (serial === undefined || refreshSeconds === undefined || retrySeconds === undefined) return undefined;
  if (expireSeconds === undefined || minimumSeconds === undefined) return undefined;
  const times = { serial, refreshSeconds, retrySeconds, expireSeconds, minimumSeconds };
  return { name, ttlSeconds, type: "SOA", mname, rname, ...times };
}

function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

function unquote(text: string): string {
  return text.startsWith('"') ? text.slice(1, -1).replace(/\\(.)/g, "$1") : text;
}
