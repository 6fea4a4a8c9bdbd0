import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { TextError } from "../../src/iptables/text-error.ts";
import { seededChance } from "../../src/kernel/chance.ts";
import { EventQueue } from "../../src/kernel/clock.ts";
import { addDevice } from "../../src/kernel/link.ts";
import { createNamespace } from "../../src/kernel/namespace-create.ts";
import type { NetworkNamespace } from "../../src/kernel/namespace.ts";
import { Network } from "../../src/kernel/network.ts";
import { kernelProfiles } from "../../src/kernel/profile.ts";
import { formatPaths, formatRoute } from "../../src/kernel/route-text.ts";
import { runIpBatch } from "../../src/topology/ip-batch.ts";
import { Recorder } from "../../src/trace/recorder.ts";

/*
 * Which routes Linux takes, which it refuses, and in what words: fib_check_nh(), ip6_route_check_nh() and what stands
 * around them. The answers are the kernel's (route-answers/*.txt).
 */

function namespace(setup: string): NetworkNamespace {
  const clock = new EventQueue();
  const wire = new Network(clock);
  const recorder = new Recorder("off", () => clock.nowNanos());
  const surroundings = { clock, chance: seededChance(1), wire, recorder, profile: kernelProfiles["6.18"] };
  const ns = createNamespace({ name: "node", surroundings });
  for (const name of ["eth0", "eth1", "eth2"])
    addDevice(ns, { kind: "veth", name, peer: { namespace: "other", device: name } });
  runIpBatch(ns, setup, "setup");
  return ns;
}

/** The routes of all tables as `ip route show table all` prints them, each line once. */
function routes(ns: NetworkNamespace): string[] {
  return Object.values(ns.fib).flatMap((fib) =>
    fib.tables().flatMap((table) =>
      fib.routes(table).flatMap((route) => {
        const v6 = fib.family === "ipv6";
        const refuses = v6 && route.type !== "unicast" && route.device === undefined && route.paths === undefined;
        return [
          `${formatRoute(route)}${refuses ? " dev lo" : ""}${table === "main" ? "" : ` table ${table}`}`,
          ...formatPaths(route),
        ];
      }),
    ),
  );
}

/** Words in any order: iproute2 puts the table before the scope. */
function sameWords(line: string): string {
  return line.replace(" pref medium", "").split(" ").sort().join(" ");
}

/** What became of a command: an error in the kernel's words, and the lines that came and went. */
interface Answer {
  readonly error: string;
  readonly came: readonly string[];
  readonly went: readonly string[];
}

function run(setup: string, command: string): Answer {
  const ns = namespace(setup);
  const before = routes(ns);
  let error = "ok";
  try {
    runIpBatch(ns, command, "ip");
  } catch (problem) {
    if (!(problem instanceof TextError)) throw problem;
    const [first] = problem.problems;
    error = `${first?.code}: ${first?.message}`;
  }
  const after = routes(ns);
  return {
    error,
    came: after.filter((line) => !before.includes(line)).map(sameWords),
    went: before.filter((line) => !after.includes(line)).map(sameWords),
  };
}

const errnos: Readonly<Record<string, string>> = {
  "File exists": "EEXIST",
  "No route to host": "EHOSTUNREACH",
  "No such device": "ENODEV",
  "No such file or directory": "ENOENT",
  "No such process": "ESRCH",
};

/** The kernel's answer in the words of a coded problem: all of it, or how it begins. */
function expectedError(text: string): RegExp {
  const [, errno] = /^RTNETLINK answers: (.*)$/.exec(text) ?? [];
  if (errno !== undefined) return new RegExp(`^${errnos[errno]}: `);
  if (text.startsWith("Cannot find device")) return /^ENODEV: /;
  const [, words] = /^Error: (.*)\.$/.exec(text) ?? [];
  return words === undefined ? /^ok$/ : new RegExp(`^E[A-Z]+: ${words}`);
}

describe.for(["ipv4", "ipv6"])("%s", (family) => {
  const text = readFileSync(join(import.meta.dirname, `route-answers/${family}.txt`), "utf8");
  const [, setup = "", answers = ""] = text.split(/^== .*\n/m);
  const asked = [...answers.matchAll(/^(\S.*)\n {2}= (.*)$/gm)].map(
    ([, command = "", answer = ""]) => [command, answer] as const,
  );

  test.for(asked)("%s", ([command, answer]) => {
    const [, said = "", came = "", went = "[]"] = /^(.*?)(?: ; (.*?))?(?: GONE (.*))?$/.exec(answer) ?? [];
    const found = run(setup, command);
    expect(found.error).toMatch(expectedError(said));
    expect(found.came).toEqual(came === "" ? [] : came.split(" ; ").map(sameWords));
    expect(found.went).toEqual((JSON.parse(went.replaceAll("'", '"')) as string[]).map(sameWords));
  });
});

// strace(1) of `ip route add ... via 10.0.1.1` on Linux 6.18 showed these behind "Nexthop has invalid gateway".
test.for([
  { setup: "rule add priority 5 unreachable", errno: "ENETUNREACH" },
  { setup: "rule add priority 5 prohibit", errno: "EACCES" },
  { setup: "route add unreachable 10.0.1.1/32 scope link", errno: "EHOSTUNREACH" },
  { setup: "route add blackhole 10.0.1.1/32 scope link", errno: "EINVAL" },
])("a gateway behind `$setup` is refused with $errno", ({ setup, errno }) => {
  const { error } = run(
    `link set eth0 up\naddr add 10.0.1.2/24 dev eth0\n${setup}`,
    "route add 10.5.0.0/16 via 10.0.1.1",
  );
  expect(error).toMatch(new RegExp(`^${errno}: Nexthop has invalid gateway`));
});
