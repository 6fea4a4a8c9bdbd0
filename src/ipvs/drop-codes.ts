import type { DropCode } from "../kernel/drop-codes.ts";

export type IpvsDropCode = "IPVS_NO_SERVER" | "IPVS_SERVER_GONE" | "IPVS_LOOPBACK_SOURCE";

/** Why IPVS ends a packet; beside those of kernel/drop-codes.ts. */
export const ipvsDropCodes: Readonly<Record<IpvsDropCode, DropCode>> = {
  IPVS_NO_SERVER: { meaning: "The IPVS virtual server has no real server that takes connections." },
  IPVS_SERVER_GONE: { meaning: "The connection's real server was removed, and IPVS drops what still comes for it." },
  IPVS_LOOPBACK_SOURCE: { meaning: "A packet from 127.0.0.0/8 must not leave the node for a real server." },
};
