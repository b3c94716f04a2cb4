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

/** Insertions, deletions, replacements and swaps of neighbours, the slip that fingers make most; a row of the table at a time. */
function editDistance(from: string, to: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let index = 1; index <= from.length; index++) {
    const row = [index];
    for (let column = 1; column <= to.length; column++) {
      const replaced = (last[column - 1] ?? 0) + (from[index - 1] === to[column - 1] ? 0 : 1);
      const isSwap =
        index > 1 && column > 1 && from[index - 1] === to[column - 2] && from[index - 2] === to[column - 1];
      const swapped = isSwap ? (beforeLast[column - 2] ?? 0) + 1 : replaced;
      row.push(Math.min(replaced, swapped, (last[column] ?? 0) + 1, (row[column - 1] ?? 0) + 1));
    }
    beforeLast = last;
    last = row;
  }
  return last[to.length] ?? 0;
}
