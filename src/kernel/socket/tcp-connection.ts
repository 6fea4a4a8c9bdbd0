import type { FlowRecorder } from "../../trace/recorder.ts";
import { type Payload, type TcpSegment, payloadBytes } from "../../wire/packet.ts";
import type { Skb } from "../skb.ts";
import type { Endpoint, SocketError, TcpConnection, TcpHandlers } from "./api.ts";
import { recordNoSocket } from "./record.ts";
import { AckPolicy } from "./tcp-ack.ts";
import { ReceiveQueue } from "./tcp-receive-queue.ts";
import { answerWithReset, maximumSegmentSize, segmentCapacity } from "./tcp-segment.ts";
import { TcpSender } from "./tcp-sender.ts";
import {
  type TcpSetup,
  type TcpSocketState,
  orphanRetries,
  connectCallNanos,
  lingerNanos,
  windowBytes,
  defaultMss,
} from "./tcp-state.ts";
import { TcpTimer, synAckPlan } from "./tcp-timer.ts";
import { TcpTransmitter } from "./tcp-transmitter.ts";

/**
 * One TCP connection as conntrack and an application see it: handshake, segments, acknowledgements,
 * retransmission, path MTU, both closes, resets (RFC 9293, with Linux's timers). Windows and congestion control
 * are not modelled: a sender sends what it has.
 */
export class TcpSocket implements TcpConnection {
  readonly local: Endpoint;
  readonly remote: Endpoint;
  handlers: TcpHandlers = {};
  state: TcpSocketState = "CLOSED";
  readonly #setup: TcpSetup;
  readonly #out: TcpTransmitter;
  readonly #timer: TcpTimer;
  readonly #acks: AckPolicy;
  readonly #sender: TcpSender;
  #receive = new ReceiveQueue(0);
  #closed = false;
  #peerMss = defaultMss;
  /** An ICMP error that only counts if the connection dies of silence (sk_err_soft). */
  #softError: SocketError | undefined;
  #accepted: (() => void) | undefined;
  /** When connect(2) was called. */
  #calledNanos = 0;

  constructor(setup: TcpSetup) {
    this.#setup = setup;
    this.local = setup.local;
    this.remote = setup.remote;
    this.#out = new TcpTransmitter(setup);
    const { clock } = setup.ns.surroundings;
    this.#timer = new TcpTimer(clock);
    this.#acks = new AckPolicy(clock, () => this.#acknowledge());
    this.#sender = new TcpSender({
      out: this.#out,
      timer: this.#timer,
      acks: this.#acks,
      receiveNext: () => this.#receive.next,
      capacity: () => segmentCapacity(setup.ns, this.remote, this.#peerMss),
      finLeaves: () => {
        this.state = this.state === "CLOSE_WAIT" ? "LAST_ACK" : "FIN_WAIT1";
      },
      giveUp: () => this.#timedOut(),
      retries: () => (this.#closed ? orphanRetries : setup.ns.sysctls.get("net.ipv4.tcp_retries2")),
      nowNanos: () => clock.nowNanos(),
    });
  }

  get flow(): FlowRecorder | undefined {
    return this.#out.flow;
  }

