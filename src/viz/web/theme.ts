import { button, el, icon } from "./dom.ts";

const sun =
  "M8,5A3,3,0,1,1,8,11A3,3,0,1,1,8,5M8,1V2.5M8,13.5V15M1,8H2.5M13.5,8H15M3,3L4,4M12,12L13,13M3,13L4,12M12,4L13,3";

/** A button that turns between light and dark; without it the system decides. */
export function themeButton(): HTMLElement {
  return el("span", {}, button("Light or dark", icon(sun), turnTheme));
}

export function turnTheme(): void {
  const { documentElement: root } = document;
  const dark =
    root.dataset["theme"] === undefined
      ? matchMedia("(prefers-color-scheme: dark)").matches
      : root.dataset["theme"] === "dark";
  root.dataset["theme"] = dark ? "light" : "dark";
}
