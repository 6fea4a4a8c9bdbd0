import type { FlowRecorder, PacketRecorder } from "../../trace/recorder.ts";
import { formatEndpoint } from "../../wire/address.ts";
import { type Payload, type TcpFlags, type TcpSegment, payloadBytes } from "../../wire/packet.ts";
import { type Timer, nanosPerMilli, nanosPerSecond } from "../clock.ts";
import type { NetworkNamespace } from "../namespace.ts";
import type { Skb } from "../skb.ts";
import type { Endpoint, SocketError, SocketOptions, TcpConnection, TcpHandlers } from "./api.ts";
import { recordArrival, recordCall, recordNoSocket } from "./record.ts";
import { ReceiveQueue } from "./tcp-receive-queue.ts";
import { answerWithReset, maximumSegmentSize, segmentCapacity, sendSegment } from "./tcp-segment.ts";
import { SendQueue } from "./tcp-send-queue.ts";
import { keyOf } from "./udp.ts";

export type TcpSocketState =
  | "SYN_SENT"
  | "SYN_RECV"
  | "ESTABLISHED"
  | "FIN_WAIT1"
  | "FIN_WAIT2"
  | "CLOSE_WAIT"
  | "CLOSING"
  | "LAST_ACK"
  | "TIME_WAIT"
  | "CLOSED";

/** How long an acknowledgement waits for data to travel with (TCP_ATO_MIN). */
const delayedAckNanos = 40 * nanosPerMilli;
const rtoMinNanos = 200 * nanosPerMilli;
const rtoMaxNanos = 120 * nanosPerSecond;
/** tcp_retries2, tcp_orphan_retries: retransmissions of data before the connection is given up. */
const dataRetries = 15;
const orphanRetries = 8;
/** tcp_synack_retries. */
const synAckRetransmitSeconds = [1, 3, 7, 15, 31];
const synAckTimeoutSeconds = 63;
/** TCP_TIMEWAIT_LEN, tcp_fin_timeout. */
const lingerNanos = 60 * nanosPerSecond;
const windowBytes = 65_535;
/** What RFC 9293 assumes of a peer that announces no MSS. */
const defaultMss = 536;

/** What a connection is made of. */
export interface TcpSetup {
  readonly ns: NetworkNamespace;
  readonly local: Endpoint;
  readonly remote: Endpoint;
  readonly options: SocketOptions;
  /** `original` for the side that connects. */
  readonly side: "original" | "reply";
  /** The connection is over: its addresses and ports are free. */
  forget(): void;
}

/**
 * One TCP connection as conntrack and an application see it: handshake, segments, acknowledgements,
 * retransmission, path MTU, both closes, resets (RFC 9293, with Linux's timers). Windows and congestion control
 * are not modelled: a sender sends what it has.
 */
export class TcpSocket implements TcpConnection {
  readonly local: Endpoint;
  readonly remote: Endpoint;
  readonly #setup: TcpSetup;
  handlers: TcpHandlers = {};
  state: TcpSocketState = "CLOSED";
  #flow: FlowRecorder | undefined;
  /** The last packet that came in: what is sent now was caused by it. */
  #cause: PacketRecorder | undefined;
  /** The first transmission of what is outstanding: what a retransmission was caused by. */
  #outstanding: PacketRecorder | undefined;
  readonly #send = new SendQueue(1);
  #receive = new ReceiveQueue(0);
  /** SND.UNA and SND.NXT. The initial sequence number is 0, so data begins at 1. */
  #unacknowledged = 0;
  #next = 0;
  #finQueued = false;
  #finSent = false;
  #applicationClosed = false;
  #peerMss = defaultMss;
  #lastCapacity = Number.POSITIVE_INFINITY;
  #retransmissions = 0;
  #sent = 0;
  #timer: Timer | undefined;
  #ackTimer: Timer | undefined;
  /** An interactive connection: answers carry the acknowledgements (inet_csk_enter_pingpong_mode). */
  #pingpong = false;
  #lastDataNanos = Number.NEGATIVE_INFINITY;
  /** An ICMP error that only counts if the connection dies of silence (sk_err_soft). */
  #softError: SocketError | undefined;
  #onAccepted: (() => void) | undefined;

  constructor(setup: TcpSetup) {
    this.#setup = setup;
    this.local = setup.local;
    this.remote = setup.remote;
    this.#flow = setup.options.flow;
  }

  get flow(): FlowRecorder | undefined {
    return this.#flow;
  }

  // ── calls ────────────────────────────────────────────────────────────────────────────────────────────────

