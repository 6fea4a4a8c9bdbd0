import { packetBytes } from "../../wire/packet.ts";
import { type MatchModule, printOption } from "./module.ts";

/** `-m quota --quota BYTES`: true until so many bytes have come by. */
export interface QuotaMatch {
  readonly kind: "quota";
  readonly bytes: number;
  readonly inverted: boolean;
}

export const quota: MatchModule<QuotaMatch> = {
  options: {
    "--quota": (draft, read) =>
      void Object.assign(draft, { inverted: read.inverted(), bytes: read.number(0, Number.MAX_SAFE_INTEGER) }),
  },
  start: () => ({ kind: "quota" }),
  finish: ({ bytes, inverted = false }, read) =>
    bytes === undefined ? read.fail("MISSING_OPTION", "-m quota needs --quota") : { kind: "quota", bytes, inverted },
  print: (match) => printOption(match.inverted, "--quota", String(match.bytes)),
  // quota_mt() of net/netfilter/xt_quota.c: a packet that does not fit takes the rest with it.
  matches(match, evaluation) {
    const rest = evaluation.memory(() => ({ bytes: match.bytes }));
    const bytes = packetBytes(evaluation.state.skb.packet);
    const fits = bytes <= rest.bytes;
    rest.bytes = fits ? rest.bytes - bytes : 0;
    return fits !== match.inverted;
  },
  changesWhenAsked: true,
  explain: (match) => ({
    term: quota.print(match),
    packet: match.inverted ? "within the quota" : "the quota is used up",
  }),
};
