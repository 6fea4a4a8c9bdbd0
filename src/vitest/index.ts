import { expect } from "vitest";
import type { OwnerPattern } from "../analysis/checks.ts";
import { type Trace, formatTrace } from "../index.ts";
import { toBeDroppedBy, toBeNatedTo, toBeRejected, toGoThrough, toPreserveSourceIP, toReach } from "./matchers.ts";

declare module "vitest" {
  /** What `expect(trace)` can be asked. Vitest's own type parameters differ between its versions; none is needed. */
  interface Matchers {
    /** The pod, or a pod of the workload, answered: `deploy/web`, `shop/pod/web-0`. */
    toReach(who: string): void;
    /** An answer refused it; with an owner: a rule of that owner. Vacuous when it is refused without policies, too. */
    toBeRejected(by?: OwnerPattern): void;
    /** A rule of that owner dropped or rejected it. Vacuous when it is not answered without policies either. */
    toBeDroppedBy(by: OwnerPattern): void;
    /** The outgoing packets visited these places in this order. */
    toGoThrough(...places: readonly string[]): void;
    /** A destination was rewritten to this; `*` is a wildcard: `*:8080`. */
    toBeNatedTo(pattern: string): void;
    /** The server saw the client's own address. */
    toPreserveSourceIP(): void;
  }
}

expect.extend({ toReach, toBeRejected, toBeDroppedBy, toGoThrough, toBeNatedTo, toPreserveSourceIP });

/** Prints a trace in snapshots as the terminal tree. */
expect.addSnapshotSerializer({
  test: (value: unknown) => typeof value === "object" && value !== null && "schemaVersion" in value && "flows" in value,
  serialize: (value: Trace) => formatTrace(value),
});

export { load } from "./load.ts";
export { toBeDroppedBy, toBeNatedTo, toBeRejected, toGoThrough, toPreserveSourceIP, toReach };
