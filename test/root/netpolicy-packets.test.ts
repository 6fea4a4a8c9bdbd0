import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { applyRestore, emptyRuleset } from "../../src/iptables/apply.ts";
import { IpSets } from "../../src/iptables/ipset/store.ts";
import { saveSets } from "../../src/iptables/ipset/text.ts";
import { printRuleset } from "../../src/iptables/print.ts";
import { loadSets } from "../../src/netpolicy/apply.ts";
import { compilePolicies } from "../../src/netpolicy/compile.ts";
import { type Case, type Row, casesOf, viewOf } from "../netpolicy/cases.ts";
import { deviates } from "../netpolicy/deviations.ts";
import { cluster, node } from "../netpolicy/objects.ts";

/*
 * The compiled policies against real packets: one network namespace as the node, one per pod, routed veth pairs, TCP
 * and UDP between all pods. What the kernel lets pass must be what the suites expect, but for kube-router's known
 * deviations. SCTP rows are left out: its module is not everywhere.
 */

const prefix = `khop-np-${process.pid}`;
const nodeName = `${prefix}-node`;
const nodeA = node("node", "192.168.255.1", "10.244.0.0/16");
const ports = [80, 81];

interface Probe {
  readonly row: Row;
  readonly protocol: "TCP" | "UDP";
  readonly port: number;
}

function whyNot(): string | undefined {
  if (process.getuid?.() !== 0) return "needs root";
  try {
    for (const tool of ["ipset", "iptables-legacy", "conntrack"])
      execFileSync(tool, ["--version"], { stdio: "ignore" });
    execFileSync("ip", ["netns", "list"], { stdio: "ignore" });
  } catch (error) {
    return String(error);
  }
  return undefined;
}

const reason = whyNot();
if (reason !== undefined) {
  if (process.env["KUBEHOP_REQUIRE"] === "all") throw new Error(`test/root/netpolicy-packets.test.ts: ${reason}`);
  console.warn(`skipped: test/root/netpolicy-packets.test.ts: ${reason}`);
}

function ip(...args: readonly string[]): void {
  execFileSync("ip", args, { stdio: "pipe" });
}

function onNode(command: string, args: readonly string[], input?: string): void {
  const options = input === undefined ? {} : { input };
  execFileSync("ip", ["netns", "exec", nodeName, command, ...args], { stdio: "pipe", ...options });
}

/** A process in a pod's namespace that answers and asks: pod-agent.mjs. */
class Agent {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number | string, (outcome: string) => void>();
  #next = 1;

