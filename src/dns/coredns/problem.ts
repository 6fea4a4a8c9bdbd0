import type { Origin } from "../../trace/records.ts";

/** Stable codes of mistakes in a Corefile. */
export type CorefileCode =
  /** A brace or a quote that is not where one belongs. */
  | "COREFILE_SYNTAX"
  /** A directive that CoreDNS does not know: it would not start. */
  | "COREFILE_UNKNOWN_DIRECTIVE"
  /** A property the plugin does not know. */
  | "COREFILE_UNKNOWN_PROPERTY"
  /** Too many or too few arguments, or one that is not what the plugin takes. */
  | "COREFILE_ARGUMENT"
  /** The plugin may stand in a server block once only. */
  | "COREFILE_TWICE"
  /** Two server blocks for the same zone and port. */
  | "COREFILE_DUPLICATE_ZONE"
  /** `import` of a snippet or file that is not there, or that imports itself. */
  | "COREFILE_IMPORT";

export interface CorefileProblem {
  readonly code: CorefileCode;
  readonly message: string;
  readonly origin: Origin;
}

/** All mistakes of a Corefile. CoreDNS would not start with it. */
export class CorefileError extends Error {
  readonly problems: readonly CorefileProblem[];

  constructor(problems: readonly CorefileProblem[]) {
    super(
      problems
        .map(({ code, message, origin }) => `${origin.file}:${origin.line}:${origin.column}: ${code}: ${message}`)
        .join("\n"),
    );
    this.name = "CorefileError";
    this.problems = problems;
  }
}
