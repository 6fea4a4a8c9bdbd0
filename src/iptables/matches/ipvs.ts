import type { Address } from "../../wire/address.ts";
import { formatAddress } from "../../wire/address.ts";
import { protocolNumber } from "../../wire/packet.ts";
import { type Block, inBlock, printShortBlock, readBlock } from "../addresses.ts";
import type { OptionReader } from "../option.ts";
import { protocolByName } from "../protocols.ts";
import { type MatchModule, printOption } from "./module.ts";

/** `-m ipvs`: properties of a packet's IPVS connection. */
export interface IpvsMatch {
  readonly kind: "ipvs";
  /** `[!] --ipvs`: belongs to an IPVS connection at all. */
  readonly connection?: { readonly inverted: boolean };
  readonly protocol?: { readonly number: number; readonly inverted: boolean };
  readonly virtualAddress?: Block & { readonly inverted: boolean };
  readonly virtualPort?: { readonly port: number; readonly inverted: boolean };
  readonly direction?: "ORIGINAL" | "REPLY";
  readonly method?: { readonly name: IpvsMethod; readonly inverted: boolean };
  readonly controlPort?: { readonly port: number; readonly inverted: boolean };
}

export type IpvsMethod = "GATE" | "IPIP" | "MASQ";

/** What IPVS knows of a packet's connection; ipvs/ provides it. */
export interface IpvsView {
  readonly virtualAddress: Address;
  readonly virtualPort: number;
  /** Undefined: the packet is not tracked, and has neither. */
  readonly direction: "ORIGINAL" | "REPLY" | undefined;
  readonly method: IpvsMethod;
  /** Port of the controlling connection (persistence), where there is one. */
  readonly controlPort?: number;
}

function readPort(read: OptionReader): { readonly port: number; readonly inverted: boolean } {
  return { inverted: read.inverted(), port: read.number(0, 65_535) };
}

export const ipvs: MatchModule<IpvsMatch> = {
  options: {
    "--ipvs": (draft, read) => void (draft.connection = { inverted: read.inverted() }),
    "--vproto"(draft, read) {
      const inverted = read.inverted();
      const text = read.value();
      draft.protocol = {
        inverted,
        number: protocolByName(text) ?? read.fail("BAD_PROTOCOL", `${text} is not a protocol`),
      };
    },
    "--vaddr": (draft, read) => void (draft.virtualAddress = { inverted: read.inverted(), ...readBlock(read) }),
    "--vport": (draft, read) => void (draft.virtualPort = readPort(read)),
    "--vdir"(draft, read) {
      const direction = read.value().toUpperCase();
      if (direction !== "ORIGINAL" && direction !== "REPLY") return read.fail("BAD_VALUE", "use ORIGINAL or REPLY");
      draft.direction = direction;
    },
    "--vmethod"(draft, read) {
      const inverted = read.inverted();
      const name = read.value().toUpperCase();
      if (name !== "GATE" && name !== "IPIP" && name !== "MASQ")
        return read.fail("BAD_VALUE", "use GATE, IPIP or MASQ");
      draft.method = { name, inverted };
    },
    "--vportctl": (draft, read) => void (draft.controlPort = readPort(read)),
  },
  start: () => ({ kind: "ipvs" }),
  finish(draft, read) {
    if (Object.keys(draft).length < 2) read.fail("MISSING_OPTION", "-m ipvs needs an option such as --ipvs");
    return { ...draft, kind: "ipvs" };
  },
  print(match) {
    const words: string[] = [];
    if (match.connection) words.push(`${match.connection.inverted ? "! " : ""}--ipvs`);
    if (match.protocol) words.push(printOption(match.protocol.inverted, "--vproto", String(match.protocol.number)));
    if (match.virtualAddress) {
      words.push(printOption(match.virtualAddress.inverted, "--vaddr", printShortBlock(match.virtualAddress)));
    }
    if (match.virtualPort)
      words.push(printOption(match.virtualPort.inverted, "--vport", String(match.virtualPort.port)));
    if (match.direction) words.push(`--vdir ${match.direction}`);
    if (match.method) words.push(printOption(match.method.inverted, "--vmethod", match.method.name));
    if (match.controlPort)
      words.push(printOption(match.controlPort.inverted, "--vportctl", String(match.controlPort.port)));
    return words.join(" ");
  },
  // ipvs_mt (net/netfilter/xt_ipvs.c).
  matches(match, evaluation) {
    const { skb } = evaluation.state;
    const view = evaluation.ipvsView?.(evaluation.state);
    if (match.connection && (view !== undefined) === match.connection.inverted) return false;
    // `! --ipvs` looks at nothing else.
    if (view === undefined) return match.connection?.inverted === true;
    const { protocol, virtualAddress, virtualPort, direction, method, controlPort } = match;
    return (
      (protocol === undefined || (protocolNumber(skb.packet.transport) === protocol.number) !== protocol.inverted) &&
      (virtualAddress === undefined || inBlock(virtualAddress, view.virtualAddress) !== virtualAddress.inverted) &&
      (virtualPort === undefined || (view.virtualPort === virtualPort.port) !== virtualPort.inverted) &&
      (direction === undefined || view.direction === direction) &&
      (method === undefined || (view.method === method.name) !== method.inverted) &&
      (controlPort === undefined || (view.controlPort === controlPort.port) !== controlPort.inverted)
    );
  },
  explain(match, evaluation) {
    const view = evaluation.ipvsView?.(evaluation.state);
    const packet =
      view === undefined
        ? "no IPVS connection"
        : `${view.method} ${formatAddress(view.virtualAddress)}:${view.virtualPort}`;
    return { term: ipvs.print(match, evaluation.state.family), packet };
  },
};
