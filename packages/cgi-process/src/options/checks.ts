// Checks options against their table. What is wrong, at whatever depth, is one TypeError of one line that begins with the
// option's path: options may come from plain JavaScript or a file that no compiler has seen, and a misspelt one must not be
// ignored.

import { nearest } from './nearest.ts';
import type { Complete, Member, Members, Shape, Table } from './shape.ts';

/**
 * Throws a TypeError that names the first option that `table` does not have, whose value does not fit, or that is missing.
 *
 * @param subject put in front of the message, such as the name of the function that was called
 */
export function checkOptions(table: Members, options: unknown, subject?: string): void {
  const problem = problemWith({ type: 'object', members: table }, options, '');
  if (problem !== undefined) throw new TypeError(subject === undefined ? problem : `${subject}: ${problem}`);
}

/** The options with the defaults of their table for those left out. */
export function completed<Options extends object>(
  table: Table<Options>,
  options: Options | undefined,
): Complete<Options> {
  const entries = Object.entries<Member>(table).map(([name, member]): [string, unknown] => {
    const given: unknown = options?.[name as keyof Options];
    return [name, given === undefined ? member.default : given];
  });
  return Object.fromEntries(entries) as Complete<Options>;
}

/** The object around one, in which a member may have its place. */
interface Around {
  readonly members: Members;
  readonly path: string;
}

type Simple = Exclude<Shape, { type: 'list' | 'map' | 'object' | 'either' }>;

/** What is wrong with a value, in one line; undefined when it fits. `path` is '' for the options themselves. */
function problemWith(shape: Shape, value: unknown, path: string, around?: Around): string | undefined {
  switch (shape.type) {
    case 'list':
      if (!Array.isArray(value) || value.length < (shape.minimum ?? 0)) return refusal(shape, value, path);
      return first([...value.keys()], (index) => problemWith(shape.item, value[index], below(path, String(index))));
    case 'map':
      if (!isRecord(value)) return refusal(shape, value, path);
      return first(Object.keys(value), (key) => {
        if (shape.key?.test(key) === false) return `${below(path, key)}: expected ${shape.expects} for a name`;
        return problemWith(shape.value, value[key], below(path, key));
      });
    case 'object':
      return isRecord(value) ? problemWithMembers(shape.members, value, path, around) : refusal(shape, value, path);
    case 'either':
      return problemWithAll(shape.shapes, value, path, around);
    default:
      return fits(shape, value) ? undefined : refusal(shape, value, path);
  }
}

/** A name that is not known goes first: when one is missing, it most often is the one that was misspelt. */
function problemWithMembers(
  members: Members,
  value: Readonly<Record<string, unknown>>,
  path: string,
  around?: Around,
): string | undefined {
  const names = Object.keys(value);
  const stranger = names.find((name) => !Object.hasOwn(members, name));
  if (stranger !== undefined) {
    const elsewhere = around && placeOf(stranger, around);
    const instead = elsewhere === undefined ? advice(stranger, members, path) : `; did you mean ${elsewhere}?`;
    return `${below(path, stranger)}: is not an option${instead}`;
  }
  const missing = Object.keys(members).find((name) => members[name]?.isRequired && value[name] === undefined);
  if (missing !== undefined) return `${below(path, missing)}: is missing`;
  return first(names, (name) => {
    const shape = value[name] === undefined ? undefined : members[name]?.shape;
    return shape === undefined ? undefined : problemWith(shape, value[name], below(path, name), { members, path });
  });
}

/** Of several shapes one has to fit. When none does, a list or object is answered for by the shape that is alike. */
function problemWithAll(shapes: readonly Shape[], value: unknown, path: string, around?: Around): string | undefined {
  const problems = shapes.map((shape) => problemWith(shape, value, path, around));
  if (problems.includes(undefined)) return undefined;
  const alike = shapes.findIndex(({ type }) =>
    isRecord(value) ? type === 'object' || type === 'map' : type === 'list' && Array.isArray(value),
  );
  return problems[alike] ?? refusal({ type: 'either', shapes }, value, path);
}

