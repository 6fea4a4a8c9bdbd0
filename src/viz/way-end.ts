import type { Step } from "../trace/records.ts";
import type { Course, Moment } from "./moments.ts";

/** Where a packet that did not arrive got to. */
export interface WayEnd {
  readonly namespace: string;
  /** The last device that it reached or left by; absent when it never met one. */
  readonly device?: string;
  /** The step that last looked something up for it. */
  readonly lookup?: Moment;
}

const lookups: ReadonlySet<Step["kind"]> = new Set([
  "route",
  "neighbour",
  "bridge",
  "rule",
  "map",
  "ipset",
  "ipvs",
  "resolver",
]);

/** How far a packet came that ends at this moment undelivered; undefined at all other moments. */
export function wayEnd({ moments, byPacket }: Course, moment: Moment): WayEnd | undefined {
  const { packet, hop, flow, index, tone } = moment;
  if (!["dropped", "rejected", "unknown"].includes(tone)) return undefined;
  const own = packet === undefined ? moments.filter((one) => one.flow === flow) : (byPacket.get(packet.id) ?? []);
  const passed = own.filter((one) => one.index <= index);
  const last = passed.findLast(({ step }) => step.kind === "device");
  // It came into this namespace by a device, and has met no other since.
  const arrival = hop?.device !== undefined && last?.hop !== hop ? hop : undefined;
  const device = arrival?.device ?? (last?.step.kind === "device" ? last.step.device : undefined);
  const lookup = passed.findLast((one) => lookups.has(one.step.kind) && one.index < index);
  if (device === undefined && lookup === undefined) return undefined;
  return {
    namespace: arrival?.namespace ?? (last ?? moment).step.namespace,
    ...(device !== undefined && { device }),
    ...(lookup && { lookup }),
  };
}
