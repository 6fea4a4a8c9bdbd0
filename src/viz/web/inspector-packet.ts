import { packetAt } from "../../trace/recorder.ts";
import type { PacketRecord } from "../../trace/records.ts";
import { headerLengths } from "../headers.ts";
import type { Moment } from "../moments.ts";
import type { Grain } from "../navigate.ts";
import { type LayerRows, diffRows, endsOf } from "../packet-rows.ts";
import { el } from "./dom.ts";

/** The packet with all its headers, outermost first, and what this step or stop changed. */
export function packetTab({ hop, packet, stepIndex }: Moment, grain: Grain): Node[] {
  if (!hop || !packet) return [el("p", { class: "quiet nothing" }, "This step is outside any packet.")];
  const [before, after] =
    grain === "hop"
      ? [hop.packet, packetAt(hop, hop.steps.length)]
      : [packetAt(hop, stepIndex), packetAt(hop, stepIndex + 1)];
  const { causedBy: cause, attempt } = packet;
  const origin = cause && `${cause.reason}${cause.packet === undefined ? "" : ` of packet ${cause.packet}`}`;
  const again = attempt > 1 ? `attempt ${attempt}` : undefined;
  const note = [`Packet ${packet.id}`, again, origin].filter((part) => part !== undefined).join(" · ");
  return [
    el("p", { class: "quiet" }, note),
    headerBar(after),
    fieldTable(diffRows(before, after)),
    ...innerCard(after.inner),
  ];
}

function innerCard(inner: PacketRecord | undefined): Node[] {
  if (inner === undefined) return [];
  return [
    el(
      "section",
      { class: "card" },
      el("h3", {}, `Inside: ${inner.protocol} ${endsOf(inner)}`),
      fieldTable(diffRows(inner, inner)),
      ...innerCard(inner.inner),
    ),
  ];
}

/** The headers one after another, as wide as they are long. */
function headerBar(packet: PacketRecord): HTMLElement {
  const parts = headerLengths(packet);
  const total = parts.reduce((sum, { bytes }) => sum + bytes, 0);
  return el(
    "ol",
    { class: "headers", "aria-label": `Headers, ${total} bytes` },
    ...parts.map(({ name, bytes, nested }) => {
      const part = el(
        "li",
        { class: nested ? "nested" : "", title: `${name}: ${bytes} bytes` },
        name,
        el("span", {}, `${bytes} B`),
      );
      part.style.flexGrow = String(Math.sqrt(bytes));
      return part;
    }),
  );
}

/** The fields of the headers as rows; where some changed, as they were and as they are. */
export function fieldTable(layers: readonly LayerRows[]): HTMLElement {
  const changed = layers.some(({ rows }) => rows.some((row) => row.changed));
  const head = el(
    "tr",
    {},
    el("th", { scope: "col" }, "Field"),
    el("th", { scope: "col" }, changed ? "In" : "Value"),
    changed && el("th", { scope: "col" }, "Out"),
  );
  const bodies = layers.map(({ layer, rows }) =>
    el(
      "tbody",
      {},
      el("tr", { class: "layer" }, el("th", { colspan: changed ? 3 : 2, scope: "rowgroup" }, layer)),
      ...rows.map((row) =>
        el(
          "tr",
          { class: row.changed ? "changed" : "" },
          el("th", { scope: "row" }, row.label),
          el("td", {}, row.before),
          changed &&
            el(
              "td",
              { class: row.changed ? "flash" : "" },
              row.after,
              row.changed && el("span", { class: "sr" }, " (changed)"),
            ),
        ),
      ),
    ),
  );
  return el("table", { class: "fields" }, el("thead", {}, head), ...bodies);
}
