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
  /** The packet has not come there yet. */
  readonly ahead: boolean;
  /** What happens there, stop by stop. */
  readonly stops: readonly number[];
}

/**
 * The way of the packet at `moment`, place by place, with the packets that it goes on as: tunnels, flooded copies. Where
 * there is no packet yet, the way of the next one.
 */
export function ribbonOf(course: Course, moment: Moment): readonly RibbonPlace[] {
  const packet = moment.packet ?? nextPacket(course, moment);
  if (packet === undefined) return [];
  const root = rootOf(course, packet);
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
    const place = {
      namespace,
      moment: stop.last,
      tone: stopTone(course, stop),
      here: index === moment.stop,
      ahead: stop.first > moment.index,
      stops: [index],
    };
    const last = places.at(-1);
    // In and out of a tunnel is one place.
    if (last?.namespace !== namespace) places.push(place);
    else
      places[places.length - 1] = {
        ...place,
        here: last.here || place.here,
        ahead: last.ahead && place.ahead,
        tone: weightier(last.tone, place.tone),
        stops: [...last.stops, index],
      };
  }
  return places;
}

function nextPacket(course: Course, { index, flow }: Moment): PacketTrace | undefined {
  const ahead = course.moments
    .slice(index)
    .filter(({ packet, stop }) => packet !== undefined && course.stops[stop]?.aside === false);
  return (ahead.find((one) => one.flow === flow) ?? ahead[0])?.packet;
}

/** The packet that this one was made from, at last: its own id where it was sent as it is. */
function rootOf(course: Course, packet: PacketTrace): number {
  const cause = packet.causedBy?.packet;
  if (cause === undefined || packet.attempt > 1) return packet.id;
  const parent = course.byPacket.get(cause)?.[0]?.packet;
  return parent === undefined || parent.direction !== packet.direction ? packet.id : rootOf(course, parent);
}
