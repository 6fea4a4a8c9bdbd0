import { type Payload, payloadBytes } from "../../wire/packet.ts";

interface Stored {
  readonly seq: number;
  readonly payload: Payload;
  readonly push: boolean;
}

/** Puts segments in order and messages together: a message ends with a push. */
export class ReceiveQueue {
  /** The next byte expected (RCV.NXT). */
  next: number;
  readonly #outOfOrder = new Map<number, Stored>();
  #message: Payload | undefined;
  #messageBytes = 0;

  constructor(next: number) {
    this.next = next;
  }

  /** Takes a segment's data and returns the messages that are whole now. */
  add(seq: number, payload: Payload, push: boolean): Payload[] {
    if (seq + payloadBytes(payload) <= this.next) return [];
    this.#outOfOrder.set(seq, { seq, payload, push });
    const messages: Payload[] = [];
    for (let piece = this.#takeNext(); piece !== undefined; piece = this.#takeNext()) {
      const end = piece.seq + payloadBytes(piece.payload);
      this.#message ??= piece.payload;
      this.#messageBytes += end - this.next;
      this.next = end;
      if (!piece.push) continue;
      messages.push(withLength(this.#message, this.#messageBytes));
      this.#message = undefined;
      this.#messageBytes = 0;
    }
    return messages;
  }

  /** How many runs of bytes wait beyond the next one: what an acknowledgement lists as SACK blocks. */
  get gaps(): number {
    const pieces = [...this.#outOfOrder.values()].sort((a, b) => a.seq - b.seq);
    let end = -1;
    let runs = 0;
    for (const { seq, payload } of pieces) {
      if (seq > end) runs++;
      end = Math.max(end, seq + payloadBytes(payload));
    }
    return runs;
  }

  /** The stored segment that holds the next byte; older ones are dropped. */
  #takeNext(): Stored | undefined {
    for (const [seq, piece] of this.#outOfOrder) {
      if (seq > this.next) continue;
      this.#outOfOrder.delete(seq);
      if (seq + payloadBytes(piece.payload) > this.next) return piece;
    }
    return undefined;
  }
}

function withLength(payload: Payload, length: number): Payload {
  switch (payload.kind) {
    case "bytes":
    case "http":
    case "dns":
      return { ...payload, length };
    case "none":
    case "vxlan":
    case "ip":
      return payload;
  }
}
