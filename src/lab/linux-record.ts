import { targetName } from "../iptables/targets/index.ts";
import type { Ruleset, TableName } from "../iptables/rule.ts";
import type { ReplayPacket } from "../sim/replay-record.ts";
import { type TablePlace, tableStep } from "../sim/replay-record.ts";
import { macsText, packetText } from "../sim/replay-text.ts";
import type { PacketRecord } from "../trace/records.ts";
import type { Iptables } from "../iptables/netns.ts";
import { readIp } from "./bytes.ts";
import type { CapturedFrame } from "./capture.ts";
import type { RuleEvent } from "./nflog.ts";
import { runIn } from "./run.ts";

/** What is known of a traced namespace. */
export interface TracedNamespace {
  /** Device names by interface index. */
  readonly deviceNames: ReadonlyMap<number, string>;
  /** The same tables in the engine: they know targets and policies. */
  readonly iptables?: Iptables;
}

/* What Linux showed, in the words of the kernel cases: the same that `recordOf` makes of the engine's trace. */

/** A packet that crossed the tables of a namespace, with the rules that matched. */
export interface TracedPacket extends ReplayPacket {
  /** As it was first seen. */
  readonly packet: PacketRecord;
  readonly matched: readonly { readonly table: string; readonly chain: string; readonly rule: number }[];
}

interface OpenPacket {
  readonly packet: PacketRecord;
  readonly at: string;
  readonly steps: string[];
  readonly matched: { table: string; chain: string; rule: number }[];
  seen: string;
  /** Where it began, while it is still in that table: no packet passes a place of a built-in chain twice. */
  beginning: { readonly place: string; readonly passed: Set<string> } | undefined;
}

/** The first rule of these chains of table raw is the one that asks for the trace. */
const tracing = new Set(["raw:PREROUTING", "raw:OUTPUT"]);

/**
 * Sorts a namespace's trace by packets. The trace of a packet that comes in again (by the loopback) is a new one.
 * `sized`: with lengths, as the cases about MTUs are written.
 */
export function tracedPackets(
  events: readonly RuleEvent[],
  { deviceNames, iptables }: TracedNamespace,
  sized = false,
): readonly TracedPacket[] {
  const rulesets = { ipv4: iptables?.ruleset("ipv4"), ipv6: iptables?.ruleset("ipv6") };
  const packets: OpenPacket[] = [];
  const latest = new Map<string, OpenPacket>();
  for (const event of events) {
    const read = readIp(event.payload);
    if (read === undefined || isNoise(read.packet)) continue;
    const place = `${event.table}:${event.chain}`;
    const number = tracing.has(place) ? event.number - 1 : event.number;
    if (number === 0) continue;
    const text = packetText(read.packet, sized);
    let open = latest.get(read.identity);
    const passes = `${place}:${event.action}:${number}`;
    if (open === undefined || (tracing.has(place) && isAgain(open, place, passes))) {
      const beginning = { place, passed: new Set<string>() };
      open = { packet: read.packet, at: text, steps: [], matched: [], seen: text, beginning };
      latest.set(read.identity, open);
      packets.push(open);
    }
    if (event.table === "raw") open.beginning?.passed.add(passes);
    else open.beginning = undefined;
    const family = read.packet.src.includes(":") ? "ipv6" : "ipv4";
    const step = tableStep(placeOf(event, number, rulesets[family], deviceNames), event.mark);
    open.steps.push(`${step}${text === open.seen ? "" : ` | ${text}`}`);
    open.seen = text;
    if (event.action === "rule") open.matched.push({ table: event.table, chain: event.chain, rule: number });
  }
  return packets;
}

/** Whether what is seen there is another packet than the one that is known: the same bytes, sent or received again. */
function isAgain({ beginning }: OpenPacket, place: string, passes: string): boolean {
  return beginning === undefined || beginning.place !== place || beginning.passed.has(passes);
}

/** Neighbour discovery and multicast housekeeping of IPv6: what ARP is in IPv4. */
export function isNoise({ protocol, icmpType }: PacketRecord): boolean {
  return protocol === "icmpv6" && icmpType !== undefined && ((icmpType >= 130 && icmpType <= 136) || icmpType === 143);
}

function placeOf(
  event: RuleEvent,
  number: number,
  ruleset: Ruleset | undefined,
  names: ReadonlyMap<number, string>,
): TablePlace {
  const chain = ruleset?.tables.get(event.table as TableName)?.chains.get(event.chain);
  const device = (key: "inDevice" | "outDevice" | "physInDevice" | "physOutDevice"): object =>
    event[key] === undefined ? {} : { [key]: names.get(event[key]) ?? `#${event[key]}` };
  const common = {
    table: event.table,
    chain: event.chain,
    ...device("inDevice"),
    ...device("outDevice"),
    ...device("physInDevice"),
    ...device("physOutDevice"),
  };
  if (event.action !== "rule") {
    return { ...common, kind: "chain", action: event.action, ...(chain?.policy && { verdict: chain.policy }) };
  }
  const target = chain?.rules[number - 1]?.target;
  return { ...common, kind: "rule", rule: number, ...(target && { target: targetName(target) }) };
}

/** `namespace device direction smac>dmac packet` lines. */
export function frameLines(frames: readonly CapturedFrame[], sized = false): readonly string[] {
  return frames
    .filter(({ packet }) => !isNoise(packet))
    .map(
      ({ namespace, device, direction, packet }) =>
        `${namespace} ${device} ${direction} ${macsText(packet)} ${packetText(packet, sized)}`,
    );
}

/** The connections of a namespace: `tcp TIME_WAIT src=... [ASSURED]`, sorted. */
export function connections(id: string): readonly string[] {
  return ["ipv4", "ipv6"]
    .flatMap((family) => runIn(id, ["conntrack", "-L", "-f", family]).split("\n"))
    .flatMap((line) => {
      const match = /^(\w+)\s+\d+\s+(?:\d+\s+)?(.*)$/.exec(line);
      if (match === null || / src=(::1|127\.)/.test(line)) return [];
      const rest = (match[2] as string).replace(/ (mark|use|zone|secctx)=\S+/g, "");
      return [`${match[1]} ${rest.trim()}`];
    })
    .sort();
}
