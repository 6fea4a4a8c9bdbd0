import { wakeUpNanos } from "../../kernel/clock.ts";
import type { SocketError } from "../../kernel/socket/api.ts";
import type { Address } from "../../wire/address.ts";
import type { DnsMessage } from "../../wire/dns.ts";
import type { Payload } from "../../wire/packet.ts";
import { datagram, segment } from "../message.ts";
import type { ResolverIo } from "./api.ts";

const dnsPort = 53;

/** What a waiting resolver wakes up for. */
export type Wake =
  | { readonly kind: "timeout" }
  | { readonly kind: "message"; readonly channel: Channel; readonly from: Address; readonly message: DnsMessage }
  | { readonly kind: "connected"; readonly channel: Channel }
  | { readonly kind: "error"; readonly channel: Channel; readonly error: SocketError }
  | { readonly kind: "ended"; readonly child: Mailbox };

/** A resolver at work: stops at each wait, which gives the moment it waits for at most (nanoseconds). */
export type Process<T> = Generator<number, T, Wake>;

/** A socket that carries DNS messages. */
export interface Channel {
  /** The error of the call itself; undefined when the message went out. */
  send(message: DnsMessage, to?: Address): SocketError | undefined;
  close(): void;
}

/** Where the wakes of one process are kept until it waits for them, and by which it opens sockets. */
export class Mailbox {
  readonly io: ResolverIo;
  readonly #queue: Wake[] = [];
  #deliver: (() => void) | undefined;

  constructor(io: ResolverIo) {
    this.io = io;
  }

  post(wake: Wake): void {
    this.#queue.push(wake);
    this.#deliver?.();
  }

  /** Runs a process to its end. `done` may be called before this returns. */
  run<T>(process: Process<T>, done: (value: T) => void): void {
    const { clock } = this.io;
    const go = (wake: Wake | undefined): void => {
      let step = wake === undefined ? process.next({ kind: "timeout" }) : process.next(wake);
      for (let queued = this.#queue.shift(); step.done !== true && queued !== undefined; queued = this.#queue.shift()) {
        step = process.next(queued);
      }
      if (step.done === true) {
        this.#deliver = undefined;
        done(step.value);
        return;
      }
      const timer =
        step.value === Number.POSITIVE_INFINITY
          ? undefined
          : clock.after(step.value - clock.nowNanos(), () => {
              this.#deliver = undefined;
              go({ kind: "timeout" });
            });
      this.#deliver = () => {
        this.#deliver = undefined;
        timer?.cancel();
        const next = this.#queue.shift();
        if (next !== undefined) go(next);
      };
    };
    go(undefined);
  }

  /**
   * One datagram after the other from one socket, as fast as system calls go: on Linux the first has gone all its way
   * through this machine (the soft interrupt runs in the sender) before the second is taken. False when the socket
   * gives an error: what was not sent by then is not sent.
   */
  *sendInTurn(channel: Channel, sends: readonly (() => SocketError | undefined)[]): Process<boolean> {
    for (const [index, send] of sends.entries()) {
      if (index > 0 && !(yield* this.#pause(channel))) return false;
      if (send() !== undefined) return false;
    }
    return true;
  }

  /** Half the time that a process needs to wake up. What comes meanwhile waits; false when it is an error of the channel. */
  *#pause(channel: Channel): Process<boolean> {
    const until = this.io.clock.nowNanos() + wakeUpNanos / 2;
    const early: Wake[] = [];
    for (let wake = yield until; wake.kind !== "timeout"; wake = yield until) early.push(wake);
    this.#queue.unshift(...early);
    return !early.some((wake) => wake.kind === "error" && wake.channel === channel);
  }

  /** A UDP socket. Only one that is connected to a server hears of ICMP errors. udp(7). */
  openUdp(server: Address | undefined, purpose: string): Channel {
    const remote = server === undefined ? undefined : { address: server, port: dnsPort };
    const socket = this.io.sockets.openUdp(
      remote,
      {
        received: (_, from, payload) => {
          if (payload.kind !== "dns") return;
          this.post({ kind: "message", channel, from: from.address, message: payload.message });
        },
        failed: (_, error) => this.post({ kind: "error", channel, error }),
      },
      this.io.options(purpose),
    );
    // A query that is sent again is the very same payload: so the socket tells a retransmission.
    const sent: { readonly message: DnsMessage; readonly to: Address | undefined; readonly payload: Payload }[] = [];
    const payloadOf = (message: DnsMessage, to: Address | undefined): Payload => {
      const known = sent.find((one) => one.message === message && one.to === to);
      if (known !== undefined) return known.payload;
      const payload = datagram(message);
      sent.push({ message, to, payload });
      return payload;
    };
    const channel: Channel = {
      send: (message, to) =>
        socket.send(payloadOf(message, to), to === undefined ? undefined : { address: to, port: dnsPort }),
      close: () => socket.close(),
    };
    return channel;
  }

  /** A TCP connection; `connected` or `error` follows. */
  openTcp(server: Address, purpose: string): Channel {
    const connection = this.io.sockets.connectTcp(
      { address: server, port: dnsPort },
      {
        connected: () => this.post({ kind: "connected", channel }),
        received: (_, payload) => {
          if (payload.kind === "dns") this.post({ kind: "message", channel, from: server, message: payload.message });
        },
        ended: () => this.post({ kind: "error", channel, error: { errno: "ECONNRESET" } }),
        failed: (_, error) => this.post({ kind: "error", channel, error }),
      },
      this.io.options(purpose),
    );
    const channel: Channel = {
      send: (message) => {
        connection.send(segment(message));
        return undefined;
      },
      close: () => connection.close(),
    };
    return channel;
  }
}
