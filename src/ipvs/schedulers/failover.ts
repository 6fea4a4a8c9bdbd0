import type { RealServer, Scheduler, VirtualServer } from "../virtual-server.ts";

/** The server with the highest weight among those that `takes` allows, the first of equals. */
function heaviest(servers: readonly RealServer[], takes: (server: RealServer) => boolean): RealServer | undefined {
  let best: RealServer | undefined;
  for (const server of servers) {
    if (server.weight > (best?.weight ?? 0) && takes(server)) best = server;
  }
  return best;
}

/** fo: the server with the highest weight, as long as it may take more. net/netfilter/ipvs/ip_vs_fo.c. */
export function weightedFailover({ servers }: VirtualServer): Scheduler {
  return { pick: () => heaviest(servers, ({ overloaded }) => !overloaded) };
}

/** ovf: the same, till it has more active connections than its weight says. net/netfilter/ipvs/ip_vs_ovf.c. */
export function overflow({ servers }: VirtualServer): Scheduler {
  return {
    pick: () =>
      heaviest(servers, ({ overloaded, activeConnections, weight }) => !overloaded && activeConnections <= weight),
  };
}
