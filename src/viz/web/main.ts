import { byId } from "./dom.ts";
import { firstSample } from "./first-sample.ts";
import { inputsView } from "./inputs.ts";
import { noticeView } from "./notice.ts";
import { Runner } from "./runner.ts";
import { samples } from "./samples.ts";
import { shareLink } from "./share-button.ts";
import { showTraces } from "./shell.ts";
import { Store } from "./store.ts";

const store = new Store();
const runner = new Runner(store);
store.run = (request, opening) => runner.run(request, opening);
showTraces(store, {
  again: () => runner.again(),
  share: () => void shareLink(store),
  examples: () =>
    samples.map(({ file, label }) => ({ group: "Examples", label, run: () => void inputs.openSample(file) })),
});
const inputs = inputsView(byId("inputs"), store, runner);
noticeView(byId("notice"), store, {
  cancel: () => runner.cancel(),
  openSample: () => void inputs.openSample(firstSample),
  showProblems: () => document.querySelector<HTMLElement>(".problems button")?.focus(),
  showWhole: () => inputs.showWhole(),
});
addEventListener("hashchange", () => void inputs.openLink(location.hash));
void inputs.openLink(location.hash);
