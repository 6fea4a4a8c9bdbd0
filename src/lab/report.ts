import type { LabFlow } from "./lab.ts";
import type { Section } from "./compare.ts";

/** Colours for a terminal, or none. */
export type Paint = (text: string, tone: "good" | "bad" | "dim" | "strong") => string;

export interface ReportOptions {
  /** Also the places that agree. */
  readonly all: boolean;
  readonly paint: Paint;
}

/** Whether both runs of a flow showed the same. */
export function agrees(flow: LabFlow): boolean {
  return !("sections" in flow) || flow.sections.every(({ differsAt }) => differsAt === undefined);
}

/** One flow as text: a line that says how it went, then both traces side by side, the first difference marked. */
export function formatLabFlow(flow: LabFlow, { all, paint }: ReportOptions): string {
  const title = `${flow.name} (${flow.from}: ${flow.run})`;
  if ("skipped" in flow) return `  ${paint("-", "dim")} ${title}: skipped, ${flow.skipped}\n`;
  const different = flow.sections.filter(({ differsAt }) => differsAt !== undefined);
  const lines = flow.sections.reduce((sum, { linux }) => sum + linux.length, 0);
  const verdict =
    different.length === 0
      ? `  ${paint("✔", "good")} ${title}: ${flow.outcome}, ${lines} lines agree\n`
      : `  ${paint("✘", "bad")} ${title}: ${flow.outcome}, ${different.length} of ${flow.sections.length} places differ\n`;
  const shown = all ? flow.sections : different;
  return verdict + shown.map((section) => formatSection(section, paint)).join("");
}

function formatSection({ title, linux, kubehop, differsAt }: Section, paint: Paint): string {
  const width = Math.max("linux".length, ...linux.map((line) => line.length));
  const rows = Array.from({ length: Math.max(linux.length, kubehop.length) }, (_, index) => {
    const [left = "", right = ""] = [linux[index], kubehop[index]];
    const row = `${left.padEnd(width)} | ${right}`;
    if (index === differsAt) return `  ${paint(">>", "bad")} ${paint(row, "bad")}\n`;
    return `     ${left === right ? row : paint(row, "strong")}\n`;
  });
  return `    ${paint(title, "strong")}\n     ${paint(`${"linux".padEnd(width)} | kubehop`, "dim")}\n${rows.join("")}`;
}
