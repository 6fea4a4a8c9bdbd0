import { announce } from "./announce.ts";
import { assumptionsView } from "./assumptions.ts";
import { button, byId, el, icon } from "./dom.ts";
import { eventsView } from "./events.ts";
import { pictureMenu, saveSvg } from "./export.ts";
import { helpDialog } from "./help.ts";
import { inspectorView } from "./inspector.ts";
import { forkAt } from "../navigate.ts";
import { type KeyBinding, type PageActions, bindings, branchKeys, listenForKeys, takeBranch } from "./keys.ts";
import { packetLine } from "./packet-line.ts";
import { type Command, paletteDialog } from "./palette.ts";
import { phone } from "./phone.ts";
import { Player } from "./player.ts";
import { presenter } from "./presenter.ts";
import { ribbonView } from "./ribbon.ts";
import { splitter } from "./splitter.ts";
import { Stage } from "./stage.ts";
import type { Store } from "./store.ts";
import { themeButton, turnTheme } from "./theme.ts";
import { type Timeline, timelineView } from "./timeline.ts";
import { verdictView } from "./verdict.ts";

/** What the input side adds to the page; a page that plays one trace has none. */
export interface InputSide extends Pick<PageActions, "again" | "share"> {
  readonly examples?: () => readonly Command[];
}

const magnifier = "M7,2.5A4.5,4.5,0,1,1,7,11.5A4.5,4.5,0,1,1,7,2.5M10.5,10.5L14,14";

/** Everything that shows a trace: the whole page but its input side. */
export function showTraces(store: Store, { again, share, examples }: InputSide): void {
  const stage = new Stage(byId("stage"), byId("stage-summary"), store);
  const player = new Player(byId("player"), store);
  const presenting = presenter(byId("caption"), store, stage);
  verdictView(byId("verdict"), store);
  ribbonView(byId("ribbon"), store);
  packetLine(byId("wire"), store);
  inspectorView(byId("inspector"), store);
  const timeline = timelineView(byId("timeline"), store);
  byId("deck").append(lanesSelect(timeline));
  const events = eventsView(byId("events"), byId("filter-bar"), store);
  announce(byId("live"), store);
  assumptionsView(byId("assumptions"), store);
  let keys: readonly KeyBinding[] = [];
  const help = helpDialog(() => keys);
  keys = bindings(
    { store, player, stage, timeline },
    {
      ...(again && { again }),
      ...(share && { share }),
      filter: () => events.focusFilter(),
      saveSvg: () => saveSvg(byId("stage")),
      present: () => presenting.toggle(),
      help,
      clear: () => {
        presenting.end();
        stage.fit();
        timeline.fit();
        store.update({ playing: false, filter: "", picked: [] });
      },
    },
  );
  const palette = paletteDialog(store, {
    commands: () => [
      ...branchesOf(store),
      ...keys.flatMap(commandOf),
      { group: "Do", label: "light or dark", run: turnTheme },
      ...(examples?.() ?? []),
    ],
    lookAt: (name) => stage.lookAt(name),
  });
  listenForKeys(keys, palette);
  phone(player, share);
  const panes = document.querySelector<HTMLElement>(".panes");
  if (panes) splitter(panes);
  byId("tools").append(
    button("Search and commands (Ctrl+K)", icon(magnifier), palette),
    ...(share ? [button("Share: copy a link to this step (y)", "Share", share)] : []),
    pictureMenu(byId("stage")),
    button("Present (P)", "Present", () => presenting.toggle()),
    themeButton(),
    button("Keys (?)", "?", help),
  );
}

/** A key as a command; which branches there are depends on the fork. */
function commandOf({ group, label, does, keys, run }: KeyBinding): readonly Command[] {
  const [key = ""] = keys;
  return keys === branchKeys ? [] : [{ group, label: does, hint: label, run: () => run(key) }];
}

function branchesOf(store: Store): readonly Command[] {
  const { loaded, cursor, grain } = store.state;
  const fork = loaded && forkAt(loaded.course, cursor, grain);
  return (fork?.options ?? []).map(({ label }, index) => ({
    group: "Branches",
    label: `take ${label}`,
    hint: index === fork?.taken ? "taken" : String(index + 1),
    run: () => takeBranch(store, index + 1),
  }));
}

function lanesSelect(timeline: Timeline): HTMLElement {
  const select = el(
    "select",
    { "aria-label": "Lanes of the timeline", class: "lanes-select" },
    el("option", { value: "places" }, "lanes: places"),
    el("option", { value: "layers" }, "lanes: layers"),
  );
  select.addEventListener("change", () => timeline.lanes(select.value === "layers" ? "layers" : "places"));
  return select;
}
