// The known name that a misspelt one was meant to be.

/** The candidate that the fewest edits lead to, at most a third of the longer word; undefined when none is that near. */
export function suggestion(word: string, candidates: readonly string[]): string | undefined {
  let best: { readonly name: string; readonly edits: number } | undefined;
  for (const name of candidates) {
    const longest = Math.max(word.length, name.length);
    if (Math.abs(word.length - name.length) > longest / 3) continue;
    const edits = editDistance(word.toLowerCase(), name.toLowerCase());
    if (edits <= Math.max(1, longest / 3) && edits < (best?.edits ?? Number.POSITIVE_INFINITY)) best = { name, edits };
  }
  return best?.name;
}

/** Insertions, deletions and replacements (Levenshtein), one row of the table at a time. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let index = 0; index < from.length; index++) {
    const next = [index + 1];
    for (let column = 1; column <= to.length; column++) {
      const replaced = (row[column - 1] ?? 0) + (from[index] === to[column - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
