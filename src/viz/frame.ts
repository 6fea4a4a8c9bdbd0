import { packetAt } from "../trace/recorder.ts";
import type { PacketRecord } from "../trace/records.ts";
import type { Point } from "./layout.ts";
import type { Course, Moment, Tone } from "./moments.ts";
import { type Ways, pointAlong } from "./route.ts";

/** What the stage shows at one moment. */
export interface Frame {
  readonly glyph: { readonly at: Point; readonly tone: Tone };
  /** The way that the packet has come, piece by piece. */
  readonly trail: readonly { readonly points: readonly Point[]; readonly tone: Tone }[];
  /** The element that is busy. */
  readonly place: string;
  readonly namespace: string;
}

/** The frame at moment `index`. A packet in a tunnel, or a flooded copy, carries on the trail of the one it came from. */
export function frameAt(course: Course, ways: Ways, index: number): Frame | undefined {
  const moment = course.moments[index];
  if (moment === undefined) return undefined;
  const trail: { points: readonly Point[]; tone: Tone }[] = [];
  const passed = lineage(course, moment);
  let place = passed[0]?.place ?? moment.place;
  for (const one of passed) {
    if (one.place !== place) {
      // A bridge is wide: the packet may leave it at another point than it came in by.
      const end = trail.at(-1)?.points.at(-1);
      const way = ways.between(place, one.place);
      trail.push({ points: end === undefined ? way : [end, ...way], tone: stateTone(one) });
    }
    place = one.place;
  }
  if (moment.towards !== undefined) {
    const cable = ways.between(moment.place, moment.towards);
    const half = [...cable.slice(0, Math.ceil(cable.length / 2)), pointAlong(cable, 0.5)];
    const end = trail.at(-1)?.points.at(-1);
    trail.push({ points: end === undefined ? half : [end, ...half], tone: stateTone(moment) });
  }
  const last = trail.at(-1)?.points.at(-1) ?? ways.between(moment.place, moment.place).at(-1) ?? { x: 0, y: 0 };
  return { glyph: { at: last, tone: moment.tone }, trail, place: moment.place, namespace: moment.step.namespace };
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
