import { describe, expect, test } from "vitest";
import { createIptables } from "../../src/iptables/netns.ts";
import { formatIpvsadmSave, runIpvsadm } from "../../src/ipvs/ipvsadm.ts";
import { createIpvs } from "../../src/ipvs/netns.ts";
import { applyToNamespace } from "../../src/ipvs/proxier-apply.ts";
import { ServiceTable } from "../../src/ipvs/service-table.ts";
import { type EventQueue, nanosPerSecond } from "../../src/kernel/clock.ts";
import type { Owner } from "../../src/trace/records.ts";
import { address, formatAddress } from "../../src/wire/address.ts";
import { type Packet, emptyPayload } from "../../src/wire/packet.ts";
import { emptyNamespace } from "../kube-proxy/namespaces.ts";

const vip = { protocol: "tcp", address: address("10.96.0.10"), port: 80 } as const;
const owner: Owner = { kind: "Service", namespace: "default", name: "web" };

function syn(client: string, srcPort: number): Packet {
  return {
    kind: "ip",
    src: address(client),
    dst: vip.address,
    ttl: 64,
    dontFragment: true,
    id: 1,
    transport: { protocol: "tcp", srcPort, dstPort: 80, flags: { syn: true }, seq: 0, ack: 0 },
    payload: emptyPayload,
  };
}

/** Connects and says which server it was. */
function connect(table: ServiceTable, client: string, srcPort: number): string {
  const service = table.find(vip);
  const packet = syn(client, srcPort);
  const connection = service && table.schedule(service, packet, true);
  if (connection === undefined) return "none";
  table.connections.advance(connection, "input", packet);
  return formatAddress(connection.server.address);
}

// ipvsadm(8) and net/netfilter/ipvs/ip_vs_core.c (ip_vs_sched_persist).
describe("persistence", () => {
  function table(now: { seconds: number }): ServiceTable {
    const made = new ServiceTable(() => now.seconds * nanosPerSecond);
    for (const line of [
      "-A -t 10.96.0.10:80 -s rr -p 100",
      "-a -t 10.96.0.10:80 -r 10.244.0.1:8080 -m -w 1",
      "-a -t 10.96.0.10:80 -r 10.244.0.2:8080 -m -w 1",
    ]) {
      runIpvsadm(made, line);
    }
    return made;
  }

  test("a client stays with its server, whatever its port; another client gets the next", () => {
    const servers = table({ seconds: 0 });
    expect(connect(servers, "192.168.0.1", 1000)).toBe("10.244.0.2");
    expect(connect(servers, "192.168.0.1", 1001)).toBe("10.244.0.2");
    expect(connect(servers, "192.168.0.2", 1000)).toBe("10.244.0.1");
  });

  test("the entry lives as long as its connections, then for the time that was stated", () => {
    const now = { seconds: 0 };
    const servers = table(now);
    expect(connect(servers, "192.168.0.1", 1000)).toBe("10.244.0.2");
    now.seconds = 99;
    expect(connect(servers, "192.168.0.1", 1001)).toBe("10.244.0.2");
    // The last connection (SYN_RECV, 60 s) is gone, and 100 s have passed.
    now.seconds = 200;
    expect(connect(servers, "192.168.0.1", 1002)).toBe("10.244.0.1");
  });

  test("a server that was removed keeps no client", () => {
    const servers = table({ seconds: 0 });
    expect(connect(servers, "192.168.0.1", 1000)).toBe("10.244.0.2");
    runIpvsadm(servers, "-d -t 10.96.0.10:80 -r 10.244.0.2:8080");
    expect(connect(servers, "192.168.0.1", 1001)).toBe("10.244.0.1");
  });
});

test("what ipvsadm-save prints can be read again", () => {
  const lines = [
    "-A -t 10.96.0.10:80 -s mh -b mh-port -p 100",
    "-a -t 10.96.0.10:80 -r 10.244.0.1:8080 -m -w 2",
    "-a -t 10.96.0.10:80 -r 10.244.0.2:8080 -m -w 0",
    "-A -u [fd00::a]:53 -s rr",
    "-a -u [fd00::a]:53 -r [fd00:1::2]:5353 -m -w 1",
    "-A --sctp-service 10.96.0.10:3868 -s sed",
  ];
  const table = new ServiceTable(() => 0);
  for (const line of lines) runIpvsadm(table, line);
  expect(formatIpvsadmSave(table)).toBe(lines.map((line) => `${line}\n`).join(""));
});

test.each([
  ["-A -t 10.96.0.10:80 -s random", "NO_SCHEDULER"],
  ["-a -t 10.96.0.10:80 -r 10.244.0.1:8080 -m", "NO_SERVICE"],
  ["-e -t 10.96.0.10:80 -r 10.244.0.1:8080 -m -x 1 -y 2", "OUT_OF_RANGE"],
  ["-A -t 10.96.0.10", "BAD_ENDPOINT"],
  ["-A -t", "MISSING_VALUE"],
  ["-A -f 1 -s rr", "BAD_OPTION"],
  ["-a -t 10.96.0.10:80 -r 10.244.0.1:8080 -g", "UNMODELLED"],
])("ipvsadm %s fails with %s", (line, code) => {
  const table = new ServiceTable(() => 0);
  expect(() => runIpvsadm(table, line)).toThrow(expect.objectContaining({ code }) as Error);
});

// pkg/proxy/ipvs/graceful_termination.go.
describe("a server that kube-proxy takes away", () => {
  const service = { ...vip, persistenceSeconds: 0, servers: [], owner };
  const server = { address: address("10.244.0.1"), port: 8080, owner };

  function node(): { table: ServiceTable; clock: EventQueue; remove(): void; add(): void } {
    const namespace = emptyNamespace("node");
    const target = { namespace, iptables: createIptables(namespace), ipvs: createIpvs(namespace) };
    applyToNamespace([{ kind: "add-service", service, scheduler: "rr", schedulerFlags: [] }], target);
    const add = (): void => applyToNamespace([{ kind: "add-server", service, server }], target);
    add();
    return {
      table: target.ipvs.table,
      clock: namespace.surroundings.clock as EventQueue,
      remove: () => applyToNamespace([{ kind: "delete-server", service, server }], target),
      add,
    };
  }
  const weights = (table: ServiceTable): number[] => table.find(vip)?.servers.map(({ weight }) => weight) ?? [];

  test("goes at once when it has no connections", () => {
    const { table, remove } = node();
    remove();
    expect(weights(table)).toEqual([]);
  });

  test("keeps its connections at weight 0, and goes at the first look after they have ended", () => {
    const { table, clock, remove } = node();
    expect(connect(table, "192.168.0.1", 1000)).toBe("10.244.0.1");
    remove();
    expect(weights(table)).toEqual([0]);
    expect(connect(table, "192.168.0.2", 1000)).toBe("none");
    clock.run({ untilNanos: 59 * nanosPerSecond });
    expect(weights(table)).toEqual([0]);
    clock.run({ untilNanos: 61 * nanosPerSecond });
    expect(weights(table)).toEqual([]);
  });

  test("begins anew when it comes back", () => {
    const { table, remove, add } = node();
    connect(table, "192.168.0.1", 1000);
    remove();
    add();
    expect(weights(table)).toEqual([1]);
    expect(connect(table, "192.168.0.2", 1000)).toBe("10.244.0.1");
  });
});