  constructor(namespace: string) {
    const script = join(import.meta.dirname, "pod-agent.mjs");
    const args = ["netns", "exec", namespace, process.execPath, script, ...ports.map(String)];
    this.#process = spawn("ip", args, { stdio: ["pipe", "pipe", "inherit"] });
    if (this.#process.stdout === null) throw new Error("no stdout");
    createInterface({ input: this.#process.stdout }).on("line", (line) => {
      const { id, outcome } = JSON.parse(line) as { id: number | string; outcome: string };
      this.#waiting.get(id)?.(outcome);
      this.#waiting.delete(id);
    });
  }

  ready(): Promise<string> {
    return new Promise((resolve) => this.#waiting.set("ready", resolve));
  }

  ask(protocol: "TCP" | "UDP", address: string, port: number): Promise<string> {
    const id = this.#next++;
    this.#process.stdin?.write(`${JSON.stringify({ id, protocol, address, port })}\n`);
    return new Promise((resolve) => this.#waiting.set(id, resolve));
  }

  stop(): void {
    this.#process.kill();
  }
}

function addressesIn(cases: readonly Case[]): readonly string[] {
  const pods = cases.flatMap((one) => [...viewOf(one).ids.values()].flat());
  return [...new Set(pods.flatMap((pod) => pod.status.podIPs))].sort();
}

function build(addresses: readonly string[]): ReadonlyMap<string, Agent> {
  ip("netns", "add", nodeName);
  onNode("sysctl", [
    "-qw",
    "net.ipv4.ip_forward=1",
    "net.ipv4.icmp_ratelimit=0",
    "net.ipv4.icmp_msgs_per_sec=1000000",
    "net.ipv4.icmp_msgs_burst=1000000",
  ]);
  const agents = new Map<string, Agent>();
  for (const [index, address] of addresses.entries()) {
    const pod = `${prefix}-${index}`;
    const hex = index.toString(16).padStart(2, "0");
    const [podMac, hostMac] = [`02:00:00:00:01:${hex}`, `02:00:00:00:02:${hex}`];
    ip("netns", "add", pod);
    ip("-n", pod, "link", "set", "lo", "up");
    ip(
      "-n",
      nodeName,
      "link",
      "add",
      `p${index}`,
      "address",
      hostMac,
      "type",
      "veth",
      "peer",
      "name",
      "eth0",
      "address",
      podMac,
      "netns",
      pod,
    );
    ip("-n", nodeName, "link", "set", `p${index}`, "up");
    ip("-n", pod, "addr", "add", `${address}/32`, "dev", "eth0");
    ip("-n", pod, "link", "set", "eth0", "up");
    ip("-n", pod, "route", "add", "default", "via", "169.254.1.1", "dev", "eth0", "onlink");
    ip("-n", pod, "neigh", "add", "169.254.1.1", "lladdr", hostMac, "dev", "eth0", "nud", "permanent");
    ip("-n", nodeName, "route", "add", `${address}/32`, "dev", `p${index}`);
    ip("-n", nodeName, "neigh", "add", address, "lladdr", podMac, "dev", `p${index}`, "nud", "permanent");
    agents.set(address, new Agent(pod));
  }
  return agents;
}

function load(one: Case): void {
  const { view } = viewOf(one);
  const compiled = compilePolicies(cluster({ ...view, nodes: [nodeA] }), nodeA, "ipv4");
  onNode("iptables-legacy-restore", [], "*filter\nCOMMIT\n");
  onNode("ipset", ["destroy"]);
  if (compiled !== undefined) {
    const sets = new IpSets();
    loadSets(sets, compiled);
    onNode("ipset", ["restore"], saveSets(sets));
    onNode("iptables-legacy-restore", [], printRuleset(applyRestore(emptyRuleset("ipv4"), compiled.rules)));
  }
  onNode("conntrack", ["-F"]);
}

function probesOf(one: Case): readonly Probe[] {
  return one.expect.flatMap((row) => {
    if (row.loopback || row.proto === "SCTP") return [];
    const protocols = row.proto === "ANY" ? (["TCP", "UDP"] as const) : [row.proto];
    const asked = ports.filter((port) => row.ports.split(",").some((part) => inPart(part, port)));
    return protocols.flatMap((protocol) => asked.map((port) => ({ row, protocol, port })));
  });
}

function inPart(part: string, port: number): boolean {
  const [first = 0, last = first] = part.split("-").map(Number);
  return first <= port && port <= last;
}

describe.skipIf(reason !== undefined).for([
  { suite: "Kubernetes e2e", folder: "test/referee/netpol/e2e" },
  { suite: "cyclonus", folder: "../shared/suites/netpol/cyc" },
])("the kernel lets pass what the $suite suite expects", ({ folder }) => {
  const cases = casesOf(folder);
  let agents: ReadonlyMap<string, Agent> = new Map();

  beforeAll(async () => {
    agents = build(addressesIn(cases));
    await Promise.all([...agents.values()].map((agent) => agent.ready()));
  });
  afterAll(() => {
    for (const agent of agents.values()) agent.stop();
    for (const [index] of [...agents.keys()].entries()) ip("netns", "delete", `${prefix}-${index}`);
    ip("netns", "delete", nodeName);
  });

  test.skipIf(cases.length === 0).for(cases.map((one) => [one.case.name, one] as const))("%s", async ([name, one]) => {
    load(one);
    const { ids } = viewOf(one);
    const addressOf = (id: string): string => ids.get(id)?.[0]?.status.podIPs[0] ?? "";
    const wrong = await Promise.all(
      probesOf(one).map(async ({ row, protocol, port }) => {
        const outcome = await agents.get(addressOf(row.src))?.ask(protocol, addressOf(row.dst), port);
        const passes = row.allowed !== deviates(name, row.src, row.dst, protocol, port);
        const expected = passes ? "answered" : "refused";
        return outcome === expected ? [] : [`${row.src} > ${row.dst} ${protocol} ${port}: ${outcome}`];
      }),
    );
    expect(wrong.flat()).toEqual([]);
  });
});
