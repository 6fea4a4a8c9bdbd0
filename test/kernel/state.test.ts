import { describe, expect, test } from "vitest";
import { removeAddress } from "../../src/kernel/address.ts";
import { createFib } from "../../src/kernel/fib-create.ts";
import type { Route } from "../../src/kernel/fib.ts";
import { addressType, selectSource } from "../../src/kernel/ip/route.ts";
import { addDevice, enslave, removeDevice, setDown, setUp } from "../../src/kernel/link.ts";
import { formatRoute } from "../../src/kernel/route-text.ts";
import { addRoute } from "../../src/kernel/routes.ts";
import { createSysctls } from "../../src/kernel/sysctl.ts";
import { address, formatAddress, ipv4 } from "../../src/wire/address.ts";
import { parseCidr } from "../../src/wire/cidr.ts";
import { parseMac } from "../../src/wire/mac.ts";
import type { PacketTrace } from "../../src/trace/records.ts";
import { addr, bridge, emptyLab, hostGateway, link, run, stepsOf, udp } from "./cluster.ts";

function unicast(destination: string, changes: Partial<Route> = {}): Route {
  return {
    destination: parseCidr(destination)!,
    type: "unicast",
    device: "eth0",
    scope: "global",
    metric: 0,
    onlink: false,
    protocol: "boot",
    ...changes,
  };
}

describe("the FIB (ip-route(8), ip-rule(8))", () => {
  test("takes the longest prefix, then the lowest metric", () => {
    const fib = createFib("ipv4");
    fib.add(unicast("0.0.0.0/0", { device: "default" }));
    fib.add(unicast("10.0.0.0/8", { device: "far", metric: 100 }));
    fib.add(unicast("10.0.0.0/8", { device: "near", metric: 10 }));
    fib.add(unicast("10.1.0.0/16", { device: "longer", metric: 500 }));
    const device = (dst: string): string | undefined => fib.lookup({ dst: address(dst), mark: 0 })?.route.device;
    expect([device("10.1.2.3"), device("10.2.2.3"), device("8.8.8.8")]).toEqual(["longer", "near", "default"]);
  });

  test("asks local, then main; a rule with a mark comes by its priority; throw goes on", () => {
    const fib = createFib("ipv4");
    fib.add(unicast("0.0.0.0/0", { device: "main" }));
    fib.add(unicast("0.0.0.0/0", { device: "vpn" }), "100");
    fib.add(unicast("192.0.2.0/24", { type: "throw" }), "100");
    fib.addRule({
      priority: 1000,
      inverted: false,
      mark: { value: 1, mask: 1 },
      action: { kind: "lookup", table: "100" },
    });
    const device = (dst: string, mark: number): string | undefined =>
      fib.lookup({ dst: address(dst), mark })?.route.device;
    expect([device("8.8.8.8", 0), device("8.8.8.8", 3), device("192.0.2.1", 1)]).toEqual(["main", "vpn", "main"]);
    expect(fib.rules.map(({ priority }) => priority)).toEqual([0, 1000, 32_766, 32_767]);
    expect(fib.deleteRule({ priority: 1000 })).toBe(true);
    expect(device("8.8.8.8", 1)).toBe("main");
  });

  test("stays right with thousands of routes", () => {
    const fib = createFib("ipv4");
    for (let i = 0; i < 5000; i++) {
      fib.add(
        unicast("0.0.0.0/0", { destination: { base: ipv4(0x0a000000 + i * 256), prefixLength: 24 }, device: `d${i}` }),
      );
    }
    expect(fib.lookup({ dst: address("10.19.135.9"), mark: 0 })?.route.device).toBe(`d${19 * 256 + 135}`);
    expect(fib.lookup({ dst: address("11.0.0.1"), mark: 0 })).toBeUndefined();
  });
});

