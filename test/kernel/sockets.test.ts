import { expect, test } from "vitest";
import { nanosPerMilli, nanosPerSecond } from "../../src/kernel/clock.ts";
import { kernelProfiles } from "../../src/kernel/profile.ts";
import { setDown } from "../../src/kernel/link.ts";
import type { PacketTrace } from "../../src/trace/records.ts";
import type { Payload } from "../../src/wire/packet.ts";
import { formatTcpFlags } from "../../src/trace/packet-record.ts";
import { type Lab, byDevice, hostGateway, wireOf } from "./cluster.ts";
import { endpoint, goldenFlow, listen, tcpConversation } from "./conversation.ts";

function lab(): Lab {
  const made = hostGateway();
  for (const pod of ["p1a", "p1b", "p2a", "p2b"]) {
    listen(made, pod, "tcp", 8080);
    listen(made, pod, "udp", 5353);
  }
  for (const node of ["node1", "node2"]) listen(made, node, "tcp", 10_250);
  return made;
}

// The frames were recorded from Linux 6.18 (test/referee/kernel/hostgw).
test.for([
  { flow: "same-node-pod", to: "10.244.0.2:8080", port: 40_001 },
  { flow: "cross-node-pod", to: "10.244.1.2:8080", port: 40_002 },
  { flow: "pod-node", to: "172.18.0.2:10250", port: 40_013 },
])("$flow: a TCP connection has the recorded frames on every device", ({ flow, to, port }) => {
  const golden = goldenFlow("hostgw", flow);
  const outcome = tcpConversation(lab(), "p1b", to, port);
  expect(outcome.result).toBe(golden.result);
  expect(outcome.answer).toBe(`this is ${golden.answer?.server}`);
  expect(byDevice(wireOf(outcome.packets))).toEqual(byDevice(golden.wire));
});

test("a datagram to a closed port is answered with port unreachable, which a connected socket hears of", () => {
  const golden = goldenFlow("hostgw", "udp-closed");
  const made = lab();
  const flow = made.recorder.flow({ protocol: "udp", from: "p1b", to: "", purpose: "" });
  const errors: string[] = [];
  const socket = made
    .ns("p1b")
    .sockets.openUdp(
      endpoint("10.244.1.2:9999"),
      { failed: (_, error) => errors.push(error.errno) },
      { sourcePort: 40_025, flowKey: "test", ...(flow && { flow }) },
    );
  expect(socket.send({ kind: "bytes", length: 6 })).toBeUndefined();
  made.clock.run();
  expect(errors).toEqual(["ECONNREFUSED"]);
  expect(byDevice(wireOf(flow?.flow.packets ?? []))).toEqual(byDevice(golden.wire));
});

/** When the packets left, in milliseconds after the first one, with their flags. */
function sentBy(packets: readonly PacketTrace[], namespace: string): string[] {
  const own = packets.filter(({ hops }) => hops[0]?.namespace === namespace && hops[0]?.device === undefined);
  const times = own.map(({ hops }) => hops[0]?.steps[0]?.timeNanos ?? 0);
  return own.map(({ hops, attempt }, index) => {
    const millis = Math.round(((times[index] ?? 0) - (times[0] ?? 0)) / nanosPerMilli);
    return `${millis} ${hops[0]?.packet.flags} ${attempt}`;
  });
}

// Documentation/networking/ip-sysctl.rst, tcp_syn_retries and tcp_syn_linear_timeouts.
test("silence: SYNs after 1, 2, 3, 4, 5, 7, 11, 19, 35, 67 s, ETIMEDOUT after 131 s", () => {
  const made = lab();
  silence(made, "p2a");
  const outcome = tcpConversation(made, "p1b", "10.244.1.2:8080", 40_000, { seconds: 200 });
  expect(outcome.result).toBe("ETIMEDOUT");
  expect(outcome.afterNanos).toBe(131 * nanosPerSecond);
  expect(sentBy(outcome.packets, "p1b")).toEqual(
    [0, 1, 2, 3, 4, 5, 7, 11, 19, 35, 67].map((seconds, index) => `${seconds * 1000} S ${index + 1}`),
  );
});

