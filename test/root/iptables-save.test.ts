import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { IpSets } from "../../src/iptables/ipset/store.ts";
import { restoreSets, saveSets } from "../../src/iptables/ipset/text.ts";

/** Asks the installed iptables-legacy and ipset again, in a network namespace of our own. */
const namespace = `kubehop-save-${process.pid}`;

function run(
  command: readonly string[],
  input = "",
): ReturnType<typeof spawnSync> & { stdout: string; stderr: string } {
  return spawnSync("ip", ["netns", "exec", namespace, ...command], { input, encoding: "utf8" });
}

beforeAll(() => {
  execFileSync("ip", ["netns", "add", namespace]);
  run(["ipset", "restore"], "create s1 hash:ip timeout 0\ncreate s2 hash:ip,port timeout 0\n");
});
afterAll(() => void execFileSync("ip", ["netns", "del", namespace]));

interface RecordedLine {
  readonly family: "ipv4" | "ipv6";
  readonly table: string;
  readonly given: string;
  readonly printed: readonly string[];
}
const lines = JSON.parse(
  readFileSync(new URL("../iptables/save-lines.json", import.meta.url), "utf8"),
) as readonly RecordedLine[];

/** Each line into an empty table, by one shell: what the table holds then, line by line. */
function printed(given: readonly RecordedLine[]): string[] {
  const script = given.map(({ family, table, given: rule }) => {
    const tool = family === "ipv4" ? "iptables-legacy" : "ip6tables-legacy";
    const restore = `${tool}-restore <<'END-OF-TEXT' 2>/dev/null\n*${table}\n:foo - [0:0]\n${rule}\nCOMMIT\nEND-OF-TEXT`;
    return `${restore}\n${tool}-save -t ${table} | grep '^-'; echo @@\n${tool} -t ${table} -F`;
  });
  return run(["sh"], script.join("\n")).stdout.split("@@\n").slice(0, -1);
}

test("iptables-legacy prints all rules as recorded", () => {
  const shown = printed(lines);
  const told = lines.map(({ given }, at) => `${given}\n${shown[at] ?? ""}`);
  expect(told).toEqual(lines.map(({ given, printed: own }) => `${given}\n${own.map((line) => `${line}\n`).join("")}`));
});

const setTexts = [
  "create a hash:ip\nadd a 10.0.0.1\nadd a 10.0.0.4/30\nadd a 10.1.0.1-10.1.0.3\n",
  'create a hash:net comment\nadd a 10.0.0.0/8 comment "ten: all of it"\nadd a 10.1.0.0/16 nomatch\nadd a 1.1.1.1\n',
  "create a hash:ip,port\nadd a 10.0.0.1,tcp:80\nadd a 10.0.0.1,udp:53-55\nadd a 10.0.0.1,icmp:8/0\n".replace(
    "add a 10.0.0.1,80\n",
    "",
  ),
  "create a hash:ip,port,ip\nadd a 10.0.0.1,tcp:80,10.0.0.2\n",
  "create a hash:ip,port,net\nadd a 10.0.0.1,sctp:80,10.0.0.0/24\n",
  "create a hash:net,port\nadd a 10.0.0.0/24,tcp:80\n",
  "create a hash:net,net\nadd a 10.0.0.0/24,10.1.0.0/16\n",
  "create a hash:net,iface\nadd a 10.0.0.0/24,eth0\n",
  "create a bitmap:port range 0-65535\nadd a 80\nadd a 90-92\n",
  "create a hash:ip family inet6\nadd a fd00::1\n",
  "create a hash:net family inet6\nadd a fd00::/64\n",
  "create a hash:ip,port\ncreate b list:set\nadd b a\n",
];

test.for(setTexts)("ipset saves the members that we save: %s", (text, { skip }) => {
  run(["ipset", "destroy", "b"]);
  run(["ipset", "destroy", "a"]);
  const restored = run(["ipset", "restore"], text);
  skip(restored.stderr.includes("set type not supported"), "this kernel lacks the set type");
  expect(restored.status, restored.stderr).toBe(0);
  const real = run(["ipset", "save"])
    .stdout.split("\n")
    .filter((line) => /^add [ab] /.test(line));
  const sets = new IpSets();
  restoreSets(sets, text, "sets");
  const ours = saveSets(sets)
    .split("\n")
    .filter((line) => line.startsWith("add"));
  expect(ours.toSorted()).toEqual(real.toSorted());
});
