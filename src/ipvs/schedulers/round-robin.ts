import { type RealServer, type Scheduler, type VirtualServer, isOpen } from "../virtual-server.ts";

/** rr: the servers in turn, from behind the one picked last. net/netfilter/ipvs/ip_vs_rr.c. */
export function roundRobin({ servers }: VirtualServer): Scheduler {
  let last: RealServer | undefined;
  return {
    pick() {
      const start = last === undefined ? -1 : servers.indexOf(last);
      for (let step = 1; step <= servers.length; step++) {
        const server = servers[(start + step) % servers.length] as RealServer;
        if (isOpen(server)) return (last = server);
      }
      return undefined;
    },
    serversChanged(removed) {
      if (removed !== undefined && removed.server === last) last = removed.previous;
    },
  };
}
