// "Did you mean": the nearest of the known names, or none when nothing is near.

import { nearest as nearestName } from '@onezero/static/options';

/** The candidate that was meant; the dashes of flags do not count. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  const byName = new Map<string, string>();
  for (const candidate of candidates) byName.set(candidate.replace(/^-+/, ''), candidate);
  return byName.get(nearestName(word.replace(/^-+/, ''), byName.keys()) ?? '');
}

/**
 * ` (did you mean "…"?)` with a leading blank, or nothing. A map gives each candidate, which may be another word for it, the name
 * to show.
 */
export function suggestion(word: string, candidates: Iterable<string> | ReadonlyMap<string, string>): string {
  const names = candidates instanceof Map ? (candidates as ReadonlyMap<string, string>) : undefined;
  const found = nearest(word, names?.keys() ?? (candidates as Iterable<string>));
  return found === undefined ? '' : ` (did you mean "${names?.get(found) ?? found}"?)`;
}
