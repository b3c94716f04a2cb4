// What an option accepts. A value from the file is checked as it stands; one from a flag or the environment is text and
// is first turned into what the file would hold, so that there is one check and one set of messages for all three.

import { resolve } from 'node:path';
import type { Members, Option, Shape } from './option.ts';
import { suggestion } from '../../suggestion.ts';

/** What is wrong with a value: `path` leads to the part of it that is meant, `''` being the whole. */
export interface Problem {
  readonly path: string;
  readonly message: string;
}

/** What surrounds a value while it is checked. */
export interface Checking {
  /** What relative paths are relative to. */
  readonly base: string;
  readonly path: string;
  /** Filled with whatever is found wrong. */
  readonly problems: Problem[];
}

/**
 * Text to what the file would hold. Leaves alone what it cannot read, for `acceptValue` to refuse. May throw: `read`.
 *
 * @param isOne whether a map gets one entry, as from a flag, which can be given again: then a comma is part of it
 */
export function valueOfText({ shape, read }: Pick<Option, 'shape' | 'read'>, text: string, isOne = false): unknown {
  if (shape.type === 'either' && typeof textToJson(shape, text) === 'string' && !shape.shapes.some(isWord)) {
    const list = shape.shapes.find(({ type }) => type === 'list');
    if (list !== undefined) return valueOfText({ shape: list }, text);
  }
  if (shape.type === 'list') {
    const words = shape.item.type === 'object' || read !== undefined ? text.split('\n') : wordsOf(text);
    return words.filter((word) => word !== '').map((word) => read?.(word) ?? textToJson(shape.item, word));
  }
  if (shape.type === 'map') {
    const entries = (isOne ? [text] : wordsOf(text)).filter((word) => word !== '');
    return Object.assign({}, ...entries.map((entry) => read?.(entry) ?? entry));
  }
  return read?.(text) ?? textToJson(shape, text);
}

/** The words of a list. A comma between braces is one of a glob's, and a blank behind one is nobody's. */
export function wordsOf(text: string): readonly string[] {
  return text.split(/[\n,](?![^{}]*\}) */);
}

/** Whether a text stands for itself there. */
function isWord(shape: Shape): boolean {
  if (shape.type === 'choice') return shape.values.some((one) => typeof one === 'string');
  return shape.type === 'text' || shape.type === 'path' || shape.type === 'program';
}

function textToJson(shape: Shape, text: string): unknown {
  switch (shape.type) {
    case 'boolean':
      return textToBoolean(text) ?? text;
    case 'integer':
      return /^[+-]?\d{1,15}$/.test(text) ? Number(text) : text;
    case 'number':
      return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text;
    case 'choice':
      return shape.values.find((one) => one === (typeof one === 'boolean' ? textToBoolean(text) : text)) ?? text;
    case 'either':
      return shape.shapes.map((one) => textToJson(one, text)).find((value) => typeof value !== 'string') ?? text;
    default:
      return text;
  }
}

function textToBoolean(text: string): boolean | undefined {
  if (/^(?:true|yes|on|1)$/i.test(text)) return true;
  return /^(?:false|no|off|0)$/i.test(text) ? false : undefined;
}

/** The value in its final form: durations in seconds, sizes in bytes, paths absolute. Problems go to `checking`. */
export function acceptValue(shape: Shape, value: unknown, checking: Checking): unknown {
  switch (shape.type) {
    case 'list':
      if (!Array.isArray(value) || value.length < (shape.minimum ?? 0)) return refuse(shape, value, checking);
      return value.map((item, index) => acceptValue(shape.item, item, inside(checking, `${index}`)));
    case 'map':
      return acceptMap(shape, value, checking);
    case 'object':
      return acceptObject(shape, value, checking);
    case 'either':
      return acceptEither(shape, value, checking);
    default: {
      const accepted = acceptScalar(shape, value, checking.base);
      return accepted === undefined ? refuse(shape, value, checking) : accepted;
    }
  }
}

type Scalar = Exclude<Shape, { type: 'list' | 'map' | 'object' | 'either' }>;

