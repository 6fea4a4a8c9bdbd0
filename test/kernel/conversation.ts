import { readFileSync } from "node:fs";
import { nanosPerMilli, nanosPerSecond } from "../../src/kernel/clock.ts";
import type { NatHook } from "../../src/kernel/conntrack/nat.ts";
import type { NatRange } from "../../src/kernel/conntrack/table.ts";
import { formatConnection } from "../../src/kernel/conntrack/format.ts";
import type { HookState } from "../../src/kernel/netfilter.ts";
import type { Endpoint, SocketError } from "../../src/kernel/socket/api.ts";
import type { PacketTrace } from "../../src/trace/records.ts";
import { address } from "../../src/wire/address.ts";
import type { Payload } from "../../src/wire/packet.ts";
import type { Lab } from "./cluster.ts";

/** A recorded flow of test/referee/kernel. */
export interface GoldenFlow {
  readonly name: string;
  readonly result: string;
  readonly answer?: { readonly server: string; readonly local: string; readonly peer: string };
  readonly wire: readonly string[];
  readonly conntrack: Readonly<Record<string, readonly string[]>>;
}

export function goldenFlow(folder: string, name: string): GoldenFlow {
  const text = readFileSync(`test/referee/kernel/${folder}/golden.json`, "utf8");
  const { flows } = JSON.parse(text) as { readonly flows: readonly GoldenFlow[] };
  const flow = flows.find((candidate) => candidate.name === name);
  if (flow === undefined) throw new Error(`${folder} has no flow ${name}`);
  return flow;
}

export function endpoint(text: string): Endpoint {
  const at = text.lastIndexOf(":");
  return { address: address(text.slice(0, at).replace(/[[\]]/g, "")), port: Number(text.slice(at + 1)) };
}

/** A server as the cases have them: one line in, one line out, closes when the client does. */
export function listen(lab: Lab, namespace: string, protocol: "tcp" | "udp", port: number): void {
  const answer: Payload = { kind: "bytes", length: 20, text: `this is ${namespace}` };
  lab.ns(namespace).sockets.listen({
    protocol,
    port,
    process: "server",
    accept: () => ({
      received: (connection) => connection.send(answer),
      ended: (connection) => connection.close(),
    }),
    datagram: (socket, from) => void socket.send(answer, from),
  });
}

/** What came of a conversation. */
export interface Outcome {
  readonly result: string;
  readonly answer?: string;
  readonly error?: SocketError;
  readonly packets: readonly PacketTrace[];
  /** Connections by namespace 10 ms after the answer, as the cases read them. */
  readonly conntrack: Readonly<Record<string, readonly string[]>>;
  readonly afterNanos: number;
}

const hello: Payload = { kind: "bytes", length: 6, text: "hello" };

/** Connects, says hello, reads the answer, waits 10 ms, reads the connection tables, closes: as the cases were recorded. */
export function tcpConversation(
  lab: Lab,
  from: string,
  to: string,
  sourcePort: number,
  { message = hello, seconds = 0.5 }: { readonly message?: Payload; readonly seconds?: number } = {},
): Outcome {
  const flow = lab.recorder.flow({ protocol: "tcp", from, to, purpose: "test" });
  const start = lab.clock.nowNanos();
  let result = "timeout";
  let answer: string | undefined;
  let error: SocketError | undefined;
  let conntrack: Outcome["conntrack"] | undefined;
  let endNanos = start;
  lab.ns(from).sockets.connectTcp(
    endpoint(to),
    {
      connected: (connection) => {
        result = "connected-no-answer";
        connection.send(message);
      },
      received: (connection, payload) => {
        result = "connected";
        answer = payload.kind === "bytes" ? payload.text : undefined;
        lab.clock.after(10 * nanosPerMilli, () => {
          conntrack = tables(lab);
          connection.close();
        });
      },
      failed: (_, reason) => {
        error = reason;
        result = reason.errno;
        endNanos = lab.clock.nowNanos();
      },
    },
    { sourcePort, flowKey: `tcp-${sourcePort}`, ...(flow && { flow }) },
  );
  lab.clock.run({ untilNanos: start + seconds * nanosPerSecond });
  return {
    result,
    ...(answer !== undefined && { answer }),
    ...(error && { error }),
    packets: flow?.flow.packets ?? [],
    conntrack: conntrack ?? tables(lab),
    afterNanos: endNanos - start,
  };
}

/** The connections of every namespace, without empty tables. */
export function tables(lab: Lab): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(
    lab.network
      .namespaces()
      .map((ns) => [ns.name, ns.conntrack.entries().map(formatConnection).sort()] as const)
      .filter(([, lines]) => lines.length > 0),
  );
}

/** Rewrites connections that `when` holds for, as a nat rule would. */
export function nat(
  lab: Lab,
  namespace: string,
  hook: NatHook,
  when: (state: HookState) => boolean,
  range: Partial<NatRange>,
): void {
  const ns = lab.ns(namespace);
  ns.conntrack.require();
  ns.conntrack.registerNat("ipv4", hook, {
    name: "test",
    priority: 0,
    run: (state) => {
      if (!when(state)) return "accept";
      const manip = hook === "POSTROUTING" || hook === "INPUT" ? "src" : "dst";
      return ns.conntrack.setupNat(state, manip, { randomPort: "no", persistent: false, ...range });
    },
  });
}
