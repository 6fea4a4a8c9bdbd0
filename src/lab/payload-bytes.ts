import type { Payload } from "../wire/packet.ts";
import { decodeDns, encodeDns } from "./dns-bytes.ts";

/* What the engine calls a payload, as the bytes that a real socket sends, and back. */

const dnsPort = 53;

/** The bytes, as long as the payload says it is. `stream`: DNS messages carry their length in front. */
export function encodePayload(payload: Payload, stream: boolean): Buffer {
  switch (payload.kind) {
    case "none":
      return Buffer.alloc(0);
    case "bytes":
      return padded(payload.text ?? "", payload.length, "\n");
    case "http":
      return encodeHttp(payload);
    case "dns": {
      const message = encodeDns(payload.message);
      if (!stream) return message;
      const length = Buffer.alloc(2);
      length.writeUInt16BE(message.length);
      return Buffer.concat([length, message]);
    }
    case "vxlan":
    case "ip":
      throw new RangeError(`no socket sends a payload of kind ${payload.kind}`);
  }
}

function encodeHttp({ line, host, length }: Extract<Payload, { kind: "http" }>): Buffer {
  if (host !== undefined) {
    return padded(`${line}\r\nHost: ${host}\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n\r\n`, length, " ");
  }
  const head = (body: number): string => `${line}\r\nContent-Length: ${body}\r\n\r\n`;
  const body = Math.max(0, length - head(100).length + (length < 110 ? 1 : 0));
  return padded(head(body), length, "\n");
}

function padded(text: string, length: number, fill: string): Buffer {
  return Buffer.from(text.padEnd(length, fill));
}

/** Takes whole messages off the front of what a socket received. */
export function decodePayloads(received: Buffer, port: number, stream: boolean): { payloads: Payload[]; rest: Buffer } {
  if (port !== dnsPort) {
    return { payloads: received.length === 0 ? [] : [decodeText(received)], rest: Buffer.alloc(0) };
  }
  if (!stream) return { payloads: decodeMessage(received), rest: Buffer.alloc(0) };
  const payloads: Payload[] = [];
  let rest = received;
  while (rest.length >= 2 && rest.length >= 2 + rest.readUInt16BE(0)) {
    const end = 2 + rest.readUInt16BE(0);
    payloads.push(...decodeMessage(rest.subarray(2, end), 2));
    rest = rest.subarray(end);
  }
  return { payloads, rest };
}

function decodeMessage(bytes: Buffer, before = 0): Payload[] {
  const message = decodeDns(bytes);
  return message === undefined ? [] : [{ kind: "dns", length: bytes.length + before, message }];
}

function decodeText(bytes: Buffer): Payload {
  const text = bytes.toString("latin1");
  const { length } = bytes;
  const line = text.split("\r\n", 1)[0] ?? "";
  if (!/ HTTP\/1\.[01]$|^HTTP\/1\.[01] /.test(line)) return { kind: "bytes", length, text: text.replace(/\n+$/, "") };
  const host = /\r\nHost: (\S+)/.exec(text)?.[1];
  return { kind: "http", length, line, ...(host !== undefined && { host }) };
}
