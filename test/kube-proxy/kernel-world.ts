import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { createIptables } from "../../src/iptables/netns.ts";
import { parseRestore } from "../../src/iptables/parse.ts";
import { addAddress } from "../../src/kernel/address.ts";
import { addDevice, enslave, setUp } from "../../src/kernel/link.ts";
import { createNamespace } from "../../src/kernel/namespace-create.ts";
import type { NetworkNamespace } from "../../src/kernel/namespace.ts";
import { addRoute } from "../../src/kernel/routes.ts";
import { runClient } from "../../src/sim/replay-client.ts";
import { formatConnection } from "../../src/kernel/conntrack/format.ts";
import { recordOf } from "../../src/sim/replay-record.ts";
import { type ReplayFlow, addRecorderTable, forget, openAnsweringServers } from "../../src/sim/replay.ts";
import { routerName, switchName } from "../../src/sim/underlay-build.ts";
import { World } from "../../src/sim/world.ts";
import { parseTopology, type Topology } from "../../src/topology/topology.ts";
import type { Flow } from "../../src/trace/records.ts";
import { address } from "../../src/wire/address.ts";
import { cidr } from "../../src/wire/cidr.ts";
import { clusterOf } from "../cluster/build-from.ts";
import type { GoldenFlow } from "../kernel/golden-compare.ts";
import { readFolder } from "../kernel/read-topology.ts";

/*
 * The cluster that test/referee/kernel/kp-iptables was recorded with, made from its Nodes, Services and
 * EndpointSlices as any input is: CNI plugin, routes, devices and kube-proxy's rules are kubehop's own. Taken from the
 * recording is what no Kubernetes object says:
 *  - the pods' names and addresses, who listens where, and the host `ext` on the nodes' own segment;
 *  - sysctls of the nodes (no ICMP redirects and rate limits, quick neighbour discovery);
 *  - the masquerade rule for what leaves the cluster, which is not kube-proxy's, and the empty raw and mangle tables;
 *  - the clients that xt_recent was told of before the flows;
 *  - nobody forwards behind the nodes' default gateway: in the recording that is the switch.
 */

type FlowLine = Topology["flows"][number];

const folder = resolve(import.meta.dirname, "../referee/kernel/kp-iptables");
const nodes = ["node1", "node2"] as const;
const pods = [
  { name: "c1", ip: "10.244.0.2", node: "node1" },
  { name: "w1a", ip: "10.244.0.3", node: "node1" },
  { name: "w1b", ip: "10.244.0.4", node: "node1" },
  { name: "c2", ip: "10.244.1.2", node: "node2" },
  { name: "w2a", ip: "10.244.1.3", node: "node2" },
  { name: "w2b", ip: "10.244.1.4", node: "node2" },
] as const;

const { flows: golden } = JSON.parse(readFileSync(join(folder, "golden.json"), "utf8")) as { flows: GoldenFlow[] };
export const recordedFlows: readonly GoldenFlow[] = golden;

/** Runs all recorded flows in one world and returns them as the recorder wrote them down, by name. */
export function runRecordedFlows(): ReadonlyMap<string, ReplayFlow> {
  const topology = parseTopology(readFolder(join(folder, "topology")));
  const files = new Map(topology.namespaces.map((own) => [own.name, own.files]));
  const world = new World(clusterOf(inputText(), { systemComponents: "none", masqueradeLeavingCluster: false }), {
    seed: 1,
    pins: recordedPins(),
    level: "step",
    listens: {},
    namespace: "default",
  });
  const namespaces = new Map<string, NetworkNamespace>();
  for (const name of nodes) namespaces.set(name, runNode(world, name, files.get(name) ?? new Map()));
  for (const { name, node } of pods) namespaces.set(name, podOf(world, name, node));
  namespaces.set("ext", plugIn(world));
  world.network.get(routerName)?.sysctls.set("net.ipv4.ip_forward", 0);
  for (const [name, namespace] of namespaces) {
    if (!isNode(name)) addRecorderTable(createIptables(namespace));
    namespace.sockets.unlisten("tcp", 10_250);
    openAnsweringServers({ namespace, listens: listensOf(files.get(name)?.get("listen") ?? "") });
  }
  const rename = renaming(namespaces);
  return new Map(topology.flows.map((line) => [line.name, rename(run(world, namespaces, line))]));
}

function inputText(): string {
  const input = JSON.parse(readFileSync(join(folder, "input.json"), "utf8")) as { items: object[] };
  const made = pods.map(({ name, ip, node }) => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "default" },
    spec: { nodeName: node, containers: [{ name: "server", image: "server" }] },
    status: { phase: "Running", podIP: ip, podIPs: [{ ip }] },
  }));
  return JSON.stringify({ ...input, items: [...input.items, ...made] });
}

/** At each statistic rule the branch that was recorded: the rules before the one that matched did not. */
function recordedPins(): Record<string, number> {
  const pins: Record<string, number> = {};
  for (const { name, trace } of golden) {
    for (const [namespace, packets] of Object.entries(trace)) {
      for (const step of packets.flatMap(({ steps }) => steps)) {
        const [, chain, number = "0"] = /^nat:(KUBE-SV[CL]-\w+):rule:(\d+) KUBE-SEP/.exec(step) ?? [];
        for (let rule = 1; rule <= Number(number); rule++) {
          pins[`${namespace}/nat/${chain}/${rule}/${name}`] = rule === Number(number) ? 0 : 1;
        }
      }
    }
  }
  return pins;
}

