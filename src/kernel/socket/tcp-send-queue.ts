import { type Payload, emptyPayload, payloadBytes } from "../../wire/packet.ts";

/** A piece of the byte stream as one segment carries it. */
export interface Piece {
  readonly payload: Payload;
  readonly length: number;
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
  /** Sequence number behind the last byte queued. */
  end: number;

  constructor(start: number) {
    this.end = start;
  }

  push(payload: Payload): void {
    const length = payloadBytes(payload);
    if (length === 0) return;
    this.#messages.push({ start: this.end, length, payload });
    this.end += length;
  }

  /** What goes into one segment from `seq` on, at most `maxBytes` and never over the end of a message. */
  at(seq: number, maxBytes: number): Piece | undefined {
    const message = this.#messages.find(({ start, length }) => seq >= start && seq < start + length);
    if (message === undefined) return undefined;
    const rest = message.start + message.length - seq;
    const length = Math.min(rest, maxBytes);
    return { payload: part(message.payload, seq === message.start, length), length, push: length === rest };
  }

  /** Forgets messages that were acknowledged whole. */
  acknowledge(ack: number): void {
    for (;;) {
      const first = this.#messages[0];
      if (first === undefined || first.start + first.length > ack) return;
      this.#messages.shift();
    }
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
