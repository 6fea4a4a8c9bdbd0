import { beforeEach, describe, expect, test } from "vitest";
import { nanosPerSecond } from "../../src/kernel/clock.ts";
import { formatConnection, formatEntry } from "../../src/kernel/conntrack/format.ts";
import type { NatRange } from "../../src/kernel/conntrack/table.ts";
import { type HookState, type HookVerdict, runHook } from "../../src/kernel/netfilter.ts";
import type { Skb } from "../../src/kernel/skb.ts";
import { address } from "../../src/wire/address.ts";
import { type Packet, type TcpFlags, emptyPayload } from "../../src/wire/packet.ts";
import { type Lab, emptyLab, ping, udp } from "./cluster.ts";
import { type Forwarded, client, forwardThrough, server } from "./conntrack-box.ts";

let lab: Lab;

beforeEach(() => {
  lab = emptyLab("off");
  lab.ns("box").conntrack.require();
});

function forward(packet: Packet, options: Parameters<typeof forwardThrough>[2] = {}): Forwarded {
  return forwardThrough(lab, packet, options);
}

const letters: Readonly<Record<string, TcpFlags>> = {
  S: { syn: true },
  SA: { syn: true, ack: true },
  A: { ack: true },
  F: { fin: true },
  FA: { fin: true, ack: true },
  R: { rst: true },
  RA: { rst: true, ack: true },
  SF: { syn: true, fin: true },
  SR: { syn: true, rst: true },
  "-": {},
  PA: { psh: true, ack: true },
};

function tcp(flags: string, from: "client" | "server" = "client", port = 40_000, seq = 1): Packet {
  const there = from === "client";
  return udp(there ? client : server, there ? server : client, {
    transport: {
      protocol: "tcp",
      srcPort: there ? port : 80,
      dstPort: there ? 80 : port,
      flags: letters[flags] as TcpFlags,
      seq,
      ack: 1,
    },
  });
}

function wait(seconds: number): void {
  lab.clock.after(seconds * nanosPerSecond, () => undefined);
  lab.clock.run();
}

function connections(): string[] {
  return lab.ns("box").conntrack.entries().map(formatConnection);
}

function stateOf(skb: Skb): string {
  return skb.conntrack === undefined ? "INVALID" : `${skb.conntrack.state} ${skb.conntrack.direction}`;
}

// Which segments are INVALID without a connection: seen on Linux 6.18 (test/referee/kernel/invalid).
test.for([
  ["S", "new original"],
  ["A", "new original"],
  ["PA", "new original"],
  ["SA", "INVALID"],
  ["R", "INVALID"],
  ["RA", "INVALID"],
  ["F", "INVALID"],
  ["FA", "INVALID"],
  ["SF", "INVALID"],
  ["SR", "INVALID"],
  ["-", "INVALID"],
] as const)("a stray segment with flags %s is %s", ([flags, state]) => {
  expect(stateOf(forward(tcp(flags)))).toBe(state);
});

// States and seconds as `conntrack -E` showed them (facts of the kernel lab) and as tcp_timeouts has them.
test("a connection goes through the states of conntrack -E, with their time-outs", () => {
  const seen: string[] = [];
  for (const [flags, from] of [
    ["S", "client"],
    ["SA", "server"],
    ["A", "client"],
    ["FA", "client"],
    ["FA", "server"],
    ["A", "client"],
  ] as const) {
    forward(tcp(flags, from));
    const [entry] = lab.ns("box").conntrack.entries();
    const text = entry && formatEntry(entry, lab.clock.nowNanos());
    seen.push(
      `${text
        ?.split(" ")
        .filter((word) => word !== "")
        .slice(2, 4)
        .join(" ")}${text?.includes("[ASSURED]") === true ? " [ASSURED]" : ""}`,
    );
  }
  expect(seen).toEqual([
    "120 SYN_SENT",
    "60 SYN_RECV",
    "432000 ESTABLISHED [ASSURED]",
    "120 FIN_WAIT [ASSURED]",
    "30 LAST_ACK [ASSURED]",
    "120 TIME_WAIT [ASSURED]",
  ]);
});