/** The namespace drops whatever comes in. */
function silence(made: Lab, namespace: string): void {
  made.ns(namespace).hooks.register("ipv4", "INPUT", { name: "silence", priority: 0, run: () => "drop" });
}

test("the 5.15 profile doubles from the first retransmission on and gives up after 127 s", () => {
  const profile = kernelProfiles["5.15"];
  expect(profile.synRetransmitSeconds).toEqual([1, 2, 3, 4, 5, 6].map((n) => 2 ** n - 1));
  expect(profile.synTimeoutSeconds).toBe(2 ** 7 - 1);
});

/*
 * What Linux 6.18 did on a veth pair (tcpdump, and the time until recv(2) failed) when nothing got through any more.
 * Its timers run in jiffies of 4 ms and come up to 8 ms late, which doubles with the time-outs.
 */
test.for([
  { retries: 1, seconds: 1.67 },
  { retries: 3, seconds: 6.65 },
  { retries: 15, seconds: 939.17 },
])("data that nobody acknowledges is given up after $seconds s with tcp_retries2=$retries", ({ retries, seconds }) => {
  const made = lab();
  made.ns("p1b").sysctls.set("net.ipv4.tcp_retries2", retries);
  let failedAt = 0;
  let errno = "";
  made.ns("p1b").sockets.connectTcp(
    endpoint("10.244.1.2:8080"),
    {
      connected: (connection) => {
        silence(made, "p2a");
        failedAt = -made.clock.nowNanos();
        connection.send({ kind: "bytes", length: 6 });
      },
      failed: (_, error) => {
        errno = error.errno;
        failedAt += made.clock.nowNanos();
      },
    },
    { flowKey: "test" },
  );
  made.clock.run();
  expect(errno).toBe("ETIMEDOUT");
  expect(failedAt / nanosPerSecond / seconds).toBeGreaterThan(0.96);
  expect(failedAt / nanosPerSecond / seconds).toBeLessThan(1.04);
});

// Measured as above: `tcpdump` of send("hello") and close(2), or of send alone.
test.for([
  {
    name: "data and the FIN behind it are sent again as one segment",
    closes: true,
    sent: ["PA 0", "FA 0", "FA 6", "FPA 214", "FPA 642", "FPA 1474"],
  },
  { name: "data alone is sent again", closes: false, sent: ["PA 0", "PA 207", "PA 415", "PA 843", "PA 1675"] },
])("$name, when nothing is acknowledged", ({ closes, sent }) => {
  const made = lab();
  const flow = made.recorder.flow({ protocol: "tcp", from: "p1b", to: "", purpose: "" });
  made.ns("p1b").sockets.connectTcp(
    endpoint("10.244.1.2:8080"),
    {
      connected: (connection) =>
        void made.clock.after(50 * nanosPerMilli, () => {
          silence(made, "p2a");
          connection.send({ kind: "bytes", length: 6 });
          if (closes) connection.close();
        }),
    },
    { flowKey: "test", ...(flow && { flow }) },
  );
  made.clock.run({ untilNanos: 2.2 * nanosPerSecond });
  const all = sentBy(flow?.flow.packets ?? [], "p1b").map((line) => line.split(" "));
  const data = all.slice(all.findIndex(([, flags]) => flags === "PA"));
  const start = Number(data[0]?.[0]);
  expect(data.map(([, flags]) => flags?.split("").sort().join(""))).toEqual(
    sent.map((line) => line.split(" ")[0]?.split("").sort().join("")),
  );
  for (const [index, line] of sent.entries()) {
    const late = Number(line.split(" ")[1]) - (Number(data[index]?.[0]) - start);
    expect(Math.abs(late), `${line} at ${data[index]?.[0]}`).toBeLessThan(0.05 * Number(line.split(" ")[1]) + 10);
  }
});

