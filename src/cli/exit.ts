/** Exit codes of every verb; the README lists them, and they are never renumbered. */
export const exitCodes: {
  readonly ok: 0;
  readonly expectationFailed: 1;
  readonly usage: 2;
  readonly badInput: 3;
  readonly unknown: 4;
  readonly internal: 5;
} = { ok: 0, expectationFailed: 1, usage: 2, badInput: 3, unknown: 4, internal: 5 };

/** Ends a verb with a code and a message for stderr. */
export class CliError extends Error {
  readonly exitCode: number;

  constructor(exitCode: number, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}
