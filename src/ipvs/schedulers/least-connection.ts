import { type RealServer, type Scheduler, type VirtualServer, isOpen } from "../virtual-server.ts";

/** An inactive connection costs a 256th of an active one (ip_vs_dest_conn_overhead). */
export function overhead({ activeConnections, inactiveConnections }: RealServer): number {
  return activeConnections * 256 + inactiveConnections;
}

/** sed and nq count the connection to come, and active ones alone. */
function expectedDelay({ activeConnections }: RealServer): number {
  return activeConnections + 1;
}

/** The first server with the least load per weight, in the order of the list, of those that take connections. */
export function least(servers: readonly RealServer[], load: (server: RealServer) => number): RealServer | undefined {
  let best: RealServer | undefined;
  for (const server of servers) {
    if (!isOpen(server)) continue;
    if (best === undefined || load(best) * server.weight > load(server) * best.weight) best = server;
  }
  return best;
}

/** lc: fewest connections, whatever the weights. net/netfilter/ipvs/ip_vs_lc.c. */
export function leastConnection({ servers }: VirtualServer): Scheduler {
  return {
    pick() {
      let best: RealServer | undefined;
      for (const server of servers) {
        if (isOpen(server) && (best === undefined || overhead(server) < overhead(best))) best = server;
      }
      return best;
    },
  };
}

/** wlc: fewest connections per weight. net/netfilter/ipvs/ip_vs_wlc.c. */
export function weightedLeastConnection({ servers }: VirtualServer): Scheduler {
  return { pick: () => least(servers, overhead) };
}

/** sed: shortest expected delay. net/netfilter/ipvs/ip_vs_sed.c. */
export function shortestExpectedDelay({ servers }: VirtualServer): Scheduler {
  return { pick: () => least(servers, expectedDelay) };
}

/** nq: an idle server at once, else as sed. net/netfilter/ipvs/ip_vs_nq.c. */
export function neverQueue({ servers }: VirtualServer): Scheduler {
  return {
    pick: () =>
      servers.find((server) => isOpen(server) && server.activeConnections === 0) ?? least(servers, expectedDelay),
  };
}
