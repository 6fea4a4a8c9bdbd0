import { el } from "./dom.ts";
import type { Problem } from "./protocol.ts";
import type { State } from "./store.ts";

/** What is wrong with the input, each with a way to its line; where nothing is, what may be meant otherwise. */
export function problemList(
  { problems, failure, loaded }: Pick<State, "problems" | "failure" | "loaded">,
  goTo: (line: number) => void,
): Node[] {
  const wrong = problems.filter(({ severity }) => severity !== "warning");
  const shown = wrong.length > 0 ? wrong : problems;
  if (failure !== undefined) return [el("p", { class: "failure" }, failure), ...titled(shown, "problem", goTo)];
  if (shown.length > 0) return titled(shown, "problem", goTo);
  const { warnings = [], notes = [] } = loaded ?? {};
  if (warnings.length + notes.length === 0) return [];
  const count = warnings.length + notes.length;
  return [
    el(
      "details",
      { class: "warnings" },
      el("summary", {}, count === 1 ? "One remark on the input" : `${count} remarks on the input`),
      el("ul", {}, ...warnings.map((one) => item(one, goTo)), ...notes.map((note) => el("li", {}, note))),
    ),
  ];
}

function titled(problems: readonly Problem[], what: string, goTo: (line: number) => void): Node[] {
  if (problems.length === 0) return [];
  const title = problems.length === 1 ? `One ${what}` : `${problems.length} ${what}s`;
  return [el("h2", {}, title), el("ul", {}, ...problems.map((one) => item(one, goTo)))];
}

function item({ code, file, line, column, message }: Problem, goTo: (line: number) => void): HTMLElement {
  const link = el("button", { type: "button", class: "link" }, `${file}:${line}:${column}`);
  link.addEventListener("click", () => goTo(line));
  return el("li", {}, link, ` ${message} `, el("code", {}, code));
}