describe("devices and addresses", () => {
  test("an address brings its local, connected and broadcast routes, as iproute2 shows them", () => {
    const ns = emptyLab().ns("n");
    addDevice(ns, { kind: "dummy", name: "d0" });
    addr(ns, "d0", "10.1.0.5/24");
    const local = (): string[] =>
      ns.fib.ipv4
        .routes("local")
        .map(formatRoute)
        .filter((line) => line.includes("d0"));
    // A device that is down has its local route only: why a VIP on kube-ipvs0 is local (facts of IPVS mode).
    expect(local()).toEqual(["local 10.1.0.5 dev d0 proto kernel scope host src 10.1.0.5"]);
    expect(addressType(ns, address("10.1.0.5"))).toBe("LOCAL");
    setUp(ns, "d0");
    expect(local()).toEqual([
      "local 10.1.0.5 dev d0 proto kernel scope host src 10.1.0.5",
      "broadcast 10.1.0.255 dev d0 proto kernel scope link src 10.1.0.5",
    ]);
    expect(ns.fib.ipv4.routes().map(formatRoute)).toEqual(["10.1.0.0/24 dev d0 proto kernel scope link src 10.1.0.5"]);
    addRoute(ns, { destination: parseCidr("10.2.0.0/16")!, via: address("10.1.0.1") });
    setDown(ns, "d0");
    expect(ns.fib.ipv4.routes()).toEqual([]);
    setUp(ns, "d0");
    removeAddress(ns, "d0", address("10.1.0.5"));
    expect([...local(), ...ns.fib.ipv4.routes()]).toEqual([]);
  });

  test("what rtnetlink refuses is refused with its errno", () => {
    const ns = hostGateway().ns("node1");
    const destination = parseCidr("10.9.0.0/16")!;
    const errno = (run: () => unknown): unknown => {
      try {
        run();
        return undefined;
      } catch (error) {
        return (error as { errno?: string }).errno;
      }
    };
    expect(errno(() => addRoute(ns, { destination, via: address("192.0.2.1"), device: undefined as never }))).toBe(
      "ENETUNREACH",
    );
    expect(errno(() => addRoute(ns, { destination, device: "eth7" }))).toBe("ENODEV");
    expect(errno(() => addRoute(ns, { destination: parseCidr("10.244.1.0/24")!, device: "eth0" }))).toBe("EEXIST");
    expect(errno(() => addDevice(ns, { kind: "dummy", name: "cni0" }))).toBe("EEXIST");
  });

  test("a bridge without a MAC of its own takes the lowest of its ports", () => {
    const ns = emptyLab().ns("n");
    addDevice(ns, { kind: "bridge", name: "br" });
    for (const [name, mac] of [
      ["a", "02:00:00:00:00:09"],
      ["b", "02:00:00:00:00:03"],
    ] as const) {
      addDevice(ns, { kind: "veth", name, mac: parseMac(mac)! });
      enslave(ns, name, "br");
    }
    expect(ns.devices.get("br")?.mac).toBe("02:00:00:00:00:03");
    removeDevice(ns, "b");
    expect(ns.devices.get("br")?.mac).toBe("02:00:00:00:00:09");
  });

  test("the source address: the route's hint, the gateway's network, the destination itself when local", () => {
    const ns = hostGateway().ns("node1");
    const source = (dst: string): string => formatAddress(selectSource(ns, address(dst))!);
    expect([
      source("10.244.0.3"),
      source("8.8.8.8"),
      source("172.18.0.2"),
      source("127.0.0.1"),
      source("127.0.0.53"),
    ]).toEqual(["10.244.0.1", "172.18.0.2", "172.18.0.2", "127.0.0.1", "127.0.0.1"]);
  });
});