test("an entry prints as conntrack -L prints it", () => {
  forward(tcp("S"));
  const [entry] = lab.ns("box").conntrack.entries();
  // Format of conntrack-tools 1.4.7: name padded to 8, number, seconds, state, both tuples.
  expect(entry && formatEntry(entry, lab.clock.nowNanos())).toBe(
    "tcp      6 120 SYN_SENT src=10.0.0.1 dst=10.0.0.2 sport=40000 dport=80 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 sport=80 dport=40000 mark=0 use=1",
  );
});

test("NEW lasts until a reply is seen, a retransmitted SYN does not prolong the entry", () => {
  expect(stateOf(forward(tcp("S")))).toBe("new original");
  wait(100);
  expect(stateOf(forward(tcp("S")))).toBe("new original");
  wait(25);
  expect(connections()).toEqual([]);
});

test("a refused connection leaves the table with the reset", () => {
  forward(tcp("S"));
  const reset = forward(tcp("RA", "server", 40_000, 0));
  expect(stateOf(reset)).toBe("established reply");
  expect(connections()).toEqual([]);
});

test("a new SYN reopens a connection in TIME_WAIT as a new one", () => {
  for (const [flags, from] of [["S"], ["SA", "server"], ["A"], ["FA"], ["FA", "server"], ["A"]] as const)
    forward(tcp(flags, from));
  expect(stateOf(forward(tcp("S")))).toBe("new original");
  expect(connections()[0]).toContain("SYN_SENT");
});

test("the first packet of a connection that is dropped leaves nothing behind", () => {
  expect(stateOf(forward(tcp("S"), { confirm: false }))).toBe("new original");
  expect(connections()).toEqual([]);
  expect(
    lab
      .ns("box")
      .conntrack.find({ protocol: "tcp", src: address(client), dst: address(server), srcPort: 40_000, dstPort: 80 }),
  ).toBeUndefined();
});

test("UDP: 30 s, two-way traffic over two seconds makes it a stream of 120 s, [ASSURED]", () => {
  const query = udp(client, server);
  const answer = udp(server, client, { transport: { protocol: "udp", srcPort: 9999, dstPort: 40_000 } });
  const secondsLeft = (): number => {
    const [entry] = lab.ns("box").conntrack.entries();
    return ((entry?.expiresAtNanos ?? 0) - lab.clock.nowNanos()) / nanosPerSecond;
  };
  forward(query);
  expect(secondsLeft()).toBe(30);
  forward(answer);
  forward(query);
  expect(connections()[0]).not.toContain("[ASSURED]");
  wait(3);
  forward(query);
  expect(secondsLeft()).toBe(120);
  expect(connections()[0]).toContain("[ASSURED]");
});

test("echo requests begin connections, stray echo replies are INVALID", () => {
  expect(stateOf(forward(ping(client, server)))).toBe("new original");
  const reply = ping(client, server, { transport: { protocol: "icmp", kind: "echo-reply", ident: 7, sequence: 1 } });
  expect(stateOf(forward(reply))).toBe("INVALID");
});

test("neighbour discovery is UNTRACKED and NOTRACK is obeyed", () => {
  const solicitation: Packet = {
    ...ping("fd00::1", "fd00::2"),
    transport: {
      protocol: "icmpv6",
      kind: "neighbour-solicitation",
      target: address("fd00::2"),
      linkLayer: "02:00:00:00:00:01" as never,
    },
  };
  expect(forward(solicitation).untracked).toBe(true);
  expect(forward(udp(client, server), { untracked: true }).conntrack).toBeUndefined();
});

function unreachable(about: Packet, from: string, to: string): Packet {
  return udp(from, to, { transport: { protocol: "icmp", kind: "error", type: 3, code: 1, quoted: about } });
}

describe("ICMP errors", () => {
  test("are RELATED to the connection they quote, and do not count as its reply", () => {
    forward(udp(client, server));
    expect(stateOf(forward(unreachable(udp(client, server), "10.0.0.9", client)))).toBe("related reply");
    expect(connections()[0]).toContain("[UNREPLIED]");
  });

  test("are INVALID about unknown connections, and when sent to somebody who takes no part", () => {
    expect(stateOf(forward(unreachable(udp(client, server), "10.0.0.9", client)))).toBe("INVALID");
    forward(udp(client, server));
    expect(stateOf(forward(unreachable(udp(client, server), "10.0.0.9", "10.0.0.77")))).toBe("INVALID");
  });
});

