import { summaryLines } from "./main-flow.ts";
import type { Flow, Hop, Outcome, Owner, PacketRecord, PacketTrace, PacketVerdict, Step, Trace } from "./records.ts";

export interface TextOptions {
  /** Every packet in full, every rule that did not match, every owner's place. */
  readonly wide?: boolean;
  /** Paints a word; the identity where colour is off. */
  readonly paint?: (text: string, tone: Tone) => string;
}

export type Tone = "good" | "bad" | "doubt" | "dim" | "strong";

type Paint = NonNullable<TextOptions["paint"]>;

const plain: Paint = (text) => text;

/** A trace as a tree for a terminal: verdict, assumptions, then flow by flow, packet by packet, hop by hop. */
export function formatTrace(trace: Trace, options: TextOptions = {}): string {
  const paint = options.paint ?? plain;
  const { mark, tone } = outcomeSigns[trace.outcome];
  const lines = [
    paint(`${trace.probe.run}  from ${trace.probe.from}`, "strong"),
    paint(`${mark} ${trace.outcome}`, tone) + `: ${trace.message}`,
    ...(trace.unknownBecause ?? [])
      .filter((reason) => reason !== trace.message)
      .map((reason) => paint(`  and because ${reason}`, "doubt")),
  ];
  lines.push(...summaryLines(trace).map((line) => `  ${line}`));
  for (const event of trace.events) lines.push(`  ${formatTime(event.timeNanos)} ${event.text}`);
  let spaced = false;
  for (const flow of trace.flows) {
    const formatted = formatFlow(flow, options, paint);
    if (!spaced || formatted.length > 1) lines.push("");
    lines.push(...formatted);
    spaced = formatted.length === 1;
  }
  if (trace.assumptions.length > 0) {
    lines.push("", paint("Assumed, because the input does not say:", "strong"));
    for (const { id, text, override } of trace.assumptions) {
      lines.push(`  [${id}] ${text}${override === undefined ? "" : paint(` (state it with ${override})`, "dim")}`);
    }
  }
  return `${lines.join("\n")}\n`;
}

/** Sign and tone of an outcome: never by colour alone. */
const outcomeSigns: Readonly<Record<Outcome, { readonly mark: string; readonly tone: Tone }>> = {
  answered: { mark: "✔", tone: "good" },
  refused: { mark: "↩", tone: "bad" },
  reset: { mark: "↩", tone: "bad" },
  "timed-out": { mark: "✖", tone: "bad" },
  unreachable: { mark: "↩", tone: "bad" },
  "name-not-found": { mark: "✖", tone: "bad" },
  "dns-error": { mark: "✖", tone: "bad" },
  unknown: { mark: "?", tone: "doubt" },
};

const verdictSigns: Readonly<Record<PacketVerdict, { readonly mark: string; readonly tone: Tone }>> = {
  delivered: { mark: "✔", tone: "good" },
  rejected: { mark: "↩", tone: "bad" },
  dropped: { mark: "✖", tone: "bad" },
  unknown: { mark: "?", tone: "doubt" },
};

function formatFlow(flow: Flow, options: TextOptions, paint: Paint): string[] {
  if (flow.protocol === "arp" && options.wide !== true) return [formatResolution(flow, paint)];
  const lines = [paint(`Flow ${flow.id}: ${flow.purpose}`, "strong") + `  ${flow.protocol} ${flow.from} → ${flow.to}`];
  const timed: { readonly at: number; readonly lines: readonly string[] }[] = flow.steps.map((step) => ({
    at: step.timeNanos,
    lines: [`  ${formatTime(step.timeNanos)} ${step.text}`],
  }));
  const seen = new Map<string, number>();
  for (const packet of flow.packets) {
    const way = wayOf(packet);
    const known = options.wide === true ? undefined : seen.get(way);
    if (known === undefined) seen.set(way, packet.id);
    timed.push({ at: startOf(packet), lines: formatPacket(packet, known, options, paint) });
  }
  // A stable sort: what happened at the same instant stays in the order it was recorded in.
  timed.sort((a, b) => a.at - b.at);
  lines.push(...timed.flatMap((entry) => entry.lines));
  return lines;
}

/** An ARP exchange in one line: it is the same every time. */
function formatResolution(flow: Flow, paint: Paint): string {
  const answer = flow.packets.find((packet) => packet.direction === "reply");
  const told = answer?.hops[0]?.packet.payload ?? "nobody answers";
  const times = flow.packets.filter(
    (packet) => packet.direction === "original" && packet.causedBy?.reason !== "flooded copy",
  ).length;
  const asked = times > 1 ? ` (asked ${times} times)` : "";
  return `${paint(`Flow ${flow.id}: ${flow.purpose}`, "strong")}  arp ${flow.from} → ${flow.to}${asked}: ${told}`;
}

/** The hops and decisions of a packet without what differs from packet to packet: packets of one way read alike. */
function wayOf(packet: PacketTrace): string {
  const hops = packet.hops.map(
    (hop) =>
      `${hop.namespace}/${hop.device}[${folded(hop.steps)
        .map(signature)
        .filter((text) => text !== "")
        .join()}]`,
  );
  return `${packet.direction} ${packet.verdict} ${hops.join(">")}`;
}

