import { button, byId } from "./dom.ts";
import { eventsView } from "./events.ts";
import { helpDialog } from "./help.ts";
import { inputsView } from "./inputs.ts";
import { inspectorView } from "./inspector.ts";
import { type KeyBinding, bindings, listenForKeys } from "./keys.ts";
import { Player } from "./player.ts";
import { Runner } from "./runner.ts";
import { Stage } from "./stage.ts";
import { Store } from "./store.ts";
import { themeButton } from "./theme.ts";
import { timelineView } from "./timeline.ts";
import { verdictView } from "./verdict.ts";

const store = new Store();
const stage = new Stage(byId("stage"), byId("stage-summary"), store);
const player = new Player(byId("player"), store);
let keys: readonly KeyBinding[] = [];
const help = helpDialog(() => keys);
keys = bindings(store, player, stage, help, () => {
  stage.fit();
  store.update({ playing: false });
});
verdictView(byId("verdict"), store);
inspectorView(byId("inspector"), store);
timelineView(byId("timeline"), store);
eventsView(byId("events"), store);
announce(byId("live"));
byId("tools").append(themeButton(), button("Keys (?)", "?", help));
listenForKeys(keys);
inputsView(byId("inputs"), store, new Runner(store));

/** Tells screen readers where the cursor is, at most once in half a second. */
function announce(live: HTMLElement): void {
  let timer = 0;
  store.listen((state, before) => {
    if (state.cursor === before.cursor && state.loaded === before.loaded) return;
    clearTimeout(timer);
    timer = window.setTimeout(() => {
      const { loaded, cursor } = store.state;
      const moment = loaded?.course.moments[cursor];
      if (loaded && moment)
        live.textContent = `Step ${cursor + 1} of ${loaded.course.moments.length}. ${moment.step.text}`;
    }, 500);
  });
}