function acceptScalar(shape: Scalar, value: unknown, base: string): unknown {
  switch (shape.type) {
    case 'boolean':
      return typeof value === 'boolean' ? value : undefined;
    case 'nothing':
      return value === null ? value : undefined;
    case 'integer':
      if (isUnlimited(shape, value)) return Number.POSITIVE_INFINITY;
      return isWithin(value, shape.minimum, shape.maximum ?? Number.MAX_SAFE_INTEGER) ? value : undefined;
    case 'number':
      return Number.isFinite(value) ? value : undefined;
    case 'text':
      return typeof value === 'string' && isText(shape, value) ? value : undefined;
    case 'path':
      return isPath(value) ? resolve(base, value) : undefined;
    case 'program':
      return isPath(value) ? (value.includes('/') ? resolve(base, value) : value) : undefined;
    case 'choice':
      return shape.values.find((one) => one === value);
    case 'duration':
      return isUnlimited(shape, value) ? Number.POSITIVE_INFINITY : scaled(value, secondsIn);
    case 'size': {
      const bytes = isUnlimited(shape, value) ? Number.POSITIVE_INFINITY : scaled(value, bytesIn);
      return bytes === undefined ? undefined : Math.round(bytes);
    }
    default:
      return undefined;
  }
}

function isText({ pattern, refuse: refuses }: Extract<Shape, { type: 'text' }>, text: string): boolean {
  return (pattern?.test(text) ?? text !== '') && refuses?.(text) === undefined;
}

/** `unlimited` in a file or flag is Infinity, which JSON does not have. */
function isUnlimited({ isUnlimited: takesIt }: { readonly isUnlimited?: boolean }, value: unknown): boolean {
  return takesIt === true && (value === 'unlimited' || value === Number.POSITIVE_INFINITY);
}

function isPath(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && !value.includes('\0');
}

function isWithin(value: unknown, minimum: number, maximum: number): boolean {
  return Number.isSafeInteger(value) && (value as number) >= minimum && (value as number) <= maximum;
}

const secondsIn: Readonly<Record<string, number>> = {
  ms: 0.001,
  '': 1,
  s: 1,
  m: 60,
  min: 60,
  h: 3600,
  d: 86_400,
  w: 604_800,
  y: 31_536_000,
};
const bytesIn: Readonly<Record<string, number>> = { '': 1, b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4 };

function scaled(value: unknown, units: Readonly<Record<string, number>>): number | undefined {
  const [, amount, unit = ''] = /^(\d{1,15}(?:\.\d{1,6})?) ?([a-z]*)$/i.exec(String(value)) ?? [];
  if (amount === undefined || (typeof value !== 'string' && typeof value !== 'number')) return undefined;
  const word = units === bytesIn ? unit.toLowerCase().replace(/(?<=[kmgt])i?b$/, '') : unit.toLowerCase();
  const result = Object.hasOwn(units, word) ? Number(amount) * (units[word] ?? 1) : Number.NaN;
  return Number.isFinite(result) && result <= Number.MAX_SAFE_INTEGER ? Number(result.toFixed(3)) : undefined;
}

function acceptMap(shape: Extract<Shape, { type: 'map' }>, value: unknown, checking: Checking): unknown {
  if (!isRecord(value)) return refuse(shape, value, checking);
  const entries = Object.entries(value).map(([key, item]): [string, unknown] => {
    const at = inside(checking, key);
    if (shape.key?.test(key) === false) {
      checking.problems.push({ path: at.path, message: `expects ${shape.expects ?? 'another key'}, not "${key}"` });
    }
    return [key, acceptValue(shape.value, item, at)];
  });
  return Object.fromEntries(entries);
}

