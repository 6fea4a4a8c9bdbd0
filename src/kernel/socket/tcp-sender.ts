import type { Payload, TcpSegment } from "../../wire/packet.ts";
import type { AckPolicy } from "./tcp-ack.ts";
import { Retransmission } from "./tcp-retransmission.ts";
import { type Piece, SendQueue } from "./tcp-send-queue.ts";
import type { TcpTimer } from "./tcp-timer.ts";
import type { TcpTransmitter } from "./tcp-transmitter.ts";

/** What the sending half of a connection needs of the other one. */
export interface SenderSetup {
  readonly out: TcpTransmitter;
  readonly timer: TcpTimer;
  readonly acks: AckPolicy;
  /** RCV.NXT, which every segment acknowledges. */
  receiveNext(): number;
  /** Data bytes that a segment may carry now. */
  capacity(): number;
  /** The FIN leaves for the first time. */
  finLeaves(): void;
  giveUp(): void;
  /** How long it goes on, as a number of retransmissions. */
  retries(): number;
  nowNanos(): number;
}

/**
 * The sending half of a connection: data and FIN until they are acknowledged (RFC 9293, 3.8). Windows and congestion
 * control are not modelled: it sends what it has.
 */
export class TcpSender {
  readonly #setup: SenderSetup;
  readonly #retransmission: Retransmission;
  readonly #queue = new SendQueue(1);
  /** SND.UNA and SND.NXT. The initial sequence number is 0, so data begins at 1. */
  #unacknowledged = 0;
  #next = 0;
  #fin: "none" | "queued" | "sent" | "joined" = "none";
  /** Data bytes per segment when it was last sent. */
  #capacity = Number.POSITIVE_INFINITY;
  /** What is below was sent again already: duplicate acknowledgements do not ask for it once more. */
  #recoveryPoint = 0;
  /** What is below was given up by a time-out. */
  #lossPoint = 0;

  constructor(setup: SenderSetup) {
    this.#setup = setup;
    this.#retransmission = new Retransmission(setup.timer, {
      probe: () => this.#probe(),
      again: (attempt) => this.#timedOut(attempt),
      giveUp: () => setup.giveUp(),
      retries: () => setup.retries(),
      nowNanos: () => setup.nowNanos(),
    });
  }

  get unacknowledged(): number {
    return this.#unacknowledged;
  }

  get next(): number {
    return this.#next;
  }

  get isFinQueued(): boolean {
    return this.#fin !== "none";
  }

  /** The FIN was sent, and it and all before it was acknowledged. */
  get isFinished(): boolean {
    return (this.#fin === "sent" || this.#fin === "joined") && this.#unacknowledged === this.#next;
  }

  /** The SYN has left. */
  begin(): void {
    this.#next = 1;
  }

  /** The SYN was acknowledged. */
  established(): void {
    this.#unacknowledged = Math.max(this.#unacknowledged, 1);
  }

  push(payload: Payload): void {
    this.#queue.push(payload);
  }

  finish(): void {
    this.#fin = "queued";
  }

  /** Sends what is queued and was not sent yet, and the FIN behind it. */
  output(): void {
    if (this.#retransmission.hasTimedOut) return;
    const before = this.#next;
    this.#capacity = this.#setup.capacity();
    for (let piece = this.#queue.take(this.#capacity); piece !== undefined; piece = this.#queue.take(this.#capacity)) {
      this.#next += piece.length;
      this.#setup.acks.dataLeaves();
      this.#sendPiece(piece, 1);
    }
    if (this.#fin === "queued" && this.#queue.isAllSent) {
      this.#fin = "sent";
      this.#setup.finLeaves();
      this.#sendFin(this.#next++, 1);
    }
    if (before < this.#next) this.#arm();
  }

  /** An acknowledgement came in. Returns whether it was of anything new. */
  acknowledged({ ack, sackBlocks = 0 }: TcpSegment): boolean {
    if (ack === this.#unacknowledged && sackBlocks > 0 && ack >= this.#recoveryPoint && ack < this.#next) {
      // Later bytes got there and these did not: they were lost (RFC 8985, without reordering).
      this.#recoveryPoint = this.#next;
      this.#retransmission.lose();
      this.#sendFirst(2);
    }
    if (ack <= this.#unacknowledged) return false;
    this.#unacknowledged = ack;
    this.#queue.acknowledge(ack);
    this.#setup.out.forgetBelow(ack);
    this.#retransmission.acknowledged(ack >= Math.max(this.#lossPoint, this.#recoveryPoint));
    // What a time-out gave up goes again as soon as there is room (tcp_xmit_retransmit_queue).
    if (ack < this.#lossPoint) this.#sendFirst(2);
    if (ack < this.#next) this.#arm();
    else this.#setup.timer.stop();
    this.output();
    return true;
  }

  /** The path takes less than was sent: what was too long goes again in parts (tcp_v4_mtu_reduced). */
  pathMtuReduced(): void {
    if (this.#unacknowledged === this.#next) return;
    const capacity = this.#setup.capacity();
    if (capacity >= this.#capacity) return;
    this.#capacity = capacity;
    this.#recoveryPoint = this.#next;
    this.#retransmission.lose();
    for (const piece of this.#queue.tooLong(capacity)) this.#sendPiece(piece, 2);
    this.#arm();
  }

  #arm(): void {
    this.#retransmission.arm(this.#queue.segments + (this.#fin === "sent" ? 1 : 0));
  }

  #timedOut(attempt: number): void {
    this.#lossPoint = this.#next;
    this.#announce(attempt);
    this.#sendFirst(attempt);
  }

  #probe(): void {
    this.#announce(2);
    if (this.#fin === "sent") return this.#sendFin(this.#next - 1, 2);
    const piece = this.#queue.last();
    if (piece !== undefined) this.#sendPiece(piece, 2);
  }

  #announce(attempt: number): void {
    this.#setup.out.cause = undefined;
    this.#setup.out.timer("retransmit", attempt);
  }

  /** The first segment that is not acknowledged, joined with a FIN right behind it (tcp_retrans_try_collapse). */
  #sendFirst(attempt: number): void {
    this.#capacity = this.#setup.capacity();
    const piece = this.#queue.first(this.#capacity);
    if (piece === undefined) return this.#sendFin(this.#unacknowledged, attempt);
    if (this.#fin === "sent" && piece.seq + piece.length === this.#next - 1) this.#fin = "joined";
    this.#sendPiece(piece, attempt);
  }

  #sendPiece({ seq, length, payload, push }: Piece, attempt: number): void {
    const { acks, out } = this.#setup;
    const fin = this.#fin === "joined" && seq + length === this.#next - 1;
    acks.paid();
    const flags = { ack: true, psh: push, ...(fin && { fin }) };
    out.transmit({ flags, seq, ack: this.#setup.receiveNext(), payload }, attempt);
  }

  #sendFin(seq: number, attempt: number): void {
    this.#setup.acks.paid();
    this.#setup.out.transmit({ flags: { fin: true, ack: true }, seq, ack: this.#setup.receiveNext() }, attempt);
  }
}
