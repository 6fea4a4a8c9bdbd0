import type { Iptables } from "../iptables/netns.ts";
import type { Chain, TableName } from "../iptables/rule.ts";
import type { ChainStep, Flow, Hop, PacketRecord, PacketTrace, RuleStep, Step } from "../trace/records.ts";
import { macsText, packetText } from "./replay-text.ts";

/** A packet's way through the tables of one namespace. */
export interface ReplayPacket {
  readonly at: string;
  readonly steps: readonly string[];
}

/** What was recorded of one flow, in the words of the kernel cases. */
export interface ReplayRecord {
  /** By namespace, the packets in order. */
  readonly trace: Readonly<Record<string, readonly ReplayPacket[]>>;
  /** `namespace device direction smac>dmac packet`, in order. */
  readonly wire: readonly string[];
}

/** The tables of a namespace, where they are known. */
export type TablesOf = (namespace: string) => Iptables | undefined;

/**
 * Rules that matched and ends of chains by namespace and packet; frames by device. What an earlier flow still
 * sends after `sinceNanos` counts, as it did for the recorder; ARP and neighbour discovery do not.
 */
export function recordOf(
  flows: readonly Flow[],
  sinceNanos: number,
  sized: boolean,
  tablesOf: TablesOf = () => undefined,
): ReplayRecord {
  const trace: Record<string, TracedStep[][]> = {};
  const frames: { readonly order: number; readonly line: string }[] = [];
  /** The latest packet that each packet of the trace is in each namespace. */
  const latest = new Map<string, TracedStep[]>();
  for (const packet of flows.flatMap(({ packets }) => packets)) {
    for (const [index, hop] of packet.hops.entries()) {
      const [first] = hop.steps;
      if (first === undefined || first.timeNanos < sinceNanos || !isRecorded(hop.packet)) continue;
      const original =
        index === 0 && isCopy(packet) ? latest.get(`${packet.causedBy?.packet} ${hop.namespace}`) : undefined;
      for (const steps of walkHop(hop, { sized, tablesOf }, (order, line) => frames.push({ order, line }))) {
        const own = original ?? steps;
        if (own === original) original.push(...steps);
        else (trace[hop.namespace] ??= []).push(steps);
        latest.set(`${packet.id} ${hop.namespace}`, own);
      }
    }
  }
  return {
    trace: Object.fromEntries(Object.entries(trace).map(([namespace, packets]) => [namespace, inOrder(packets)])),
    wire: frames.sort((a, b) => a.order - b.order).map(({ line }) => line),
  };
}

/** A rule or a chain's end, and the packet as it is there. */
interface TracedStep {
  readonly order: number;
  readonly place: string;
  readonly packet: string;
}

/** What a bridge copies is one packet to the recorder: it tells packets apart by their bytes. */
function isCopy({ causedBy }: PacketTrace): boolean {
  return causedBy?.reason === "flooded copy" || causedBy?.reason === "copy by the promiscuous bridge";
}

function inOrder(packets: readonly TracedStep[][]): ReplayPacket[] {
  for (const steps of packets) steps.sort((a, b) => a.order - b.order);
  return packets
    .toSorted(([a], [b]) => (a?.order ?? 0) - (b?.order ?? 0))
    .map((steps) => ({
      at: steps[0]?.packet ?? "",
      steps: steps.map(({ place, packet }, index) =>
        index === 0 || steps[index - 1]?.packet === packet ? place : `${place} | ${packet}`,
      ),
    }));
}

/** One packet, and one more where IPVS sent it on: it passes OUTPUT as if it had been made here. */
function walkHop(
  hop: Hop,
  { sized, tablesOf }: { readonly sized: boolean; readonly tablesOf: TablesOf },
  frame: (order: number, line: string) => void,
): TracedStep[][] {
  let packet: PacketRecord = hop.packet;
  const packets: TracedStep[][] = [];
  let begins = true;
  for (const step of hop.steps) {
    if (isTraced(step)) {
      if (begins) packets.push([]);
      begins = false;
      const place = tableStep(asTraced(step, tablesOf(hop.namespace), packet), packet.mark);
      packets.at(-1)?.push({ order: step.id, place, packet: packetText(packet, sized) });
    } else if (step.kind === "device") {
      const direction = directions[step.action];
      if (direction !== undefined) {
        frame(step.id, `${hop.namespace} ${step.device} ${direction} ${macsText(packet)} ${packetText(packet, sized)}`);
      }
    }
    if (step.kind === "ipvs" && step.action === "reinject") begins = true;
    for (const change of step.changes ?? []) packet = { ...packet, [change.field]: change.to };
  }
  return packets;
}

const directions: Readonly<Record<string, string>> = { receive: "in", transmit: "out", "other-host": "in-other" };

function isRecorded({ protocol, icmpType }: PacketRecord): boolean {
  return protocol !== "arp" && !(protocol === "icmpv6" && icmpType !== undefined && icmpType >= 133 && icmpType <= 136);
}

function isTraced(step: Step): step is RuleStep | ChainStep {
  return step.kind === "chain" || (step.kind === "rule" && step.matched);
}

/**
 * The kernel's trace takes a rule without any match that ends the chain for the chain's end (get_chainname_rulenum in
 * net/ipv4/netfilter/ip_tables.c), and the recorder wrote the chain's policy behind it.
 */
function asTraced(step: RuleStep | ChainStep, tables: Iptables | undefined, { src }: PacketRecord): TablePlace {
  if (step.kind === "chain" || !/^-j (ACCEPT|DROP|RETURN)$/.test(step.rules ?? "")) return step;
  const ruleset = tables?.ruleset(src.includes(":") ? "ipv6" : "ipv4");
  const policy = ruleset?.tables.get(step.table as TableName)?.chains.get(step.chain)?.policy;
  return { ...step, ...chainEnd(policy) };
}

/** A chain without a policy is somebody's own. */
function chainEnd(policy: Chain["policy"]): Pick<ChainStep, "kind" | "action" | "verdict"> {
  return policy === undefined
    ? { kind: "chain", action: "return" }
    : { kind: "chain", action: "policy", verdict: policy };
}

type Place = "table" | "chain" | "inDevice" | "outDevice" | "physInDevice" | "physOutDevice";

/** What of a rule that matched, or of a chain's end, is written. */
export type TablePlace =
  | Pick<RuleStep, Place | "kind" | "rule" | "target">
  | Pick<ChainStep, Place | "kind" | "action" | "verdict">;

/** `table:chain:rule:N TARGET in= out= physin= physout= mark=`. */
export function tableStep(step: TablePlace, mark: number | undefined): string {
  const words = [`${step.table}:${step.chain}:${step.kind === "rule" ? `rule:${step.rule}` : step.action}`];
  if (step.kind === "rule") words.push(step.target ?? "CONTINUE");
  if (step.kind === "chain" && step.action === "policy") words.push(step.verdict ?? "ACCEPT");
  if (step.inDevice !== undefined) words.push(`in=${step.inDevice}`);
  if (step.outDevice !== undefined) words.push(`out=${step.outDevice}`);
  if (step.physInDevice !== undefined) words.push(`physin=${step.physInDevice}`);
  if (step.physOutDevice !== undefined) words.push(`physout=${step.physOutDevice}`);
  if (mark !== undefined && mark !== 0) words.push(`mark=0x${mark.toString(16)}`);
  return words.join(" ");
}