test("a long message goes in segments of the path MTU and arrives as one", () => {
  const made = lab();
  const seen: Payload[] = [];
  made.ns("p2a").sockets.listen({
    protocol: "tcp",
    port: 80,
    process: "sink",
    accept: () => ({ received: (_, payload) => void seen.push(payload) }),
  });
  const message: Payload = { kind: "http", line: "GET / HTTP/1.1", length: 4000 };
  const flow = made.recorder.flow({ protocol: "tcp", from: "", to: "", purpose: "" });
  made
    .ns("p1b")
    .sockets.connectTcp(
      endpoint("10.244.1.2:80"),
      { connected: (connection) => connection.send(message) },
      { flowKey: "test", ...(flow && { flow }) },
    );
  made.clock.run({ untilNanos: nanosPerSecond });
  expect(seen).toEqual([message]);
  const data = flow?.flow.packets.filter(
    ({ direction, hops }) => direction === "original" && (hops[0]?.packet.length ?? 0) > 60,
  );
  // 1500 less 20 (IP), 20 (TCP) and 12 (timestamps) is 1448.
  expect(data?.map(({ hops }) => `${hops[0]?.packet.flags} ${hops[0]?.packet.length}`)).toEqual([
    "A 1500",
    "A 1500",
    "PA 1156",
  ]);
});

// test/referee/kernel/mtu: the server gets the request whole, no segment above the path MTU reaches it.
test("fragmentation needed: what was too long goes again in parts, and the message still arrives whole", () => {
  const made = lab();
  const cni0 = made.ns("node2").devices.get("cni0");
  if (cni0 !== undefined) cni0.mtu = 1400;
  const message: Payload = { kind: "bytes", length: 2500, text: "long" };
  const outcome = tcpConversation(made, "p1b", "10.244.1.2:8080", 40_000, { message });
  expect(outcome.result).toBe("connected");
  const arrived = outcome.packets.flatMap(({ hops }) =>
    hops.filter(({ namespace, device }) => namespace === "p2a" && device === "eth0"),
  );
  expect(Math.max(...arrived.map(({ packet }) => packet.length))).toBe(1400);
});

test("data for a process that has closed is answered with a reset", () => {
  const made = lab();
  made.ns("p2a").sockets.listen({
    protocol: "tcp",
    port: 81,
    process: "rude",
    accept: (connection) => {
      made.clock.after(10 * nanosPerMilli, () => connection.close());
      return {};
    },
  });
  const errors: string[] = [];
  made.ns("p1b").sockets.connectTcp(
    endpoint("10.244.1.2:81"),
    {
      ended: (connection) => connection.send({ kind: "bytes", length: 10 }),
      failed: (_, error) => errors.push(error.errno),
    },
    { flowKey: "test" },
  );
  made.clock.run({ untilNanos: nanosPerSecond });
  expect(errors).toEqual(["ECONNRESET"]);
});

test("calls fail as connect(2) and sendto(2) do: without a route, from a foreign address", () => {
  const made = lab();
  setDown(made.ns("p1b"), "eth0");
  const errors: string[] = [];
  const { sockets } = made.ns("p1b");
  sockets.connectTcp(endpoint("10.244.1.2:80"), { failed: (_, error) => errors.push(error.errno) }, { flowKey: "a" });
  const source = endpoint("10.9.9.9:0").address;
  sockets.connectTcp(
    endpoint("10.244.1.2:80"),
    { failed: (_, error) => errors.push(error.errno) },
    { flowKey: "b", source },
  );
  expect(errors).toEqual([]);
  made.clock.run();
  expect(errors).toEqual(["ENETUNREACH", "EADDRNOTAVAIL"]);
  expect(sockets.openUdp(endpoint("10.244.1.2:53"), {}, { flowKey: "c" }).send({ kind: "bytes", length: 1 })).toEqual({
    errno: "ENETUNREACH",
  });
});

