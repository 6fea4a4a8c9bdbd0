import type { Problem } from "./protocol.ts";

/** The text of the input, whoever shows it: a plain text area first, CodeMirror once somebody works with it. */
export interface Editor {
  /** Setting it is not an edit: `onEdit` stays silent. */
  text: string;
  readonly element: HTMLElement;
  focus(): void;
  /** Brings a line into sight and selects it. Lines count from 1. */
  goTo(line: number): void;
  /** Marks the line that the current step comes from; none where undefined. */
  mark(line: number | undefined): void;
  problems(problems: readonly Problem[]): void;
}

export interface EditorEvents {
  onEdit(): void;
  /** The caret is on another line, counted from 1. */
  onLine(line: number): void;
}

/** An editor without any library: for the first moments, and where CodeMirror cannot be loaded. */
export function plainEditor(area: HTMLTextAreaElement, { onEdit, onLine }: EditorEvents): Editor {
  let line = 0;
  const report = (): void => {
    const now = area.value.slice(0, area.selectionStart).split("\n").length;
    if (now !== line) onLine((line = now));
  };
  area.addEventListener("input", onEdit);
  for (const name of ["keyup", "click", "focus"]) area.addEventListener(name, report);
  return {
    element: area,
    get text(): string {
      return area.value;
    },
    set text(text: string) {
      area.value = text;
    },
    focus: () => area.focus(),
    goTo(target) {
      const lines = area.value.split("\n");
      const start = lines.slice(0, target - 1).join("\n").length + (target > 1 ? 1 : 0);
      area.focus();
      area.setSelectionRange(start, start + (lines[target - 1]?.length ?? 0));
      area.scrollTop = (target - 3) * (area.scrollHeight / lines.length);
    },
    mark: () => undefined,
    problems: () => undefined,
  };
}
