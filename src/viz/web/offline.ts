import type { Trace } from "../../trace/records.ts";
import { byId } from "./dom.ts";
import { showTraces } from "./shell.ts";
import { Store } from "./store.ts";

/* The page without its input side: it plays the one trace that its file carries, and asks for nothing else. */

document.body.classList.add("offline");
const store = new Store();
showTraces(store, {});
const trace = JSON.parse(byId("kubehop-trace").textContent ?? "") as Trace;
store.load({ trace, flows: [] }, trace.probe.run);
