import { formatAddress, isLoopback, isMulticast } from "../../wire/address.ts";
import { usesDevice } from "../../kernel/fib.ts";
import type { Evaluation } from "../evaluation.ts";
import type { MatchModule } from "./module.ts";

/** `-m rpfilter`: would a reply leave by the device the packet came in by? */
export interface RpfilterMatch {
  readonly kind: "rpfilter";
  readonly loose?: true;
  readonly validMark?: true;
  readonly acceptLocal?: true;
  readonly invert?: true;
}

const flags = {
  loose: "--loose",
  validMark: "--validmark",
  acceptLocal: "--accept-local",
  invert: "--invert",
} as const;
const flagKeys = Object.keys(flags) as (keyof typeof flags)[];

export const rpfilter: MatchModule<RpfilterMatch> = {
  options: Object.fromEntries(
    flagKeys.map((key) => [
      flags[key],
      (draft: { -readonly [K in keyof RpfilterMatch]?: RpfilterMatch[K] }) => void (draft[key] = true),
    ]),
  ),
  start: () => ({ kind: "rpfilter" }),
  print: (match) =>
    flagKeys
      .filter((key) => match[key])
      .map((key) => flags[key])
      .join(" "),
  matches: (match, evaluation) => passes(match, evaluation) !== (match.invert === true),
  explain: (match, { state }) => ({
    term: `-m rpfilter ${rpfilter.print(match, state.family)}`.trim(),
    packet: `${formatAddress(state.skb.packet.src)} on ${state.inDevice?.name ?? "no device"}`,
  }),
};

/** rpfilter_mt (net/ipv4/netfilter/ipt_rpfilter.c). */
function passes(match: RpfilterMatch, { state }: Evaluation): boolean {
  const { packet, mark } = state.skb;
  const device = state.inDevice;
  if (device === undefined || isLoopback(packet.src) || device.kind === "loopback") return true;
  if (isMulticast(packet.src)) return false;
  if (packet.src === 0 || packet.src === 0n) return true;
  const found = state.namespace.fib[state.family].lookup({
    dst: packet.src,
    ...(!isMulticast(packet.dst) && { src: packet.dst }),
    mark: match.validMark === true ? mark : 0,
  });
  if (found === undefined) return false;
  const { type } = found.route;
  if (type !== "unicast" && !(type === "local" && match.acceptLocal === true)) return false;
  return match.loose === true || usesDevice(found.route, device.name);
}
