import { tellingFlow } from "../../trace/main-flow.ts";
import type { Outcome, Trace } from "../../trace/records.ts";
import type { Tone } from "../moments.ts";
import { oddsOf, oddsText } from "../odds.ts";
import { icons } from "../shapes.ts";
import { el, icon } from "./dom.ts";
import type { Loaded, State, Store } from "./store.ts";

const verdicts: Readonly<Record<Outcome, { readonly tone: Tone; readonly words: string }>> = {
  answered: { tone: "delivered", words: "an answer came" },
  refused: { tone: "rejected", words: "the connection was refused" },
  reset: { tone: "rejected", words: "the connection was broken off" },
  "timed-out": { tone: "dropped", words: "no answer in time" },
  unreachable: { tone: "rejected", words: "an error message says: unreachable" },
  "name-not-found": { tone: "rejected", words: "there is no such name" },
  "dns-error": { tone: "dropped", words: "the name could not be looked up" },
  unknown: { tone: "unknown", words: "something here is not modelled" },
};

/** The bar at the top: how it ended, always in sight. */
export function verdictView(root: HTMLElement, store: Store): void {
  store.listen((state, before) => {
    root.setAttribute("aria-busy", String(state.busy));
    document.body.classList.toggle("stale", isStale(state));
    if (!state.loaded && !state.busy && before.busy)
      root.replaceChildren(el("span", { class: "quiet" }, "Nothing has been sent yet."));
    if (state.loaded && state.loaded !== before.loaded) root.replaceChildren(...content(state.loaded, store));
  });
}

/** The trace in sight is not that of the text in the editor. */
function isStale({ problems, failure, empty }: State): boolean {
  return problems.length > 0 || failure !== undefined || empty;
}

/** A name that could not be looked up: because the question was refused, or because nobody answered it. */
function verdictOf(trace: Trace): { readonly tone: Tone; readonly words: string } {
  const verdict = verdicts[trace.outcome];
  const refused = trace.outcome === "dns-error" && tellingFlow(trace)?.packets[0]?.verdict === "rejected";
  return refused ? { ...verdict, tone: "rejected" } : verdict;
}

function content(loaded: Loaded, store: Store): Node[] {
  const { trace, course } = loaded;
  const { tone, words } = verdictOf(trace);
  const word = tone.charAt(0).toUpperCase() + tone.slice(1);
  const because = trace.unknownBecause ?? [];
  const said = because.length > 0 ? because.join("; ") : words;
  const parts: readonly (Node | false)[] = [
    el("strong", { class: "badge", "data-tone": tone }, icon(icons[tone]), word),
    ...fidelityBadge(trace),
    // That an answer came the badge says already.
    tone !== "delivered" && el("span", { class: "verdict-words", title: because.join("; ") }, said),
    el("code", { class: "verdict-run" }, trace.probe.run),
    el("span", {}, `from ${trace.probe.from}`, trace.answeredBy !== undefined && ` to ${trace.answeredBy}`),
    ...(because.length === 0 ? [el("span", { class: "verdict-message" }, trace.message)] : []),
    el("span", { class: "quiet verdict-steps" }, `${course.moments.length} steps`),
    ...chance(loaded, store),
  ];
  return parts.filter((part) => part !== false);
}

/** How likely it was that all chance fell so, and another throw of the dice. */
function chance({ trace, course }: Loaded, store: Store): Node[] {
  const odds = oddsOf(course);
  const seed = `seed ${trace.seed}`;
  const again = el("button", { type: "button", class: "seed", title: "Run again with another seed (r)" }, seed);
  again.addEventListener("click", () => {
    const { request } = store.state;
    if (request === undefined) return;
    const { pins: _pins, ...rest } = request;
    store.run?.({ ...rest, seed: trace.seed + 1 });
  });
  return [
    ...(odds === undefined || odds === 1
      ? []
      : [
          el(
            "span",
            { class: "quiet", title: "The chance that all choices fell as they did here" },
            `p=${oddsText(odds)}`,
          ),
        ]),
    store.run ? again : el("span", { class: "quiet" }, seed),
  ];
}

/** Said where the picture is not to be trusted as usual: something is not modelled, or no recording holds it. */
function fidelityBadge({ unknownBecause = [], assumptions }: Trace): Node[] {
  const unheld = assumptions.find(({ id }) => id.endsWith("-not-refereed"));
  if (unknownBecause.length > 0)
    return [el("span", { class: "fidelity", title: unknownBecause.join("; ") }, "not all is modelled")];
  return unheld === undefined ? [] : [el("span", { class: "fidelity", title: unheld.text }, "not refereed")];
}
