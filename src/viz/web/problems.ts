import { el } from "./dom.ts";
import type { State } from "./store.ts";

/** What is wrong with the input, each with a way to its line. */
export function problemList(
  { problems, failure }: Pick<State, "problems" | "failure">,
  goTo: (line: number) => void,
): Node[] {
  const items = problems.map(({ code, file, line, column, message }) => {
    const link = el("button", { type: "button", class: "link" }, `${file}:${line}:${column}`);
    link.addEventListener("click", () => goTo(line));
    return el("li", {}, link, ` ${message} `, el("code", {}, code));
  });
  const title = items.length === 1 ? "One problem" : `${items.length} problems`;
  const list = items.length === 0 ? [] : [el("h2", {}, title), el("ul", {}, ...items)];
  return failure === undefined ? list : [el("p", { class: "failure" }, failure), ...list];
}
