import { describe } from "./describe.ts";
import { type PacketView, recordPacket } from "./packet-record.ts";
import type {
  Cause,
  Flow,
  Hop,
  NamespaceState,
  PacketRecord,
  PacketTrace,
  PacketVerdict,
  Step,
  StepInput,
  TraceEvent,
} from "./records.ts";

/** How much is recorded: nothing, hops only, steps, or steps with every missed rule and its failing term. */
export type RecordLevel = "off" | "hop" | "step" | "rule";

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type OpenHop = Omit<Mutable<Hop>, "steps"> & { steps: Step[] };
type OpenPacket = Omit<Mutable<PacketTrace>, "hops"> & { hops: OpenHop[] };
type OpenFlow = Omit<Mutable<Flow>, "steps" | "packets"> & { steps: Step[]; packets: OpenPacket[] };

/** What a namespace holds now. */
type StateOf = (namespace: string) => Omit<NamespaceState, "beforeStep"> | undefined;

/** What the recorder must know to open a flow. */
export type FlowStart = Pick<Flow, "protocol" | "from" | "to" | "purpose"> & { readonly causedBy?: Cause };

/**
 * The only way out of the engine: everything a run decided is handed in here, in the order of happening.
 * Time comes from the run's virtual clock.
 */
export class Recorder {
  readonly level: RecordLevel;
  flows: OpenFlow[] = [];
  events: TraceEvent[] = [];
  /** Why the outcome may be unknown. */
  doubts: string[] = [];
  /** What the namespaces held before this trace came into them; at the level `rule` alone. */
  before: NamespaceState[] = [];
  readonly #nowNanos: () => number;
  readonly #stateOf: StateOf | undefined;
  readonly #visited = new Set<string>();
  #nextStep = 1;
  #nextPacket = 1;

  /** `stateOf` says what a namespace holds; undefined as long as it is not worth telling. */
  constructor(level: RecordLevel, nowNanos: () => number, stateOf?: StateOf) {
    this.level = level;
    this.#nowNanos = nowNanos;
    this.#stateOf = level === "rule" ? stateOf : undefined;
  }

  /** Starts a new trace: what is recorded from now on has nothing to do with what was before. */
  begin(): void {
    this.flows = [];
    this.events = [];
    this.doubts = [];
    this.before = [];
    this.#visited.clear();
    this.#nextStep = 1;
    this.#nextPacket = 1;
  }

  /** Opens a flow; undefined when nothing is recorded, and then nothing below it is either. */
  flow(start: FlowStart): FlowRecorder | undefined {
    if (this.level === "off") return undefined;
    const flow: OpenFlow = { id: this.flows.length + 1, ...start, steps: [], packets: [] };
    this.flows.push(flow);
    return new FlowRecorder(this, flow);
  }

  /** Something that is not modelled would have decided. */
  doubt(reason: string): void {
    if (!this.doubts.includes(reason)) this.doubts.push(reason);
  }

  event(event: Omit<TraceEvent, "timeNanos">): void {
    if (this.level !== "off") this.events.push({ timeNanos: this.#nowNanos(), ...event });
    // What an event changes is no step's doing: the state is told anew.
    this.#visited.clear();
  }

  /** Completes a step. For FlowRecorder and PacketRecorder. */
  complete(namespace: string, input: StepInput): Step {
    const step = { id: this.#nextStep++, timeNanos: this.#nowNanos(), namespace, text: "", ...input } as Step;
    if (input.text === undefined) (step as Mutable<Step>).text = describe(step);
    return step;
  }

  /** Something is about to happen in a namespace. For FlowRecorder and PacketRecorder. */
  visit(namespace: string): void {
    if (this.#stateOf === undefined || this.#visited.has(namespace)) return;
    const state = this.#stateOf(namespace);
    if (state === undefined) return;
    this.#visited.add(namespace);
    this.before.push({ ...state, beforeStep: this.#nextStep });
  }

  nextPacketId(): number {
    return this.#nextPacket++;
  }
}

/** Records one conversation. */
export class FlowRecorder {
  readonly recorder: Recorder;
  readonly flow: OpenFlow;

  constructor(recorder: Recorder, flow: OpenFlow) {
    this.recorder = recorder;
    this.flow = flow;
  }

  /** A step outside any packet: a socket call, a decision of the resolver, a timer. */
  step(namespace: string, input: StepInput): void {
    if (this.recorder.level === "hop") return;
    this.recorder.visit(namespace);
    this.flow.steps.push(this.recorder.complete(namespace, input));
  }

  /** Opens a packet of this flow. */
  packet(direction: "original" | "reply", attempt = 1, causedBy?: Cause): PacketRecorder {
    const packet: OpenPacket = {
      id: this.recorder.nextPacketId(),
      direction,
      attempt,
      ...(causedBy && { causedBy }),
      verdict: "unknown",
      hops: [],
    };
    this.flow.packets.push(packet);
    return new PacketRecorder(this, packet);
  }
}

/** Records one packet on its way. An skb carries it. */
export class PacketRecorder {
  readonly flow: FlowRecorder;
  readonly packet: OpenPacket;
  #hop: OpenHop | undefined;

  constructor(flow: FlowRecorder, packet: OpenPacket) {
    this.flow = flow;
    this.packet = packet;
  }

  /** True when missed rules want their failing terms. */
  get wantsMisses(): boolean {
    return this.flow.recorder.level === "rule";
  }

  /** The packet enters a namespace, by a device or (without one) because it is made there. */
  enter(
    place: { readonly namespace: string; readonly node?: string; readonly device?: string },
    view: PacketView,
  ): void {
    this.flow.recorder.visit(place.namespace);
    this.#hop = { ...place, packet: recordPacket(view), steps: [] };
    this.packet.hops.push(this.#hop);
  }

  step(input: StepInput): void {
    const hop = this.#hop;
    if (hop === undefined || this.flow.recorder.level === "hop") return;
    this.flow.recorder.visit(hop.namespace);
    hop.steps.push(this.flow.recorder.complete(hop.namespace, input));
  }

  /**
   * The packet's fate, as far as it is known; the last one said counts. `unknown` is said where something that is
   * not modelled would decide: the sentence of the step before says what.
   */
  verdict(verdict: PacketVerdict): void {
    this.packet.verdict = verdict;
    if (verdict === "unknown")
      this.flow.recorder.doubt(this.#hop?.steps.at(-1)?.text ?? "something that is not modelled decides");
  }

  /** A packet caused by this one, at the step recorded last, in the same flow unless told otherwise. */
  cause(reason: string): Cause {
    const step = this.#hop?.steps.at(-1)?.id;
    return { flow: this.flow.flow.id, packet: this.packet.id, ...(step !== undefined && { step }), reason };
  }

  /** A copy or a consequence of this packet as a packet of its own: a flooded copy, an outer frame, an ICMP error. */
  child(reason: string, direction: "original" | "reply" = this.packet.direction): PacketRecorder {
    return this.flow.packet(direction, 1, this.cause(reason));
  }
}

/** The packet as it was just before the step at `index` of a hop (after all, for `steps.length`). */
export function packetAt(hop: Hop, index: number): PacketRecord {
  let packet: PacketRecord = hop.packet;
  for (const step of hop.steps.slice(0, index)) {
    for (const change of step.changes ?? []) packet = { ...packet, [change.field]: change.to };
  }
  return packet;
}
