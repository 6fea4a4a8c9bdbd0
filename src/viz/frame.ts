import { packetAt } from "../trace/recorder.ts";
import type { PacketRecord } from "../trace/records.ts";
import type { Point } from "./layout.ts";
import type { Course, Moment, Tone } from "./moments.ts";
import { type Ways, pointAlong } from "./route.ts";

/** What the stage shows at one moment. */
export interface Frame {
  readonly glyph: { readonly at: Point; readonly tone: Tone };
  /** The way that the packet has come, piece by piece. */
  readonly trail: readonly Piece[];
  /** Other packets on their way at this moment: flooded copies, a second question. */
  readonly clones: readonly Clone[];
  /** The element that is busy. */
  readonly place: string;
  readonly namespace: string;
}

export interface Piece {
  readonly points: readonly Point[];
  /** How the packet travels; the last leg of one that ends here shows its end. */
  readonly tone: Tone;
}

export interface Clone {
  /** Of its packet. */
  readonly id: number;
  readonly at: Point;
  readonly tone: Tone;
}

const mostClones = 3;

/** The frame at moment `index`. A packet in a tunnel, or a flooded copy, carries on the trail of the one it came from. */
export function frameAt(course: Course, ways: Ways, index: number): Frame | undefined {
  const moment = course.moments[index];
  if (moment === undefined) return undefined;
  const passed = lineage(course, moment);
  const trail = trailOf(passed, moment, ways);
  return {
    glyph: { at: endOf(trail, moment, ways), tone: moment.tone },
    trail,
    clones: clonesAt(course, ways, moment, passed),
    place: moment.place,
    namespace: moment.step.namespace,
  };
}

function trailOf(passed: readonly Moment[], moment: Moment, ways: Ways): readonly Piece[] {
  const trail: Piece[] = [];
  const ends = endTones.has(moment.tone);
  const toneAt = (one: Moment): Tone => (ends && one.hop === moment.hop ? moment.tone : stateTone(one));
  let place = passed[0]?.place ?? moment.place;
  for (const one of passed) {
    if (one.place !== place) {
      // A bridge is wide: the packet may leave it at another point than it came in by.
      const end = trail.at(-1)?.points.at(-1);
      const way = ways.between(place, one.place);
      trail.push({ points: end === undefined ? way : [end, ...way], tone: toneAt(one) });
    }
    place = one.place;
  }
  if (moment.towards !== undefined) {
    const cable = ways.between(moment.place, moment.towards);
    const half = [...cable.slice(0, Math.ceil(cable.length / 2)), pointAlong(cable, 0.5)];
    const end = trail.at(-1)?.points.at(-1);
    trail.push({ points: end === undefined ? half : [end, ...half], tone: toneAt(moment) });
  }
  return trail;
}

const endTones: ReadonlySet<Tone> = new Set(["delivered", "dropped", "rejected", "unknown"]);

function endOf(trail: readonly Piece[], { place }: Moment, ways: Ways): Point {
  return trail.at(-1)?.points.at(-1) ?? ways.between(place, place).at(-1) ?? { x: 0, y: 0 };
}

/** Packets that have begun and not ended, and copies that this very packet has just been made into. */
function clonesAt(course: Course, ways: Ways, moment: Moment, passed: readonly Moment[]): readonly Clone[] {
  const own = new Set(passed.map(({ packet }) => packet?.id));
  const clones: Clone[] = [];
  for (const [id, moments] of course.byPacket) {
    const [first] = moments;
    if (clones.length === mostClones || first === undefined || own.has(id)) continue;
    if ((moments.at(-1)?.index ?? 0) <= moment.index || isAside(course, first) !== isAside(course, moment)) continue;
    const { causedBy } = first.packet ?? {};
    const copied = causedBy?.step !== undefined && own.has(causedBy.packet) && causedBy.step <= moment.step.id;
    const latest = moments.findLast(({ index }) => index <= moment.index) ?? (copied ? first : undefined);
    if (latest === undefined) continue;
    clones.push({
      id,
      at: endOf(trailOf(lineage(course, latest), latest, ways), latest, ways),
      tone: stateTone(latest),
    });
  }
  return clones;
}

function isAside({ stops }: Course, { stop }: Moment): boolean {
  return stops[stop]?.aside ?? false;
}

/** All moments of the packet so far, and of the packets it was made from. */
function lineage(course: Course, moment: Moment): readonly Moment[] {
  const { packet } = moment;
  if (packet === undefined) return [moment];
  const all = course.byPacket.get(packet.id) ?? [];
  const own = all.slice(0, all.findIndex(({ index }) => index === moment.index) + 1);
  const cause = packet.causedBy;
  if (cause?.packet === undefined || packet.attempt > 1) return own;
  const parents = course.byPacket.get(cause.packet) ?? [];
  const parent = cause.step === undefined ? parents.at(-1) : parents.find(({ step }) => step.id === cause.step);
  const [first] = own;
  if (parent === undefined || first === undefined) return own;
  const goesOn = parent.packet?.direction === packet.direction && parent.step.namespace === first.step.namespace;
  return goesOn && parent.index < first.index ? [...lineage(course, parent), ...own] : own;
}

/** How the packet travels: as it was sent, under other addresses, or inside another packet. */
function stateTone(moment: Moment): Tone {
  const { packet, hop } = moment;
  if (packet === undefined || hop === undefined) return "forwarded";
  const now = packetAt(hop, moment.stepIndex + 1);
  const sent = packet.hops[0]?.packet ?? now;
  if (now.inner !== undefined && !now.protocol.startsWith("icmp")) return "encapsulated";
  return sameEnds(now, sent) ? "forwarded" : "rewritten";
}

function sameEnds(a: PacketRecord, b: PacketRecord): boolean {
  return a.src === b.src && a.dst === b.dst && a.srcPort === b.srcPort && a.dstPort === b.dstPort;
}
