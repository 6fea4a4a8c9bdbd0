import type { Draw } from "../kernel/chance.ts";
import type { Clock } from "../kernel/clock.ts";
import type { HookState } from "../kernel/netfilter.ts";
import type { Choice, StateChange } from "../trace/records.ts";
import { packetBytes } from "../wire/packet.ts";
import type { LimitEntry } from "./hashlimit-bucket.ts";
import type { SetEntry } from "./ipset/set.ts";
import type { IpSets } from "./ipset/store.ts";
import type { IpvsView } from "./matches/ipvs.ts";
import type { SetFlag, SetMatch } from "./matches/set.ts";
import type { LiveChain, ReadyRule, Term } from "./live-chain.ts";
import type { RecentLists } from "./recent-list.ts";
import type { SetTarget } from "./targets/set.ts";

/** What the rules of one namespace share besides the rules. */
export interface Shared {
  readonly clock: Clock;
  readonly sets: IpSets;
  readonly recentLists: RecentLists;
  /** Entries of `hashlimit` by table. */
  readonly limits: Map<string, Map<string, LimitEntry>>;
  /** A copy of a packet is on its way through the rules: it is not copied itself (nf_skb_duplicated). */
  isDuplicating: boolean;
  /** What IPVS knows of a packet; set by ipvs/. */
  ipvsView?: ((state: HookState) => IpvsView | undefined) | undefined;
}

/**
 * One packet's walk through one table: what matches and targets may look at and change. One object serves many
 * packets, so that nothing is allocated where nothing is recorded.
 */
export class Evaluation {
  readonly #shared: Shared;
  /** The packet's place; set by the walk. */
  state!: HookState;
  /** The rule under comparison; set by the walk. */
  table: string = "";
  chain: LiveChain | undefined;
  ready: ReadyRule | undefined;
  term: Term | undefined;
  /** Counts from 1. */
  number: number = 0;
  /** False while terms are only asked what they would have said: counters of sets stay as they are. */
  counts: boolean = true;
  #choice: Choice | undefined;
  #noted: StateChange[] | undefined;

  constructor(shared: Shared) {
    this.#shared = shared;
  }

  get nowNanos(): number {
    return this.#shared.clock.nowNanos();
  }

  get recentLists(): RecentLists {
    return this.#shared.recentLists;
  }

  get ipvsView(): Shared["ipvsView"] {
    return this.#shared.ipvsView;
  }

  /** A decision by chance that says yes with the match's probability; the term remembers its coin. */
  flip<M>(match: M, probabilityOf: (match: M) => number): boolean {
    const { skb } = this.state;
    const { place, draw, odds } = this.memory(() => this.#coin(probabilityOf(match)));
    const taken = draw(skb.flowKey, odds);
    if (skb.track !== undefined) {
      const id = place + skb.flowKey;
      const options = odds.map((odd, index) => ({ label: index === 0 ? "match" : "no match", probability: odd }));
      this.#choice = { id, options, taken, by: "random" };
    }
    return taken === 0;
  }

  #coin(probability: number): Coin {
    const { namespace } = this.state;
    const { chance } = namespace.surroundings;
    const place = placeOfDraw(namespace.name, this.table, this.chain?.name ?? "", this.number);
    const draw: Draw = chance.at?.(place) ?? ((key, odds) => chance.choose(place + key, odds));
    return { place, draw, odds: oddsOf(probability) };
  }

  /** State that a match keeps for its rule: a counter, a bucket. */
  memory<T>(create: () => T): T {
    return ((this.term as Term).memory ??= create()) as T;
  }

  /** The same for a target. */
  targetMemory<T>(create: () => T): T {
    return ((this.ready as ReadyRule).targetMemory ??= create()) as T;
  }

  /** The entries of a `hashlimit` table: rules of one family that name it share them. */
  limits(name: string): Map<string, LimitEntry> {
    const { limits } = this.#shared;
    const key = `${this.state.family} ${name}`;
    let found = limits.get(key);
    if (found === undefined) limits.set(key, (found = new Map()));
    return found;
  }

  /** Records a change of state that the comparison itself made. */
  readonly note = (change: StateChange): void => {
    if (this.state.skb.track !== undefined) (this.#noted ??= []).push(change);
  };

  /** Whether the packet is in the set; undefined when there is no such set. */
  inSet(match: SetMatch): boolean | undefined {
    const set = this.#shared.sets.get(match.set);
    if (set === undefined) return undefined;
    const { found, entry } = this.#shared.sets.test(set, this.state, match, this.counts);
    this.state.skb.track?.step({
      kind: "ipset",
      set: match.set,
      element: set.elementOf(this.state, match.flags),
      found,
      ...(entry?.owner && { owner: entry.owner }),
    });
    return found;
  }

  /** The entry of a set that holds the packet, for `--map-set`; undefined when there is no such set. */
  entryFor({ set: name, flags }: SetTarget): { readonly entry?: SetEntry } | undefined {
    const set = this.#shared.sets.get(name);
    const answer = set && this.#shared.sets.test(set, this.state, { flags });
    return answer?.found === false ? {} : answer;
  }

  /** The element that the packet would be in a set, as text. */
  elementFor(term: { readonly set: string; readonly flags: readonly SetFlag[] }): string {
    return this.#shared.sets.get(term.set)?.elementOf(this.state, term.flags) ?? `no set ${term.set}`;
  }

  /** Does what a SET target says; false when there is no such set. */
  changeSet(target: SetTarget): boolean {
    const { sets } = this.#shared;
    const set = sets.get(target.set);
    if (set === undefined) return false;
    if (target.action === "del") sets.deletePacket(set, this.state, target.flags);
    else {
      // The packet that adds an element is the first that it counts.
      const options = {
        packets: 1,
        bytes: packetBytes(this.state.skb.packet),
        ...(target.timeout !== undefined && { timeout: target.timeout }),
      };
      sets.addPacket(set, this.state, target.flags, target.exist === true, options);
    }
    return true;
  }

  /** Sends a copy of the packet at hand, through the rules; that of a copy is not sent. */
  duplicate(send: (state: HookState) => void): void {
    const { state } = this;
    if (this.#shared.isDuplicating) return;
    this.#shared.isDuplicating = true;
    send(state);
    this.#shared.isDuplicating = false;
    this.state = state;
  }

  /** The decision taken since the last call, if any. */
  takeChoice(): Choice | undefined {
    const choice = this.#choice;
    this.#choice = undefined;
    return choice;
  }

  takeNoted(): readonly StateChange[] | undefined {
    const noted = this.#noted;
    this.#noted = undefined;
    return noted;
  }
}

/** What a match that takes chances remembers. */
interface Coin {
  /** What stands before the flow in its choice ids: `namespace/table/CHAIN/NUMBER/`. */
  readonly place: string;
  readonly draw: Draw;
  /** Yes and no. */
  readonly odds: readonly number[];
}

/** What the choice ids of a rule begin with, or, without a number, those of all rules of a chain. */
export function placeOfDraw(namespace: string, table: string, chain: string, rule?: number): string {
  const own = `${namespace}/${table}/${chain}/`;
  return rule === undefined ? own : `${own}${rule}/`;
}

const knownOdds = new Map<number, readonly number[]>();

/** The same few probabilities come again and again. */
function oddsOf(probability: number): readonly number[] {
  let odds = knownOdds.get(probability);
  if (odds === undefined) knownOdds.set(probability, (odds = [probability, 1 - probability]));
  return odds;
}
