// Suggests a name for a misspelt one.

/** Returns the known name that is nearest to a misspelt or abbreviated one; `undefined` if none is near. */
export function nearest(given: string, known: readonly string[]): string | undefined {
  const most = Math.min(2, given.length / 3);
  const rated = known.map((name) => ({ name, edits: given.length > 2 && name.startsWith(given) ? 0 : distance(given, name) }));
  return rated.filter(({ edits }) => edits <= most).sort((a, b) => a.edits - b.edits)[0]?.name;
}

/** The optimal string alignment distance: insertions, deletions, substitutions and swaps of neighbours. */
export function distance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, column) => column)];
  const at = (row: number, column: number) => rows[row]?.[column] ?? Infinity;
  for (let i = 1; i <= a.length; i++) {
    rows.push([i]);
    for (let j = 1; j <= b.length; j++) {
      const isSwap = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swapped = isSwap ? at(i - 2, j - 2) + 1 : Infinity;
      rows[i]?.push(Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1), swapped));
    }
  }
  return at(a.length, b.length);
}

/** A question to add to an error message, such as ` Did you mean --key-file?`; empty if no name is near. */
export function didYouMean(given: string, known: readonly string[], prefix = ""): string {
  const name = nearest(given, known);
  return name === undefined ? "" : ` Did you mean ${prefix}${name}?`;
}
