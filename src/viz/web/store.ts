import type { Flow, Trace } from "../../trace/records.ts";
import { type Inventory, emptyInventory } from "../inventory.ts";
import { type Layout, layout } from "../layout.ts";
import { type Course, buildCourse } from "../moments.ts";
import { type Grain, clamp, culprit } from "../navigate.ts";
import { Ways } from "../route.ts";
import { type Scene, buildScene, mainFlows } from "../scene.ts";
import type { Slots } from "../slots.ts";
import type { Answer, OfferedFlow, Problem, RunRequest, SettingField } from "./protocol.ts";

/** A stage: what is drawn, where, and the ways over it. */
export interface View {
  readonly scene: Scene;
  readonly layout: Layout;
  readonly ways: Ways;
}

/** A trace with all that is computed from it once. */
export interface Loaded {
  /** The input it came from: while that is edited, nothing on the stage moves that need not. */
  readonly file: string;
  readonly trace: Trace;
  readonly course: Course;
  /** At the coarse grain only the places of the story, at the fine one every place that a packet saw. */
  readonly views: Readonly<Record<Grain, View>>;
  readonly flows: readonly OfferedFlow[];
  readonly inventory: Inventory;
  readonly settings: readonly SettingField[];
  /** Who is said to listen where. */
  readonly listens: Readonly<Record<string, string>>;
  readonly warnings: readonly Problem[];
  readonly notes: readonly string[];
  /** Pods of a large cluster that are not drawn. */
  readonly podsLeftOut: number;
}

/** The inspector's sides. */
export type Tab = "why" | "packet" | "rules" | "state";
/** The sides of the input. */
export type Side = "manifests" | "scenario" | "dumps";

export type Request = Omit<RunRequest, "id">;

/** Where to look first; by default a failure opens on its culprit, all else at the start. */
export interface Opening {
  readonly step?: number;
  readonly grain?: Grain;
  /** What is to be said beside the trace. */
  readonly note?: string;
}

export interface State {
  /** What was run last, or is being run. */
  readonly request: Request | undefined;
  readonly loaded: Loaded | undefined;
  /** Index of the moment that all views show. */
  readonly cursor: number;
  readonly grain: Grain;
  readonly playing: boolean;
  readonly speed: number;
  readonly busy: boolean;
  /** What the engine is at, while it is busy. */
  readonly doing: string | undefined;
  /** Nothing is there to be run. */
  readonly empty: boolean;
  readonly tab: Tab;
  readonly side: Side;
  readonly filter: string;
  /** Pods clicked on the stage: the sender, then the receiver. */
  readonly picked: readonly string[];
  /** Moments at which playing stops. */
  readonly breakpoints: ReadonlySet<number>;
  readonly problems: readonly Problem[];
  readonly failure: string | undefined;
  readonly note: string | undefined;
}

/** A trace alone, or with what can be tried beside it. */
type Loadable = Pick<Answer, "trace" | "flows"> & Partial<Answer>;

type Listener = (state: State, before: State) => void;

/** The one state of the page; views listen and redraw what concerns them. */
export class Store {
  #state: State = {
    request: undefined,
    loaded: undefined,
    cursor: 0,
    grain: "hop",
    playing: false,
    speed: 1,
    busy: true,
    doing: undefined,
    empty: false,
    tab: "why",
    side: "manifests",
    filter: "",
    picked: [],
    breakpoints: new Set(),
    problems: [],
    failure: undefined,
    note: undefined,
  };
  readonly #listeners: Listener[] = [];
  /** Sends a request to the engine; absent where nothing can be run. */
  run?: (request: Request, opening?: Opening) => void;

  get state(): State {
    return this.#state;
  }

  listen(listener: Listener): void {
    this.#listeners.push(listener);
  }

  update(patch: Partial<State>): void {
    const before = this.#state;
    this.#state = { ...before, ...patch };
    for (const listener of this.#listeners) listener(this.#state, before);
  }

  /** Takes a new trace. A failure opens on its culprit at step grain; all else at the start. */
  load(
    {
      trace,
      flows,
      inventory = emptyInventory,
      settings = [],
      listens = {},
      warnings = [],
      notes = [],
      podsLeftOut = 0,
    }: Loadable,
    file: string,
    opening: Opening = {},
  ): void {
    const course = buildCourse(trace);
    const before = this.#state.loaded;
    const hop = viewOf(mainFlows(trace), inventory, before?.file === file ? before.views.step.layout.slots : undefined);
    const step = viewOf(trace.flows, inventory, hop.layout.slots);
    const spoilt = trace.outcome === "answered" ? undefined : culprit(course);
    this.update({
      loaded: {
        file,
        trace,
        course,
        views: { hop, step },
        flows,
        inventory,
        settings,
        listens,
        warnings,
        notes,
        podsLeftOut,
      },
      cursor: opening.step === undefined ? (spoilt ?? 0) : clamp(course, opening.step - 1),
      grain: opening.grain ?? (spoilt === undefined ? this.#state.grain : "step"),
      playing: false,
      busy: false,
      empty: false,
      picked: [],
      breakpoints: new Set(),
      problems: [],
      failure: undefined,
      note: opening.note,
    });
  }

  /** Moves the cursor by hand, which ends playing. */
  select(cursor: number): void {
    if (this.#state.loaded) this.update({ cursor: clamp(this.#state.loaded.course, cursor), playing: false });
  }
}

/** The slots of the view before: what it showed stays where it was. */
function viewOf(flows: readonly Flow[], inventory: Inventory, slots: Slots | undefined): View {
  const scene = buildScene(flows, inventory);
  const placed = layout(scene, slots);
  return { scene, layout: placed, ways: new Ways(scene, placed) };
}
