import { type Payload, emptyPayload, payloadBytes } from "../../wire/packet.ts";

/** A piece of the byte stream as one segment carries it. */
export interface Piece {
  readonly seq: number;
  readonly length: number;
  readonly payload: Payload;
  /** It ends a message: PSH. */
  readonly push: boolean;
}

interface Message {
  /** Sequence number of its first byte. */
  readonly start: number;
  readonly length: number;
  readonly payload: Payload;
}

/**
 * The messages a sender has not had acknowledged. Payloads are not bytes, so the first segment of a message
 * carries what it says and the rest only lengths; the receiver puts the message together again.
 */
export class SendQueue {
  readonly #messages: Message[] = [];
  /** Ends of the segments that are on their way: a retransmission keeps to them. */
  #segmentEnds: number[] = [];
  #acknowledged: number;
  #sent: number;
  #end: number;

  constructor(start: number) {
    this.#acknowledged = start;
    this.#sent = start;
    this.#end = start;
  }

  push(payload: Payload): void {
    const length = payloadBytes(payload);
    if (length === 0) return;
    this.#messages.push({ start: this.#end, length, payload });
    this.#end += length;
  }

  /** Nothing waits for its first transmission. */
  get isAllSent(): boolean {
    return this.#sent === this.#end;
  }

  /** The next new segment, of at most `maxBytes`; it counts as sent. */
  take(maxBytes: number): Piece | undefined {
    const piece = this.#at(this.#sent, maxBytes);
    if (piece === undefined) return undefined;
    this.#sent += piece.length;
    this.#segmentEnds.push(this.#sent);
    return piece;
  }

  /** How many segments are on their way. */
  get segments(): number {
    return this.#segmentEnds.length;
  }

  /** The last segment on its way. */
  last(): Piece | undefined {
    const end = this.#segmentEnds.at(-1);
    const start = this.#segmentEnds.at(-2) ?? this.#acknowledged;
    return end === undefined ? undefined : this.#at(start, end - start);
  }

  /** Forgets what lies below `ack`. */
  acknowledge(ack: number): void {
    this.#acknowledged = Math.min(ack, this.#end);
    this.#segmentEnds = this.#segmentEnds.filter((end) => end > ack);
    while (this.#messages[0] !== undefined && this.#messages[0].start + this.#messages[0].length <= ack) {
      this.#messages.shift();
    }
  }

  /** The first segment that is not acknowledged, or its beginning where it has become too long. */
  first(maxBytes: number): Piece | undefined {
    const [end] = this.#segmentEnds;
    return end === undefined ? undefined : this.#at(this.#acknowledged, Math.min(maxBytes, end - this.#acknowledged));
  }

  /** The segments on their way that are longer than `maxBytes`, in parts that are not. */
  tooLong(maxBytes: number): Piece[] {
    const parts: Piece[] = [];
    let seq = this.#acknowledged;
    for (const end of this.#segmentEnds) {
      if (end - seq <= maxBytes) seq = end;
      while (seq < end) {
        const piece = this.#at(seq, Math.min(maxBytes, end - seq));
        if (piece === undefined) break;
        parts.push(piece);
        seq += piece.length;
      }
    }
    return parts;
  }

  #at(seq: number, maxBytes: number): Piece | undefined {
    const message = this.#messages.find(({ start, length }) => seq >= start && seq < start + length);
    if (message === undefined) return undefined;
    const rest = message.start + message.length - seq;
    const length = Math.min(rest, maxBytes);
    return { seq, length, payload: part(message.payload, seq === message.start, length), push: length === rest };
  }
}

function part(payload: Payload, first: boolean, length: number): Payload {
  if (!first) return { kind: "bytes", length };
  switch (payload.kind) {
    case "bytes":
    case "http":
    case "dns":
      return { ...payload, length };
    case "none":
    case "vxlan":
    case "ip":
      return emptyPayload;
  }
}
