import fc from "fast-check";
import { address } from "../../../src/wire/address.ts";
import { type Packet, type Payload, type Transport, emptyPayload, packetBytes } from "../../../src/wire/packet.ts";
import type { NumberedPacket } from "./engine.ts";
import { bridgeMac, ports } from "./layout.ts";

/** A conversation as its first packet states it. */
export interface Opening {
  readonly family: 4 | 6;
  /** The far end that opens it. */
  readonly port: number;
  readonly srcHost: number;
  /** Where to: an index into the family's destinations. */
  readonly to: number;
  readonly kind:
    | "syn"
    | "ack"
    | "synack"
    | "rst"
    | "fin"
    | "udp"
    | "echo"
    | "init"
    | "data"
    | "esp"
    | "later-fragment"
    | "quench";
  readonly srcPort: number;
  readonly dstPort: number;
  readonly ttl: number;
  readonly tos?: number;
  /** To the router's own MAC address, or (on the bridge) to the neighbour's. */
  readonly bridged: boolean;
  /** How often the first packet is sent. */
  readonly times: number;
}

const destinations = {
  4: ["10.1.0.2", "10.2.0.2", "10.2.0.3", "10.4.0.2", "10.4.0.3", "10.96.0.10", "10.1.0.1", "10.2.0.1", "10.4.0.1"],
  6: ["fd01::2", "fd02::2", "fd02::3", "fd04::2", "fd04::3", "fd96::a", "fd01::1", "fd02::1", "fd04::1"],
} as const;
const networks = {
  4: ["10.1.0.", "10.2.0.", "10.4.0.", "10.4.0."],
  6: ["fd01::", "fd02::", "fd04::", "fd04::"],
} as const;

export const opening: fc.Arbitrary<Opening> = fc.record({
  family: fc.constantFrom(4, 4, 6),
  port: fc.constantFrom(0, 0, 1, 2, 2, 3),
  srcHost: fc.constantFrom(2, 2, 3),
  to: fc.nat(7),
  kind: fc.constantFrom(
    "syn",
    "syn",
    "syn",
    "ack",
    "synack",
    "rst",
    "fin",
    "udp",
    "udp",
    "echo",
    "echo",
    "data",
    "esp",
  ),
  srcPort: fc.constantFrom(40_000, 40_001, 1000, 500),
  dstPort: fc.constantFrom(80, 80, 443, 53, 1500, 65_535),
  ttl: fc.constantFrom(64, 64, 63, 2, 1),
  tos: fc.constantFrom(0, 0, 0, 0x10, 0xb8, 0x03),
  bridged: fc.boolean(),
  times: fc.constantFrom(1, 1, 2, 3),
});

function transportOf({ kind, srcPort, dstPort, family }: Opening): Transport {
  const tcp = { protocol: "tcp", srcPort, dstPort, seq: 1, ack: 1 } as const;
  switch (kind) {
    case "syn":
      return { ...tcp, flags: { syn: true }, seq: 0, ack: 0, mss: 1460 };
    case "synack":
      return { ...tcp, flags: { syn: true, ack: true }, mss: 1460 };
    case "ack":
      return { ...tcp, flags: { ack: true, psh: true } };
    case "rst":
      return { ...tcp, flags: { rst: true } };
    case "fin":
      return { ...tcp, flags: { fin: true, ack: true } };
    case "udp":
      return { protocol: "udp", srcPort, dstPort };
    case "echo":
      return { protocol: family === 4 ? "icmp" : "icmpv6", kind: "echo-request", ident: srcPort, sequence: 1 };
    case "init":
      return { protocol: "sctp", srcPort, dstPort, chunk: "init" };
    case "data":
      return { protocol: "sctp", srcPort, dstPort, chunk: "data" };
    default:
      return { protocol: "other", number: 50 };
  }
}

