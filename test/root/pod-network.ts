import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { TestNamespace } from "./network-namespace.ts";

/** Ports that every pod listens on, TCP and UDP. */
export const ports: readonly number[] = [80, 81];

/** A process in a pod's namespace that answers and asks: pod-agent.mjs. */
class Agent {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number | string, (outcome: string) => void>();
  #next = 1;

  constructor(namespace: TestNamespace) {
    const script = join(import.meta.dirname, "pod-agent.mjs");
    const [command, args] = namespace.entering(process.execPath, script, ...ports.map(String));
    this.#process = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
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

/** One network namespace as the node, and one for each pod on a routed veth pair. */
export class PodNetwork {
  readonly node: TestNamespace;
  readonly #pods: ReadonlyMap<string, TestNamespace>;
  #agents: ReadonlyMap<string, Agent> = new Map();

  constructor(prefix: string, addresses: readonly string[]) {
    this.node = new TestNamespace(`${prefix}-node`);
    this.#pods = new Map(addresses.map((address, index) => [address, new TestNamespace(`${prefix}-${index}`)]));
  }

  async start(): Promise<void> {
    TestNamespace.makeAll(this.#all);
    this.#link();
    this.#agents = new Map([...this.#pods].map(([address, pod]) => [address, new Agent(pod)]));
    await Promise.all([...this.#agents.values()].map((agent) => agent.ready()));
  }

  stop(): void {
    for (const agent of this.#agents.values()) agent.stop();
    TestNamespace.deleteAll(this.#all);
  }

  /** What one pod gets from another: answered, refused or timed-out. */
  ask(from: string, protocol: "TCP" | "UDP", to: string, port: number): Promise<string> {
    const agent = this.#agents.get(from);
    if (agent === undefined) throw new Error(`no pod has ${from}`);
    return agent.ask(protocol, to, port);
  }

  get #all(): readonly TestNamespace[] {
    return [this.node, ...this.#pods.values()];
  }

  #link(): void {
    const links = [...this.#pods].map(([address, pod], index) => {
      const hex = index.toString(16).padStart(2, "0");
      return { address, pod, device: `p${index}`, podMac: `02:00:00:00:01:${hex}`, hostMac: `02:00:00:00:02:${hex}` };
    });
    const settings = ["ip_forward=1", "icmp_ratelimit=0", "icmp_msgs_per_sec=1000000", "icmp_msgs_burst=1000000"];
    const onNode = links.flatMap(({ address, pod, device, podMac, hostMac }) => [
      `link add ${device} address ${hostMac} type veth peer name eth0 address ${podMac} netns ${pod.name}`,
      `link set ${device} up`,
      `route add ${address}/32 dev ${device}`,
      `neigh add ${address} lladdr ${podMac} dev ${device} nud permanent`,
    ]);
    this.node.mustRunAll([
      { words: ["sysctl", "-qw", ...settings.map((setting) => `net.ipv4.${setting}`)] },
      { words: ["ip", "-batch", "-"], input: onNode.join("\n") },
    ]);
    for (const { address, pod, hostMac } of links) {
      const inPod = [
        "link set lo up",
        `addr add ${address}/32 dev eth0`,
        "link set eth0 up",
        "route add default via 169.254.1.1 dev eth0 onlink",
        `neigh add 169.254.1.1 lladdr ${hostMac} dev eth0 nud permanent`,
      ];
      pod.mustRunAll([{ words: ["ip", "-batch", "-"], input: inPod.join("\n") }]);
    }
  }
}
