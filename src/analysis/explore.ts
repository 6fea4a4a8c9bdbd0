import type { Choice, Trace } from "../trace/records.ts";

/** A run of the same probe with its random decisions pinned. */
export interface Branch {
  readonly pins: Readonly<Record<string, number>>;
  readonly trace: Trace;
}

/** More branches than this are not walked; the result then says so. */
const branchLimit = 512;

/**
 * Runs a probe once for every combination of the endpoint choices it meets (those with stated odds).
 * `run` must depend on its pins alone.
 */
export function explore(run: (pins: Readonly<Record<string, number>>) => Trace): {
  readonly branches: readonly Branch[];
  readonly complete: boolean;
} {
  const branches: Branch[] = [];
  const open: Readonly<Record<string, number>>[] = [{}];
  while (open.length > 0 && branches.length < branchLimit) {
    const pins = open.pop() as Readonly<Record<string, number>>;
    const trace = run(pins);
    const taken: Record<string, number> = { ...pins };
    for (const choice of choicesOf(trace)) {
      if (Object.hasOwn(taken, choice.id)) continue;
      for (const [index, { probability }] of choice.options.entries()) {
        if (index !== choice.taken && probability !== 0) open.push({ ...taken, [choice.id]: index });
      }
      taken[choice.id] = choice.taken;
    }
    branches.push({ pins: taken, trace });
  }
  return { branches, complete: open.length === 0 };
}

/** The choices with stated odds, in the order they were met. */
function choicesOf(trace: Trace): readonly Choice[] {
  const steps = trace.flows.flatMap((flow) => [
    ...flow.steps,
    ...flow.packets.flatMap((packet) => packet.hops.flatMap((hop) => hop.steps)),
  ]);
  return steps
    .filter((step) => step.choice?.options.some(({ probability }) => probability !== undefined) === true)
    .sort((a, b) => a.id - b.id)
    .flatMap((step) => step.choice ?? []);
}
