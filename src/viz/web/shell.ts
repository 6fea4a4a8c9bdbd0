import { announce } from "./announce.ts";
import { assumptionsView } from "./assumptions.ts";
import { button, byId } from "./dom.ts";
import { eventsView } from "./events.ts";
import { pictureMenu, saveSvg } from "./export.ts";
import { helpDialog } from "./help.ts";
import { inspectorView } from "./inspector.ts";
import { type KeyBinding, type PageActions, bindings, listenForKeys } from "./keys.ts";
import { packetLine } from "./packet-line.ts";
import { Player } from "./player.ts";
import { presenter } from "./presenter.ts";
import { ribbonView } from "./ribbon.ts";
import { Stage } from "./stage.ts";
import type { Store } from "./store.ts";
import { themeButton } from "./theme.ts";
import { timelineView } from "./timeline.ts";
import { verdictView } from "./verdict.ts";

/** Everything that shows a trace: the whole page but its input side. */
export function showTraces(store: Store, input: Pick<PageActions, "again" | "share">): void {
  const stage = new Stage(byId("stage"), byId("stage-summary"), store);
  const player = new Player(byId("player"), store);
  const presenting = presenter(byId("caption"), store, stage);
  verdictView(byId("verdict"), store);
  ribbonView(byId("ribbon"), store);
  packetLine(byId("wire"), store);
  inspectorView(byId("inspector"), store);
  const timeline = timelineView(byId("timeline"), store);
  const events = eventsView(byId("events"), byId("filter-bar"), store);
  announce(byId("live"), store);
  assumptionsView(byId("assumptions"), store);
  let keys: readonly KeyBinding[] = [];
  const help = helpDialog(() => keys);
  keys = bindings(
    { store, player, stage, timeline, help },
    {
      ...input,
      filter: () => events.focusFilter(),
      saveSvg: () => saveSvg(byId("stage")),
      present: () => presenting.toggle(),
      clear: () => {
        presenting.end();
        stage.fit();
        timeline.fit();
        store.update({ playing: false, filter: "", picked: [] });
      },
    },
  );
  listenForKeys(keys);
  const { share } = input;
  byId("tools").append(
    ...(share ? [button("Share: copy a link to this step (y)", "Share", share)] : []),
    pictureMenu(byId("stage")),
    button("Present (P)", "Present", () => presenting.toggle()),
    themeButton(),
    button("Keys (?)", "?", help),
  );
}
