import { nanosPerSecond } from "../kernel/clock.ts";
import type { FlowRecorder, FlowStart } from "../trace/recorder.ts";
import type { Assumption, Flow, Trace } from "../trace/records.ts";
import { type Address, parseAddress } from "../wire/address.ts";
import type { ProbeCommand } from "./probe/command.ts";
import { runProbe } from "./probe/index.ts";
import type { ProbeContext, ProbeResult, Resolution } from "./probe/probe.ts";
import { doubtsAbout } from "./doubts.ts";
import { resolveHost, resolverOf } from "./resolve.ts";
import type { Who } from "./who.ts";
import type { World } from "./world.ts";

/** What a probe is called in its trace, and when it starts. */
export interface ProbeRequest {
  readonly who: Who;
  readonly command: ProbeCommand;
  /** As the user wrote them. */
  readonly from: string;
  readonly run: string;
}

/** After the outcome is known, packets already on their way (closing a connection) are followed this long. */
const settleNanos = nanosPerSecond;
/** No probe outlives this much virtual time; the longest real time-out is well below. */
const patienceNanos = 600 * nanosPerSecond;

/** Sends one probe through the world, from now on its clock, and returns everything that was decided. */
export function simulate(world: World, request: ProbeRequest): Trace {
  const { clock, recorder } = world;
  recorder.begin();
  const namespace = world.namespaceOf(request.who);
  const own: FlowRecorder[] = [];
  let result: ProbeResult | undefined;
  const context: ProbeContext = {
    namespace,
    clock,
    key: `${request.run}@${namespace.name}`,
    resolver: (purpose, server) => resolverOf(world, request.who, namespace, purpose, server),
    openFlow: (start: FlowStart) => {
      const flow = recorder.flow(start);
      if (flow) own.push(flow);
      return flow;
    },
    resolve: (host, families, done) => {
      const literal = parseAddress(host);
      if (literal !== undefined) return done(addresses([literal]));
      return resolveHost(world, request.who, namespace, host, families, done);
    },
  };
  const startNanos = clock.nowNanos();
  runProbe(request.command, context, (ended) => (result = ended));
  clock.run({ done: () => result !== undefined, untilNanos: startNanos + patienceNanos });
  const endNanos = clock.nowNanos();
  clock.run({ untilNanos: endNanos + settleNanos });
  return traceOf(
    world,
    request,
    endNanos - startNanos,
    result ?? neverEnded,
    own.map(({ flow }) => flow as Flow),
  );
}

function addresses(list: readonly Address[]): Resolution {
  return { kind: "addresses", addresses: list };
}

const tooLong = "the probe had not ended after ten minutes of virtual time";

const neverEnded: ProbeResult = { outcome: "unknown", message: tooLong, exitCode: 0, unknownBecause: [tooLong] };

function traceOf(
  world: World,
  request: ProbeRequest,
  durationNanos: number,
  result: ProbeResult,
  own: readonly Flow[],
): Trace {
  const { recorder } = world;
  const flows = recorder.flows as readonly Flow[];
  const doubts = [...recorder.doubts, ...doubtsAbout(world.cluster, request)];
  const isUnknown = doubts.length > 0 && (result.outcome !== "answered" || recorder.doubts.length === 0);
  const answeredBy = isUnknown ? undefined : answering(own, result);
  return {
    schemaVersion: 1,
    probe: { from: request.from, run: request.run },
    ...result,
    ...(isUnknown && { outcome: "unknown", unknownBecause: doubts, message: doubts[0] }),
    ...(answeredBy !== undefined && { answeredBy }),
    durationNanos,
    seed: world.seed,
    assumptions: assumptionsOf(world, flows),
    events: recorder.events,
    flows,
    ...(recorder.before.length > 0 && { before: recorder.before }),
  };
}

/** The namespace whose process answered the probe's own packets, or that refused them. */
function answering(own: readonly Flow[], result: ProbeResult): string | undefined {
  if (!["answered", "refused", "reset"].includes(result.outcome)) return undefined;
  const verdicts = result.outcome === "refused" ? ["rejected", "delivered"] : ["delivered"];
  const met = own
    .at(-1)
    ?.packets.findLast(({ direction, verdict }) => direction === "original" && verdicts.includes(verdict));
  return met?.hops.at(-1)?.namespace;
}

/** What was assumed about the world, and of the rest what mattered to a step. */
function assumptionsOf(world: World, flows: readonly Flow[]): readonly Assumption[] {
  const mattered = new Set(
    flows.flatMap((flow) =>
      [...flow.steps, ...flow.packets.flatMap((packet) => packet.hops.flatMap((hop) => hop.steps))].flatMap(
        (step) => step.assumption ?? [],
      ),
    ),
  );
  return world
    .assumptions()
    .filter((assumption) => assumption.always || mattered.has(assumption.id))
    .map(({ id, text, override }) => ({
      id,
      text,
      ...(override !== undefined && { override }),
    }));
}
