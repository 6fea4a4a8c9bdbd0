import type { Trace } from "../../index.ts";
import { formatTrace } from "../../trace/text.ts";
import { type Streams, painter } from "../io.ts";
import { traceHtml } from "./html.ts";

/** Prints a trace. An output format is one line here. */
export type TraceOutput = (trace: Trace, streams: Streams) => string;

export const traceOutputs: Readonly<Record<string, TraceOutput>> = {
  text: (trace, { colour }) => formatTrace(trace, { paint: painter(colour) }),
  wide: (trace, { colour }) => formatTrace(trace, { paint: painter(colour), wide: true }),
  html: (trace) => traceHtml(trace),
  json: (trace) => `${JSON.stringify(trace, null, 1)}\n`,
};
