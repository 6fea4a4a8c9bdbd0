import type { Scheduler, VirtualServer } from "../virtual-server.ts";
import { overflow, weightedFailover } from "./failover.ts";
import { destinationHashing, sourceHashing } from "./hashing.ts";
import { leastConnection, neverQueue, shortestExpectedDelay, weightedLeastConnection } from "./least-connection.ts";
import { localityBasedLeastConnection, localityBasedWithReplication } from "./locality.ts";
import { maglev } from "./maglev.ts";
import { roundRobin } from "./round-robin.ts";
import { weightedRoundRobin } from "./weighted-round-robin.ts";

/** The schedulers by the name that `ipvsadm -s` takes. ipvsadm(8). */
export const schedulers: Readonly<Record<string, (service: VirtualServer) => Scheduler>> = {
  rr: roundRobin,
  wrr: weightedRoundRobin,
  lc: leastConnection,
  wlc: weightedLeastConnection,
  sed: shortestExpectedDelay,
  nq: neverQueue,
  sh: sourceHashing,
  dh: destinationHashing,
  mh: maglev,
  fo: weightedFailover,
  ovf: overflow,
  lblc: localityBasedLeastConnection,
  lblcr: localityBasedWithReplication,
};
