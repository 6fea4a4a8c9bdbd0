import type { ScenarioReport } from "../../index.ts";
import { type Streams, painter } from "../io.ts";

/** Prints the reports of `kubehop run`. */
export type ReportOutput = (reports: readonly ScenarioReport[], streams: Streams) => string;

export const reportOutputs: Readonly<Record<string, ReportOutput>> = { text, json };

function text(reports: readonly ScenarioReport[], { colour }: Streams): string {
  const paint = painter(colour);
  const lines = reports.flatMap((report) => [
    paint(report.name, "strong") + paint(`  ${report.file}`, "dim"),
    ...report.flows.flatMap((flow) => {
      const met = flow.failures.length === 0;
      const sign = met ? paint("✔", "good") : paint("✖", "bad");
      return [
        `  ${sign} ${flow.name}: ${flow.trace.outcome} (${flow.trace.message.replaceAll("\n", "; ")})`,
        ...flow.failures.map((failure) => paint(`      ${report.file}:${flow.place.line} ${failure}`, "bad")),
      ];
    }),
  ]);
  const flows = reports.flatMap((report) => report.flows);
  const failed = flows.filter((flow) => flow.failures.length > 0).length;
  return `${[...lines, `${flows.length - failed} passed, ${failed} failed`].join("\n")}\n`;
}

function json(reports: readonly ScenarioReport[]): string {
  const rows = reports.map(({ name, file, flows }) => ({
    name,
    file,
    flows: flows.map((flow) => ({
      name: flow.name,
      outcome: flow.trace.outcome,
      message: flow.trace.message,
      failures: flow.failures,
    })),
  }));
  return `${JSON.stringify(rows, null, 1)}\n`;
}
