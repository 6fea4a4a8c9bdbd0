import { transportName } from "../protocols.ts";
import { type MatchModule, printOption } from "./module.ts";
import { type PortRange, explainPorts, inRange, printRange, readPortRange } from "./ranges.ts";

/** `-m sctp`. */
export interface SctpMatch {
  readonly kind: "sctp";
  readonly srcPorts?: PortRange;
  readonly dstPorts?: PortRange;
  /** `--chunk-types any SACK,DATA`, as written. Not modelled. */
  readonly chunkTypes?: { readonly mode: "any" | "all" | "only"; readonly types: string; readonly inverted: boolean };
}

export const sctp: MatchModule<SctpMatch> = {
  options: {
    "--sport": (draft, read) => void (draft.srcPorts = readPortRange(read)),
    "--source-port": (draft, read) => void (draft.srcPorts = readPortRange(read)),
    "--dport": (draft, read) => void (draft.dstPorts = readPortRange(read)),
    "--destination-port": (draft, read) => void (draft.dstPorts = readPortRange(read)),
    "--chunk-types"(draft, read) {
      const inverted = read.inverted();
      const mode = read.value();
      if (mode !== "any" && mode !== "all" && mode !== "only")
        return read.fail("BAD_VALUE", `${mode} is not all, any or only`);
      draft.chunkTypes = { mode, types: read.value(), inverted };
    },
  },
  start: () => ({ kind: "sctp" }),
  print(match) {
    const chunks = match.chunkTypes;
    return [
      ...printRange("--sport", match.srcPorts),
      ...printRange("--dport", match.dstPorts),
      ...(chunks ? [printOption(chunks.inverted, "--chunk-types", `${chunks.mode} ${chunks.types}`)] : []),
    ].join(" ");
  },
  matches(match, { state }) {
    const { transport, fragment } = state.skb.packet;
    if (transport.protocol !== "sctp" || (fragment !== undefined && fragment.offset > 0)) return false;
    if (match.srcPorts !== undefined && !inRange(match.srcPorts, transport.srcPort)) return false;
    if (match.dstPorts !== undefined && !inRange(match.dstPorts, transport.dstPort)) return false;
    return match.chunkTypes === undefined ? true : undefined;
  },
  explain(match, { state }) {
    const { transport } = state.skb.packet;
    const ports = transport.protocol === "sctp" ? explainPorts(match, transport) : undefined;
    return ports ?? { term: "-m sctp", packet: transportName(transport) };
  },
};
