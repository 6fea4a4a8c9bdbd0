import { type Timer, nanosPerSecond } from "../kernel/clock.ts";
import type { NetworkNamespace } from "../kernel/namespace.ts";
import { runProbe } from "../sim/probe/index.ts";
import type { ProbeContext, ProbeResult } from "../sim/probe/probe.ts";
import { resolveHost, resolverOf } from "../sim/resolve.ts";
import type { ProbeRequest } from "../sim/simulation.ts";
import type { World } from "../sim/world.ts";
import { parseAddress } from "../wire/address.ts";
import type { LinuxSockets } from "./linux-sockets.ts";
import { realClock } from "./real-clock.ts";

/** After the outcome is known, packets already on their way are followed this long: as in simulation.ts. */
const settleMillis = 1000;

/**
 * Runs the engine's own probe, with the engine's own resolver, on real sockets and the clock of the wall. Undefined:
 * it had not ended after `patienceSeconds`.
 */
export async function probeOnLinux(
  world: World,
  request: ProbeRequest,
  sockets: LinuxSockets,
  patienceSeconds: number,
): Promise<ProbeResult | undefined> {
  const picture = world.namespaceOf(request.who);
  const clock = realClock(world.clock.nowNanos());
  const namespace: NetworkNamespace = {
    ...picture,
    sockets,
    surroundings: { ...picture.surroundings, clock },
  };
  let patience: Timer | undefined;
  const result = await new Promise<ProbeResult | undefined>((resolve) => {
    patience = clock.after(patienceSeconds * nanosPerSecond, () => resolve(undefined));
    const context: ProbeContext = {
      namespace,
      clock,
      key: `${request.run}@${namespace.name}`,
      openFlow: () => undefined,
      resolver: (purpose, server) => resolverOf(world, request.who, namespace, purpose, server),
      resolve: (host, families, done) => {
        const literal = parseAddress(host);
        if (literal !== undefined) return done({ kind: "addresses", addresses: [literal] });
        return resolveHost(world, request.who, namespace, host, families, done);
      },
    };
    runProbe(request.command, context, resolve);
  }).finally(() => patience?.cancel());
  await new Promise((resolve) => setTimeout(resolve, settleMillis));
  return result;
}
