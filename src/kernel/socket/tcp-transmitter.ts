import type { FlowRecorder, PacketRecorder } from "../../trace/recorder.ts";
import type { SocketStep } from "../../trace/records.ts";
import { formatEndpoint } from "../../wire/address.ts";
import type { TcpFlags } from "../../wire/packet.ts";
import type { NetworkNamespace } from "../namespace.ts";
import type { Skb } from "../skb.ts";
import type { Endpoint, SocketOptions } from "./api.ts";
import { type SocketNote, keyOf, recordArrival, recordCall } from "./record.ts";
import { type OutgoingSegment, sendSegment } from "./tcp-segment.ts";

/** The ends of a connection and how its packets are named. */
export interface TcpEnds {
  readonly ns: NetworkNamespace;
  readonly local: Endpoint;
  readonly remote: Endpoint;
  readonly options: SocketOptions;
  /** `original` for the side that connects. */
  readonly side: "original" | "reply";
}

/** Sends the segments of a connection and tells the trace of them: their cause, their attempt, what the process does. */
export class TcpTransmitter {
  flow: FlowRecorder | undefined;
  /** The last packet that came in: what is sent now was caused by it. Undefined when a timer has run. */
  cause: PacketRecorder | undefined;
  /** A process holds the socket: it has accepted it and not closed it yet (sk->sk_socket). */
  isOwned = true;
  readonly #ends: TcpEnds;
  #sent = 0;
  /** Flow keys of the last transmissions of what is outstanding, by sequence number. */
  readonly #last = new Map<number, string>();
  /** First transmissions of what is outstanding, by sequence number: what a retransmission was caused by. */
  readonly #first = new Map<number, PacketRecorder>();

  constructor(ends: TcpEnds) {
    this.#ends = ends;
    this.flow = ends.options.flow;
  }

  /** Sends a segment; not again while it still waits for a link address (skb_still_in_host_queue). */
  transmit(segment: OutgoingSegment, attempt = 1): void {
    const { ns, local, remote, options, side } = this.#ends;
    const last = attempt > 1 ? this.#last.get(segment.seq) : undefined;
    if (last !== undefined && ns.neighbours.holds(last)) return;
    const track = this.flow && this.#open(this.flow, segment, attempt);
    const flowKey = keyOf(options.flowKey, ++this.#sent);
    if (takesSequence(segment)) this.#last.set(segment.seq, flowKey);
    const isUnbound = side === "original" && options.source === undefined && typeof remote.address === "bigint";
    sendSegment(ns, local, remote, options, segment, { flowKey, track, isOwned: this.isOwned, isUnbound });
  }

  #open(flow: FlowRecorder, segment: OutgoingSegment, attempt: number): PacketRecorder {
    const { flags, seq } = segment;
    const first = attempt > 1 ? this.#first.get(seq) : undefined;
    const cause = first?.cause("retransmission") ?? this.cause?.cause(reasonOf(flags));
    const track = flow.packet(this.#ends.side, attempt, cause);
    if (attempt === 1 && takesSequence(segment)) this.#first.set(seq, track);
    return track;
  }

  /** Everything below `ack` will not be sent again. */
  forgetBelow(ack: number): void {
    for (const seq of this.#first.keys()) if (seq < ack) this.#first.delete(seq);
    for (const seq of this.#last.keys()) if (seq < ack) this.#last.delete(seq);
  }

  /** What the process does, as a step outside any packet. */
  call(action: SocketStep["action"], state: string): void {
    if (this.flow !== undefined) recordCall(this.#ends.ns, this.flow, action, this.#note(state));
  }

  /** What a packet that came in means to the process. */
  arrival(skb: Skb, action: SocketStep["action"], state: string, text?: string): void {
    if (skb.track !== undefined) recordArrival(skb, action, this.#note(state, text));
  }

  timer(timer: "retransmit" | "connect-timeout", attempt?: number): void {
    this.flow?.step(this.#ends.ns.name, { kind: "timer", timer, ...(attempt !== undefined && { attempt }) });
  }

  /** The peer as text. */
  get peer(): string {
    return formatEndpoint(this.#ends.remote.address, this.#ends.remote.port);
  }

  #note(state: string, text?: string): SocketNote {
    const { local, remote, options } = this.#ends;
    const { process } = options;
    return { protocol: "tcp", local, remote, state, process, text };
  }
}

/** A bare acknowledgement or reset is sent once. */
function takesSequence({ flags, payload }: OutgoingSegment): boolean {
  return payload !== undefined || flags.syn === true || flags.fin === true;
}

function reasonOf(flags: TcpFlags): string {
  if (flags.rst === true) return "reset";
  if (flags.syn === true) return "answer to the SYN";
  if (flags.fin === true) return "close";
  return flags.psh === true ? "answer" : "acknowledgement";
}
