// Checks options against their table. What is wrong, at whatever depth, is one TypeError of one line that begins with the
// option's path: options may come from plain JavaScript or a file that no compiler has seen, and a misspelt one must not be
// ignored.

import type { Member, Members, Shape, Table } from './shape.ts';

/**
 * Throws a TypeError that names the first option that `table` does not have, or whose value does not fit. `subject` is put
 * in front of the message.
 */
export function checkOptions(subject: string, table: Members, options: unknown): void {
  const problem = problemWith({ type: 'object', members: table }, options, '');
  if (problem !== undefined) throw new TypeError(`${subject}: ${problem}`);
}

/** The options, with the defaults of their table for those left out. */
export function completed<Options extends object>(
  table: Table<Options>,
  options: Options | undefined,
): { readonly [Name in keyof Options]-?: Exclude<Options[Name], undefined> } {
  const entries = Object.entries<Member>(table).map(([name, member]): [string, unknown] => {
    return [name, options?.[name as keyof Options] ?? member.default];
  });
  return Object.fromEntries(entries) as never;
}

type Simple = Exclude<Shape, { type: 'list' | 'map' | 'object' | 'either' }>;

/** What is wrong with a value, in one line; undefined when it fits. `path` is '' for the options themselves. */
function problemWith(shape: Shape, value: unknown, path: string): string | undefined {
  switch (shape.type) {
    case 'list':
      if (!Array.isArray(value) || value.length < (shape.minimum ?? 0)) break;
      return first([...value.keys()], (index) => problemWith(shape.item, value[index], `${path}.${index}`));
    case 'map':
      if (!isRecord(value)) break;
      return first(Object.keys(value), (key) => {
        if (shape.key?.test(key) === false) return `${below(path, key)}: expected ${shape.expects} for a name`;
        return problemWith(shape.value, value[key], below(path, key));
      });
    case 'object':
      if (!isRecord(value)) break;
      return first(Object.keys(value), (name) => problemWithMember(shape.members, name, value[name], path));
    case 'either':
      return problemWithAll(shape.shapes, value, path);
    default:
      if (fits(shape, value)) return undefined;
  }
  return `${path === '' ? 'options' : path}: expected ${expectation(shape)}, not ${shown(value)}`;
}

function problemWithMember(members: Members, name: string, value: unknown, path: string): string | undefined {
  const member = Object.hasOwn(members, name) ? members[name] : undefined;
  if (member !== undefined)
    return value === undefined ? undefined : problemWith(member.shape, value, below(path, name));
  const known = nearest(name, Object.keys(members));
  return `${below(path, name)}: is not an option${known === undefined ? '' : `; did you mean ${below(path, known)}?`}`;
}

/** Of several shapes one has to fit. When none does, a list or object is answered for by the shape that is alike. */
function problemWithAll(shapes: readonly Shape[], value: unknown, path: string): string | undefined {
  const problems = shapes.map((shape) => problemWith(shape, value, path));
  if (problems.includes(undefined)) return undefined;
  const alike = shapes.findIndex(
    ({ type }) => (type === 'list' && Array.isArray(value)) || (type === 'map' && isRecord(value)),
  );
  return problems[alike] ?? `${path}: expected ${expectation({ type: 'either', shapes })}, not ${shown(value)}`;
}

function fits(shape: Simple, value: unknown): boolean {
  switch (shape.type) {
    case 'integer':
      return isCount(value) && value >= shape.minimum && value <= (shape.maximum ?? value);
    case 'text':
      return typeof value === 'string' && (shape.pattern === undefined ? value !== '' : shape.pattern.test(value));
    case 'path':
      return typeof value === 'string' && value !== '' && !value.includes('\0');
    case 'choice':
      return shape.values.some((one) => one === value);
    case 'duration':
    case 'size':
      return isCount(value) || (shape.isUnlimited === true && value === Number.POSITIVE_INFINITY);
    case 'nothing':
      return value === null;
    default:
      return typeof value === shape.type;
  }
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

/** Maps, dates and the like have no members of their own, so they would pass for options of which all are left out. */
function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return Object.prototype.toString.call(value) === '[object Object]';
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
    case 'function':
      return shape.expects ?? 'a text that is not empty';
    case 'path':
      return 'a path';
    case 'choice':
      return inWords(shape.values.map((value) => JSON.stringify(value)));
    case 'duration':
    case 'size': {
      const unit = shape.type === 'size' ? 'bytes' : 'milliseconds';
      return `a whole number of ${unit}${shape.isUnlimited === true ? ' or Infinity' : ''}`;
    }
    case 'list':
      return shape.minimum === undefined ? 'a list' : 'a list that is not empty';
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

/** The longest text that a message repeats. */
const SHOWN_CHARACTERS = 60;

function shown(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'object' && value !== null) return 'an object';
  return typeof value === 'string' ? JSON.stringify(value.slice(0, SHOWN_CHARACTERS)) : String(value);
}

/** The known name that the fewest edits lead to, at most a third of the longer word; undefined when none is that near. */
function nearest(word: string, names: readonly string[]): string | undefined {
  const near = names
    .map((name) => ({ name, edits: editDistance(word.toLowerCase(), name.toLowerCase()) }))
    .filter(({ name, edits }) => edits <= Math.max(1, Math.max(word.length, name.length) / 3));
  return near.sort((one, other) => one.edits - other.edits)[0]?.name;
}

/** Insertions, deletions and replacements (Levenshtein), one row of the table at a time. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [index, letter] of from.split('').entries()) {
    const next = [index + 1];
    for (let column = 1; column <= to.length; column++) {
      const replaced = (row[column - 1] ?? 0) + (letter === to[column - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
