import type { FlowRecorder, PacketRecorder } from "../../trace/recorder.ts";
import type { SocketStep } from "../../trace/records.ts";
import { type Payload, type SctpChunk, type SctpPacket, payloadBytes } from "../../wire/packet.ts";
import { type Timer, nanosPerMilli, nanosPerSecond } from "../clock.ts";
import { pathMtu } from "../ip/path-mtu.ts";
import type { NetworkNamespace } from "../namespace.ts";
import type { Skb } from "../skb.ts";
import type { Endpoint, SocketError, SocketOptions, TcpConnection, TcpHandlers } from "./api.ts";
import { keyOf, recordArrival, recordCall, recordNoSocket } from "./record.ts";
import { type OutgoingChunk, sendChunk } from "./sctp-chunk.ts";

interface QueuedData {
  readonly tsn: number;
  readonly payload: Payload;
  readonly continues?: true;
  isSent: boolean;
}

/** RFC 9260, section 4. */
export type SctpSocketState =
  | "CLOSED"
  | "COOKIE_WAIT"
  | "COOKIE_ECHOED"
  | "ESTABLISHED"
  | "SHUTDOWN_PENDING"
  | "SHUTDOWN_SENT"
  | "SHUTDOWN_RECEIVED"
  | "SHUTDOWN_ACK_SENT";

/** What an association is made of. */
export interface SctpSetup {
  readonly ns: NetworkNamespace;
  readonly local: Endpoint;
  readonly remote: Endpoint;
  readonly options: SocketOptions;
  /** `original` for the side that connects. */
  readonly side: "original" | "reply";
  /** The association is over: its addresses and ports are free. */
  forget(): void;
}

/** Documentation/networking/ip-sysctl.rst, SCTP: rto_initial, rto_min, rto_max, max_init_retransmits, association_max_retrans, sack_timeout. */
const rtoInitialNanos = 3 * nanosPerSecond;
const rtoMinNanos = nanosPerSecond;
const rtoMaxNanos = 60 * nanosPerSecond;
const initRetries = 8;
const associationRetries = 10;
const sackNanos = 200 * nanosPerMilli;
/** The common header and that of a DATA chunk, bytes. */
const dataHeaderBytes = 28;

/**
 * One SCTP association with one address at either end, as conntrack and an application see it: set-up with a cookie,
 * messages, acknowledgements, retransmission, shutdown, abort (RFC 9260, with Linux's timers). Heartbeats, several
 * streams and addresses, windows and congestion control are not modelled.
 */
export class SctpAssociation implements TcpConnection {
  readonly local: Endpoint;
  readonly remote: Endpoint;
  flow: FlowRecorder | undefined;
  handlers: TcpHandlers = {};
  state: SctpSocketState = "CLOSED";
  readonly #setup: SctpSetup;
  /** The last packet that came in: what is sent now was caused by it. */
  #cause: PacketRecorder | undefined;
  #sent = 0;
  #timer: Timer | undefined;
  #sackTimer: Timer | undefined;
  /** DATA that is not acknowledged, in order; what was sent has its number. */
  readonly #queue: QueuedData[] = [];
  #nextTsn = 1;
  /** The highest number below which all came, and whether the next DATA is acknowledged at once (sctp_gen_sack). */
  #received = 0;
  #sackNow = true;
  /** What came of a message that goes on. */
  #messageBytes = 0;
  /** A round trip was measured. */
  #isMeasured = false;
  #isClosing = false;

  constructor(setup: SctpSetup) {
    this.#setup = setup;
    this.local = setup.local;
    this.remote = setup.remote;
    this.flow = setup.options.flow;
  }

  connect(): void {
    this.state = "COOKIE_WAIT";
    this.#call("connect");
    this.#repeat({ chunk: "init" }, rtoInitialNanos, initRetries);
  }

  /** The cookie came back: the association stands. */
  accept(skb: Skb): void {
    this.state = "ESTABLISHED";
    this.flow = skb.track?.flow;
    this.#cause = skb.track;
    this.#transmit({ chunk: "cookie-ack" });
  }

