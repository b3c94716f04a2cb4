// Which of many globs match a path, without asking each of them.
//
// Most globs of a long list name something outright: the first directory (`/docs/**`), the file (`robots.txt`, `/a/b.html`) or an
// extension (`*.css`). They are found by that name, and then asked; globs that name nothing of this kind are always asked.

import { anyGlob, expandBraces } from './globs.ts';

/** The numbers of the globs that match a whole path, in order. Throws a TypeError for a glob that is none. */
export function globIndex(globs: readonly string[]): (path: string) => readonly number[] {
  const tests = globs.map((glob) => anyGlob([glob], { ignoreCase: false }));
  const byKey = new Map<string, number[]>();
  const always: number[] = [];
  for (const [number, glob] of globs.entries()) {
    const keys = keysOf(glob);
    if (keys === undefined) always.push(number);
    else for (const key of keys) byKey.set(key, [...(byKey.get(key) ?? []), number]);
  }
  if (globs.length === 0) return () => always;
  return (path) => {
    const candidates = new Set(always);
    for (const key of keysOfPath(path)) for (const number of byKey.get(key) ?? []) candidates.add(number);
    return [...candidates].toSorted((a, b) => a - b).filter((number) => tests[number]?.(path) === true);
  };
}

/** What a path must have for a glob to match it: one of these. Undefined for a glob that is to be asked in any case. */
function keysOf(glob: string): ReadonlySet<string> | undefined {
  const keys = (expandBraces(glob) ?? []).map(keyOf);
  return keys.every((key) => key !== undefined) ? new Set(keys) : undefined;
}

function keyOf(glob: string): string | undefined {
  if (glob.includes('\\')) return undefined;
  const names = glob.replace(/\/$/, '').replace(/^\//, '').split('/');
  const isRooted = glob.replace(/\/$/, '').includes('/');
  const [first = '', last = ''] = [names[0], names.at(-1)];
  if (isLiteral(last)) return `last:${last}`;
  if (isRooted && isLiteral(first)) return `first:${first}`;
  const extension = /^\*(\.[^*?[\]]+)$/.exec(last)?.[1];
  return extension === undefined ? undefined : `extension:${extension}`;
}

function isLiteral(name: string): boolean {
  return !/[*?[\]]/.test(name);
}

function* keysOfPath(path: string): Generator<string> {
  const slash = path.indexOf('/');
  const last = path.slice(path.lastIndexOf('/') + 1);
  yield `last:${last}`;
  yield `first:${slash === -1 ? path : path.slice(0, slash)}`;
  for (let dot = last.indexOf('.'); dot !== -1; dot = last.indexOf('.', dot + 1)) yield `extension:${last.slice(dot)}`;
}
