import { nanosPerSecond, wakeUpNanos } from "../kernel/clock.ts";
import type { NetworkNamespace } from "../kernel/namespace.ts";
import type { FlowRecorder } from "../trace/recorder.ts";
import { type Address, formatAddress, isLoopback, parseAddress } from "../wire/address.ts";
import type { DnsMessage } from "../wire/dns.ts";
import type { Answered, CoreDns } from "./coredns/server.ts";
import type { Note, UpstreamQuery, UpstreamReply } from "./coredns/plugin.ts";
import { datagram, segment } from "./message.ts";
import { exchange, timedOut } from "./resolver/exchange.ts";
import { Mailbox, type Process } from "./resolver/process.ts";

export interface ServeDnsOptions {
  /** The process, in the trace. */
  readonly process?: string;
  /** Bound address; any of the namespace's when absent. */
  readonly address?: Address;
  /** The assumption that says so, where nobody stated that CoreDNS runs here. */
  readonly assumption?: string;
  /**
   * Answers upstream questions from data, at once and without a packet; undefined from it, or its absence: they are
   * sent as real packets.
   */
  readonly upstream?: (asked: UpstreamQuery) => UpstreamReply | undefined;
  /** The id of the assumption that says what upstream data is. */
  readonly upstreamAssumption?: string;
  /** The name servers in the /etc/resolv.conf of CoreDNS's pod (dnsPolicy Default: the node's). */
  readonly nameservers?: readonly Address[];
  /** Something decided here that is not modelled: the client gets no answer and the run is unknown. */
  unknown(reason: string): void;
}

/** forward: the read time-out of one upstream, and the time for all of them. plugin/forward/forward.go */
const readTimeoutSeconds = 2;
const totalTimeoutSeconds = 5;
const dnsPort = 53;

/**
 * Binds a CoreDNS to port 53 of its pod's namespace, over UDP and TCP. Each query is answered as soon as the process
 * runs; questions to upstream servers leave the namespace as packets.
 */
export function serveDns(ns: NetworkNamespace, server: CoreDns, options: ServeDnsOptions): void {
  const { process = "coredns", address, assumption } = options;
  const common = {
    port: dnsPort,
    process,
    ...(address !== undefined && { address }),
    ...(assumption !== undefined && { assumption }),
  };
  const answer = (
    asked: DnsMessage,
    from: Address,
    transport: "udp" | "tcp",
    flow: FlowRecorder | undefined,
    send: (answered: Extract<Answered, { kind: "reply" }>) => void,
  ): void => {
    const mail = new Mailbox(ioOf(ns, process, flow));
    mail.run(serving(ns, server, mail, { asked, from, transport, flow }, options), (answered) => {
      if (answered.kind === "reply") return send(answered);
      const text = `CoreDNS does not answer: ${answered.reason}.`;
      flow?.step(ns.name, { kind: "resolver", action: "fail", name: asked.question.name, text });
      options.unknown(answered.reason);
    });
  };

  const wakeUp = (action: () => void): void => void ns.surroundings.clock.after(wakeUpNanos, action);

  ns.sockets.listen({
    ...common,
    protocol: "udp",
    datagram: (socket, from, payload) => {
      if (payload.kind !== "dns" || payload.message.response) return;
      const { message: asked } = payload;
      const { flow } = socket;
      wakeUp(() =>
        answer(asked, from.address, "udp", flow, ({ message, bytes }) => socket.send(datagram(message, bytes), from)),
      );
    },
  });
  ns.sockets.listen({
    ...common,
    protocol: "tcp",
    accept: () => ({
      received: (connection, payload) => {
        if (payload.kind !== "dns" || payload.message.response) return;
        const { message: asked } = payload;
        wakeUp(() =>
          answer(asked, connection.remote.address, "tcp", connection.flow, ({ message, bytes }) =>
            connection.send(segment(message, bytes)),
          ),
        );
      },
      ended: (connection) => connection.close(),
    }),
  });
}

interface Received {
  readonly asked: DnsMessage;
  readonly from: Address;
  readonly transport: "udp" | "tcp";
  readonly flow: FlowRecorder | undefined;
}

