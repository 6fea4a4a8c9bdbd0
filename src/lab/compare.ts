import type { ReplayPacket } from "../sim/replay-record.ts";

/** What one flow showed: in Linux, or in the engine. */
export interface LabRecord {
  readonly result: readonly string[];
  readonly trace: Readonly<Record<string, readonly ReplayPacket[]>>;
  readonly wire: readonly string[];
  readonly conntrack: Readonly<Record<string, readonly string[]>>;
}

/** The same place of both records, line by line. */
export interface Section {
  readonly title: string;
  readonly linux: readonly string[];
  readonly kubehop: readonly string[];
  /** Index of the first line that differs; undefined when none does. */
  readonly differsAt?: number;
}

export interface CompareOptions {
  /** Ports that somebody chose. All others are random (masquerading picks them) and compared as `*`. */
  readonly knownPorts: ReadonlySet<number>;
  /**
   * `namespace device` of bridges. A frame that a bridge device itself sends is compared without its source: where
   * br_netfilter resolves the neighbour of a translated packet, the sender's own address is put back below the device.
   */
  readonly bridges: ReadonlySet<string>;
  /** Of each kind of packet only those before the first repetition count: for flows that time out. */
  readonly firstOnly: boolean;
}

/**
 * Both records, place by place: the result; per namespace and direction of a conversation the rules; per device,
 * direction and conversation the frames; per namespace the connections, as a set.
 */
export function compare(linux: LabRecord, kubehop: LabRecord, options: CompareOptions): readonly Section[] {
  const sections = [section("result", linux.result, kubehop.result)];
  const both = (title: string, of: (record: LabRecord) => ReadonlyMap<string, readonly string[]>): void => {
    const ours = of(kubehop);
    const theirs = of(linux);
    for (const place of new Set([...theirs.keys(), ...ours.keys()])) {
      sections.push(section(`${title} ${place}`, theirs.get(place) ?? [], ours.get(place) ?? []));
    }
  };
  both("rules", ({ trace }) => rulesByPlace(trace, options));
  both("frames", ({ wire }) => framesByPlace(wire, options));
  both("conntrack", ({ conntrack }) => {
    const lines = Object.entries(conntrack).filter(([, entries]) => entries.length > 0);
    return new Map(lines.map(([name, entries]) => [name, entries.map((entry) => masked(entry, options)).sort()]));
  });
  return sections;
}

function section(title: string, linux: readonly string[], kubehop: readonly string[]): Section {
  const length = Math.max(linux.length, kubehop.length);
  for (let index = 0; index < length; index++) {
    if (linux[index] !== kubehop[index]) return { title, linux, kubehop, differsAt: index };
  }
  return { title, linux, kubehop };
}

function rulesByPlace(trace: LabRecord["trace"], options: CompareOptions): ReadonlyMap<string, readonly string[]> {
  const places = new Map<string, ReplayPacket[]>();
  for (const [namespace, packets] of Object.entries(trace)) {
    for (const { at, steps } of packets) {
      const packet = { at: masked(at, options), steps: steps.map((step) => masked(step, options)) };
      append(places, `${namespace}, ${ends(packet.at)}`, packet);
    }
  }
  return new Map(
    [...places].map(([place, packets]) => {
      const counted = options.firstOnly ? untilRepeated(packets, ({ at }) => at) : packets;
      return [place, counted.flatMap(({ at, steps }) => [at, ...steps.map((step) => `  ${step}`)])];
    }),
  );
}

function framesByPlace(wire: readonly string[], options: CompareOptions): ReadonlyMap<string, readonly string[]> {
  const places = new Map<string, string[]>();
  for (const line of wire) {
    const [namespace, device, direction, macs, ...rest] = line.split(" ");
    const packet = masked(rest.join(" "), options);
    const fromBridge = direction === "out" && options.bridges.has(`${namespace} ${device}`);
    const addresses = fromBridge ? macs?.replace(/^[^>]*/, "*") : macs;
    append(places, `${namespace} ${device} ${direction}, ${ends(packet)}`, `${addresses} ${packet}`);
  }
  if (!options.firstOnly) return places;
  return new Map([...places].map(([place, lines]) => [place, untilRepeated(lines, (line) => line)]));
}

function append<T>(places: Map<string, T[]>, place: string, item: T): void {
  const known = places.get(place);
  if (known === undefined) places.set(place, [item]);
  else known.push(item);
}

/** `source>destination protocol`: what the packets of one direction of a conversation have in common. */
function ends(packet: string): string {
  return packet.split(" ").slice(0, 2).join(" ");
}

function masked(text: string, { knownPorts }: CompareOptions): string {
  const port = (whole: string, before: string, digits: string): string =>
    knownPorts.has(Number(digits)) ? whole : `${before}*`;
  return text.replace(/((?:\d+\.\d+\.\d+\.\d+|\]):)(\d+)/g, port).replace(/([sd]port=)(\d+)/g, port);
}

function untilRepeated<T>(items: readonly T[], key: (item: T) => string): readonly T[] {
  const seen = new Set<string>();
  const at = items.findIndex((item) => seen.size === seen.add(key(item)).size);
  return at < 0 ? items : items.slice(0, at);
}
