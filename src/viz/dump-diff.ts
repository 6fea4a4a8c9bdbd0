/** Lines that one of two dumps of the same command lacks. */
export interface DumpDiff {
  /** Expected, and not on the real node. */
  readonly missing: readonly string[];
  /** On the real node, and not expected. */
  readonly extra: readonly string[];
}

/**
 * Compares two dumps of `iptables-save`, `ipset save` or `ip` line by line, whatever their order. Counters, comments of
 * the tool and blanks do not count; a line that stands twice must be there twice.
 */
export function diffDumps(expected: string, real: string): DumpDiff {
  const [here, there] = [linesOf(expected), linesOf(real)];
  return { missing: without(here, there), extra: without(there, here) };
}

function linesOf(text: string): readonly string[] {
  return text
    .split("\n")
    .map((line) =>
      line
        .trim()
        .replace(/^\[\d+:\d+\] /, "")
        .replace(/ \[\d+:\d+\]$/, ""),
    )
    .filter((line) => line !== "" && !line.startsWith("#") && line !== "COMMIT");
}

/** The lines of `a` that are not in `b`, each as often as it is too many. */
function without(a: readonly string[], b: readonly string[]): readonly string[] {
  const left = new Map<string, number>();
  for (const line of b) left.set(line, (left.get(line) ?? 0) + 1);
  return a.filter((line) => {
    const count = left.get(line) ?? 0;
    left.set(line, count - 1);
    return count <= 0;
  });
}