  /** Sends the SYN. */
  connect(): void {
    this.state = "SYN_SENT";
    this.#call("connect", `connects to ${this.#remoteText()}.`);
    this.#next = 1;
    this.#transmitSyn(1);
    this.#awaitSynAnswer(1);
  }

  /** Answers a SYN; `accepted` runs when the handshake is done. */
  answerSyn(skb: Skb, segment: TcpSegment, accepted: () => void): void {
    this.state = "SYN_RECV";
    this.#flow = skb.track?.flow;
    this.#cause = skb.track;
    this.#peerMss = segment.mss ?? defaultMss;
    this.#receive = new ReceiveQueue(segment.seq + 1);
    this.#onAccepted = accepted;
    this.#next = 1;
    this.#transmitSynAck(1);
    this.#awaitFinalAck(1);
  }

  send(payload: Payload): void {
    if (this.#finQueued || this.state === "CLOSED") return;
    this.#call("send", `sends ${payloadBytes(payload)} bytes.`);
    this.#send.push(payload);
    if (this.state !== "SYN_SENT" && this.state !== "SYN_RECV") this.#output();
  }

  close(): void {
    if (this.#applicationClosed || this.state === "CLOSED") return;
    this.#applicationClosed = true;
    this.#call("close", "closes the connection.");
    if (this.state === "SYN_SENT") return this.#end();
    this.#finQueued = true;
    if (this.state !== "SYN_RECV") this.#output();
  }

  abort(): void {
    if (this.state === "CLOSED") return;
    this.#applicationClosed = true;
    this.#call("close", "gives the connection up.");
    if (this.state !== "SYN_SENT" && this.state !== "TIME_WAIT")
      this.#transmit({ rst: true, ack: true }, this.#next, 1);
    this.#end();
  }

  // ── segments that arrive ─────────────────────────────────────────────────────────────────────────────────

  /** A segment of this connection: tcp_rcv_state_process(). */
  receive(skb: Skb, segment: TcpSegment): void {
    this.#cause = skb.track;
    if (this.state === "SYN_SENT") return this.#receiveInSynSent(skb, segment);
    const { flags, seq, ack } = segment;
    if (flags.rst === true) return this.#receiveReset(skb, segment);
    if (flags.syn === true) {
      skb.track?.verdict("delivered");
      // A repeated SYN wants the answer again; any other is only challenged (RFC 5961, 4).
      if (this.state === "SYN_RECV" && flags.ack !== true) return this.#transmitSynAck(2);
      if (this.state === "SYN_RECV") this.#established();
      return this.#acknowledge();
    }
    if (flags.ack !== true) return recordNoSocket(skb, "TCP_OUT_OF_PLACE");
    if (ack > this.#next || (this.state === "SYN_RECV" && ack !== this.#next)) {
      recordNoSocket(skb, "TCP_OUT_OF_PLACE", "The segment acknowledges what was never sent.");
      if (this.state === "SYN_RECV") answerWithReset(this.#setup.ns, skb, segment);
      else this.#acknowledge();
      return;
    }
    skb.track?.verdict("delivered");
    if (this.state === "SYN_RECV") this.#established(skb);
    this.#acknowledged(ack);
    if (this.isOver()) return;
    this.#takeData(skb, segment, seq);
  }

  #receiveInSynSent(skb: Skb, segment: TcpSegment): void {
    const { flags, ack } = segment;
    if (flags.ack === true && ack !== this.#next) {
      recordNoSocket(skb, "TCP_OUT_OF_PLACE", "The segment acknowledges what was never sent.");
      return answerWithReset(this.#setup.ns, skb, segment);
    }
    if (flags.rst === true) {
      if (flags.ack !== true) return recordNoSocket(skb, "TCP_OUT_OF_PLACE");
      skb.track?.verdict("delivered");
      return this.#fail({ errno: "ECONNREFUSED" }, skb);
    }
    if (flags.syn !== true) return recordNoSocket(skb, "TCP_OUT_OF_PLACE");
    skb.track?.verdict("delivered");
    this.#peerMss = segment.mss ?? defaultMss;
    this.#receive = new ReceiveQueue(segment.seq + 1);
    if (flags.ack !== true) {
      // Both ends connect to each other at once (RFC 9293, 3.5).
      this.state = "SYN_RECV";
      return this.#transmitSynAck(1);
    }
    this.#unacknowledged = ack;
    this.#established();
  }

  #receiveReset(skb: Skb, { seq }: TcpSegment): void {
    const expected = this.#receive.next;
    if (this.state === "TIME_WAIT" || seq < expected || seq > expected + windowBytes) {
      return recordNoSocket(skb, "TCP_OUT_OF_PLACE", "The reset lies outside the window.");
    }
    skb.track?.verdict("delivered");
    // Only an exact hit resets; one inside the window is challenged (RFC 5961, 3.2).
    if (seq !== expected) return this.#acknowledge();
    if (this.state === "SYN_RECV" && this.#setup.side === "reply") return this.#end();
    this.#fail({ errno: "ECONNRESET" }, skb);
  }

  #established(skb?: Skb): void {
    this.state = "ESTABLISHED";
    this.#stopTimer();
    this.#unacknowledged = Math.max(this.#unacknowledged, 1);
    if (this.#setup.side === "original") {
      this.#acknowledge();
      this.#call("connected", `is connected to ${this.#remoteText()}.`);
      this.handlers.connected?.(this);
    } else {
      if (skb?.track)
        recordArrival(skb, "accept", {
          ...this.#note(),
          text: `${this.#process()} accepts the connection of ${this.#remoteText()}.`,
        });
      this.#onAccepted?.();
      this.handlers.connected?.(this);
    }
    if (!this.isOver()) this.#output();
  }

  /** Our data or FIN got there. */
  #acknowledged(ack: number): void {
    if (ack > this.#unacknowledged) {
      this.#unacknowledged = ack;
      this.#send.acknowledge(ack);
      this.#retransmissions = 0;
      this.#softError = undefined;
      this.#outstanding = undefined;
      if (this.#unacknowledged < this.#next) this.#armRetransmission();
      else this.#stopTimer();
    }
    if (!this.#finSent || this.#unacknowledged < this.#next) return;
    if (this.state === "FIN_WAIT1") {
      this.state = "FIN_WAIT2";
      this.#endAfterLinger();
    } else if (this.state === "CLOSING") this.#timeWait();
    else if (this.state === "LAST_ACK") this.#end();
  }

  #takeData(skb: Skb, { flags }: TcpSegment, seq: number): void {
    const { payload } = skb.packet;
    const length = payloadBytes(payload);
    const end = seq + length;
    if (length === 0 && flags.fin !== true) return;
    if (length > 0 && end > this.#receive.next && this.#applicationClosed) {
      // Data for a process that has closed is lost, and the sender must know (RFC 2525, 2.17).
      answerWithReset(this.#setup.ns, skb, { ...skb.packet.transport, flags: { ack: true } } as TcpSegment);
      return this.#end();
    }
    const before = this.#receive.next;
    const messages = length > 0 ? this.#receive.add(seq, payload, flags.psh === true) : [];
    const finished = flags.fin === true && end === this.#receive.next && this.#peerOpen();
    if (finished) this.#receive.next++;
    if (this.#receive.next === before) return this.#acknowledge();
    if (length > 0) {
      this.#lastDataNanos = this.#now();
      if (skb.track)
        recordArrival(skb, "receive", { ...this.#note(), text: `${this.#process()} receives ${length} bytes.` });
    }
    if (finished) this.#peerClosed(skb);
    else this.#acknowledgeSoon();
    for (const message of messages) this.handlers.received?.(this, message);
    if (finished) this.handlers.ended?.(this);
  }

  #peerOpen(): boolean {
    return this.state === "ESTABLISHED" || this.state === "FIN_WAIT1" || this.state === "FIN_WAIT2";
  }

  #peerClosed(skb: Skb): void {
    if (skb.track)
      recordArrival(skb, "receive", {
        ...this.#note(),
        text: `${this.#process()} is told that ${this.#remoteText()} has closed its side.`,
      });
    if (this.state === "ESTABLISHED") {
      this.state = "CLOSE_WAIT";
      return this.#acknowledgeSoon();
    }
    const simultaneous = this.state === "FIN_WAIT1";
    this.#acknowledge();
    if (simultaneous) this.state = "CLOSING";
    else this.#timeWait();
  }

  // ── segments that leave ──────────────────────────────────────────────────────────────────────────────────

  /** Sends what is queued and was not sent yet, and the FIN behind it. */
  #output(): void {
    const wasIdle = this.#unacknowledged === this.#next;
    this.#lastCapacity = segmentCapacity(this.#setup.ns, this.remote, this.#peerMss);
    for (
      let piece = this.#send.at(this.#next, this.#lastCapacity);
      piece !== undefined;
      piece = this.#send.at(this.#next, this.#lastCapacity)
    ) {
      const seq = this.#next;
      this.#next += piece.length;
      if (this.#now() - this.#lastDataNanos <= delayedAckNanos) this.#pingpong = true;
      this.#transmit({ ack: true, psh: piece.push }, seq, 1, piece.payload);
    }
    if (this.#finQueued && !this.#finSent && this.#next === this.#send.end) {
      this.#finSent = true;
      this.state = this.state === "CLOSE_WAIT" ? "LAST_ACK" : "FIN_WAIT1";
      const seq = this.#next++;
      this.#transmit({ fin: true, ack: true }, seq, 1);
    }
    if (wasIdle && this.#unacknowledged < this.#next) this.#armRetransmission();
  }

  #transmitSyn(attempt: number): void {
    this.#transmit({ syn: true }, 0, attempt, undefined, maximumSegmentSize(this.#setup.ns, this.remote));
  }

  #transmitSynAck(attempt: number): void {
    this.#transmit({ syn: true, ack: true }, 0, attempt, undefined, maximumSegmentSize(this.#setup.ns, this.remote));
  }

  #acknowledge(): void {
    this.#transmit({ ack: true }, this.#next, 1);
  }

  #acknowledgeSoon(): void {
    if (!this.#pingpong) return this.#acknowledge();
    this.#ackTimer ??= this.#setup.ns.surroundings.clock.after(delayedAckNanos, () => {
      this.#pingpong = false;
      this.#acknowledge();
    });
  }

