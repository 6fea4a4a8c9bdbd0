import type { Step } from "../trace/records.ts";
import type { Course, Stop, Tone } from "./moments.ts";
import { endsOf } from "./packet-rows.ts";

/** A stop in few words. */
export interface StopWords {
  /** `10.244.0.3:40004 → 10.96.0.11:80`, as the packet came in; absent for steps outside any packet. */
  readonly ends?: string;
  /** How it came, what became of it, how it leaves. */
  readonly story: string;
}

/** Tells a stop by its telling steps. */
export function stopWords(course: Course, stop: Stop): StopWords {
  const steps = course.moments.slice(stop.first, stop.last + 1).map(({ step }) => step);
  const { hop, stepIndex = 0 } = course.moments[stop.first] ?? {};
  if (hop === undefined) return { story: steps.map(({ text }) => text).join(" ") };
  const arrival = hop.device === undefined ? `Made in ${hop.namespace}` : `Into ${hop.namespace} by ${hop.device}`;
  // The packet had to wait here, for an Ethernet address or a timer.
  const parts = [stepIndex > 0 ? `Goes on in ${hop.namespace}` : arrival];
  for (const step of steps) {
    const part = telling(step);
    if (part !== undefined) parts.push(part);
  }
  return { ends: endsOf(hop.packet), story: `${parts.join("; ")}.` };
}

/** The same in one line. */
export function stopText(course: Course, stop: Stop): string {
  const { ends, story } = stopWords(course, stop);
  return ends === undefined ? story : `${ends}: ${story.charAt(0).toLowerCase()}${story.slice(1)}`;
}

function telling(step: Step): string | undefined {
  switch (step.kind) {
    case "nat":
      if (step.action !== "apply" || step.to === undefined) return undefined;
      return `${step.manip === "dst" ? "destination" : "source"} becomes ${step.to}`;
    case "device":
      return step.action === "transmit" ? `out by ${step.device}` : undefined;
    case "drop":
      return `dropped: ${step.code}`;
    case "tunnel":
      return step.action === "encapsulate" ? `into tunnel ${step.tunnel}` : `out of tunnel ${step.tunnel}`;
    case "ipvs":
      return step.action === "reinject" && step.server !== undefined ? `destination becomes ${step.server}` : undefined;
    case "icmp":
      return step.reason;
    case "socket":
      return socketStory(step);
    case "bridge":
      return step.action === "flood" ? `copied to ${step.outPorts?.length ?? 0} ports` : undefined;
    case "neighbour":
      return step.action === "solicit" ? `asks who has ${step.address}` : undefined;
    case "resolver":
    case "route":
    case "hook":
    case "rule":
    case "chain":
    case "map":
    case "conntrack":
    case "ipset":
    case "timer":
    case "bpf":
    case "proxy":
      return undefined;
  }
}

function socketStory({
  action,
  process = "a process",
  namespace,
}: Step & { readonly kind: "socket" }): string | undefined {
  switch (action) {
    case "accept":
      return `${process} accepts the connection`;
    case "receive":
      return `${process} receives it`;
    case "connected":
      return `${process} is connected`;
    case "refuse":
      return `${namespace} refuses it`;
    case "error":
      return `${process} fails`;
    case "listen":
    case "connect":
    case "send":
    case "close":
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

/** The weightiest tone of a stop: what its row shows. */
export function stopTone(course: Course, stop: Stop): Tone {
  const tones = course.moments.slice(stop.first, stop.last + 1).map(({ tone }) => tone);
  return tones.reduce<Tone>(weightier, "forwarded");
}

/** Of two tones the one that must not be missed. */
export function weightier(a: Tone, b: Tone): Tone {
  return weights.indexOf(b) > weights.indexOf(a) ? b : a;
}
