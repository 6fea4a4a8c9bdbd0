import { execFile } from "node:child_process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { replay } from "../../src/sim/replay.ts";
import { type TopologyFiles, parseTopology } from "../../src/topology/topology.ts";
import { TestNamespace, skipReason } from "./network-namespace.ts";
import { hosts, links, smallWorlds } from "./small-worlds.ts";

/*
 * The small worlds, built as namespaces of this machine's kernel and as namespaces of the engine: a ping must end the
 * same way.
 */

const prefix = `khop-rk-${process.pid}`;

const reason = skipReason("test/root/replay-kernel.test.ts", [
  ["ping", "-V"],
  ["iptables-legacy", "--version"],
]);

const names = ["r", ...hosts] as const;

/** The namespaces of one case on this machine's kernel. */
type World = Readonly<Record<(typeof names)[number], TestNamespace>>;

function worldOf(index: number): World {
  const own = (name: string): TestNamespace => new TestNamespace(`${prefix}-${index}-${name}`);
  return { r: own("r"), a: own("a"), b: own("b"), c: own("c") };
}

/** Makes the devices in the order in which buildTopology does. */
function build(world: World, files: TopologyFiles): void {
  const ends = hosts.flatMap((host, index) => [
    // Unequal indexes of the two ends, else the kernel is slow to see the link.
    `link add p${host} index ${50 + index} address 02:00:00:00:01:0${index} type veth peer name eth0 netns ${world[host].name} address 02:00:00:00:00:0${index}`,
    `link set p${host} up`,
  ]);
  world.r.mustRunAll([{ words: ["ip", "-batch", "-"], input: `${ends.join("\n")}\nlink set lo up\n` }]);
  for (const host of hosts) {
    world[host].mustRunAll([{ words: ["ip", "-batch", "-"], input: "link set eth0 up\nlink set lo up\n" }]);
  }
  for (const name of names) {
    const of = (file: string): string => files.get(`${name}/${file}`) ?? "";
    world[name].mustRunAll([
      { words: ["sh", "-c", "sysctl -q -p - 2>/dev/null || true"], input: of("sysctl") },
      { words: ["ip", "-batch", "-"], input: of("ip") },
      { words: ["sysctl", "-q", "-p", "-"], input: of("sysctl") },
      ...(of("iptables") === "" ? [] : [{ words: ["iptables-legacy-restore"], input: of("iptables") }]),
    ]);
  }
}

/** Waits until all links of the router carry. */
function waitForLinks({ r }: World): void {
  const carries = "! ip link | grep -qE 'state (DOWN|LOWERLAYERDOWN)|NO-CARRIER'";
  r.runAll([{ words: ["sh", "-c", `for i in $(seq 50); do ${carries} && break; sleep 0.05; done`] }]);
}

/** What ping of iputils says, in the words of a replay. */
async function ping({ a }: World, to: string): Promise<string> {
  const [command, args] = a.entering("ping", "-n", "-c", "1", "-W", "1", to);
  const out = await new Promise<string>((resolve) =>
    execFile(command, args, (_error, stdout, stderr) => resolve(stdout + stderr)),
  );
  if (/ bytes from /.test(out)) return "reply";
  const error = /^From \S+ icmp_seq=1 (.*)$/m.exec(out)?.[1];
  if (error === undefined) return "timeout";
  const codes: Readonly<Record<string, string>> = {
    "Destination Net Unreachable": "icmp-3-0",
    "Destination Host Unreachable": "icmp-3-1",
    "Packet filtered": "icmp-3-13",
    "Time to live exceeded": "icmp-11-0",
  };
  return codes[error] ?? error;
}

const folders = smallWorlds.map(
  ({ to, files }) =>
    new Map([...Object.entries(files), ["links", links.join("")], ["flows", `ping a icmp ${to} timeout=4\n`]]),
);

describe.skipIf(reason !== undefined)("the kernel of this machine and the engine agree", () => {
  const worlds = smallWorlds.map((_, index) => worldOf(index));
  const namespaces = worlds.flatMap((world) => names.map((name) => world[name]));
  /** Of all cases at once: what is not answered is waited for. */
  let onKernel: readonly string[];

  beforeAll(async () => {
    TestNamespace.makeAll(namespaces);
    for (const [index, world] of worlds.entries()) build(world, folders[index] as TopologyFiles);
    for (const world of worlds) waitForLinks(world);
    onKernel = await Promise.all(smallWorlds.map(({ to }, index) => ping(worlds[index] as World, to)));
  });
  afterAll(() => TestNamespace.deleteAll(namespaces));

  test.for(smallWorlds.map((one, index) => ({ ...one, index })))("$says", ({ expected, index }) => {
    const [flow] = replay(parseTopology(folders[index] as TopologyFiles));
    expect({ kernel: onKernel[index], engine: flow?.result }).toEqual({ kernel: expected, engine: expected });
  });
});
