import { expect } from "vitest";
import type { OwnerPattern } from "../analysis/checks.ts";
import { type Trace, formatTrace } from "../index.ts";
import { toBeDroppedBy, toBeNatedTo, toBeRejected, toGoThrough, toPreserveSourceIP, toReach } from "./matchers.ts";

/** What `expect(trace)` can be asked. */
export interface RouteMatchers<R = unknown> {
  toReach(who: string): R;
  toBeRejected(by?: OwnerPattern): R;
  toBeDroppedBy(by: OwnerPattern): R;
  toGoThrough(...places: readonly string[]): R;
  toBeNatedTo(pattern: string): R;
  toPreserveSourceIP(): R;
}

declare module "vitest" {
  // The interface must have the type parameter and the name of vitest's own to be merged with it.
  // oxlint-disable-next-line typescript/no-empty-object-type
  interface Matchers<T = any> extends RouteMatchers<T> {}
}

expect.extend({ toReach, toBeRejected, toBeDroppedBy, toGoThrough, toBeNatedTo, toPreserveSourceIP });

/** Prints a trace in snapshots as the terminal tree. */
expect.addSnapshotSerializer({
  test: (value: unknown) => typeof value === "object" && value !== null && "schemaVersion" in value && "flows" in value,
  serialize: (value: Trace) => formatTrace(value),
});

export { load } from "./load.ts";
export { toBeDroppedBy, toBeNatedTo, toBeRejected, toGoThrough, toPreserveSourceIP, toReach };
