// Globs, with two conventions: without a slash they match names anywhere, a leading slash roots them.
//
//   *      any characters of one name          **     any names, also none, between slashes
//   ?      one character                       {a,b}  either
//   [a-z]  one of these, [!a-z] none of them   \      the next character as it is
//
// A request chooses the path that globs are matched against, so matching takes time in proportion to path and glob, whatever
// they are: names are matched with one place to go back to, and a path is walked once, with the set of places in the glob that
// its names so far can have led to. Extended patterns such as `+(a)` or `!(a)`, which need more, are refused.

/** Tests a path below the root, without its leading slash. */
export type PathTest = (path: string) => boolean;

/** Tests whether the names of a path, from the root downwards, lead to or below something. */
export type NamesTest = (names: readonly string[]) => boolean;

/** What braces of one glob may multiply to. */
const MAX_ALTERNATIVES = 256;

type Piece = { readonly any: true } | { readonly any: false; readonly test: (sign: string) => boolean };

/** The names of a glob: as they are, with wildcards, or undefined for `**`. */
type Pattern = readonly (string | readonly Piece[] | undefined)[];

/** Names in one glob: places in it are the bits of a number. */
const MAX_NAMES = 30;

interface Options {
  readonly ignoreCase: boolean;
}

/** Whether any of `globs` matches a whole path. Throws a TypeError for a glob that is none. */
export function anyGlob(globs: readonly string[], options: Options): PathTest {
  const patterns = globs.flatMap((glob) => compile(glob, options));
  return (path) => {
    if (patterns.length === 0) return false;
    const names = fold(path, options).split('/');
    return patterns.some((pattern) => leadsThrough(pattern, names, false));
  };
}

/** Whether any of `globs` matches a path, or a directory that it lies in. Throws a TypeError for a glob that is none. */
export function anyGlobAbove(globs: readonly string[], options: Options): NamesTest {
  const patterns = globs.flatMap((glob) => compile(glob, options));
  return (names) => {
    if (patterns.length === 0) return false;
    const folded = options.ignoreCase ? names.map((name) => name.toLowerCase()) : names;
    return patterns.some((pattern) => leadsThrough(pattern, folded, true));
  };
}