  #transmit(flags: TcpFlags, seq: number, attempt: number, payload?: Payload, mss?: number): void {
    const { ns, options, side } = this.#setup;
    if (flags.ack === true) {
      this.#ackTimer?.cancel();
      this.#ackTimer = undefined;
    }
    const ack = flags.ack === true ? this.#receive.next : 0;
    const again = attempt > 1 ? this.#outstanding : undefined;
    const cause = again?.cause("retransmission") ?? this.#cause?.cause(reasonOf(flags));
    const track = this.#flow?.packet(side, attempt, cause);
    if (attempt === 1 && (payload !== undefined || flags.syn === true || flags.fin === true)) this.#outstanding = track;
    sendSegment(
      ns,
      this.local,
      this.remote,
      options,
      { flags, seq, ack, ...(payload && { payload }), ...(mss !== undefined && { mss }) },
      { flowKey: keyOf(options.flowKey, ++this.#sent), track },
    );
  }

  // ── time ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** Waits for the answer to the SYN as the kernel profile says. */
  #awaitSynAnswer(attempt: number): void {
    const { synRetransmitSeconds, synTimeoutSeconds } = this.#setup.ns.surroundings.profile;
    this.#await(attempt, synRetransmitSeconds, synTimeoutSeconds, (next) => {
      this.#transmitSyn(next);
      this.#awaitSynAnswer(next);
    });
  }

  #awaitFinalAck(attempt: number): void {
    this.#await(attempt, synAckRetransmitSeconds, synAckTimeoutSeconds, (next) => {
      this.#transmitSynAck(next);
      this.#awaitFinalAck(next);
    });
  }

  #await(
    attempt: number,
    retransmitSeconds: readonly number[],
    timeoutSeconds: number,
    again: (attempt: number) => void,
  ): void {
    const since = attempt === 1 ? 0 : (retransmitSeconds[attempt - 2] ?? 0);
    const until = retransmitSeconds[attempt - 1];
    this.#timer = this.#setup.ns.surroundings.clock.after(((until ?? timeoutSeconds) - since) * nanosPerSecond, () => {
      this.#cause = undefined;
      if (until === undefined) return this.#timedOut(timeoutSeconds);
      this.#recordTimer(attempt + 1, `${until} s have passed without an answer: attempt ${attempt + 1}.`);
      again(attempt + 1);
    });
  }

  #armRetransmission(): void {
    this.#stopTimer();
    const rto = Math.min(rtoMinNanos * 2 ** this.#retransmissions, rtoMaxNanos);
    this.#timer = this.#setup.ns.surroundings.clock.after(rto, () => {
      this.#cause = undefined;
      if (this.#retransmissions >= (this.#applicationClosed ? orphanRetries : dataRetries)) return this.#timedOut();
      this.#retransmissions++;
      this.#recordTimer(
        this.#retransmissions + 1,
        `${rto / nanosPerMilli} ms have passed without an acknowledgement: the segment is sent again.`,
      );
      this.#retransmit(this.#retransmissions + 1);
      this.#armRetransmission();
    });
  }

  /** Sends the first segment that is not acknowledged again. */
  #retransmit(attempt: number): void {
    this.#lastCapacity = segmentCapacity(this.#setup.ns, this.remote, this.#peerMss);
    const piece = this.#send.at(this.#unacknowledged, this.#lastCapacity);
    if (piece !== undefined)
      this.#transmit({ ack: true, psh: piece.push }, this.#unacknowledged, attempt, piece.payload);
    else if (this.#finSent) this.#transmit({ fin: true, ack: true }, this.#unacknowledged, attempt);
  }

  #timedOut(afterSeconds?: number): void {
    const error = this.#softError ?? { errno: "ETIMEDOUT" as const };
    const after = afterSeconds === undefined ? "" : ` after ${afterSeconds} s`;
    const { flow, ns } = { flow: this.#flow, ns: this.#setup.ns };
    flow?.step(ns.name, {
      kind: "timer",
      timer: "connect-timeout",
      text: `Nobody has answered${after}: the kernel gives up.`,
    });
    this.#fail(error);
  }

  #recordTimer(attempt: number, text: string): void {
    this.#flow?.step(this.#setup.ns.name, { kind: "timer", timer: "retransmit", attempt, text });
  }

  // ── errors and ends ──────────────────────────────────────────────────────────────────────────────────────

  /** An ICMP error quotes a segment of ours: tcp_v4_err(). A connection that stands only remembers it. */
  icmpError(error: SocketError, quotedSeq: number): void {
    if (quotedSeq < this.#unacknowledged || quotedSeq > this.#next) return;
    if (this.state === "SYN_SENT") return this.#fail(error);
    if (this.state === "SYN_RECV") return this.#end();
    this.#softError = error;
  }

  /** The path takes less than was sent: what is outstanding goes again in shorter segments (tcp_v4_mtu_reduced). */
  pathMtuReduced(): void {
    if (this.state === "SYN_SENT" || this.isOver()) return;
    const capacity = segmentCapacity(this.#setup.ns, this.remote, this.#peerMss);
    if (capacity >= this.#lastCapacity || this.#unacknowledged === this.#next) return;
    this.#lastCapacity = capacity;
    let seq = this.#unacknowledged;
    for (
      let piece = this.#send.at(seq, capacity);
      piece !== undefined && seq < this.#next;
      piece = this.#send.at(seq, capacity)
    ) {
      this.#transmit({ ack: true, psh: piece.push }, seq, 2, piece.payload);
      seq += piece.length;
    }
    this.#armRetransmission();
  }

  isOver(): boolean {
    return this.state === "CLOSED";
  }

  #fail(error: SocketError, skb?: Skb): void {
    const note = { ...this.#note(), state: error.errno, text: `${this.#process()} is told: ${error.errno}.` };
    if (skb?.track) recordArrival(skb, "error", note);
    else recordCall(this.#setup.ns, this.#flow, "error", note);
    const told = !this.#applicationClosed;
    this.#end();
    if (told) this.handlers.failed?.(this, error);
  }

  #timeWait(): void {
    this.state = "TIME_WAIT";
    this.#endAfterLinger();
  }

  #endAfterLinger(): void {
    this.#stopTimer();
    if (!this.#applicationClosed) return;
    this.#timer = this.#setup.ns.surroundings.clock.after(lingerNanos, () => this.#end());
  }

  #end(): void {
    this.state = "CLOSED";
    this.#stopTimer();
    this.#ackTimer?.cancel();
    this.#setup.forget();
  }

  #stopTimer(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #now(): number {
    return this.#setup.ns.surroundings.clock.nowNanos();
  }

  // ── the trace ────────────────────────────────────────────────────────────────────────────────────────────

  #call(action: "connect" | "connected" | "send" | "close", text: string): void {
    if (this.#flow === undefined) return;
    recordCall(this.#setup.ns, this.#flow, action, { ...this.#note(), text: `${this.#process()} ${text}` });
  }

  #note(): { protocol: "tcp"; local: Endpoint; remote: Endpoint; state: TcpSocketState; process: string | undefined } {
    return {
      protocol: "tcp",
      local: this.local,
      remote: this.remote,
      state: this.state,
      process: this.#setup.options.process,
    };
  }

  #process(): string {
    return this.#setup.options.process ?? "The process";
  }

  #remoteText(): string {
    return formatEndpoint(this.remote.address, this.remote.port);
  }
}

function reasonOf(flags: TcpFlags): string {
  if (flags.rst === true) return "reset";
  if (flags.syn === true) return "answer to the SYN";
  if (flags.fin === true) return "close";
  return flags.psh === true ? "answer" : "acknowledgement";
}