function fits(shape: Simple, value: unknown): boolean {
  switch (shape.type) {
    case 'integer':
      return isUnlimited(shape, value) || isCount(value, shape.minimum, shape.maximum);
    case 'duration':
    case 'size':
      return isUnlimited(shape, value) || isCount(value, 0);
    case 'number':
      return Number.isFinite(value);
    case 'text':
      if (typeof value !== 'string' || shape.refuse?.(value) !== undefined) return false;
      return shape.pattern === undefined ? value !== '' : shape.pattern.test(value);
    case 'path':
    case 'program':
      return typeof value === 'string' && value !== '' && !value.includes('\0') && !isFileUrl(value);
    case 'choice':
      return shape.values.some((one) => one === value);
    case 'nothing':
      return value === null;
    case 'instance':
      return tagOf(value) === shape.name;
    default:
      return typeof value === shape.type;
  }
}

function isUnlimited(shape: { readonly isUnlimited?: boolean }, value: unknown): boolean {
  return shape.isUnlimited === true && value === Number.POSITIVE_INFINITY;
}

function isCount(value: unknown, minimum: number, maximum = Number.MAX_SAFE_INTEGER): boolean {
  return Number.isSafeInteger(value) && Number(value) >= minimum && Number(value) <= maximum;
}

/** Maps, dates and the like have no members of their own, so they would pass for options of which all are left out. */
function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return tagOf(value) === 'Object';
}

/** What kind of object it is, such as `Map`; `Object` for a plain one. */
function tagOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice('[object '.length, -1);
}

function first<Value>(values: readonly Value[], problem: (value: Value) => string | undefined): string | undefined {
  for (const value of values) {
    const found = problem(value);
    if (found !== undefined) return found;
  }
  return undefined;
}

function below(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}

/** What may be listed when nothing is near. */
const FEW = 6;

/** What was meant: by another name, the nearest here or one level down, one with the word in it; all where there are few. */
function advice(word: string, members: Members, path: string): string {
  const names = Object.keys(members);
  const inner = innerNames(members);
  const meant =
    names.find((name) => members[name]?.alsoCalled?.includes(word)) ??
    nearest(word, names) ??
    innerAlias(word, members) ??
    inner.find((name) => nearest(word, [lastOf(name)]) !== undefined);
  const alike = meant === undefined ? withWord(word, names, inner) : [meant];
  if (alike.length > 0) return `; did you mean ${inWords(alike.map((name) => below(path, name)))}?`;
  return names.length === 0 || names.length > FEW
    ? ''
    : `; there ${names.length === 1 ? 'is' : 'are'} ${names.join(', ')}`;
}

/** Where a word has its place in the object around the one that it was written in: beside that, or in another beside it. */
function placeOf(word: string, { members, path }: Around): string | undefined {
  const named = (all: Members): string | undefined =>
    Object.keys(all).find((name) => name === word || all[name]?.alsoCalled?.includes(word));
  for (const [name, { shape }] of Object.entries(members)) {
    const inner = shape.type === 'object' ? named(shape.members) : undefined;
    if (inner !== undefined) return below(path, `${name}.${inner}`);
  }
  return undefined;
}

/** Names that begin with the word, or else have it in them; the nearer ones first, three at most. */
function withWord(word: string, ...places: readonly (readonly string[])[]): readonly string[] {
  if (word.length < 3) return [];
  const sought = word.toLowerCase();
  for (const names of places) {
    const found = names.filter((name) => lastOf(name).toLowerCase().includes(sought));
    const first = found.filter((name) => lastOf(name).toLowerCase().startsWith(sought));
    if (found.length > 0) return (first.length > 0 ? first : found).slice(0, 3);
  }
  return [];
}

function innerNames(members: Members): readonly string[] {
  return innerMembers(members).map(([name]) => name);
}

/** The option one level down that others call so. */
function innerAlias(word: string, members: Members): string | undefined {
  return innerMembers(members).find(([, { alsoCalled }]) => alsoCalled?.includes(word))?.[0];
}

function innerMembers(members: Members): readonly (readonly [string, Member])[] {
  return Object.entries(members).flatMap(([name, { shape }]) =>
    (shape.type === 'either' ? shape.shapes : [shape]).flatMap((one) =>
      one.type === 'object'
        ? Object.entries<Member>(one.members).map(([inner, member]) => [`${name}.${inner}`, member] as const)
        : [],
    ),
  );
}

