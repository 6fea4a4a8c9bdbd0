import { el } from "./dom.ts";

export interface TabBar<K extends string> {
  readonly element: HTMLElement;
  /** Makes an element the panel of a tab. */
  adopt(key: K, panel: HTMLElement): void;
  /** Shows that one as chosen; where each tab has a panel of its own, the others are hidden. */
  select(key: K): void;
}

/** Tabs as WAI-ARIA describes them: one is in the tab order, arrows go to the others. */
export function tabBar<K extends string>(
  label: string,
  prefix: string,
  words: Readonly<Record<K, string>>,
  choose: (key: K) => void,
): TabBar<K> {
  const keys = Object.keys(words) as K[];
  const handles = new Map(
    keys.map((key) => {
      const handle = el("button", { type: "button", role: "tab", id: `${prefix}-${key}` }, words[key]);
      handle.addEventListener("click", () => choose(key));
      return [key, handle] as const;
    }),
  );
  const panels = new Map<K, HTMLElement>();
  const element = el("div", { role: "tablist", class: "tabs", "aria-label": label }, ...handles.values());
  element.addEventListener("keydown", (event) => {
    const by = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (by === 0) return;
    event.preventDefault();
    event.stopPropagation();
    const at = keys.findIndex((key) => handles.get(key) === document.activeElement);
    const next = keys[(at + by + keys.length) % keys.length] as K;
    choose(next);
    handles.get(next)?.focus();
  });
  return {
    element,
    adopt(key, panel) {
      panels.set(key, panel);
      panel.setAttribute("role", "tabpanel");
      panel.id ||= `${prefix}-panel-${key}`;
      panel.setAttribute("aria-labelledby", `${prefix}-${key}`);
      handles.get(key)?.setAttribute("aria-controls", panel.id);
    },
    select(chosen) {
      for (const [key, handle] of handles) {
        handle.setAttribute("aria-selected", String(key === chosen));
        handle.tabIndex = key === chosen ? 0 : -1;
      }
      if (new Set(panels.values()).size === 1)
        panels.get(chosen)?.setAttribute("aria-labelledby", `${prefix}-${chosen}`);
      else for (const [key, panel] of panels) panel.hidden = key !== chosen;
    },
  };
}