function acceptObject(shape: Extract<Shape, { type: 'object' }>, value: unknown, checking: Checking): unknown {
  if (!isRecord(value)) return refuse(shape, value, checking);
  // What is missing most often is what was misspelt, and is told as that.
  const hasStranger = Object.keys(value).some((name) => !Object.hasOwn(shape.members, name));
  for (const [name, { isRequired }] of Object.entries(shape.members)) {
    if (isRequired && !hasStranger && !Object.hasOwn(value, name))
      checking.problems.push({ path: checking.path, message: `lacks "${name}"` });
  }
  const entries = Object.entries(value).map(([name, item]): [string, unknown] => {
    const at = inside(checking, name);
    const member = Object.hasOwn(shape.members, name) ? shape.members[name] : undefined;
    if (member !== undefined) return [name, acceptValue(member.shape, item, at)];
    const hint = suggestion(name, otherNames(shape.members));
    checking.problems.push({ path: at.path, message: `is not an option here${hint}` });
    return [name, undefined];
  });
  return Object.fromEntries(entries);
}

/** Every name that a member has or is also called, with the one that it has. */
function otherNames(members: Members): ReadonlyMap<string, string> {
  const own = Object.keys(members).map((name) => [name, name] as const);
  const others = Object.entries(members).flatMap(([name, { alsoCalled = [] }]) =>
    alsoCalled.map((other) => [other, name] as const),
  );
  return new Map([...others, ...own]);
}

// Of several shapes the first that fits counts. When none does, an object is answered for by the shape for objects, so
// that a misspelt member is named rather than the whole refused.
function acceptEither(shape: Extract<Shape, { type: 'either' }>, value: unknown, checking: Checking): unknown {
  for (const one of shape.shapes) {
    const problems: Problem[] = [];
    const accepted = acceptValue(one, value, { ...checking, problems });
    if (problems.length === 0) return accepted;
    if (!isAlike(one, value)) continue;
    checking.problems.push(...problems);
    return undefined;
  }
  return refuse(shape, value, checking);
}

function isAlike(shape: Shape, value: unknown): boolean {
  if (typeof value === 'string') return shape.type === 'text' && shape.refuse !== undefined;
  return Array.isArray(value) ? shape.type === 'list' : isRecord(value) && shape.type === 'object';
}

function refuse(shape: Shape, value: unknown, { path, problems }: Checking): undefined {
  const shown = JSON.stringify(value) ?? String(value);
  const words = shape.type === 'choice' ? shape.values.filter((one) => typeof one === 'string') : [];
  const hint = typeof value === 'string' ? suggestion(value, words) : '';
  const refused = shape.type === 'text' && typeof value === 'string' ? shape.refuse?.(value) : undefined;
  const text = shown.length > 80 ? `${shown.slice(0, 80)}…` : shown;
  problems.push({ path, message: `expects ${refused ?? expectation(shape)}, not ${text}${hint}` });
}

/** What a shape takes, in words that complete "expects …". */
function expectation(shape: Shape): string {
  switch (shape.type) {
    case 'boolean':
      return 'true or false';
    case 'integer':
      return `a whole number from ${shape.minimum}${shape.maximum === undefined ? ' up' : ` to ${shape.maximum}`}${orUnlimited(shape)}`;
    case 'text':
    case 'number':
    case 'function':
      return shape.expects ?? 'a text that is not empty';
    case 'instance':
      return 'what no file can hold';
    case 'nothing':
      return 'null';
    case 'path':
      return 'a path';
    case 'program':
      return 'a program';
    case 'choice':
      return inWords(shape.values.map((value) => JSON.stringify(value)));
    case 'duration':
      return `a duration such as 500ms, 30s, 5m, 1h or 7d (a bare number is seconds)${orUnlimited(shape)}`;
    case 'size':
      return `a size such as 65536, 64k or 10m${orUnlimited(shape)}`;
    case 'list':
      return 'a list';
    case 'map':
    case 'object':
      return 'an object';
    default:
      return inWords(shape.shapes.map(expectation));
  }
}

function orUnlimited({ isUnlimited: takesIt }: { readonly isUnlimited?: boolean }): string {
  return takesIt === true ? ' or "unlimited"' : '';
}

function inWords(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}

function inside(checking: Checking, name: string): Checking {
  return { ...checking, path: checking.path === '' ? name : `${checking.path}.${name}` };
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