// inet_csk_find_open_port(): connect(2) takes ports of the parity of the range's lower end first.
test("ephemeral ports lie in 32768 to 60999, even ones for TCP, and repeat from run to run", () => {
  const ports = [lab(), lab()].map((made) => {
    const { sockets } = made.ns("p1b");
    const tcp = [1, 2, 3].map(
      (n) => sockets.connectTcp(endpoint("10.244.1.2:80"), {}, { flowKey: `t${n}` }).local.port,
    );
    const udp = sockets.openUdp(undefined, {}, { flowKey: "u" }).local.port;
    return [...tcp, udp];
  });
  expect(ports[0]).toEqual(ports[1]);
  for (const port of ports[0] ?? []) expect(port >= 32_768 && port <= 60_999).toBe(true);
  expect(ports[0]?.slice(0, 3).every((port) => port % 2 === 0)).toBe(true);
  expect(new Set(ports[0]).size).toBe(4);
});

test("a listener bound to an address comes before one bound to any, and no other address reaches it", () => {
  const made = lab();
  const got: string[] = [];
  const listener = (name: string) => ({
    protocol: "udp" as const,
    port: 53,
    process: name,
    datagram: () => void got.push(name),
  });
  made.ns("node1").sockets.listen(listener("any"));
  made.ns("node1").sockets.listen({ ...listener("bound"), address: endpoint("10.244.0.1:0").address });
  for (const to of ["10.244.0.1:53", "172.18.0.2:53"]) {
    made.ns("p1b").sockets.openUdp(endpoint(to), {}, { flowKey: to }).send({ kind: "bytes", length: 1 });
  }
  made.clock.run();
  expect(got).toEqual(["bound", "any"]);
});

test("a ping hears of its reply with the TTL it came with, and of an error about it", () => {
  const made = lab();
  const seen: string[] = [];
  const ping = (to: string, ttl: number): void => {
    const error = made.ns("p1b").sockets.echo(
      endpoint(`${to}:0`).address,
      {
        replied: (_, left) => seen.push(`reply ttl ${left}`),
        failed: ({ icmp }) => seen.push(`error ${icmp?.type}/${icmp?.code}`),
      },
      { flowKey: `${to}/${ttl}`, ident: 7, sequence: ttl, dataBytes: 56, ttl },
    );
    expect(error).toBeUndefined();
  };
  ping("10.244.1.2", 64);
  ping("10.244.1.2", 1);
  made.clock.run();
  // Recorded on Linux 6.18: flows ping-cross (TTL 62) and ttl1 (time exceeded).
  expect(seen.toSorted()).toEqual(["error 11/0", "reply ttl 62"]);
});

/*
 * What `-m owner --socket-exists` said of each segment on Linux 6.18: hello, an answer, the client closes, then the
 * server. Only what a process holds has an owner.
 */
test.for([
  { namespace: "p1b", owned: ["S yes", "A yes", "PA yes", "A yes", "FA yes", "A no"] },
  { namespace: "p2a", owned: ["SA yes", "A no", "PA yes", "FA yes"] },
])("the segments of $namespace have an owner while a process holds the socket", ({ namespace, owned }) => {
  const made = lab();
  const seen: string[] = [];
  made.ns(namespace).hooks.register("ipv4", "OUTPUT", {
    name: "look",
    priority: 0,
    run: ({ skb }) => {
      const { transport } = skb.packet;
      if (transport.protocol === "tcp")
        seen.push(`${formatTcpFlags(transport.flags)} ${skb.socket === undefined ? "no" : "yes"}`);
      return "accept";
    },
  });
  tcpConversation(made, "p1b", "10.244.1.2:8080", 40_001, { seconds: 2 });
  expect(seen).toEqual(owned);
});
