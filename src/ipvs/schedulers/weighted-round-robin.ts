import type { RealServer, Scheduler, VirtualServer } from "../virtual-server.ts";

/**
 * wrr: rounds with a falling threshold; a server takes part in those not above its weight. With weights 3, 2, 1
 * that is 1, 1 2, 1 2 3. net/netfilter/ipvs/ip_vs_wrr.c (ip_vs_wrr_schedule).
 */
export function weightedRoundRobin({ servers }: VirtualServer): Scheduler {
  /** Place of the server picked last; -1 is the head of the list. */
  let at = -1;
  let threshold = 0;
  let highest = 0;
  let step = 1;
  const refresh = (): void => {
    at = -1;
    step = servers.reduce((divisor, { weight }) => greatestCommonDivisor(weight, divisor), 0) || 1;
    highest = servers.reduce((most, { weight }) => Math.max(most, weight), 0) - (step - 1);
    // A threshold left from before goes on, so the first round after a change may be a short one.
    if (threshold > highest || threshold === 0) threshold = Math.max(0, highest);
    else if (step > 1) threshold = Math.floor(threshold / step) * step + 1;
  };
  refresh();
  return {
    pick() {
      if (highest <= 0) return undefined;
      for (let rounds = 0; rounds <= Math.ceil(highest / step) + 1; rounds++) {
        while (++at < servers.length) {
          const server = servers[at] as RealServer;
          if (!server.overloaded && server.weight >= threshold) return server;
        }
        at = -1;
        threshold -= step;
        if (threshold <= 0) threshold = highest;
      }
      return undefined;
    },
    serversChanged: refresh,
  };
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
