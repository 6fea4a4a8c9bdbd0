import { packetAt } from "../../trace/recorder.ts";
import { byteText } from "../byte-text.ts";
import type { Moment } from "../moments.ts";
import type { Grain } from "../navigate.ts";
import { type LayerField, type PacketLayer, packetLayers } from "../packet-layers.ts";
import { type FieldRow, type LayerRows, diffRows } from "../packet-rows.ts";
import { el } from "./dom.ts";

/** Bytes in a row of the dump. */
const rowBytes = 16;
/** Of data, whose bytes no trace holds, so many places are drawn. */
const dataBytesShown = 16;

/** The packet with all its headers, outermost first, its bytes, and what this step or stop changed. */
export class PacketTab {
  /** The field last selected: it stays so from step to step. */
  #selected: string | undefined;

  show({ hop, packet, stepIndex }: Moment, grain: Grain): Node[] {
    if (!hop || !packet) return [el("p", { class: "quiet nothing" }, "This step is outside any packet.")];
    const [before, after] =
      grain === "hop"
        ? [hop.packet, packetAt(hop, hop.steps.length)]
        : [packetAt(hop, stepIndex), packetAt(hop, stepIndex + 1)];
    const { causedBy: cause, attempt } = packet;
    const origin = cause && `${cause.reason}${cause.packet === undefined ? "" : ` of packet ${cause.packet}`}`;
    const again = attempt > 1 ? `attempt ${attempt}` : undefined;
    const note = [`Packet ${packet.id}`, again, origin].filter((part) => part !== undefined).join(" · ");
    const rows = diffRows(before, after);
    const layers = packetLayers(after);
    const changed = new Set(rows.flatMap((layer) => layer.rows.filter((row) => row.changed).map(({ id }) => id)));
    const dump = byteDump(layers, changed);
    const table = fieldTable(rows, (row) => this.#select(row.id, [dump, table]));
    dump.addEventListener("click", ({ target }) => {
      const id = target instanceof Element ? target.closest("[data-field]")?.getAttribute("data-field") : undefined;
      if (id !== null && id !== undefined) this.#select(id, [dump, table]);
    });
    this.#mark([dump, table]);
    return [el("p", { class: "quiet" }, note), headerBar(layers), dump, table];
  }

  #select(id: string, views: readonly HTMLElement[]): void {
    this.#selected = this.#selected === id ? undefined : id;
    this.#mark(views);
  }

  #mark(views: readonly HTMLElement[]): void {
    for (const view of views) {
      for (const part of view.querySelectorAll("[data-field]")) {
        const chosen = part.getAttribute("data-field") === this.#selected;
        part.classList.toggle("selected", chosen);
        part.querySelector("button")?.setAttribute("aria-pressed", String(chosen));
      }
    }
  }
}

/** The headers one after another, as wide as they are long. */
function headerBar(layers: readonly PacketLayer[]): HTMLElement {
  const parts = layers.filter(({ length }) => length > 0);
  const total = parts.reduce((sum, { length }) => sum + length, 0);
  return el(
    "ol",
    { class: "headers", "aria-label": `Headers, ${total} bytes` },
    ...parts.map(({ name, length, nested }) => {
      const part = el(
        "li",
        { class: nested ? "nested" : "", title: `${name}: ${length} bytes` },
        name,
        el("span", {}, `${length} B`),
      );
      part.style.flexGrow = String(Math.sqrt(length));
      return part;
    }),
  );
}

/** All bytes that the trace knows, sixteen in a row, each with its field. */
function byteDump(layers: readonly PacketLayer[], changed: ReadonlySet<string>): HTMLElement {
  const cells = layers.flatMap((layer, index) =>
    layer.fields.flatMap((field) => cellsOf(layer, field, index % 2 === 1, changed.has(field.id))),
  );
  const rows: HTMLElement[] = [];
  for (let at = 0; at < cells.length; at += rowBytes) {
    const offset = el("span", { class: "offset" }, at.toString(16).padStart(4, "0"));
    rows.push(el("div", {}, offset, ...cells.slice(at, at + rowBytes)));
  }
  return el(
    "div",
    { class: "bytes", role: "img", "aria-label": "The bytes of the packet; two dots where the trace does not say" },
    ...rows,
  );
}

function cellsOf(
  { name }: PacketLayer,
  { id, label, value, bytes }: LayerField,
  odd: boolean,
  changed: boolean,
): Node[] {
  const title = `${name}, ${label}${value === "" ? "" : `: ${value}`}`;
  const shown = name === "Data" ? bytes.slice(0, dataBytesShown) : bytes;
  const marks = `${odd ? "odd" : ""}${changed ? " changed" : ""}`.trim();
  return shown.map((byte) => el("span", { "data-field": id, class: marks, title }, byteText(byte)));
}

/** The fields of the headers as rows; where some changed, as they were and as they are. */
export function fieldTable(layers: readonly LayerRows[], select?: (row: FieldRow) => void): HTMLElement {
  const changed = layers.some(({ rows }) => rows.some((row) => row.changed));
  const head = el(
    "tr",
    {},
    el("th", { scope: "col" }, "Field"),
    el("th", { scope: "col" }, changed ? "In" : "Value"),
    changed && el("th", { scope: "col" }, "Out"),
  );
  const bodies = layers.map(({ layer, nested, rows }) =>
    el(
      "tbody",
      { class: nested ? "nested" : "" },
      el(
        "tr",
        { class: "layer" },
        el("th", { colspan: changed ? 3 : 2, scope: "rowgroup" }, nested ? `Inside: ${layer}` : layer),
      ),
      ...rows.map((row) => fieldRow(row, changed, select)),
    ),
  );
  return el("table", { class: "fields" }, el("thead", {}, head), ...bodies);
}

function fieldRow(row: FieldRow, wide: boolean, select: ((row: FieldRow) => void) | undefined): HTMLElement {
  const label = select
    ? el("button", { type: "button", title: "Show its bytes", "aria-pressed": "false" }, row.label)
    : row.label;
  if (typeof label !== "string") label.addEventListener("click", () => select?.(row));
  return el(
    "tr",
    { class: row.changed ? "changed" : "", "data-field": row.id },
    el("th", { scope: "row" }, label),
    el("td", {}, row.before),
    wide &&
      el(
        "td",
        { class: row.changed ? "flash" : "" },
        row.after,
        row.changed && el("span", { class: "sr" }, " (changed)"),
      ),
  );
}