function signature(step: Step): string {
  switch (step.kind) {
    case "rule":
      return `${step.table}/${step.chain}/${step.rule}`;
    case "drop":
      return step.code;
    case "conntrack":
      return step.action === "new" || step.action === "invalid" ? step.action : "";
    case "neighbour":
      return step.action === "hit" ? "" : step.action;
    default:
      return step.kind === "socket" || step.kind === "device" ? "" : step.kind;
  }
}

function startOf(packet: PacketTrace): number {
  return packet.hops[0]?.steps[0]?.timeNanos ?? 0;
}

function formatPacket(
  packet: PacketTrace,
  sameWayAs: number | undefined,
  options: TextOptions,
  paint: Paint,
): string[] {
  const first = packet.hops[0];
  const { mark, tone } = verdictSigns[packet.verdict];
  const arrow = packet.direction === "original" ? "→" : "←";
  const repeated = packet.attempt > 1 ? ` (attempt ${packet.attempt})` : "";
  const cause =
    packet.causedBy && packet.attempt === 1 && packet.causedBy.reason !== "answer" ? `, ${packet.causedBy.reason}` : "";
  const head = `  ${formatTime(startOf(packet))} ${arrow} packet ${packet.id}${repeated}  ${first ? formatPacketLine(first.packet) : ""}${cause}`;
  const fate = paint(`${mark} ${packet.verdict}`, tone);
  if (sameWayAs !== undefined) return [`${head}  ${fate}, the same way as packet ${sameWayAs}`];
  return [`${head}  ${fate}`, ...packet.hops.flatMap((hop) => formatHop(hop, options, paint))];
}

function formatHop(hop: Hop, options: TextOptions, paint: Paint): string[] {
  const place =
    hop.node === undefined || hop.node === hop.namespace ? hop.namespace : `${hop.namespace} on ${hop.node}`;
  const by = hop.device === undefined ? "" : `, in by ${hop.device}`;
  const lines = [paint(`      ${place}${by}`, "strong")];
  for (const step of options.wide === true ? hop.steps : folded(hop.steps)) {
    lines.push(`        ${paint(labelOf(step).padEnd(10), "dim")} ${step.text}${ownerPlace(step.owner, paint)}`);
    if (step.kind === "rule" && step.rules !== undefined && (options.wide === true || step.matched)) {
      lines.push(paint(`                   ${step.rules}`, "dim"));
    }
    if (step.kind === "rule" && options.wide === true) {
      for (const miss of step.failed ?? []) {
        lines.push(paint(`                   rule ${miss.rule}: ${miss.term}, the packet has ${miss.packet}`, "dim"));
      }
    }
  }
  return lines;
}

function ownerPlace(owner: Owner | undefined, paint: Paint): string {
  const origin = owner?.origin;
  return origin === undefined ? "" : paint(`  ${origin.file}:${origin.line}`, "dim");
}

function labelOf(step: Step): string {
  return step.kind === "rule" || step.kind === "chain" ? step.table : step.kind;
}

/** The steps that decided or changed something: without misses, hooks, and jumps into chains that came to nothing. */
export function folded(steps: readonly Step[]): readonly Step[] {
  const shown: Step[] = [];
  for (const step of steps) {
    const isReturn =
      (step.kind === "chain" && step.action === "return") ||
      (step.kind === "rule" && step.matched && step.target === "RETURN");
    const last = shown.at(-1);
    if (isReturn && last?.kind === "rule" && last.table === step.table && last.target?.split(" ").at(-1) === step.chain)
      shown.pop();
    else if (
      isShown(step) &&
      !(step.kind === "nat" && step.action === "apply" && last?.kind === "nat" && last.action === "bind")
    )
      shown.push(step);
  }
  return shown;
}

function isShown(step: Step): boolean {
  switch (step.kind) {
    case "rule":
      return step.matched;
    case "hook":
      return false;
    case "chain":
      return step.action === "policy" && step.verdict !== "ACCEPT";
    case "conntrack":
      return step.action !== "confirm";
    case "nat":
      return step.action !== "none";
    case "ipset":
      return step.found;
    case "device":
      // The head of the hop says so already.
      return step.action !== "receive";
    default:
      return true;
  }
}

/** One line about a packet: `10.244.0.3:40004 > 10.96.0.11:80 tcp S ttl 64`. */
export function formatPacketLine(packet: PacketRecord): string {
  const src = endpoint(packet.src, packet.srcPort);
  const dst = endpoint(packet.dst, packet.dstPort);
  const kind = packet.flags ?? packet.chunks;
  const flags = kind === undefined ? "" : ` ${kind}`;
  const icmp = packet.icmpType === undefined ? "" : ` ${packet.icmpType}/${packet.icmpCode}`;
  const payload = packet.payload === undefined ? "" : `  ${packet.payload}`;
  const ttl = packet.ttl === undefined ? "" : ` ttl ${packet.ttl}`;
  return `${src} > ${dst} ${packet.protocol}${flags}${icmp}${ttl}${payload}`;
}

function endpoint(address: string, port: number | undefined): string {
  if (port === undefined) return address;
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/** Virtual time in milliseconds, right-aligned. */
export function formatTime(nanos: number): string {
  return `${(nanos / 1_000_000).toFixed(3).padStart(9)} ms`;
}
