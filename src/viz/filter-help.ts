import { filterKeys, filterValues } from "./filter.ts";
import type { Course } from "./moments.ts";

/** One way to go on with a filter. */
export interface Suggestion {
  /** What stands in the list: `kind:` or `kind:nat`. */
  readonly label: string;
  readonly about: string;
  /** The whole filter with it. */
  readonly text: string;
  /** Where the caret stands then. */
  readonly caret: number;
}

const mostValues = 12;

/** What can stand at the caret: a key, or after `key:` a value that occurs in the trace. */
export function suggestions(course: Course, text: string, caret: number): readonly Suggestion[] {
  const start = termStart(text, caret);
  const [, minus = "", key, typed = ""] = /^(-)?(?:([a-z]+):)?"?(.*)$/s.exec(text.slice(start, caret)) ?? [];
  const put = (label: string, about: string, space: string): Suggestion => {
    const before = `${text.slice(0, start)}${minus}${label}${space}`;
    return { label, about, text: `${before}${text.slice(caret).trimStart()}`, caret: before.length };
  };
  if (key === undefined) {
    const wanted = typed.toLowerCase();
    return filterKeys.filter((one) => one.key.startsWith(wanted)).map((one) => put(`${one.key}:`, one.about, ""));
  }
  const about = filterKeys.find((one) => one.key === key)?.about ?? "";
  return filterValues(course, key)
    .filter((value) => value.toLowerCase().includes(typed.toLowerCase()) && value !== typed)
    .slice(0, mostValues)
    .map((value) => put(`${key}:${/\s/.test(value) ? `"${value}"` : value}`, about, " "));
}

/** Where the term at the caret begins: after the last space that is not between quotes. */
function termStart(text: string, caret: number): number {
  let start = 0;
  let quoted = false;
  for (let at = 0; at < caret; at++) {
    if (text[at] === '"') quoted = !quoted;
    else if (text[at] === " " && !quoted) start = at + 1;
  }
  return start;
}
