/** What may come next: a value; a value or `]`; a member name; a member name or `}`; `:`; `,` or the closing bracket. */
type Expected = "value" | "first-element" | "name" | "first-name" | "colon" | "end";

const word = /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-])/y;
const quoted = /"(?:[^"\\\p{Cc}]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/uy;

/**
 * The offset of the first fault of a JSON text from `start` on: JSON.parse does not say where it gave up in every
 * engine. Only called for a text that JSON.parse refused.
 */
export function findJsonFault(text: string, start: number, end: number): number {
  const closings: ("}" | "]")[] = [];
  let expected: Expected = "value";
  let at = start;
  while (at < end) {
    const char = text[at] as string;
    if (" \n\r\t".includes(char)) {
      at++;
      continue;
    }
    const closing = closings.at(-1);
    const mayClose = expected === "end" || expected === (closing === "]" ? "first-element" : "first-name");
    if (mayClose && char === closing) {
      closings.pop();
      expected = "end";
      at++;
    } else if (expected === "end") {
      if (char !== "," || closing === undefined) return at;
      expected = closing === "}" ? "name" : "value";
      at++;
    } else if (expected === "colon") {
      if (char !== ":") return at;
      expected = "value";
      at++;
    } else if (expected === "name" || expected === "first-name") {
      const next = matchEnd(quoted, text, at);
      if (next === undefined) return at;
      expected = "colon";
      at = next;
    } else if (char === "{" || char === "[") {
      closings.push(char === "{" ? "}" : "]");
      expected = char === "{" ? "first-name" : "first-element";
      at++;
    } else {
      const next = matchEnd(char === '"' ? quoted : word, text, at);
      if (next === undefined) return at;
      expected = "end";
      at = next;
    }
  }
  return at;
}

function matchEnd(pattern: RegExp, text: string, at: number): number | undefined {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : undefined;
}