  /** Sends the SYN, and again as the kernel profile says. */
  connect(): void {
    this.state = "SYN_SENT";
    this.#calledNanos = this.#setup.ns.surroundings.clock.nowNanos();
    this.#out.call("connect", this.state);
    this.#sender.begin();
    this.#handshake({ syn: true }, 1);
    const { synRetransmitSeconds, synTimeoutSeconds } = this.#setup.ns.surroundings.profile;
    const plan = { retransmitSeconds: synRetransmitSeconds, timeoutSeconds: synTimeoutSeconds };
    this.#timer.follow(
      plan,
      (attempt) => this.#handshakeAgain(attempt),
      () => this.#timedOut(),
    );
  }

  /** Answers a SYN; `accepted` runs when the handshake is done. */
  answerSyn(skb: Skb, segment: TcpSegment, accepted: () => void): void {
    this.#out.flow = skb.track?.flow;
    this.#accepted = accepted;
    this.#sender.begin();
    this.#sendSynAck(skb, segment);
  }

  send(payload: Payload): void {
    if (this.#sender.isFinQueued || this.state === "CLOSED") return;
    this.#out.call("send", this.state);
    this.#out.isOwned = true;
    this.#sender.push(payload);
    if (this.state !== "SYN_SENT" && this.state !== "SYN_RECV") this.#sender.output();
  }

  close(): void {
    if (this.#closed || this.state === "CLOSED") return;
    this.#closed = true;
    this.#out.call("close", this.state);
    if (this.state === "SYN_SENT") return this.#end();
    this.#out.isOwned = true;
    this.#sender.finish();
    if (this.state !== "SYN_RECV") this.#sender.output();
    this.#out.isOwned = false;
  }

  abort(): void {
    if (this.state === "CLOSED") return;
    this.#closed = true;
    this.#out.call("close", this.state);
    if (this.state !== "SYN_SENT" && this.state !== "TIME_WAIT") {
      this.#out.transmit({ flags: { rst: true, ack: true }, seq: this.#sender.next, ack: this.#receive.next });
    }
    this.#end();
  }

  /** A segment of this connection: tcp_rcv_state_process(). */
  receive(skb: Skb, segment: TcpSegment): void {
    this.#out.cause = skb.track;
    if (this.state === "SYN_SENT") return this.#receiveInSynSent(skb, segment);
    const { flags, ack } = segment;
    if (flags.rst === true) return this.#receiveReset(skb, segment);
    if (flags.syn === true) return this.#receiveSyn(skb, segment);
    if (flags.ack !== true) return recordNoSocket(skb, "TCP_OUT_OF_PLACE");
    if (ack > this.#sender.next || (this.state === "SYN_RECV" && ack !== this.#sender.next)) {
      recordNoSocket(skb, "TCP_OUT_OF_PLACE", "The segment acknowledges what was never sent.");
      if (this.state === "SYN_RECV") answerWithReset(this.#setup.ns, skb, segment);
      else this.#acknowledge();
      return;
    }
    skb.track?.verdict("delivered");
    if (this.state === "SYN_RECV") this.#established(skb);
    this.#acknowledged(segment);
    if (!this.isOver()) this.#takeData(skb, segment);
  }

  #receiveInSynSent(skb: Skb, segment: TcpSegment): void {
    const { flags, ack } = segment;
    if (flags.ack === true && ack !== this.#sender.next) {
      recordNoSocket(skb, "TCP_OUT_OF_PLACE", "The segment acknowledges what was never sent.");
      return answerWithReset(this.#setup.ns, skb, segment);
    }
    if (flags.rst === true ? flags.ack !== true : flags.syn !== true) return recordNoSocket(skb, "TCP_OUT_OF_PLACE");
    skb.track?.verdict("delivered");
    if (flags.rst === true) return this.#fail({ errno: "ECONNREFUSED" }, skb);
    // A SYN without an ACK: both ends connect to each other at once (RFC 9293, 3.5).
    if (flags.ack !== true) return this.#sendSynAck(skb, segment);
    this.#peerMss = segment.mss ?? defaultMss;
    this.#receive = new ReceiveQueue(segment.seq + 1);
    this.#established(skb);
  }

  /** A repeated SYN wants the answer again; any other is only challenged (RFC 5961, 4). */
  #receiveSyn(skb: Skb, { flags }: TcpSegment): void {
    skb.track?.verdict("delivered");
    if (this.state !== "SYN_RECV") return this.#acknowledge();
    if (flags.ack === true) return this.#established(skb);
    this.#handshake({ syn: true, ack: true }, 2);
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

  #established(skb: Skb): void {
    this.state = "ESTABLISHED";
    this.#timer.stop();
    this.#sender.established();
    if (this.#setup.side === "original") {
      this.#acknowledge();
      this.#out.call("connected", this.state);
    } else {
      this.#out.arrival(skb, "accept", this.state);
      // The process gets hold of it only after the first data came, if that follows at once (measured).
      this.#out.isOwned = false;
      this.#accepted?.();
    }
    this.handlers.connected?.(this);
    if (!this.isOver()) this.#sender.output();
  }

  /** Our data or FIN got there. */
  #acknowledged(segment: TcpSegment): void {
    if (this.#sender.acknowledged(segment)) this.#softError = undefined;
    if (!this.#sender.isFinished) return;
    if (this.state === "FIN_WAIT1") this.#linger("FIN_WAIT2");
    else if (this.state === "CLOSING") this.#linger("TIME_WAIT");
    else if (this.state === "LAST_ACK") this.#end();
  }

  #takeData(skb: Skb, segment: TcpSegment): void {
    const { payload } = skb.packet;
    const { flags, seq } = segment;
    const length = payloadBytes(payload);
    const end = seq + length;
    if (length === 0 && flags.fin !== true) return;
    if (length > 0 && end > this.#receive.next && this.#closed) {
      // Data for a process that has closed is lost, and the sender must know (RFC 2525, 2.17).
      answerWithReset(this.#setup.ns, skb, segment);
      return this.#end();
    }
    const before = this.#receive.next;
    const messages = length > 0 ? this.#receive.add(seq, payload, flags.psh === true) : [];
    const finished = flags.fin === true && end === this.#receive.next && this.#peerIsOpen();
    if (finished) this.#receive.next++;
    if (this.#receive.next === before) return this.#acknowledge(length > 0 && end <= before ? 1 : 0);
    if (length > 0) {
      this.#acks.dataArrived();
      this.#out.arrival(skb, "receive", this.state);
    }
    if (finished) this.#peerClosed(skb);
    else this.#acks.owed();
    this.#out.isOwned = !this.#closed;
    for (const message of messages) this.handlers.received?.(this, message);
    if (finished) this.handlers.ended?.(this);
  }

  #peerIsOpen(): boolean {
    return this.state === "ESTABLISHED" || this.state === "FIN_WAIT1" || this.state === "FIN_WAIT2";
  }

  #peerClosed(skb: Skb): void {
    const { state } = this;
    if (state === "ESTABLISHED") this.state = "CLOSE_WAIT";
    this.#out.arrival(skb, "receive", this.state, `${this.#out.peer} has closed its side of the connection.`);
    if (state === "ESTABLISHED") return this.#acks.owed();
    this.#acknowledge();
    if (state === "FIN_WAIT1") this.state = "CLOSING";
    else this.#linger("TIME_WAIT");
  }

  #sendSynAck(skb: Skb, segment: TcpSegment): void {
    this.state = "SYN_RECV";
    this.#out.cause = skb.track;
    this.#peerMss = segment.mss ?? defaultMss;
    this.#receive = new ReceiveQueue(segment.seq + 1);
    this.#handshake({ syn: true, ack: true }, 1);
    this.#timer.follow(
      synAckPlan(this.#setup.ns.sysctls.get("net.ipv4.tcp_synack_retries")),
      (attempt) => this.#handshakeAgain(attempt),
      () => this.#end(),
    );
  }

  #handshake(flags: { readonly syn: true; readonly ack?: true }, attempt: number): void {
    const mss = maximumSegmentSize(this.#setup.ns, this.remote);
    this.#out.transmit({ flags, seq: 0, ack: flags.ack === true ? this.#receive.next : 0, mss }, attempt);
  }

  /** `repeated` bytes that came again are listed as one more block (RFC 2883). */
  #acknowledge(repeated = 0): void {
    this.#acks.paid();
    const sackBlocks = Math.min(3, this.#receive.gaps + repeated);
    this.#out.transmit({
      flags: { ack: true },
      seq: this.#sender.next,
      ack: this.#receive.next,
      ...(sackBlocks > 0 && { sackBlocks }),
    });
  }

  #handshakeAgain(attempt: number): void {
    this.#out.cause = undefined;
    this.#out.timer("retransmit", attempt);
    this.#handshake(this.state === "SYN_SENT" ? { syn: true } : { syn: true, ack: true }, attempt);
  }

  #timedOut(): void {
    this.#out.cause = undefined;
    this.#out.timer("connect-timeout");
    this.#fail(this.#softError ?? { errno: "ETIMEDOUT" });
  }

  /**
   * An ICMP error quotes a segment of ours: tcp_v4_err(), tcp_v6_err(). A connection that stands only remembers it,
   * and so does one whose connect(2) still runs: over IPv6 the process then learns of it with the next SYN's error
   * (measured: 1.02 s with curl 7.88.1), over IPv4 its poll(2) sees the error queue at once. One that only half stands
   * ends if the error `endsRequests`.
   */
  icmpError(error: SocketError, quotedSeq: number, endsRequests: boolean): void {
    if (quotedSeq < this.#sender.unacknowledged || quotedSeq > this.#sender.next) return;
    const unheard = typeof this.remote.address === "bigint" && this.isCalling();
    if (this.state === "SYN_SENT" && !unheard) this.#fail(error);
    else if (this.state !== "SYN_RECV") this.#softError = error;
    else if (endsRequests) this.#end();
  }

  /** The path takes less than was sent. */
  pathMtuReduced(): void {
    if (this.state !== "SYN_SENT" && !this.isOver()) this.#sender.pathMtuReduced();
  }

  /** connect(2) still runs and holds the socket. */
  isCalling(): boolean {
    return this.#setup.ns.surroundings.clock.nowNanos() - this.#calledNanos < connectCallNanos;
  }

  isOver(): boolean {
    return this.state === "CLOSED";
  }

  #fail(error: SocketError, skb?: Skb): void {
    if (skb === undefined) this.#out.call("error", error.errno);
    else this.#out.arrival(skb, "error", error.errno);
    const told = !this.#closed;
    this.#end();
    if (told) this.handlers.failed?.(this, error);
  }

  /** FIN_WAIT2 and TIME_WAIT end by themselves once the process has closed. */
  #linger(state: "FIN_WAIT2" | "TIME_WAIT"): void {
    this.state = state;
    this.#timer.after(lingerNanos, () => this.#end());
  }

  #end(): void {
    this.state = "CLOSED";
    this.#timer.stop();
    this.#acks.paid();
    this.#setup.forget();
  }
}