/** Runs the plugin chain; at each upstream question it stops until the answer is there. */
function* serving(
  ns: NetworkNamespace,
  server: CoreDns,
  mail: Mailbox,
  { asked, from, transport, flow }: Received,
  options: ServeDnsOptions,
): Process<Answered> {
  const { name, type } = asked.question;
  const note = ({ plugin, text, choice, assumption }: Note): void =>
    flow?.step(ns.name, {
      kind: "resolver",
      action: "answer",
      name,
      type,
      text: `CoreDNS, plugin ${plugin}: ${text}.`,
      ...(choice && { choice }),
      ...(assumption !== undefined && { assumption }),
    });
  const chain = server.serve(asked, from, ns.surroundings.clock.nowNanos(), { transport, note, process: ns.name });
  let step = chain.next();
  while (step.done !== true) {
    const known = options.upstream?.(step.value);
    if (known !== undefined) {
      const text = "answers from what is given of the world outside, without a packet";
      const { upstreamAssumption } = options;
      note({ plugin: "forward", text, ...(upstreamAssumption !== undefined && { assumption: upstreamAssumption }) });
    }
    step = chain.next(known ?? (yield* askUpstream(mail, step.value, options.nameservers ?? [])));
  }
  const answered = step.value;
  if (answered.kind === "reply") {
    const { rcode, answer } = answered.message;
    const count = `${answer.length} ${answer.length === 1 ? "record" : "records"}`;
    const text = `CoreDNS answers ${type} ${name}: ${rcode}, ${count}, ${answered.bytes} bytes.`;
    flow?.step(ns.name, { kind: "resolver", action: "answer", name, type, rcode, text });
  }
  return answered;
}

/**
 * One upstream after the other, two seconds each, as long as five seconds are not over. Upstreams that all refuse are
 * given up at once; the real plugin goes round until its health check has failed three times, about a second.
 */
function* askUpstream(
  mail: Mailbox,
  { query, upstreams, transport }: UpstreamQuery,
  nameservers: readonly Address[],
): Process<UpstreamReply> {
  const { clock } = mail.io;
  const servers = upstreams.flatMap((upstream) => addressesOf(upstream, nameservers));
  if (servers.length === 0) {
    return { kind: "unknown", reason: `nothing says which servers ${upstreams.join(", ")} stands for` };
  }
  const self = servers.find((server) => isLoopback(server));
  if (self !== undefined) {
    // The plugin loop finds this at start and ends the process.
    return { kind: "unknown", reason: `CoreDNS forwards to itself (${formatAddress(self)}): it would not stay up` };
  }
  const deadline = clock.nowNanos() + totalTimeoutSeconds * nanosPerSecond;
  const refused = new Set<Address>();
  let reason = "";
  for (let index = 0; clock.nowNanos() < deadline && refused.size < new Set(servers).size; index++) {
    const server = servers[index % servers.length] as Address;
    const reply = yield* exchange(mail, query, server, transport, readTimeoutSeconds);
    if (typeof reply !== "string") return { kind: "reply", message: reply };
    if (reply !== timedOut) refused.add(server);
    reason = `${formatAddress(server)}: ${reply}`;
  }
  return { kind: "silent", reason };
}

/** `10.150.0.1`, `10.150.0.1:53`, `[fd00::1]:53`, or a resolv.conf. Other ports than 53 are not modelled. */
function addressesOf(upstream: string, nameservers: readonly Address[]): readonly Address[] {
  if (upstream.startsWith("/")) return nameservers;
  const bare = upstream.replace(/^dns:\/\//, "");
  const host = /^\[(.*)\](?::53)?$/.exec(bare)?.[1] ?? bare.replace(/^([^:]*):53$/, "$1");
  const address = parseAddress(host);
  return address === undefined ? [] : [address];
}

/** Sockets of the CoreDNS process: each upstream question is a flow of its own, caused by the client's. */
function ioOf(ns: NetworkNamespace, process: string, flow: FlowRecorder | undefined): Mailbox["io"] {
  const { clock, chance } = ns.surroundings;
  return {
    clock,
    chance,
    sockets: ns.sockets,
    options: (purpose) => {
      const from = ns.name;
      const reason = "upstream question of CoreDNS";
      const own = flow?.recorder.flow({
        protocol: "udp",
        from,
        to: "upstream",
        purpose,
        causedBy: { flow: flow.flow.id, reason },
      });
      return { flowKey: `${ns.name}/upstream/${purpose}/${clock.nowNanos()}`, process, ...(own && { flow: own }) };
    },
    step: (input) => flow?.step(ns.name, input),
  };
}