/** What is wrong with a glob, in words that complete "expected …"; undefined for a good one. */
export function globProblem(glob: string): string | undefined {
  if (/[@!+?*]\(/.test(glob.replace(/\\./g, ''))) return 'a glob without extended patterns such as !(a)';
  if (/\{[^{},]*\.\.[^{},]*\}/.test(glob)) return 'a glob without ranges in braces';
  const alternatives = expandBraces(glob);
  if (alternatives === undefined)
    return `a glob whose braces are closed and stand for at most ${MAX_ALTERNATIVES} others`;
  if (alternatives.some((one) => one.split('/').length > MAX_NAMES)) return `a glob of at most ${MAX_NAMES} names`;
  return alternatives.some((one) => one.split('/').some((name) => piecesOf(name) === undefined))
    ? 'a glob whose brackets are closed'
    : undefined;
}

function compile(glob: string, options: Options): readonly Pattern[] {
  const problem = globProblem(glob);
  if (problem !== undefined) throw new TypeError(`expected ${problem}, not ${JSON.stringify(glob)}`);
  const pattern = glob.replace(/\/$/, '');
  const isName = !pattern.includes('/');
  return (expandBraces(pattern.replace(/^\//, '')) ?? []).map((one) => {
    const names = fold(one, options)
      .split('/')
      .map((name) => (name === '**' ? undefined : /[*?[\\]/.test(name) ? piecesOf(name) : name));
    return isName ? [undefined, ...names] : names;
  });
}

function fold(text: string, { ignoreCase }: Options): string {
  return ignoreCase ? text.toLowerCase() : text;
}

/** Every text that the braces of a glob stand for; undefined when they are not closed or stand for too many. */
export function expandBraces(glob: string): readonly string[] | undefined {
  const done: string[] = [];
  const open = [glob];
  for (let text = open.pop(); text !== undefined; text = open.pop()) {
    const braces = innermostBraces(text);
    if (braces === 'unclosed' || open.length + done.length > MAX_ALTERNATIVES) return undefined;
    if (braces === undefined) done.push(text);
    else
      for (const inner of braces.alternatives) open.push(text.slice(0, braces.start) + inner + text.slice(braces.end));
  }
  return done.length > MAX_ALTERNATIVES ? undefined : done;
}

interface Braces {
  readonly start: number;
  readonly end: number;
  readonly alternatives: readonly string[];
}

/** The first pair of braces that has none inside. */
function innermostBraces(text: string): Braces | 'unclosed' | undefined {
  let start: number | undefined;
  let commas: number[] = [];
  for (let at = 0; at < text.length; at++) {
    const sign = text[at];
    if (sign === '\\') at++;
    else if (sign === '{') {
      start = at;
      commas = [];
    } else if (sign === ',' && start !== undefined) commas.push(at);
    else if (sign === '}') {
      if (start === undefined) return 'unclosed';
      const cuts = [start, ...commas, at];
      const alternatives = cuts.slice(1).map((cut, index) => text.slice((cuts[index] ?? 0) + 1, cut));
      return { start, end: at + 1, alternatives };
    }
  }
  return start === undefined ? undefined : 'unclosed';
}

const ANY: Piece = { any: true };

/** The pieces of one name; undefined when a bracket is not closed. */
function piecesOf(name: string): readonly Piece[] | undefined {
  const pieces: Piece[] = [];
  for (let at = 0; at < name.length; at++) {
    const sign = String.fromCodePoint(name.codePointAt(at) ?? 0);
    if (sign === '*') {
      if (pieces.at(-1) !== ANY) pieces.push(ANY);
    } else if (sign === '?') pieces.push({ any: false, test: () => true });
    else if (sign === '[') {
      const end = name.indexOf(']', name[at + 1] === '!' || name[at + 1] === '^' ? at + 3 : at + 2);
      if (end === -1) return undefined;
      pieces.push({ any: false, test: classTest(name.slice(at + 1, end)) });
      at = end;
    } else {
      const escaped = sign === '\\' && at + 1 < name.length ? String.fromCodePoint(name.codePointAt(++at) ?? 0) : sign;
      pieces.push({ any: false, test: (other) => other === escaped });
      at += escaped.length - 1;
    }
  }
  return pieces;
}

function classTest(text: string): (sign: string) => boolean {
  const isNegated = text.startsWith('!') || text.startsWith('^');
  const signs = Array.from(isNegated ? text.slice(1) : text);
  const ranges: [string, string][] = [];
  for (let index = 0; index < signs.length; index++) {
    const from = signs[index] ?? '';
    const isRange = signs[index + 1] === '-' && index + 2 < signs.length;
    ranges.push([from, isRange ? (signs[index + 2] ?? '') : from]);
    if (isRange) index += 2;
  }
  return (sign) => ranges.some(([from, to]) => sign >= from && sign <= to) !== isNegated;
}

/** Walks the names once. With `above`, a pattern that is through before the names are has matched a directory. */
function leadsThrough(pattern: Pattern, names: readonly string[], above: boolean): boolean {
  const through = 1 << pattern.length;
  let places = withoutNames(pattern, 1);
  for (let index = 0; index < names.length; index++) {
    places = withoutNames(pattern, placesAfter(pattern, places, names[index] ?? ''));
    if (places === 0) return false;
    if (above && (places & through) !== 0) return true;
  }
  return (places & through) !== 0;
}

/** Where a name leads from any of the places. */
function placesAfter(pattern: Pattern, places: number, name: string): number {
  let next = 0;
  for (let place = 0; place < pattern.length; place++) {
    if ((places & (1 << place)) === 0) continue;
    const wanted = pattern[place];
    if (wanted === undefined) next |= 1 << place;
    else if (typeof wanted === 'string' ? wanted === name : matchesName(wanted, Array.from(name)))
      next |= 1 << (place + 1);
  }
  return next;
}

/** The places with those behind `**`, which may stand for no name at all. */
function withoutNames(pattern: Pattern, places: number): number {
  let all = places;
  for (let place = 0; place < pattern.length; place++) {
    if (pattern[place] === undefined && (all & (1 << place)) !== 0) all |= 1 << (place + 1);
  }
  return all;
}

/** Matches greedily; only the last `*` is ever gone back to, since what an earlier one could take, a later one can. */
function matchesName(pieces: readonly Piece[], signs: readonly string[]): boolean {
  let [piece, sign, starPiece, starSign] = [0, 0, -1, 0];
  while (sign < signs.length) {
    const wanted = pieces[piece];
    if (wanted?.any === true) {
      starPiece = piece++;
      starSign = sign;
    } else if (wanted?.test(signs[sign] ?? '') === true) {
      piece++;
      sign++;
    } else if (starPiece !== -1) {
      piece = starPiece + 1;
      sign = ++starSign;
    } else return false;
  }
  while (pieces[piece]?.any === true) piece++;
  return piece === pieces.length;
}

/**
 * A last part before the extension that no person writes: hexadecimal with letters and digits (`main.8f3a9c1d.css`), mixed case
 * with digits (`app-BsQk3x9Z.js`), or eight capitals and digits (`chunk-4GQ7ZLSA.js`). Dates and words are not taken for one.
 */
const HASHED_NAME =
  /[.-](?:(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{8,64}|(?=\w*\d)(?=\w*[a-z])(?=\w*[A-Z])\w{8,32}|(?=[A-Z]*\d)(?=(?:\d*[A-Z]){3})[0-9A-Z]{8})(?:\.\w+){1,2}$/;

/** Whether a file's name says that another content would have another name. */
export function isHashedName(path: string): boolean {
  return HASHED_NAME.test(path.slice(path.lastIndexOf('/') + 1));
}
