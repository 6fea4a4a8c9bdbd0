import { describe, expect, test } from "vitest";
import { readFrame, readIp } from "../../src/lab/bytes.ts";
import type { PacketRecord } from "../../src/trace/records.ts";
import { packetLayers } from "../../src/viz/packet-layers.ts";
import { diffRows } from "../../src/viz/packet-rows.ts";

const macs = { srcMac: "02:00:0a:f4:00:03", dstMac: "02:00:0a:f4:00:01" };
const ip = { src: "10.244.0.3", dst: "10.96.0.11", ttl: 64, dontFragment: true };
const syn: PacketRecord = {
  ...macs,
  ...ip,
  protocol: "tcp",
  srcPort: 40004,
  dstPort: 80,
  flags: "S",
  seq: 0,
  ack: 0,
  length: 60,
};

function bytesOf(packet: PacketRecord): Buffer {
  // What the trace does not say is read as zero.
  return Buffer.from(
    packetLayers(packet).flatMap(({ fields }) => fields.flatMap(({ bytes }) => bytes.map((b) => b ?? 0))),
  );
}

/** Lengths: RFC 894 (14), RFC 791 (20), RFC 9293 (20 and options), RFC 768 (8), RFC 7348 (8), RFC 8200 (40), RFC 826 (28). */
describe("headers and their lengths", () => {
  const v6 = { src: "fd00::1", dst: "fd00::2" };
  const cases: readonly (readonly [string, PacketRecord, string])[] = [
    ["a SYN, whose options are part of its header", syn, "Ethernet 14, IPv4 20, TCP 40"],
    [
      "a request",
      { ...syn, flags: "PA", length: 124, payload: "GET / HTTP/1.1" },
      "Ethernet 14, IPv4 20, TCP 32, Data 72",
    ],
    ["UDP in IPv6", { ...v6, protocol: "udp", length: 60, payload: "A? web" }, "IPv6 40, UDP 8, Data 12"],
    [
      "ARP",
      {
        ...macs,
        protocol: "arp",
        src: "10.0.0.1",
        dst: "10.0.0.2",
        length: 28,
        payload: "who has 10.0.0.2? tell 10.0.0.1",
      },
      "Ethernet 14, ARP 28",
    ],
    [
      "VXLAN",
      { ...ip, protocol: "udp", length: 110, vni: 1, inner: syn },
      "IPv4 20, UDP 8, VXLAN 8, Ethernet 14, IPv4 20, TCP 40",
    ],
    [
      "a later piece of a datagram",
      { ...ip, protocol: "udp", length: 120, fragment: { offset: 1480, more: false } },
      "IPv4 20, Data 100",
    ],
  ];
  test.each(cases)("%s", (_, packet, expected) => {
    const layers = packetLayers(packet);
    expect(layers.map(({ name, length }) => `${name} ${length}`).join(", ")).toBe(expected);
    let offset = 0;
    for (const layer of layers) {
      expect(layer.offset).toBe(offset);
      offset += layer.length;
    }
  });
});

/** The lab reads frames of the real kernel with the same reader. */
describe("the bytes say what the record says", () => {
  const cases: readonly (readonly [string, PacketRecord])[] = [
    ["TCP", syn],
    ["UDP", { ...macs, ...ip, protocol: "udp", srcPort: 53, dstPort: 40000, length: 100, payload: "x" }],
    ["ping", { ...macs, ...ip, protocol: "icmp", icmpType: 8, icmpCode: 0, ident: 7, sequence: 1, length: 84 }],
    ["TCP in IPv6", { ...syn, src: "fd00:10:244::3", dst: "fd00::1:0:11", dontFragment: false, length: 80 }],
    [
      "a piece",
      {
        ...macs,
        ...ip,
        dontFragment: false,
        protocol: "udp",
        srcPort: 1,
        dstPort: 2,
        length: 1500,
        fragment: { offset: 0, more: true },
      },
    ],
  ];
  test.each(cases)("%s", (_, packet) => {
    const read = readFrame(bytesOf(packet))?.packet;
    expect(Object.keys(read ?? {}).length).toBeGreaterThan(7);
    expect(packet).toMatchObject(read ?? {});
  });

  test("an ICMP error with the largest size that fits, and the packet that it quotes", () => {
    const { srcMac: _s, dstMac: _d, ...quoted } = syn;
    const error: PacketRecord = {
      ...ip,
      protocol: "icmp",
      icmpType: 3,
      icmpCode: 4,
      mtu: 1450,
      length: 88,
      inner: quoted,
    };
    const read = readIp(bytesOf(error))?.packet;
    expect(read).toMatchObject({ icmpType: 3, icmpCode: 4, mtu: 1450 });
    const [, , nested] = packetLayers(error);
    expect(nested).toMatchObject({ name: "IPv4", nested: true, offset: 28 });
  });
});

test("a rewrite changes the rows of its fields alone, and their bytes can be found", () => {
  const after = { ...syn, dst: "10.244.1.3", dstPort: 8080 };
  const changed = diffRows(syn, after).flatMap(({ layer, rows }) =>
    rows.filter((row) => row.changed).map((row) => [layer, row.label, row.before, row.after, row.id]),
  );
  expect(changed.map((row) => row.slice(0, 4))).toEqual([
    ["IPv4", "to", "10.96.0.11", "10.244.1.3"],
    ["TCP", "to port", "80", "8080"],
  ]);
  const fields = packetLayers(after).flatMap((layer) => layer.fields);
  const bytes = changed.map(([, , , , id]) => fields.find((field) => field.id === id));
  expect(bytes.map((field) => [field?.offset, field?.bytes])).toEqual([
    [30, [10, 244, 1, 3]],
    [36, [31, 144]],
  ]);
});

test("a mark that a rule sets is a row of its own, outside the packet", () => {
  const rows = diffRows(syn, { ...syn, mark: 0x4000 });
  expect(rows.at(-1)).toEqual({
    layer: "In this kernel",
    nested: false,
    rows: [expect.objectContaining({ label: "mark", before: "", after: "0x4000", changed: true })],
  });
});
