import type { Chance } from "../kernel/chance.ts";
import type { ReplayFlow } from "../sim/replay.ts";
import type { Section } from "./compare.ts";
import type { RecordedFlow } from "./golden.ts";

/** What is compared beyond what stands still whenever it is recorded. */
export interface CompareOptions {
  /** IPv6 redirects, too: six at once and then one a second are sent to a host, whatever flows they are about. */
  readonly redirects?: boolean;
}

/*
 * What may differ between a replay and a golden.json, and nothing else:
 *  - `*` stands for a random number (a port, an ICMP id), or for an address that was not recorded;
 *  - the wire is compared per (namespace, device, direction), in order; conntrack as a set;
 *  - of flows that time out only the first packets count: those before the first retransmission;
 *  - of TCP with size= the segments after the ICMP error depend on timing: result, answer, path MTU, connections and the
 *    ICMP errors with their addresses are compared, and no segment that reaches the server may be longer than any
 *    recorded one;
 *  - IPv6 redirects are left out: whether one is sent depends on how long ago others were;
 *  - a flow that crosses a statistic rule may take any branch, with that branch's trace: the replay is told to take the
 *    recorded one.
 */

/** Both records of a flow, part by part: `linux` is the recorded one. */
export function goldenSections(
  golden: RecordedFlow,
  replayed: ReplayFlow,
  { redirects = false }: CompareOptions = {},
): readonly Section[] {
  const isCompared = (text: string): boolean => redirects || !text.includes(" icmp6 137/0 ");
  const sections: Section[] = [];
  const check = (title: string, linux: readonly string[], kubehop: readonly string[]): void => {
    const length = Math.max(linux.length, kubehop.length);
    const differsAt = Array.from({ length }, (_, index) => index).find(
      (index) => !matches(linux[index], kubehop[index]),
    );
    sections.push({ title, linux, kubehop, ...(differsAt !== undefined && { differsAt }) });
  };
  check("result", [golden.result], [replayed.result]);
  check("answer", entries(golden.answer), entries(replayed.answer));
  if (golden.sends !== undefined) check("sends", golden.sends, replayed.sends ?? []);
  if (golden.pmtu !== undefined) check("pmtu", [`${golden.pmtu}`], [`${replayed.pmtu}`]);
  for (const namespace of union(golden.conntrack, replayed.conntrack)) {
    const lines = ({ conntrack }: RecordedFlow | ReplayFlow): string[] => (conntrack[namespace] ?? []).toSorted();
    check(`conntrack ${namespace}`, lines(golden), lines(replayed));
  }
  if (golden.proto === "tcp" && golden.size !== undefined) {
    check("ICMP errors", icmpErrors(golden.wire), icmpErrors(replayed.wire));
    const server = String(golden.answer?.server);
    check("longest segment", [`${longestSegment(golden.wire, server)}`], [`${longestSegment(replayed.wire, server)}`]);
    return sections;
  }
  const firstOnly = golden.result === "timeout" || golden.result === "connected-no-answer";
  for (const namespace of union(golden.trace, replayed.trace)) {
    const lines = ({ trace }: RecordedFlow | ReplayFlow): string[] => {
      const packets = (trace[namespace] ?? []).filter(({ at }) => isCompared(at));
      const cut = firstOnly ? untilRepeated(packets, ({ at }) => at) : packets;
      return cut.flatMap(({ at, steps }) => [at, ...steps.map((step) => `  ${step}`)]);
    };
    check(`rules ${namespace}`, lines(golden), lines(replayed));
  }
  const recordedWire = byPlace(golden.wire.filter(isCompared));
  const replayedWire = byPlace(replayed.wire.filter(isCompared));
  for (const place of new Set([...recordedWire.keys(), ...replayedWire.keys()])) {
    const cut = (lines: readonly string[] = []): readonly string[] =>
      firstOnly ? untilRepeated(lines, (line) => line) : lines;
    check(`frames ${place}`, cut(recordedWire.get(place)), cut(replayedWire.get(place)));
  }
  return sections;
}

/** The distinct ICMP errors on the wire, without the flags and the length of the segment that they quote. */
function icmpErrors(wire: readonly string[]): string[] {
  const errors = wire.filter((line) => line.includes(" about("));
  return [...new Set(errors.map((line) => line.replace(/ tcp [A-Z]+ ttl=(\d+) len=\d+/, " tcp ttl=$1")))].sort();
}

/** Length of the longest TCP segment that came in by the server's device, bytes. */
function longestSegment(wire: readonly string[], server: string): number {
  const arrived = wire.filter((line) => line.startsWith(`${server} eth0 in `) && line.includes(" tcp "));
  return Math.max(0, ...arrived.map((line) => Number(/ len=(\d+)/.exec(line)?.[1])));
}

/** Takes at each statistic rule the branch that the recorded flow took. */
export function recordedBranch(flows: readonly RecordedFlow[]): Chance {
  const taken = new Set<string>();
  for (const { name, trace } of flows) {
    for (const [namespace, packets] of Object.entries(trace)) {
      for (const { steps } of packets) {
        for (const step of steps) {
          const [, table, chain, number] = /^(\w+):([\w-]+):rule:(\d+) /.exec(step) ?? [];
          taken.add(`${namespace}/${table}/${chain}/${number}/${name}`);
        }
      }
    }
  }
  return {
    choose: (id) => (taken.has(id) ? 0 : 1),
    // Random ports: golden.json has `*` for them.
    integer: (id, exclusiveMax) =>
      [...id].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % exclusiveMax, 7 % exclusiveMax),
  };
}

function matches(expected: string | undefined, got: string | undefined): boolean {
  if (expected === got) return true;
  if (expected === undefined || got === undefined || !expected.includes("*")) return false;
  const pattern = expected.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", "[^ >]*");
  return new RegExp(`^${pattern}$`).test(got);
}

function entries(record: object | undefined): string[] {
  return Object.entries(record ?? {})
    .map(([key, value]) => `${key}=${String(value)}`)
    .sort();
}

function union(a: object, b: object): string[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].sort();
}

function byPlace(wire: readonly string[]): Map<string, string[]> {
  const places = new Map<string, string[]>();
  for (const line of wire) {
    const [namespace, device, direction, ...rest] = line.split(" ");
    const place = `${namespace} ${device} ${direction}`;
    const known = places.get(place);
    if (known === undefined) places.set(place, [rest.join(" ")]);
    else known.push(rest.join(" "));
  }
  return places;
}

function untilRepeated<T>(items: readonly T[], key: (item: T) => string): readonly T[] {
  const seen = new Set<string>();
  const at = items.findIndex((item) => seen.size === seen.add(key(item)).size);
  return at < 0 ? items : items.slice(0, at);
}
