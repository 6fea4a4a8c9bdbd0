import { expect, test } from "vitest";
import { readFrame } from "../../src/lab/bytes.ts";
import { compare } from "../../src/lab/compare.ts";
import { decodeDns, encodeDns } from "../../src/lab/dns-bytes.ts";
import { readRuleEvent } from "../../src/lab/nflog.ts";
import { decodePayloads, encodePayload } from "../../src/lab/payload-bytes.ts";
import { readPing } from "../../src/lab/ping.ts";
import { packetText } from "../../src/sim/replay-text.ts";
import { address } from "../../src/wire/address.ts";
import type { DnsMessage } from "../../src/wire/dns.ts";

/** Header layouts: RFC 894, RFC 791, RFC 9293. */
const syn = Buffer.from(
  "02750000000102300000000208004500003c1c4640004006b1e60af400030a600001cd8a0050000000010000000050022000000000000000000000000000",
  "hex",
);

test("an Ethernet frame with a SYN is read as tcpdump would", () => {
  const read = readFrame(syn);
  expect(read && packetText(read.packet, true)).toBe("10.244.0.3:52618>10.96.0.1:80 tcp S ttl=64 len=60 df");
  expect(read?.packet.srcMac).toBe("02:30:00:00:00:02");
});

test("ARP is no packet", () => {
  const arp = Buffer.from(syn);
  arp.writeUInt16BE(0x0806, 12);
  expect(readFrame(arp)).toBeUndefined();
});

/** An attribute of nfnetlink: length and type in the machine's order, padded to four bytes. */
function attribute(type: number, data: Buffer): Buffer {
  const bytes = Buffer.alloc((4 + data.length + 3) & ~3);
  bytes.writeUInt16LE(4 + data.length, 0);
  bytes.writeUInt16LE(type, 2);
  data.copy(bytes, 4);
  return bytes;
}

test("a line of the kernel's rule trace is read from a log message", () => {
  const index = Buffer.from([0, 0, 0, 101]);
  const message = Buffer.concat([
    Buffer.from([2, 0, 0, 0]),
    attribute(2, Buffer.from([0, 0, 0x40, 0])),
    attribute(4, index),
    attribute(9, syn.subarray(14)),
    attribute(10, Buffer.from("TRACE: nat:KUBE-SERVICES:rule:2 \0")),
  ]);
  expect(readRuleEvent(message)).toMatchObject({
    table: "nat",
    chain: "KUBE-SERVICES",
    action: "rule",
    number: 2,
    mark: 0x4000,
    inDevice: 101,
  });
});

const reply: DnsMessage = {
  id: 7,
  response: true,
  authoritative: true,
  truncated: false,
  recursionDesired: true,
  recursionAvailable: false,
  authenticData: false,
  rcode: "NXDOMAIN",
  question: { name: "web.shop.svc.cluster.local.", type: "A" },
  answer: [
    { name: "web.shop.svc.cluster.local.", ttlSeconds: 30, type: "A", address: address("10.96.0.1") },
    {
      name: "_http._tcp.web.shop.svc.cluster.local.",
      ttlSeconds: 5,
      type: "SRV",
      priority: 0,
      weight: 100,
      port: 80,
      target: "web.shop.svc.cluster.local.",
    },
  ],
  authority: [],
  additional: [],
  udpSize: 1232,
};

test("a DNS message survives the wire", () => {
  expect(decodeDns(encodeDns(reply))).toEqual(reply);
  const stream = encodePayload({ kind: "dns", length: 0, message: reply }, true);
  const { payloads, rest } = decodePayloads(Buffer.concat([stream, stream.subarray(0, 9)]), 53, true);
  expect(payloads).toMatchObject([{ kind: "dns", message: reply }]);
  expect(rest).toHaveLength(9);
});

test("an HTTP line is as long on the wire as in the engine", () => {
  const page = encodePayload({ kind: "http", line: "HTTP/1.1 200 OK", length: 120 }, true);
  expect(page).toHaveLength(120);
  expect(decodePayloads(page, 80, true).payloads).toEqual([{ kind: "http", line: "HTTP/1.1 200 OK", length: 120 }]);
});

/** Lines of iputils 20221126. */
test.for([
  ["64 bytes from 10.244.1.9: icmp_seq=1 ttl=62 time=0.1 ms", { from: address("10.244.1.9"), ttl: 62 }],
  ["From 172.18.0.3 icmp_seq=1 Time to live exceeded", { icmp: { type: 11, code: 0, from: address("172.18.0.3") } }],
  ["From 10.244.0.1 icmp_seq=1 Destination Port Unreachable", { errno: "ECONNREFUSED" }],
] as const)("ping's %s", ([text, expected]) => {
  expect(readPing(`PING x\n${text}\n`)).toMatchObject(expected);
});

test("the first line that differs is found, random ports aside", () => {
  const record = (port: number, ttl: number): Parameters<typeof compare>[0] => ({
    result: ["answered"],
    trace: {},
    wire: [`node eth0 out a>b 10.0.0.1:${port}>10.0.0.2:80 tcp S ttl=${ttl}`],
    conntrack: {},
  });
  const options = { knownPorts: new Set([80]), bridges: new Set<string>(), firstOnly: false };
  expect(compare(record(1000, 64), record(2000, 64), options).map(({ differsAt }) => differsAt)).toEqual([
    undefined,
    undefined,
  ]);
  expect(compare(record(1000, 64), record(1000, 63), options)[1]?.differsAt).toBe(0);
});