  send(payload: Payload): void {
    if (this.#isClosing || this.state === "CLOSED") return;
    this.#call("send");
    const parts = this.#parts(payload);
    for (const [index, part] of parts.entries()) {
      const goesOn = index < parts.length - 1;
      this.#queue.push({
        tsn: this.#nextTsn++,
        payload: part,
        ...(goesOn && { continues: true as const }),
        isSent: false,
      });
    }
    if (this.state === "ESTABLISHED" || this.state === "SHUTDOWN_RECEIVED") this.#sendQueued();
  }

  close(): void {
    if (this.#isClosing || this.state === "CLOSED") return;
    this.#isClosing = true;
    this.#call("close");
    if (this.state === "COOKIE_WAIT" || this.state === "COOKIE_ECHOED") return this.#end();
    if (this.state === "ESTABLISHED") this.state = "SHUTDOWN_PENDING";
    this.#shutDown();
  }

  abort(): void {
    if (this.state === "CLOSED") return;
    this.#call("close");
    if (this.state !== "COOKIE_WAIT" && this.state !== "COOKIE_ECHOED") this.#transmit({ chunk: "abort" });
    this.#end();
  }

  receive(skb: Skb, packet: SctpPacket): void {
    this.#cause = skb.track;
    const { chunk } = packet;
    const before = this.state;
    skb.track?.verdict("delivered");
    switch (chunk) {
      case "init":
        return this.#transmit({ chunk: "init-ack" });
      case "init-ack":
        if (before !== "COOKIE_WAIT") return this.#ignored(skb);
        this.state = "COOKIE_ECHOED";
        this.#arrival(skb, "receive");
        return this.#repeat({ chunk: "cookie-echo" }, rtoInitialNanos, initRetries);
      case "cookie-echo":
        return this.#transmit({ chunk: "cookie-ack" });
      case "cookie-ack":
        if (before !== "COOKIE_ECHOED") return this.#ignored(skb);
        return this.#established(skb);
      case "data":
        if (packet.cumulative !== undefined) this.#takeSack(packet);
        return this.#takeData(skb, packet);
      case "sack":
        return this.#takeSack(packet);
      case "shutdown":
        this.state = "SHUTDOWN_RECEIVED";
        this.#arrival(skb, "receive");
        this.handlers.ended?.(this);
        return this.#shutDown();
      case "shutdown-ack":
        this.#arrival(skb, "receive");
        this.#transmit({ chunk: "shutdown-complete" });
        return this.#end();
      case "shutdown-complete":
        this.#arrival(skb, "receive");
        return this.#end();
      case "abort": {
        const isCalling = before === "COOKIE_WAIT" || before === "COOKIE_ECHOED";
        this.#arrival(skb, "receive");
        return this.fail({ errno: isCalling ? "ECONNREFUSED" : "ECONNRESET" });
      }
    }
  }

  /** "Protocol unreachable" ends a call that nobody has answered (sctp_sf_cookie_wait_icmp_abort); other errors only wait. */
  icmpError(error: SocketError): void {
    if (this.state === "COOKIE_WAIT" && error.errno === "ENOPROTOOPT") this.fail(error);
  }

  fail(error: SocketError): void {
    this.#end();
    recordCall(this.#setup.ns, this.flow, "error", { ...this.#note(), state: error.errno });
    this.handlers.failed?.(this, error);
  }

  #established(skb: Skb): void {
    this.#stop();
    this.state = "ESTABLISHED";
    this.#arrival(skb, "receive");
    this.handlers.connected?.(this);
    this.#sendQueued();
  }

  /** Messages are cut to what one packet takes (sctp_datamsg_from_user). */
  #parts(payload: Payload): Payload[] {
    const { ns, remote } = this.#setup;
    const header = typeof remote.address === "number" ? 20 : 40;
    const most = (pathMtu(ns, remote.address) - header - dataHeaderBytes) & ~3;
    const length = payloadBytes(payload);
    if (length <= most) return [payload];
    const count = Math.ceil(length / most);
    return Array.from({ length: count }, (_, index) =>
      index < count - 1 ? { kind: "bytes", length: most } : { ...(payload as object), length: length - most * index },
    ) as Payload[];
  }

  #sendQueued(): void {
    for (const part of this.#queue) {
      if (part.isSent) continue;
      part.isSent = true;
      // A SACK that waits goes along (sctp_packet_bundle_sack).
      const sack = this.#sackTimer === undefined ? {} : { cumulative: this.#received };
      this.#stopSack();
      const { isSent: _isSent, ...data } = part;
      this.#transmit({ chunk: "data", ...data, ...sack });
    }
    if (this.#queue.length > 0 && this.#timer === undefined) this.#awaitSack(1);
  }

  #awaitSack(attempt: number): void {
    const rto = (this.#isMeasured ? rtoMinNanos : rtoInitialNanos) * 2 ** (attempt - 1);
    this.#after(Math.min(rto, rtoMaxNanos), () => {
      const [first] = this.#queue;
      if (first === undefined) return;
      if (attempt > associationRetries) return this.fail({ errno: "ETIMEDOUT" });
      this.#cause = undefined;
      const { isSent: _isSent, ...data } = first;
      this.#transmit({ chunk: "data", ...data }, attempt + 1);
      this.#awaitSack(attempt + 1);
    });
  }

  #takeSack({ cumulative = 0 }: SctpPacket): void {
    const before = this.#queue.length;
    while (this.#queue[0] !== undefined && this.#queue[0].tsn <= cumulative) this.#queue.shift();
    if (this.#queue.length === before) return;
    this.#isMeasured = true;
    this.#stop();
    if (this.#queue.length > 0) this.#awaitSack(1);
    else this.#shutDown();
  }

  #takeData(skb: Skb, { tsn = 0, continues }: SctpPacket): void {
    const isNew = tsn === this.#received + 1;
    if (isNew) this.#received = tsn;
    const { payload } = skb.packet;
    this.#arrival(skb, "receive");
    // The first one is acknowledged at once, then every second one, or after 200 ms.
    if (this.#sackNow || this.#sackTimer !== undefined || !isNew) this.#sack();
    else this.#sackTimer = this.#setup.ns.surroundings.clock.after(sackNanos, () => this.#sack());
    if (!isNew) return;
    this.#messageBytes += payloadBytes(payload);
    if (continues === true) return;
    const message = "length" in payload ? { ...payload, length: this.#messageBytes } : payload;
    this.#messageBytes = 0;
    this.handlers.received?.(this, message);
  }

  #sack(): void {
    this.#sackNow = false;
    this.#stopSack();
    this.#transmit({ chunk: "sack", cumulative: this.#received });
  }

  /** Goes on with the end, once all is acknowledged. */
  #shutDown(): void {
    if (this.#queue.length > 0) return;
    if (this.state === "SHUTDOWN_PENDING") {
      this.state = "SHUTDOWN_SENT";
      this.#repeat({ chunk: "shutdown" }, rtoMinNanos, associationRetries);
    } else if (this.state === "SHUTDOWN_RECEIVED") {
      this.state = "SHUTDOWN_ACK_SENT";
      this.#repeat({ chunk: "shutdown-ack" }, rtoMinNanos, associationRetries);
    }
  }

  /** Sends a chunk till something answers it, each time after twice as long; then the association is given up. */
  #repeat(chunk: OutgoingChunk, firstNanos: number, retries: number, attempt = 1): void {
    if (attempt > 1) this.#cause = undefined;
    this.#transmit(chunk, attempt);
    if (this.state === "CLOSED") return;
    this.#after(Math.min(firstNanos * 2 ** (attempt - 1), rtoMaxNanos), () => {
      if (attempt <= retries) this.#repeat(chunk, firstNanos, retries, attempt + 1);
      else this.fail({ errno: "ETIMEDOUT" });
    });
  }

  #transmit(chunk: OutgoingChunk, attempt = 1): void {
    const { ns, options, side } = this.#setup;
    const cause = this.#cause?.cause(reasonOf(chunk.chunk));
    const track = this.flow?.packet(side, attempt, cause);
    const flowKey = keyOf(options.flowKey, ++this.#sent);
    sendChunk(ns, this.local, this.remote, options, chunk, { flowKey, track });
  }

  #ignored(skb: Skb): void {
    recordNoSocket(skb, "SCTP_OUT_OF_PLACE");
  }

  #after(nanos: number, action: () => void): void {
    this.#stop();
    this.#timer = this.#setup.ns.surroundings.clock.after(nanos, () => {
      this.#timer = undefined;
      action();
    });
  }

  #stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #stopSack(): void {
    this.#sackTimer?.cancel();
    this.#sackTimer = undefined;
  }

  #end(): void {
    this.state = "CLOSED";
    this.#stop();
    this.#stopSack();
    this.#setup.forget();
  }

  #note(): { readonly protocol: string; readonly local: Endpoint; readonly remote: Endpoint; readonly state: string } {
    return { protocol: "sctp", local: this.local, remote: this.remote, state: this.state };
  }

  #call(action: SocketStep["action"]): void {
    recordCall(this.#setup.ns, this.flow, action, { ...this.#note(), process: this.#setup.options.process });
  }

  #arrival(skb: Skb, action: SocketStep["action"]): void {
    recordArrival(skb, action, { ...this.#note(), process: this.#setup.options.process });
  }
}

function reasonOf(chunk: SctpChunk): string {
  if (chunk === "sack") return "acknowledgement";
  return chunk === "abort" ? "reset" : "answer";
}