function payloadOf(kind: Opening["kind"]): Payload {
  if (kind === "ack") return { kind: "bytes", length: 30, text: "GET /index.html HTTP/1.1" };
  return kind === "udp" || kind === "esp" ? { kind: "bytes", length: 20, text: "Hello, world" } : emptyPayload;
}

/** The first packets of a conversation. `id` tells packets apart. */
export function openingPackets(given: Opening, id: number): readonly NumberedPacket[] {
  const { family, port, srcHost, to, kind, ttl, tos = 0, bridged, times } = given;
  const host = port >= 2 ? port : srcHost;
  const own = ports[port];
  if (own === undefined) throw new Error(`no port ${port}`);
  const srcText = `${networks[family][port]}${host}`;
  // Kernels without SCTP sockets refuse the whole protocol, those with them the port.
  const others = destinations[family].filter((text) => text !== srcText && !(kind === "data" && /[:.]1$/.test(text)));
  const dstText = others[to % others.length] ?? "";
  const neighbour =
    port >= 2 && bridged && dstText.startsWith(networks[family][2]) ? ports[port === 2 ? 3 : 2]?.farMac : undefined;
  const dstMac = neighbour ?? (port >= 2 ? bridgeMac : own.mac);
  const packet: Packet = {
    kind: "ip",
    src: address(srcText),
    dst: address(dstText),
    ttl,
    ...(tos !== 0 && { tos }),
    dontFragment: true,
    id,
    transport: transportOf(given),
    payload: payloadOf(kind),
  };
  return Array.from({ length: times }, (_, n) => ({
    port,
    srcMac: own.farMac,
    dstMac,
    packet: { ...packet, id: family === 6 ? 0 : id + n },
  }));
}

/** The answer of whoever got the packet; undefined: none. */
export function answerTo({ port, srcMac, dstMac, packet }: NumberedPacket, id: number): NumberedPacket | undefined {
  const refused = refusal(packet);
  const transport = refused ?? answerTransport(packet.transport);
  if (transport === undefined) return undefined;
  return {
    port,
    srcMac: dstMac,
    dstMac: srcMac,
    packet: {
      ...packet,
      src: packet.dst,
      dst: packet.src,
      ttl: 64,
      id: typeof packet.src === "number" ? id : 0,
      transport,
      ...(refused && { dontFragment: false, payload: { kind: "bytes", length: packetBytes(packet) } as const }),
    },
  };
}

/** Nobody is at port 1500: an ICMP error says so. */
function refusal(packet: Packet): Transport | undefined {
  const { transport } = packet;
  if (!("dstPort" in transport) || transport.dstPort !== 1500) return undefined;
  const [protocol, type, code] =
    typeof packet.src === "number" ? (["icmp", 3, 3] as const) : (["icmpv6", 1, 4] as const);
  return { protocol, kind: "error", type, code, quoted: packet };
}

function answerTransport(transport: Transport): Transport | undefined {
  switch (transport.protocol) {
    case "tcp": {
      const { srcPort, dstPort, flags, seq } = transport;
      const back = {
        protocol: "tcp",
        srcPort: dstPort,
        dstPort: srcPort,
        seq: flags.syn === true ? 0 : 1,
        ack: seq + 1,
      } as const;
      if (flags.rst === true) return undefined;
      if (flags.syn === true && flags.ack !== true) return { ...back, flags: { syn: true, ack: true }, mss: 1460 };
      return { ...back, seq: 1, ack: 1, flags: { ack: true } };
    }
    case "udp":
      return { ...transport, srcPort: transport.dstPort, dstPort: transport.srcPort };
    case "sctp":
      if (transport.chunk !== "init" && transport.chunk !== "data") return undefined;
      return {
        ...transport,
        srcPort: transport.dstPort,
        dstPort: transport.srcPort,
        chunk: transport.chunk === "init" ? "init-ack" : "sack",
      };
    case "icmp":
    case "icmpv6":
      return transport.kind === "echo-request" ? { ...transport, kind: "echo-reply" } : undefined;
    case "other":
      return transport;
  }
}
