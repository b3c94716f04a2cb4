// "Did you mean": the nearest of the known names, or none when nothing is near.

import { nearest as nearestName } from '@onezero/static/options';

/** The candidate that was meant; the dashes of flags do not count. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  const byName = new Map<string, string>();
  for (const candidate of candidates) byName.set(candidate.replace(/^-+/, ''), candidate);
  return byName.get(nearestName(word.replace(/^-+/, ''), byName.keys()) ?? '');
}

/** ` (did you mean "…"?)` with a leading blank, or nothing. */
export function suggestion(word: string, candidates: Iterable<string>): string {
  const found = nearest(word, candidates);
  return found === undefined ? '' : ` (did you mean "${found}"?)`;
}