describe("sysctls (Documentation/networking/ip-sysctl.rst)", () => {
  test("ip_forward is conf.all.forwarding and reaches every device", () => {
    const sysctls = createSysctls();
    sysctls.set("net.ipv4.conf.eth0.forwarding", 0);
    sysctls.set("net.ipv4.ip_forward", 1);
    expect(sysctls.device("eth0").forwarding).toBe(true);
    expect(sysctls.get("net.ipv4.conf.all.forwarding")).toBe(1);
    sysctls.set("net.ipv4.conf.eth0.forwarding", 0);
    expect([sysctls.device("eth0").forwarding, sysctls.device("eth1").forwarding]).toEqual([false, true]);
  });

  test("rp_filter is the maximum of all and the device; default counts for later devices only", () => {
    const ns = emptyLab().ns("n");
    addDevice(ns, { kind: "dummy", name: "before" });
    ns.sysctls.set("net.ipv4.conf.default.rp_filter", 2);
    addDevice(ns, { kind: "dummy", name: "after" });
    expect([ns.sysctls.device("before").rpFilter, ns.sysctls.device("after").rpFilter]).toEqual([0, 2]);
    ns.sysctls.set("net.ipv4.conf.all.rp_filter", 1);
    expect([ns.sysctls.device("before").rpFilter, ns.sysctls.device("after").rpFilter]).toEqual([1, 2]);
  });
});

test("a dead node's frames vanish with a drop step", () => {
  const lab = hostGateway();
  run(lab, "p1b", udp("10.244.0.3", "10.244.1.2"));
  lab.network.setDown("node2");
  const [packet] = run(lab, "p1b", udp("10.244.0.3", "10.244.1.2"));
  expect(packet?.verdict).toBe("dropped");
  expect(stepsOf(packet).at(-1)).toMatchObject({ kind: "drop", code: "LINK_DOWN" });
});

test("a neighbour entry grows stale, is used as it is, and is asked for again in time (arp(7))", () => {
  const lab = hostGateway();
  const p1b = lab.ns("p1b");
  const gateway = address("10.244.0.1");
  const state = (): string | undefined => p1b.neighbours.get("eth0", gateway)?.state;
  run(lab, "p1b", udp("10.244.0.3", "10.244.1.2"));
  lab.clock.after(60e9, () => {});
  lab.clock.run();
  expect(state()).toBe("STALE");
  const flow = lab.recorder.flow({ protocol: "t", from: "", to: "", purpose: "" });
  expect(flow).toBeDefined();
  run(lab, "p1b", udp("10.244.0.3", "10.244.1.2"));
  expect(state()).toBe("REACHABLE");
});

test("a loop of bridges and a tunnel that leads into itself end in a drop", () => {
  const lab = emptyLab();
  for (const name of ["a", "b"]) lab.ns(name).sysctls.set("net.bridge.bridge-nf-call-iptables", 0);
  link(lab, "a:l1 b:l1");
  link(lab, "a:l2 b:l2");
  link(lab, "host:eth0 a:port");
  bridge(lab.ns("a"), "br", "02:00:00:00:00:0a", ["l1", "l2", "port"]);
  bridge(lab.ns("b"), "br", "02:00:00:00:00:0b", ["l1", "l2"]);
  const host = lab.ns("host");
  addr(host, "eth0", "10.0.0.1/24");
  run(lab, "host", udp("10.0.0.1", "10.0.0.2"));
  const codes = (packets: readonly PacketTrace[]): unknown[] =>
    packets.flatMap((packet) => stepsOf(packet).flatMap((step) => (step.kind === "drop" ? [step.code] : [])));
  expect(codes(lab.recorder.flows.flatMap(({ packets }) => packets))).toContain("FRAME_LOOP");

  const device = addDevice(host, { kind: "vxlan", name: "vx", vni: 1, local: address("10.0.0.1") });
  addr(host, "vx", "10.9.0.1/24");
  setUp(host, "vx");
  const mac = parseMac("02:00:00:00:00:99")!;
  host.neighbours.set({ device: "vx", address: address("10.9.0.2"), mac, state: "PERMANENT" });
  if (device.kind === "vxlan") device.fdb.set(mac, { mac, remote: address("10.9.0.2") });
  expect(codes(run(lab, "host", udp("10.9.0.1", "10.9.0.2")))).toContain("TUNNEL_LOOP");
});
