import type { Grain } from "./navigate.ts";

/** What a link says beside the files that it carries: where to look, and what was sent. */
export interface LinkState {
  /** The step shown, counted from 1. */
  readonly step?: number;
  readonly grain?: Grain;
  /** Which flow of the scenario, counted from 0. */
  readonly flow?: number;
  readonly probe?: { readonly from: string; readonly run: string };
  readonly seed?: number;
  /** Choice ids and the options that were taken instead. */
  readonly pins?: Readonly<Record<string, number>>;
  /** Only where somebody chose it. */
  readonly theme?: "light" | "dark";
}

/** Appends to `#s=...` of share.ts: `#s=...&t=17&v=1`. */
export function linkFragment(packed: string, { step, grain, flow, probe, seed, pins, theme }: LinkState): string {
  const said: Readonly<Record<string, string | number | undefined>> = {
    t: step,
    g: grain,
    f: flow === 0 ? undefined : flow,
    from: probe?.from,
    run: probe?.run,
    seed,
    b: pins === undefined || Object.keys(pins).length === 0 ? undefined : JSON.stringify(pins),
    theme,
    v: 1,
  };
  const parts = Object.entries(said).flatMap(([key, value]) =>
    value === undefined ? [] : [`${key}=${encodeURIComponent(value)}`],
  );
  return [packed, ...parts].join("&");
}

/** Reads a fragment; what is missing or makes no sense is left out. */
export function readLinkState(fragment: string): LinkState {
  const said = new Map(fragment.replace(/^#/, "").split("&").map(pair));
  const [step, flow, seed] = [whole(said.get("t")), whole(said.get("f")), whole(said.get("seed"))];
  const [grain, theme, from, run] = [said.get("g"), said.get("theme"), said.get("from"), said.get("run")];
  const pins = readPins(said.get("b"));
  return {
    ...(step !== undefined && step > 0 && { step }),
    ...((grain === "hop" || grain === "step") && { grain }),
    ...(flow !== undefined && { flow }),
    ...(from !== undefined && run !== undefined && { probe: { from, run } }),
    ...(seed !== undefined && { seed }),
    ...(pins && { pins }),
    ...((theme === "light" || theme === "dark") && { theme }),
  };
}

function readPins(text: string | undefined): LinkState["pins"] | undefined {
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
    const entries = Object.entries(value).filter(([, option]) => Number.isInteger(option) && option >= 0);
    return entries.length > 0 ? Object.fromEntries(entries) : undefined;
  } catch {
    return undefined;
  }
}

function pair(part: string): readonly [string, string] {
  const [key = "", value = ""] = part.split("=", 2);
  try {
    return [key, decodeURIComponent(value)];
  } catch {
    return [key, ""];
  }
}

function whole(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}
