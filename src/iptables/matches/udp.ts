import { transportName } from "../protocols.ts";
import type { MatchModule } from "./module.ts";
import { type PortRange, explainPorts, inRange, printRange, readPortRange } from "./ranges.ts";

/** `-m udp`. */
export interface UdpMatch {
  readonly kind: "udp";
  readonly srcPorts?: PortRange;
  readonly dstPorts?: PortRange;
}

export const udp: MatchModule<UdpMatch> = {
  options: {
    "--sport": (draft, read) => void (draft.srcPorts = readPortRange(read)),
    "--source-port": (draft, read) => void (draft.srcPorts = readPortRange(read)),
    "--dport": (draft, read) => void (draft.dstPorts = readPortRange(read)),
    "--destination-port": (draft, read) => void (draft.dstPorts = readPortRange(read)),
  },
  start: () => ({ kind: "udp" }),
  print: (match) => [...printRange("--sport", match.srcPorts), ...printRange("--dport", match.dstPorts)].join(" "),
  matches(match, { state }) {
    const { transport, fragment } = state.skb.packet;
    if (transport.protocol !== "udp" || (fragment !== undefined && fragment.offset > 0)) return false;
    if (match.srcPorts !== undefined && !inRange(match.srcPorts, transport.srcPort)) return false;
    return match.dstPorts === undefined || inRange(match.dstPorts, transport.dstPort);
  },
  explain(match, { state }) {
    const { transport } = state.skb.packet;
    const ports = transport.protocol === "udp" ? explainPorts(match, transport) : undefined;
    return ports ?? { term: "-m udp", packet: transportName(transport) };
  },
};
