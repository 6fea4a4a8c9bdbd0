/**
 * A regular expression of Go (RE2) as one of JavaScript; undefined when it is none, or one whose search could take
 * for ever here: RE2 never backtracks, JavaScript does where a repeated group holds a repetition.
 */
export function goPattern(source: string): RegExp | undefined {
  const flags = /^\(\?([imsU]+)\)/.exec(source);
  const body = source.slice(flags?.[0].length ?? 0).replaceAll("(?P<", "(?<");
  if (flags?.[1]?.includes("U") === true || repeatsRepetition(body)) return undefined;
  try {
    return new RegExp(body, flags?.[1] ?? "");
  } catch {
    return undefined;
  }
}

function repeatsRepetition(source: string): boolean {
  // Per open group: whether something in it is repeated or is an alternative.
  const open: boolean[] = [];
  let inClass = false;
  for (let index = 0; index < source.length; index++) {
    const character = source[index] as string;
    if (character === "\\") index++;
    else if (inClass) inClass = character !== "]";
    else if (character === "[") inClass = true;
    else if (character === "(") open.push(false);
    else if (character === ")") {
      const varies = open.pop() === true;
      if (varies && /[*+{]/.test(source[index + 1] ?? "")) return true;
      if (varies && open.length > 0) open[open.length - 1] = true;
    } else if (/[*+{|]/.test(character) && open.length > 0) open[open.length - 1] = true;
  }
  return false;
}

/** Puts the groups of a match where the replacement says `{0}`, `{1}`, ... . CoreDNS plugin/rewrite/name.go */
export function withGroups(replacement: string, groups: readonly (string | undefined)[]): string {
  return replacement.replace(/\{(\d+)\}/g, (whole, index: string) =>
    Number(index) < groups.length ? (groups[Number(index)] ?? "") : whole,
  );
}
