/** Why IPVS ends a packet; beside those of kernel/drop-codes.ts. */
export const ipvsDropCodes = {
  IPVS_NO_SERVER: { meaning: "The IPVS virtual server has no real server that takes connections." },
  IPVS_SERVER_GONE: { meaning: "The connection's real server was removed, and IPVS drops what still comes for it." },
  IPVS_LOOPBACK_SOURCE: { meaning: "A packet from 127.0.0.0/8 must not leave the node for a real server." },
} as const;

export type IpvsDropCode = keyof typeof ipvsDropCodes;
