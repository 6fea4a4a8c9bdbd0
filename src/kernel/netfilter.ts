import type { HookName } from "../trace/records.ts";
import type { Family } from "../wire/address.ts";
import type { Device } from "./device.ts";
import type { NetworkNamespace } from "./namespace.ts";
import type { Skb } from "./skb.ts";

/*
 *            ┌───────────── route ─────────────┐
 *  in ─▶ PREROUTING                         FORWARD ─▶ POSTROUTING ─▶ out
 *            └▶ INPUT ─▶ socket      socket ─▶ OUTPUT ─▶ route ──┘
 */

/** What a hook function sees (struct nf_hook_state). */
export interface HookState {
  readonly namespace: NetworkNamespace;
  readonly hook: HookName;
  readonly family: Family;
  readonly skb: Skb;
  readonly inDevice?: Device | undefined;
  readonly outDevice?: Device | undefined;
  /** Bridge ports, for `-m physdev`, the trace and the kernel's own log. */
  readonly physIn?: Device | undefined;
  readonly physOut?: Device | undefined;
}

/**
 * `drop`: the function recorded why. `stolen`: somebody else goes on with the packet.
 * `unknown`: something that is not modelled would decide; recorded, and the packet ends there as unknown.
 */
export type HookVerdict = "accept" | "drop" | "stolen" | "unknown";

export interface HookEntry {
  /** `raw`, `conntrack`, `mangle`, `nat`, `filter`, `ipvs-in`, `confirm`, ... */
  readonly name: string;
  /** enum nf_ip_hook_priorities; lower runs first. */
  readonly priority: number;
  run(state: HookState): HookVerdict;
}

/** Standard priorities: include/uapi/linux/netfilter_ipv4.h. */
export const priorities: {
  readonly raw: number;
  readonly conntrack: number;
  readonly defrag: number;
  readonly mangle: number;
  readonly natDst: number;
  readonly filter: number;
  readonly natSrc: number;
  readonly confirm: number;
} = {
  defrag: -400,
  raw: -300,
  conntrack: -200,
  mangle: -150,
  natDst: -100,
  filter: 0,
  natSrc: 100,
  confirm: 2 ** 31 - 1,
};

function noHooks(): Record<HookName, HookEntry[]> {
  return { PREROUTING: [], INPUT: [], FORWARD: [], OUTPUT: [], POSTROUTING: [] };
}

/** The hook functions of one namespace. */
export class Hooks {
  readonly #entries: Readonly<Record<Family, Record<HookName, HookEntry[]>>> = { ipv4: noHooks(), ipv6: noHooks() };

  register(family: Family, hook: HookName, entry: HookEntry): void {
    const entries = this.#entries[family][hook];
    const at = entries.findIndex((other) => other.priority > entry.priority);
    entries.splice(at < 0 ? entries.length : at, 0, entry);
  }

  unregister(family: Family, hook: HookName, name: string): void {
    const entries = this.#entries[family][hook];
    const at = entries.findIndex((entry) => entry.name === name);
    if (at >= 0) entries.splice(at, 1);
  }

  at(family: Family, hook: HookName): readonly HookEntry[] {
    const { ipv4, ipv6 } = this.#entries;
    const entries = family === "ipv4" ? ipv4 : ipv6;
    // Spelled out: a look-up by a variable name costs more than the comparisons, and this is asked of every packet.
    switch (hook) {
      case "PREROUTING":
        return entries.PREROUTING;
      case "INPUT":
        return entries.INPUT;
      case "FORWARD":
        return entries.FORWARD;
      case "OUTPUT":
        return entries.OUTPUT;
      case "POSTROUTING":
        return entries.POSTROUTING;
    }
  }
}

/**
 * Runs the functions of a hook in order of priority, from above `after` (to re-enter behind one of them).
 * `between` runs after each function that accepted, with its name; false ends the packet there (it recorded why).
 */
export function runHook(
  state: HookState,
  after: number = Number.NEGATIVE_INFINITY,
  between?: (name: string) => boolean,
): HookVerdict {
  const entries = state.namespace.hooks.at(state.family, state.hook);
  if (entries.length === 0) return "accept";
  const { track } = state.skb;
  if (track !== undefined) {
    track.step({
      kind: "hook",
      family: state.family,
      registered: entries.filter((entry) => entry.priority > after).map((entry) => entry.name),
      ...placeOf(state),
    });
  }
  for (const entry of entries) {
    if (entry.priority <= after) continue;
    const verdict = entry.run(state);
    if (verdict !== "accept") return verdict;
    if (between !== undefined && !between(entry.name)) return "drop";
  }
  return "accept";
}

/** Runs a hook and settles the verdict of a packet that ends in it. True: it goes on. */
export function passHook(state: HookState, between?: (name: string) => boolean): boolean {
  return settleHook(state, between) === "accept";
}

/** The same for a caller who has to know how the packet ended. */
export function settleHook(state: HookState, between?: (name: string) => boolean): HookVerdict {
  const verdict = runHook(state, undefined, between);
  const { track } = state.skb;
  // A function that rejected has said so already; one that only dropped may have left it open.
  if (track !== undefined && verdict === "drop" && track.packet.verdict === "unknown") track.verdict("dropped");
  return verdict;
}

/** The devices of a hook state by name, as steps record them. */
export function placeOf(state: HookState): {
  hook: HookName;
  inDevice?: string;
  outDevice?: string;
  physInDevice?: string;
  physOutDevice?: string;
} {
  return {
    hook: state.hook,
    ...(state.inDevice && { inDevice: state.inDevice.name }),
    ...(state.outDevice && { outDevice: state.outDevice.name }),
    ...(state.physIn && { physInDevice: state.physIn.name }),
    ...(state.physOut && { physOutDevice: state.physOut.name }),
  };
}
