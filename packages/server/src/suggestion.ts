// "Did you mean": the nearest of the known names, or none when nothing is near.

// With so few letters, another first one makes another word: zip is not gzip.
const shortWord = 4;

/**
 * The candidate that takes the fewest edits to reach, at most a third of the longer word; undefined when none does. The
 * dashes of flags do not count.
 */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  const given = word.replace(/^-+/, '').toLowerCase();
  let best: string | undefined;
  let fewest = Infinity;
  for (const candidate of candidates) {
    const known = candidate.replace(/^-+/, '').toLowerCase();
    if (given.length <= shortWord && given[0] !== known[0]) continue;
    const edits = distance(given, known);
    if (edits < fewest && edits <= Math.max(1, Math.floor(Math.max(given.length, known.length) / 3))) {
      best = candidate;
      fewest = edits;
    }
  }
  return best;
}

/** ` (did you mean "…"?)` with a leading blank, or nothing. */
export function suggestion(word: string, candidates: Iterable<string>): string {
  const found = nearest(word, candidates);
  return found === undefined ? '' : ` (did you mean "${found}"?)`;
}

// Edits are insertions, deletions, replacements and swaps of neighbours, the slip that fingers make most (optimal string
// alignment). Words longer than any name of ours are not compared: the table is as large as the product of both lengths.
const longestWord = 100;

function distance(from: string, to: string): number {
  if (from.length > longestWord || to.length > longestWord) return Infinity;
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const isSame = from[row - 1] === to[column - 1];
      let edits = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (isSame ? 0 : 1),
      );
      const isSwap = row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      if (isSwap) edits = Math.min(edits, (beforeLast[column - 2] ?? 0) + 1);
      current.push(edits);
    }
    beforeLast = last;
    last = current;
  }
  return last[to.length] ?? Infinity;
}
