import { packetAt } from "../../trace/recorder.ts";
import type { Choice, PacketRecord } from "../../trace/records.ts";
import { endText } from "../change-words.ts";
import { choiceOdds } from "../lanes.ts";
import type { Moment } from "../moments.ts";
import { forkAt } from "../navigate.ts";
import { button, el } from "./dom.ts";
import { takeBranch } from "./keys.ts";
import type { Loaded, State, Store } from "./store.ts";

/** The packet under the stage in one line; what this step changed on it flashes. */
export function packetLine(root: HTMLElement, store: Store): void {
  store.listen((state, before) => {
    const { loaded, cursor, grain } = state;
    if (!loaded || (loaded === before.loaded && cursor === before.cursor && grain === before.grain)) return;
    const moment = loaded.course.moments[cursor];
    if (!moment) return root.replaceChildren();
    const fork = forkAt(loaded.course, cursor, grain);
    root.replaceChildren(...content(moment, loaded, grain), ...(fork ? [forkChoice(fork, store)] : []));
  });
}

/** What else could have been chosen here: each option re-runs with it, as its number on the keyboard does. */
function forkChoice(fork: Choice, store: Store): HTMLElement {
  const options = fork.options.slice(0, 9).map(({ label }, index) =>
    button(`Take branch ${index + 1}: ${label}`, String(index + 1), () => takeBranch(store, index + 1), {
      "aria-pressed": String(index === fork.taken),
    }),
  );
  return el("span", { class: "fork-choice" }, `fork ${choiceOdds(fork)}`, ...(store.run ? options : []));
}

function content(moment: Moment, { course }: Loaded, grain: State["grain"]): readonly Node[] {
  const { hop, stepIndex, stop, flow } = moment;
  if (hop === undefined)
    return [el("span", { class: "quiet" }, `Nothing on the wire at this step. ${purpose(flow.purpose)}`)];
  const since = grain === "hop" ? (course.moments[course.stops[stop]?.first ?? 0]?.stepIndex ?? stepIndex) : stepIndex;
  const now = packetAt(hop, stepIndex + 1);
  return line(packetAt(hop, since), now);
}

function purpose(text: string): string {
  return text === "" ? "" : `Next: ${text}.`;
}

function line(before: PacketRecord, now: PacketRecord): readonly Node[] {
  const part = (className: string, text: string, was: string): HTMLElement =>
    el("span", { class: text === was ? className : `${className} flash` }, text);
  const icmp = now.protocol.startsWith("icmp");
  const inner = icmp ? undefined : now.inner;
  return [
    part("protocol", protocolOf(now), protocolOf(before)),
    part("end", endOf(now, "src"), endOf(before, "src")),
    el("span", { "aria-hidden": "true" }, "→"),
    part("end", endOf(now, "dst"), endOf(before, "dst")),
    ...(inner === undefined ? [] : [el("span", { class: "inner" }, ...line(before.inner ?? inner, inner))]),
    ...(now.payload === undefined ? [] : [el("span", { class: "payload" }, now.payload)]),
    ...(now.ttl === undefined ? [] : [part("quiet", `ttl ${now.ttl}`, `ttl ${before.ttl}`)]),
    ...(now.mark === undefined || now.mark === 0 ? [] : [part("quiet", markOf(now), markOf(before))]),
  ];
}

function protocolOf({ protocol, flags, vni }: PacketRecord): string {
  return [protocol.toUpperCase(), flags, vni === undefined ? undefined : `VNI ${vni}`]
    .filter((word) => word !== undefined)
    .join(" ");
}

function markOf({ mark = 0 }: PacketRecord): string {
  return `mark 0x${mark.toString(16)}`;
}

function endOf(packet: PacketRecord, side: "src" | "dst"): string {
  return side === "src" ? endText(packet.src, packet.srcPort) : endText(packet.dst, packet.dstPort);
}
