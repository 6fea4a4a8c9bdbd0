import type { PacketTrace } from "../trace/records.ts";
import type { Course, Moment, Tone } from "./moments.ts";
import { stopTone, weightier } from "./stops.ts";

/** One place of a packet's way. */
export interface RibbonPlace {
  readonly namespace: string;
  /** The last moment there. */
  readonly moment: number;
  readonly tone: Tone;
  readonly here: boolean;
}

/** The way of the packet at `moment`, place by place, with the packets that it goes on as: tunnels, flooded copies. */
export function ribbonOf(course: Course, moment: Moment): readonly RibbonPlace[] {
  if (moment.packet === undefined) return [];
  const root = rootOf(course, moment.packet);
  const stops = new Set<number>();
  for (const moments of course.byPacket.values()) {
    const [first] = moments;
    if (first?.packet === undefined || rootOf(course, first.packet) !== root) continue;
    for (const { stop } of moments) stops.add(stop);
  }
  const places: RibbonPlace[] = [];
  for (const index of [...stops].toSorted((a, b) => a - b)) {
    const stop = course.stops[index];
    const namespace = course.moments[stop?.first ?? 0]?.step.namespace ?? "";
    if (stop === undefined) continue;
    const place = { namespace, moment: stop.last, tone: stopTone(course, stop), here: index === moment.stop };
    const last = places.at(-1);
    // In and out of a tunnel is one place.
    if (last?.namespace !== namespace) places.push(place);
    else
      places[places.length - 1] = {
        ...place,
        here: last.here || place.here,
        tone: weightier(last.tone, place.tone),
      };
  }
  return places;
}

/** The packet that this one was made from, at last: its own id where it was sent as it is. */
function rootOf(course: Course, packet: PacketTrace): number {
  const cause = packet.causedBy?.packet;
  if (cause === undefined || packet.attempt > 1) return packet.id;
  const parent = course.byPacket.get(cause)?.[0]?.packet;
  return parent === undefined || parent.direction !== packet.direction ? packet.id : rootOf(course, parent);
}
