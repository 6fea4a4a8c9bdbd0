import { readFrame } from "../../../src/lab/bytes.ts";
import { recordPacket } from "../../../src/trace/packet-record.ts";
import { encodeFrame } from "./encode.ts";
import { EngineRouter, type NumberedPacket } from "./engine.ts";
import type { KernelRouter, Load, NumberedFrame, Shown } from "./kernel.ts";
import { type Opening, answerTo, openingPackets } from "./packets.ts";

/** What both routers made of one case. */
export interface Outcome {
  /** Lines that only one of them has, `kernel:` and `engine:`. */
  readonly differences: readonly string[];
  /** What the engine did not want to decide. */
  readonly doubts: readonly string[];
}

/** Sends the same conversations through both: the first packets, the answers to what arrived, and the answers to those. */
export async function compareRouters(kernel: KernelRouter, load: Load, openings: readonly Opening[]): Promise<Outcome> {
  const engine = new EngineRouter(load);
  kernel.load(load);
  const differences: string[] = [];
  let packets = openings.flatMap((given, index) => openingPackets(given, 1000 + 10 * index));
  for (let round = 0; round < 3 && packets.length > 0; round++) {
    const arrived = engine.send(packets);
    const frames = await kernel.send(
      packets.map((one) => ({ port: one.port, bytes: encodeFrame(one.srcMac, one.dstMac, one.packet) })),
      pauseFor(load),
    );
    if (engine.drewLots) return { differences, doubts: ["a port was drawn by lot"] };
    if (engine.recorder.doubts.length > 0) return { differences, doubts: engine.recorder.doubts };
    const own = arrived.map(packetLine);
    compareLines(differences, `packets of round ${round}`, frames.flatMap(frameLine), own);
    if (differences.length > 0) break;
    packets = arrived.flatMap((one, index) => answerTo(one, 2000 + 1000 * round + index) ?? []);
  }
  compareShown(differences, kernel.show(), engine.show());
  return { differences, doubts: engine.recorder.doubts };
}

/** connlimit counts a connection twice whose packets come within one tick of the clock (nf_conncount: last_gc). */
function pauseFor({ ipv4, ipv6 }: Load): number {
  return /connlimit/.test(ipv4 + ipv6) ? 0.01 : 0;
}

function compareLines(to: string[], what: string, kernel: readonly string[], engine: readonly string[]): void {
  const left = [...engine];
  for (const line of kernel) {
    const at = left.indexOf(line);
    if (at < 0) to.push(`${what}: kernel: ${line}`);
    else left.splice(at, 1);
  }
  for (const line of left) to.push(`${what}: engine: ${line}`);
}

/** A packet without what differs from run to run; its type of service stands apart, as bytes are read without it. */
function lineOf(port: number, record: Readonly<Record<string, unknown>>, tos = 0): string {
  const { seq: _seq, ack: _ack, payload: _payload, mark: _mark, tos: _tos, inner, ...given } = record;
  const { dontFragment, ...without } = given;
  // IPv6 routers never fragment: there is no such bit.
  const rest = String(given["src"]).includes(":") ? without : { ...without, dontFragment };
  const inside = inner === undefined ? {} : { inner: lineOf(port, inner as Readonly<Record<string, unknown>>) };
  const all = { ...rest, ...inside };
  return `w${port} tos ${tos} ${JSON.stringify(all, Object.keys(all).sort())}`;
}

function packetLine({ port, srcMac, dstMac, packet }: NumberedPacket): string {
  const record = recordPacket({ body: packet, srcMac, dstMac }) as unknown as Record<string, unknown>;
  return lineOf(port, record, packet.tos);
}

function frameLine({ port, bytes }: NumberedFrame): string[] {
  const read = readFrame(bytes);
  if (read === undefined || read.packet.dst.startsWith("ff02:")) return [];
  const isIPv6 = bytes.readUInt16BE(12) === 0x86dd;
  const tos = isIPv6 ? (bytes.readUInt16BE(14) >> 4) & 0xff : bytes.readUInt8(15);
  return [lineOf(port, read.packet as unknown as Record<string, unknown>, tos)];
}

function compareShown(to: string[], kernel: Shown, engine: Shown): void {
  for (const family of ["ipv4", "ipv6"] as const) {
    compareTables(to, family, kernel.rules[family], engine.rules[family]);
  }
  compareLines(to, "connections", kernel.connections.map(connectionLine), engine.connections.map(connectionLine));
  compareLines(to, "sets", setLines(kernel.sets), setLines(engine.sets));
}

/** Line by line in order: texts are short, and the first difference says most. */
function compareTables(to: string[], family: string, kernel: string, engine: string): void {
  const lines = (text: string): string[][] =>
    text
      .split(/^(?=\*)/m)
      .map((table) => table.split("\n").filter((line) => line !== "" && !line.startsWith("#")))
      .sort((a, b) => ((a[0] ?? "") < (b[0] ?? "") ? -1 : 1));
  const own = new Map(lines(engine).map((table) => [table[0], table]));
  for (const table of lines(kernel)) {
    const other = own.get(table[0]) ?? [];
    for (let at = 0; at < Math.max(table.length, other.length); at++) {
      if (table[at] !== other[at])
        to.push(`${family} ${table[0]}: kernel: ${table[at]}\n${family} ${table[0]}: engine: ${other[at]}`);
    }
  }
}

/** Without what time decides: a UDP stream is assured after two seconds, which a busy machine may take. */
function connectionLine(line: string): string {
  return (line.startsWith("udp") ? line.replace(" [ASSURED]", "") : line)
    .replace(/^(\S+ +\d+) \d+ /, "$1 ")
    .replace(/ use=\d+/, "");
}

function setLines(text: string): string[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) =>
      line.startsWith("create")
        ? line.replaceAll(/ (hashsize|maxelem|bucketsize|initval|size) \S+/g, "")
        : line.replace(/ timeout (\d+)/, (_, t: string) => (Number(t) > 0 ? " timeout N" : " timeout 0")),
    );
}
