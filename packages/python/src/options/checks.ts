// Checks options against their table. What is wrong, at whatever depth, is one TypeError of one line that begins with the
// option's path: options may come from plain JavaScript or a file that no compiler has seen, and a misspelt one must not be
// ignored.

import type { Complete, Member, Members, Shape, Table } from './shape.ts';
import { suggestion } from './suggestion.ts';

/** Throws a TypeError that names the first option that `table` does not have or whose value does not fit. */
export function checkOptions(table: Members, options: unknown): void {
  const problem = problemWith({ type: 'object', members: table }, options, '');
  if (problem !== undefined) throw new TypeError(problem);
}

/** The options with the defaults of their table for those left out. */
export function completed<Options extends object>(table: Table<Options>, options: Options): Complete<Options> {
  const entries = Object.entries<Member>(table).map(([name, member]): [string, unknown] => {
    const given: unknown = options[name as keyof Options];
    return [name, given === undefined ? member.default : given];
  });
  return Object.fromEntries(entries) as Complete<Options>;
}

/** What is wrong with a value, in one line, or nothing. `path` is '' for the options themselves. */
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
      return isRecord(value) ? problemWithMembers(shape, value, path) : refusal(shape, value, path);
    case 'either':
      return problemWithAll(shape.shapes, value, path);
    default:
      return fits(shape, value) ? undefined : refusal(shape, value, path);
  }
  return refusal(shape, value, path);
}

function problemWithMembers(
  { members, required = [] }: Extract<Shape, { type: 'object' }>,
  value: Readonly<Record<string, unknown>>,
  path: string,
): string | undefined {
  const missing = required.find((name) => value[name] === undefined);
  if (missing !== undefined) return `${below(path, missing)}: is missing`;
  return first(Object.keys(value), (name) => {
    const member = Object.hasOwn(members, name) ? members[name] : undefined;
    if (member !== undefined) {
      return value[name] === undefined ? undefined : problemWith(member.shape, value[name], below(path, name));
    }
    const known = suggestion(name, Object.keys(members));
    return `${below(path, name)}: is not an option${known === undefined ? '' : `; did you mean ${below(path, known)}?`}`;
  });
}

/** Of several shapes one has to fit. When none does, a list or object is answered for by the shape that is alike. */
function problemWithAll(shapes: readonly Shape[], value: unknown, path: string): string | undefined {
  const problems = shapes.map((shape) => problemWith(shape, value, path));
  if (problems.includes(undefined)) return undefined;
  const alike = shapes.findIndex(
    ({ type }) => (type === 'list' && Array.isArray(value)) || (type === 'object' && isRecord(value)),
  );
  return problems[alike] ?? refusal({ type: 'either', shapes }, value, path);
}

function fits(shape: Exclude<Shape, { type: 'list' | 'map' | 'object' | 'either' }>, value: unknown): boolean {
  switch (shape.type) {
    case 'integer':
      if (isUnlimited(shape, value)) return true;
      return isCount(value) && value >= shape.minimum && value <= (shape.maximum ?? value);
    case 'text':
      if (typeof value !== 'string' || shape.refuse?.(value) !== undefined) return false;
      return shape.pattern === undefined ? value !== '' : shape.pattern.test(value);
    case 'path':
      return typeof value === 'string' && value !== '' && !value.includes('\0');
    case 'choice':
      return shape.values.some((one) => one === value);
    case 'duration':
    case 'size':
      return isCount(value) || isUnlimited(shape, value);
    case 'number':
      return Number.isFinite(value);
    case 'nothing':
      return value === null;
    default:
      return typeof value === shape.type;
  }
}

function isUnlimited(shape: { readonly isUnlimited?: boolean }, value: unknown): boolean {
  return shape.isUnlimited === true && value === Number.POSITIVE_INFINITY;
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

function refusal(shape: Shape, value: unknown, path: string): string {
  const expected = shape.type === 'text' && typeof value === 'string' ? shape.refuse?.(value) : undefined;
  return `${path === '' ? 'options' : path}: expected ${expected ?? expectation(shape)}, not ${shown(value)}`;
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
      return 'the path of a file';
    case 'choice':
      return inWords(shape.values.map((value) => JSON.stringify(value)));
    case 'duration':
      return `a whole number of ${shape.unit}`;
    case 'size':
      return 'a whole number of bytes';
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
  if (typeof value === 'object' && value !== null) return isRecord(value) ? 'an object' : 'such an object';
  if (typeof value !== 'string') return String(value);
  return JSON.stringify(value.length > SHOWN_CHARACTERS ? `${value.slice(0, SHOWN_CHARACTERS)}…` : value);
}