test("the table drops new connections when nf_conntrack_max is reached", () => {
  lab.ns("box").sysctls.set("net.netfilter.nf_conntrack_max", 2);
  const verdicts = [40_001, 40_002, 40_003].map(
    (srcPort) => forward(udp(client, server, { transport: { protocol: "udp", srcPort, dstPort: 53 } })).verdict,
  );
  expect(verdicts).toEqual(["accept", "accept", "drop"]);
});

describe("NAT", () => {
  function sourceNat(range: Partial<NatRange>): void {
    register("POSTROUTING", (state) => ({ address: address("192.0.2.1"), ...range, wanted: contained(state) }));
  }
  function contained({ skb }: HookState): boolean {
    return skb.packet.src !== address("192.0.2.1");
  }
  function register(
    hook: "PREROUTING" | "POSTROUTING",
    range: (state: HookState) => Partial<NatRange> & { readonly wanted?: boolean },
  ): void {
    const ns = lab.ns("box");
    ns.conntrack.require();
    ns.conntrack.registerNat("ipv4", hook, {
      name: "test",
      priority: 0,
      run: (state) => {
        const { wanted = true, ...rest } = range(state);
        const manip = hook === "POSTROUTING" ? "src" : "dst";
        return wanted
          ? ns.conntrack.setupNat(state, manip, { randomPort: "no", persistent: false, ...rest })
          : "accept";
      },
    });
  }
  function query(src: string, srcPort: number, dst = server, id = srcPort): Packet {
    return udp(src, dst, { id, transport: { protocol: "udp", srcPort, dstPort: 53 } });
  }
  function sent({ packet }: Skb): string {
    const { transport } = packet;
    return "srcPort" in transport
      ? `${packet.src === address("192.0.2.1") ? "masked" : "own"}:${transport.srcPort}`
      : "";
  }
  function portOf(skb: Skb): number {
    return "srcPort" in skb.packet.transport ? skb.packet.transport.srcPort : 0;
  }

  test("keeps the source port while it is free", () => {
    sourceNat({});
    expect(sent(forward(query("10.0.0.5", 40_100)))).toBe("masked:40100");
  });

  // Seen on Linux 6.18: 500 became 293 and 185, 800 became 810 and 972, 40100 became 46980 and 19145.
  test.for([
    { port: 500, first: 1, last: 511 },
    { port: 800, first: 600, last: 1023 },
    { port: 40_100, first: 1024, last: 65_535 },
  ])("takes another port of the class of $port on a clash", ({ port, first, last }) => {
    sourceNat({});
    forward(query("10.0.0.5", port));
    const second = portOf(forward(query("10.0.0.6", port, server, 2)));
    expect(second).not.toBe(port);
    expect(second).toBeGreaterThanOrEqual(first);
    expect(second).toBeLessThanOrEqual(last);
  });

  // Seen on Linux 6.18: the second destination got 46980 too, without any clash.
  test("keeps a client port's mapping for other destinations", () => {
    sourceNat({});
    forward(query("10.0.0.5", 40_100));
    const moved = portOf(forward(query("10.0.0.6", 40_100, server, 2)));
    expect(portOf(forward(query("10.0.0.6", 40_100, "10.0.0.3", 3)))).toBe(moved);
  });

  test("draws from 1024 to 65535 with --random-fully, the same from run to run", () => {
    sourceNat({ randomPort: "random-fully" });
    const port = portOf(forward(query("10.0.0.5", 40_000)));
    expect(port).toBeGreaterThanOrEqual(1024);
    expect(port).not.toBe(40_000);
    lab = emptyLab("off");
    sourceNat({ randomPort: "random-fully" });
    expect(portOf(forward(query("10.0.0.5", 40_000)))).toBe(port);
  });

  test("stays in a stated port range", () => {
    sourceNat({ port: 2000, lastPort: 2001 });
    const ports = [1, 2].map((id) => portOf(forward(query(`10.0.0.${id + 4}`, 40_000, server, id))));
    expect(ports.toSorted()).toEqual([2000, 2001]);
  });

  test("asks the table for the first packet of a connection only, also when it is NEW again", () => {
    let asked = 0;
    register("PREROUTING", () => {
      asked++;
      return { wanted: false };
    });
    for (let i = 0; i < 3; i++) expect(stateOf(forward(tcp("S")))).toBe("new original");
    expect(asked).toBe(1);
  });

  test("moves the port of an untouched connection when its replies would be another one's", () => {
    register("PREROUTING", ({ skb }) => ({
      address: address(server),
      wanted: skb.packet.dst === address("10.96.0.1"),
    }));
    forward(query(client, 40_000, "10.96.0.1"));
    expect(portOf(forward(query(client, 40_000, server, 2)))).not.toBe(40_000);
  });

  test("an ICMP error goes back as if the Service itself had sent it, quoting what the client sent", () => {
    register("PREROUTING", ({ skb }) => ({
      address: address(server),
      port: 8080,
      wanted: skb.packet.dst === address("10.96.0.1"),
    }));
    const query1 = query(client, 40_000, "10.96.0.1");
    const translated = forward(query1).packet;
    const error = forward(unreachable(translated, "10.0.0.9", client)).packet;
    expect(error.src).toBe(address("10.96.0.1"));
    expect(error.transport).toMatchObject({ quoted: { dst: address("10.96.0.1"), transport: { dstPort: 53 } } });
  });

  test("a redirect about a translated connection is dropped", () => {
    register("PREROUTING", ({ skb }) => ({
      address: address(server),
      wanted: skb.packet.dst === address("10.96.0.1"),
    }));
    const translated = forward(query(client, 40_000, "10.96.0.1")).packet;
    const redirect = udp("10.0.0.9", client, {
      transport: { protocol: "icmp", kind: "error", type: 5, code: 1, quoted: translated },
    });
    expect(forward(redirect).verdict).toBe("drop");
  });

  test("two packets that made the same UDP connection at once: equal ones join, others keep their replies apart for a second", () => {
    let pick = 0;
    register("PREROUTING", () => ({ address: address(`10.0.0.${20 + pick}`) }));
    const namespace = lab.ns("box");
    // Both packets have passed nat before either is confirmed, as on two CPUs.
    const race = (id: number): { skb: Skb; confirm: () => HookVerdict } => {
      const packet = query(client, 40_000, "10.96.0.1", id);
      const skb: Skb = { packet, mark: 0, untracked: false, flowKey: `race-${id}` };
      const state: HookState = { namespace, hook: "POSTROUTING", family: "ipv4", skb };
      runHook({ ...state, hook: "PREROUTING" });
      const [nat, confirm] = namespace.hooks.at("ipv4", "POSTROUTING");
      expect([nat?.name, confirm?.name]).toEqual(["nat", "confirm"]);
      nat?.run(state);
      return { skb, confirm: () => confirm?.run(state) ?? "drop" };
    };
    const first = race(1);
    const same = race(2);
    pick = 1;
    const other = race(3);
    expect([first.confirm(), same.confirm(), other.confirm()]).toEqual(["accept", "accept", "accept"]);
    expect(same.skb.conntrack?.entry.id).toBe(first.skb.conntrack?.entry.id);
    expect(connections()).toHaveLength(2);
    wait(2);
    expect(connections()).toHaveLength(1);
  });
});

test("no hook function is registered before somebody requires tracking", () => {
  const fresh = emptyLab("off").ns("fresh");
  expect(fresh.hooks.at("ipv4", "PREROUTING")).toEqual([]);
  fresh.conntrack.require();
  expect(fresh.hooks.at("ipv4", "PREROUTING").map(({ name }) => name)).toEqual(["defrag", "conntrack"]);
  expect(fresh.hooks.at("ipv6", "INPUT").map(({ name }) => name)).toEqual(["confirm"]);
});

test("payloads do not matter to a tuple", () => {
  forward(udp(client, server, { payload: { kind: "bytes", length: 5 } }));
  expect(stateOf(forward(udp(client, server, { payload: emptyPayload })))).toBe("new original");
  expect(connections()).toHaveLength(1);
});
