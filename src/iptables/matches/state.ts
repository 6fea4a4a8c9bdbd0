import { type Bits, notState, printBits, readBits, stateBits, stateOf } from "./conntrack.ts";
import { type MatchModule, printOption } from "./module.ts";

/** `-m state --state`: the same states under the older name. */
export interface StateMatch {
  readonly kind: "state";
  readonly states: Bits;
}

export const state: MatchModule<StateMatch> = {
  options: { "--state": (draft, read) => void (draft.states = readBits(stateBits, read)) },
  start: () => ({ kind: "state" }),
  finish: (draft, read) =>
    draft.states === undefined
      ? read.fail("MISSING_OPTION", "-m state needs --state")
      : { kind: "state", states: draft.states },
  print: ({ states }) => printOption(states.inverted, "--state", printBits(stateBits, states.bits)),
  matches: ({ states }, { state }) => ((states.bits & stateOf(state.skb)) !== 0) !== states.inverted,
  explain: ({ states }, { state }) => notState("--state", states, stateOf(state.skb)),
  needsConntrack: true,
};
