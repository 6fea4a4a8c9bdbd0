import type { PortRange } from "./ranges.ts";

/** `-m udp`. */
export interface UdpMatch {
  readonly kind: "udp";
  readonly srcPorts?: PortRange;
  readonly dstPorts?: PortRange;
}
