// The known name that a misspelt one was meant to be.

/** With so few letters, another first one makes another word: zip is not gzip. */
const SHORT_WORD = 4;

/** Longer words are not compared: the table of edits is as large as the product of both lengths. */
const LONGEST_WORD = 100;

/** The name that the fewest edits lead to, in any case, at most a third of the longer word; undefined when none is that near. */
export function nearest(word: string, names: Iterable<string>): string | undefined {
  if (word.length > LONGEST_WORD) return undefined;
  const given = word.toLowerCase();
  let best: string | undefined;
  let fewest = Number.POSITIVE_INFINITY;
  for (const name of names) {
    const known = name.toLowerCase();
    const longest = Math.max(given.length, known.length);
    if (Math.abs(given.length - known.length) > Math.max(1, longest / 3)) continue;
    if (given.length <= SHORT_WORD && given[0] !== known[0]) continue;
    const edits = editDistance(given, known);
    if (edits <= Math.max(1, longest / 3) && edits < fewest) [best, fewest] = [name, edits];
  }
  return best;
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
