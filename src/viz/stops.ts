import type { Step } from "../trace/records.ts";
import type { Course, Moment, Stop, Tone } from "./moments.ts";
import { endsOf } from "./packet-rows.ts";

/** One line about a stop, made of its telling steps: how the packet came, what became of it, how it leaves. */
export function stopText(course: Course, stop: Stop): string {
  const moments = course.moments.slice(stop.first, stop.last + 1);
  const [first] = moments;
  if (first === undefined) return "";
  if (first.hop === undefined)
    return moments.length === 1 ? first.step.text : `${first.step.text} (${moments.length} steps)`;
  const { hop } = first;
  const parts = [hop.device === undefined ? `made in ${hop.namespace}` : `into ${hop.namespace} by ${hop.device}`];
  for (const { step } of moments) {
    const part = telling(step);
    if (part !== undefined) parts.push(part);
  }
  return `${endsOf(hop.packet)}: ${parts.join("; ")}`;
}

function telling(step: Step): string | undefined {
  switch (step.kind) {
    case "nat":
      return step.action === "apply"
        ? `${step.manip === "dst" ? "destination" : "source"} becomes ${step.to ?? "another"}`
        : undefined;
    case "device":
      return step.action === "transmit" ? `out by ${step.device}` : undefined;
    case "drop":
      return `dropped: ${step.code}`;
    case "tunnel":
      return step.action === "encapsulate" ? `into tunnel ${step.tunnel}` : `out of tunnel ${step.tunnel}`;
    case "ipvs":
      return step.action === "reinject" ? `destination becomes ${step.server ?? "a server"}` : undefined;
    case "icmp":
      return step.reason;
    case "socket":
      return `${step.process ?? "a process"}: ${step.action}`;
    case "bridge":
      return step.action === "flood" ? `copied to ${step.outPorts?.length ?? 0} ports` : undefined;
    default:
      return undefined;
  }
}

const weights: readonly Tone[] = [
  "forwarded",
  "delivered",
  "encapsulated",
  "rewritten",
  "unknown",
  "rejected",
  "dropped",
];

/** The weightiest tone of a stop: what its row and tick show. */
export function stopTone(course: Course, stop: Stop): Tone {
  const tones = course.moments.slice(stop.first, stop.last + 1).map((moment: Moment) => moment.tone);
  return tones.reduce(
    (best, tone) => (weights.indexOf(tone) > weights.indexOf(best) ? tone : best),
    "forwarded" as Tone,
  );
}
