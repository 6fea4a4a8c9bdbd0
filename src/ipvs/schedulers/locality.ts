import type { Address } from "../../wire/address.ts";
import type { RealServer, Scheduler, VirtualServer } from "../virtual-server.ts";
import { least, overhead } from "./least-connection.ts";

/** More active connections than its weight, while another has fewer than half of its own. is_overloaded(). */
function isOverloaded(server: RealServer, servers: readonly RealServer[]): boolean {
  return (
    server.activeConnections > server.weight && servers.some((other) => other.activeConnections * 2 < other.weight)
  );
}

/** lblc: a destination stays with its server, till that has too much to do. net/netfilter/ipvs/ip_vs_lblc.c. */
export function localityBasedLeastConnection({ servers }: VirtualServer): Scheduler {
  const places = new Map<Address, RealServer>();
  return {
    pick({ dst }) {
      const known = places.get(dst);
      if (known !== undefined && known.available && known.weight > 0 && !isOverloaded(known, servers)) return known;
      const server = least(servers, overhead);
      if (server !== undefined) places.set(dst, server);
      return server;
    },
  };
}

/**
 * lblcr: a destination has a set of servers, the least loaded of which serves it; when that has too much to do, the
 * set grows. Sets shrink after a day (lblcr_expiration), which is not modelled. net/netfilter/ipvs/ip_vs_lblcr.c.
 */
export function localityBasedWithReplication({ servers }: VirtualServer): Scheduler {
  const sets = new Map<Address, RealServer[]>();
  return {
    pick({ dst }) {
      const set = sets.get(dst);
      const known =
        set &&
        least(
          set.filter(({ available }) => available),
          overhead,
        );
      if (known !== undefined && !isOverloaded(known, servers)) return known;
      const server = least(servers, overhead);
      if (server === undefined) return undefined;
      // A new one goes to the head of the set.
      if (set === undefined) sets.set(dst, [server]);
      else if (!set.includes(server)) set.unshift(server);
      return server;
    },
  };
}
