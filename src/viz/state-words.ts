import type { StateTable } from "../trace/records.ts";

/** The tables of a namespace by the names that people use. */
export const tableWords: Readonly<Record<StateTable, string>> = {
  conntrack: "conntrack",
  fdb: "FDB",
  neighbour: "neighbours",
  route: "routes",
  ipvs: "IPVS",
  ipset: "ipset",
  socket: "sockets",
  recent: "recent",
  counter: "counters",
};

/** What a schedule goes by: the names that kube-proxy and ipvsadm(8) give. */
export const scheduleWords: Readonly<Record<string, string>> = {
  rr: "round robin: each server in turn",
  wrr: "weighted round robin: each server in turn, as often as its weight says",
  lc: "the server with the fewest connections",
  wlc: "the server with the fewest connections for its weight",
  sh: "a hash of the client's address",
  dh: "a hash of the destination",
  mh: "a Maglev hash of the client's address",
  sed: "the shortest expected delay",
  nq: "an idle server first, then the shortest expected delay",
  hash: "a hash of the packet's addresses",
};
