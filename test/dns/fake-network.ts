import type { CoreDns } from "../../src/dns/coredns/server.ts";
import type { Upstream } from "../../src/dns/coredns/server.ts";
import type { ResolverIo } from "../../src/dns/resolver/api.ts";
import type { Chance } from "../../src/kernel/chance.ts";
import { EventQueue, nanosPerMilli } from "../../src/kernel/clock.ts";
import type { TcpConnection, UdpSocket } from "../../src/kernel/socket/api.ts";
import type { StepInput } from "../../src/trace/records.ts";
import { type Address, formatAddress } from "../../src/wire/address.ts";
import type { DnsMessage, DnsQuestion, Rcode } from "../../src/wire/dns.ts";
import { replyTo } from "../../src/dns/message.ts";

/** What the server does with a query instead of answering it. */
export type Fault = "drop" | "truncate" | "nodata" | "unreachable" | { readonly rcode: Rcode };

export interface SeenQuery {
  readonly atMillis: number;
  readonly transport: "udp" | "tcp";
  readonly port: number;
  readonly question: DnsQuestion;
  readonly udpSize: number;
  readonly authenticData: boolean;
}

const latencyNanos = 0.2 * nanosPerMilli;

/** A network of one CoreDNS under several addresses, which can be made to fail, and a log of what it was asked. */
export class FakeNetwork {
  readonly clock: EventQueue = new EventQueue();
  readonly seen: SeenQuery[] = [];
  readonly steps: StepInput[] = [];
  readonly io: ResolverIo;
  readonly #server: CoreDns;
  readonly #upstream: Upstream;
  readonly #fault: (question: DnsQuestion, server: string, transport: "udp" | "tcp") => Fault | undefined;
  #nextPort = 40000;

  constructor(
    server: CoreDns,
    upstream: Upstream,
    fault: (question: DnsQuestion, server: string, transport: "udp" | "tcp") => Fault | undefined = () => undefined,
  ) {
    this.#server = server;
    this.#upstream = upstream;
    this.#fault = fault;
    this.io = {
      clock: this.clock,
      chance: lastOption,
      sockets: {
        openUdp: (remote, handlers) => this.#openUdp(remote?.address, handlers),
        connectTcp: (remote, handlers) => this.#connectTcp(remote.address, handlers),
      },
      options: (purpose) => ({ flowKey: purpose }),
      step: (input) => void this.steps.push(input),
    };
  }

  #openUdp(connectedTo: Address | undefined, handlers: Parameters<ResolverIo["sockets"]["openUdp"]>[1]): UdpSocket {
    const port = this.#nextPort++;
    let open = true;
    const local = { address: 0 as Address, port };
    const socket: UdpSocket = {
      local,
      send: (payload, to) => {
        const server = to?.address ?? connectedTo;
        if (payload.kind !== "dns" || server === undefined) throw new Error("not a query");
        const { message } = payload;
        this.#log("udp", port, message);
        const reply = this.#react(message, server, "udp");
        if (reply === undefined) return undefined;
        this.clock.after(2 * latencyNanos, () => {
          if (!open) return;
          // Only a connected socket hears of ICMP port unreachable.
          if (reply === "unreachable") {
            if (connectedTo !== undefined) handlers.failed?.(socket, { errno: "ECONNREFUSED" });
          } else handlers.received?.(socket, { address: server, port: 53 }, { kind: "dns", length: 0, message: reply });
        });
        return undefined;
      },
      close: () => void (open = false),
    };
    return socket;
  }

  #connectTcp(server: Address, handlers: Parameters<ResolverIo["sockets"]["connectTcp"]>[1]): TcpConnection {
    const port = this.#nextPort++;
    let open = true;
    const connection: TcpConnection = {
      local: { address: 0 as Address, port },
      remote: { address: server, port: 53 },
      send: (payload) => {
        if (payload.kind !== "dns") throw new Error("not a query");
        const { message } = payload;
        this.#log("tcp", port, message);
        const reply = this.#react(message, server, "tcp");
        if (reply === undefined || reply === "unreachable") return;
        this.clock.after(2 * latencyNanos, () => {
          if (open) handlers.received?.(connection, { kind: "dns", length: 0, message: reply });
        });
      },
      close: () => void (open = false),
      abort: () => void (open = false),
    };
    this.clock.after(2 * latencyNanos, () => handlers.connected?.(connection));
    return connection;
  }

  #log(transport: "udp" | "tcp", port: number, { question, udpSize = 0, authenticData }: DnsMessage): void {
    this.seen.push({
      atMillis: this.clock.nowNanos() / nanosPerMilli,
      transport,
      port,
      question,
      udpSize,
      authenticData,
    });
  }

  #react(message: DnsMessage, server: Address, transport: "udp" | "tcp"): DnsMessage | "unreachable" | undefined {
    const fault = this.#fault(message.question, formatAddress(server), transport);
    switch (fault) {
      case "drop":
        return undefined;
      case "unreachable":
        return "unreachable";
      case "truncate":
        return { ...replyTo(message), authoritative: true, truncated: true };
      case "nodata":
        return { ...replyTo(message), authoritative: true };
      case undefined:
        break;
      default:
        return replyTo(message, fault.rcode);
    }
    const answered = this.#server.answer(message, undefined, this.clock.nowNanos(), {
      upstream: this.#upstream,
      transport,
    });
    if (answered.kind === "unknown") throw new Error(answered.reason);
    return answered.message;
  }
}

/** The recorded run with `rotate` began with the second of two servers. */
const lastOption: Chance = {
  choose: (_, probabilities) => probabilities.length - 1,
  integer: (_, exclusiveMax) => exclusiveMax - 1,
};