function isNode(name: string): name is (typeof nodes)[number] {
  return (nodes as readonly string[]).includes(name);
}

function runNode(world: World, name: string, files: ReadonlyMap<string, string>): NetworkNamespace {
  const { host, iptables } = world.node(name);
  const notKubeProxys = (files.get("iptables") ?? "")
    .split("\n")
    .filter((line) => !line.includes("KUBE-") && !/^:[A-Z]+ ACCEPT/.test(line))
    .join("\n");
  iptables.restore(parseRestore(notKubeProxys, { family: "ipv4", file: `${name}/iptables` }), { noFlush: true });
  for (const [, key = "", value] of (files.get("sysctl") ?? "").matchAll(/^([^#=\s]+)=(\d+)$/gm)) {
    host.sysctls.set(key, Number(value));
  }
  for (const [, client = "", list = ""] of (files.get("exec") ?? "").matchAll(/^echo \+(\S+) > \S+\/(\S+)$/gm)) {
    iptables.recentLists.list(list).see(address(client), world.clock.nowNanos());
  }
  return host;
}

function podOf(world: World, name: string, node: string): NetworkNamespace {
  const pod = world.cluster.pods.find(({ metadata }) => metadata.name === name);
  if (pod === undefined) throw new Error(`there is no pod ${name}`);
  return world.node(node).namespaceOfPod(pod);
}

/** The host on the nodes' own segment, which sends what is for the load balancers to node1. */
function plugIn(world: World): NetworkNamespace {
  const { surroundings } = world.node("node1").host;
  const ns = createNamespace({ name: "ext", surroundings });
  const lan = world.network.get(switchName) as NetworkNamespace;
  world.network.add(ns);
  addDevice(lan, { kind: "physical", name: "ext", peer: { namespace: "ext", device: "eth0" } });
  setUp(lan, "ext");
  enslave(lan, "ext", "sw0");
  addDevice(ns, { kind: "physical", name: "eth0", peer: { namespace: switchName, device: "ext" } });
  addAddress(ns, "eth0", address("172.18.0.100"), 16, {});
  setUp(ns, "eth0");
  for (const block of ["192.0.2.0", "198.51.100.0"]) {
    addRoute(ns, { destination: cidr(address(block), 24), via: address("172.18.0.2"), device: "eth0" });
  }
  return ns;
}

function listensOf(text: string): { readonly protocol: "tcp" | "udp"; readonly port: number }[] {
  return [...text.matchAll(/^(tcp|udp) (\d+)$/gm)].map(([, protocol, port]) => ({
    protocol: protocol as "tcp" | "udp",
    port: Number(port),
  }));
}

/** As the recorder ran a flow. */
function run(world: World, namespaces: ReadonlyMap<string, NetworkNamespace>, line: FlowLine): ReplayFlow {
  const namespace = namespaces.get(line.from) as NetworkNamespace;
  for (const own of namespaces.values()) forget(own);
  const { clock, recorder } = world;
  const startNanos = clock.nowNanos();
  const flow = recorder.flow({ protocol: line.protocol, from: line.from, to: line.destination, purpose: line.name });
  const conntrack: Record<string, string[]> = {};
  const ended = (): void => {
    for (const [name, own] of namespaces) {
      const entries = own.conntrack.entries().map(formatConnection);
      if (entries.length > 0) conntrack[name] = entries;
    }
  };
  const client = runClient(line, { clock, namespace, ended, ...(flow && { flow }) });
  clock.run({ untilNanos: clock.nowNanos() + 20_000_000 });
  const { trace } = recordOf(recorder.flows as readonly Flow[], startNanos, false);
  const { name, from, protocol: proto, destination: dst } = line;
  return { name, from, proto, dst, ...client, trace, wire: [], conntrack };
}

/** Namespaces and devices by their names in the recording; what the switch and the router saw is left out. */
function renaming(namespaces: ReadonlyMap<string, NetworkNamespace>): (flow: ReplayFlow) => ReplayFlow {
  const devices = new Map<string, string>();
  for (const { name } of pods) {
    const end = [...(namespaces.get(name)?.devices.values() ?? [])].find(({ kind }) => kind === "veth");
    if (end?.kind === "veth" && end.peer !== undefined) devices.set(end.peer.device, `veth${name}`);
  }
  const named = (text: string): string =>
    text.replaceAll(/=(\w+)/g, (_, name: string) => `=${devices.get(name) ?? name}`);
  const names = new Map([...namespaces].map(([name, own]) => [own.name, name]));
  return (flow) => ({
    ...flow,
    ...(flow.answer?.server !== undefined && {
      answer: { ...flow.answer, server: names.get(flow.answer.server) ?? flow.answer.server },
    }),
    trace: Object.fromEntries(
      Object.entries(flow.trace).flatMap(([namespace, packets]) => {
        const name = names.get(namespace);
        const renamed = packets.map(({ at, steps }) => ({ at, steps: steps.map(named) }));
        return name === undefined ? [] : [[name, renamed]];
      }),
    ),
  });
}