function lastOf(path: string): string {
  return path.slice(path.lastIndexOf('.') + 1);
}

function refusal(shape: Shape, value: unknown, path: string): string {
  const expected = shape.type === 'text' && typeof value === 'string' ? shape.refuse?.(value) : undefined;
  const instead = remedy(shape, value, path);
  const words = `expected ${expected ?? expectation(shape)}${instead === '' ? membersNeeded(shape) : ''}`;
  return `${path === '' ? 'options' : path}: ${words}, not ${shown(value)}${instead}`;
}

/** The members that an object cannot do without, where nothing better is known. */
function membersNeeded(shape: Shape): string {
  if (shape.type !== 'object') return '';
  const needed = Object.keys(shape.members).filter((name) => shape.members[name]?.isRequired);
  return needed.length === 0 ? '' : ` such as { ${needed.join(', ')} }`;
}

/** What to make of a value that would do inside of what was expected. */
function remedy(shape: Shape, value: unknown, path: string): string {
  if (value === undefined || value === null || Array.isArray(value)) return '';
  const shapes = shape.type === 'either' ? shape.shapes : [shape];
  if (shapes.some(({ type }) => type === 'path') && isFileUrl(value)) return '; did you mean fileURLToPath(url)?';
  // A text where several are named was more likely meant for one of them.
  const isNamed = typeof value === 'string' && shapes.some((one) => one.type === 'choice' && namesSeveral(one.values));
  for (const one of shapes) {
    if (one.type === 'list' && !isNamed && problemWith(one.item, value, '') === undefined) return '; put it into [ ]';
    if (one.type !== 'object') continue;
    const names = Object.keys(one.members);
    const required = names.find((each) => one.members[each]?.isRequired);
    const name = required ?? (path === '' || typeof value === 'string' ? names[0] : undefined);
    const member = name === undefined ? undefined : one.members[name];
    if (member !== undefined && problemWith(member.shape, value, '') === undefined)
      return `; did you mean { ${name}: ${typeof value === 'function' ? '…' : shown(value)} }?`;
  }
  return '';
}

/** Where a path is expected, one as `import.meta.url` gives it. */
function isFileUrl(value: unknown): boolean {
  return value instanceof URL || (typeof value === 'string' && value.startsWith('file:'));
}

function namesSeveral(values: readonly unknown[]): boolean {
  return values.filter((value) => typeof value === 'string').length > 1;
}

/** What a shape takes, in words that complete "expected …". */
function expectation(shape: Shape): string {
  switch (shape.type) {
    case 'boolean':
      return 'true or false';
    case 'nothing':
      return 'null';
    case 'integer':
      return `a whole number from ${shape.minimum}${shape.maximum === undefined ? ' up' : ` to ${shape.maximum}`}`;
    case 'text':
    case 'number':
    case 'function':
      return shape.expects ?? 'a text that is not empty';
    case 'path':
      return 'a path';
    case 'program':
      return 'a program';
    case 'instance':
      return withArticle(shape.name);
    case 'choice':
      return inWords(shape.values.map((value) => JSON.stringify(value)));
    case 'duration':
    case 'size': {
      const unit = shape.type === 'size' ? 'bytes' : shape.unit;
      return `a whole number of ${unit}${shape.isUnlimited === true ? ' or Infinity' : ''}`;
    }
    case 'list':
      return shape.expects ?? (shape.minimum === undefined ? 'a list' : 'a list that is not empty');
    case 'map':
    case 'object':
      return 'an object';
    default:
      return inWords(shape.shapes.map(expectation));
  }
}

function inWords(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}

function withArticle(name: string): string {
  return `${/^(?:[aeio]|u(?!rl))/i.test(name) ? 'an' : 'a'} ${name}`;
}

/** The longest text that a message repeats. */
const SHOWN_CHARACTERS = 60;

function shown(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'object' && value !== null) return isRecord(value) ? 'an object' : withArticle(tagOf(value));
  if (typeof value !== 'string') return String(value);
  return JSON.stringify(value.length > SHOWN_CHARACTERS ? `${value.slice(0, SHOWN_CHARACTERS)}…` : value);
}
