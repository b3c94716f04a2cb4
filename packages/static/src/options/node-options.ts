// The vocabulary of send, serve-static and sirv, in terms of ours. One name, one meaning: where two of those packages use one
// name for two things, this says which it is.

import type { Stats } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type StaticOptions, staticTable } from '../options.ts';
import { checkOptions } from './checks.ts';
import type { Shape, Table } from './shape.ts';

/** Options of the Node handler: ours, and names from send, serve-static and sirv. Ours win where both are given. */
export interface NodeStaticOptions extends Omit<
  StaticOptions,
  'cacheControl' | 'dotfiles' | 'etag' | 'immutable' | 'extensions' | 'index'
> {
  /** Whether 404 and 405 are left to `next`, where there is one. Errors of ours always are. @default true */
  readonly fallthrough?: boolean | undefined;
  /** Told why a status of 500 or more was answered, or why a response was cut short. @default nothing is told */
  readonly onError?: ((cause: unknown, request: IncomingMessage) => void) | undefined;
  /** `ignore` is send's word for `deny`; sirv's true and false are `allow` and `deny`. */
  readonly dotfiles?: StaticOptions['dotfiles'] | 'ignore' | boolean | undefined;
  /** True is `strong`. */
  readonly etag?: StaticOptions['etag'] | true | undefined;
  /** True makes every file immutable beside `maxAge`, as in send and sirv; otherwise files with a hash in their name. */
  readonly immutable?: boolean | readonly string[] | undefined;
  /** Extensions to try when nothing has the name; false for none. Given, it turns on clean URL lookup, as in send and sirv. */
  readonly extensions?: string | readonly string[] | false | undefined;
  /** False sends no Cache-Control, as in send; true is as usual. */
  readonly cacheControl?: StaticOptions['cacheControl'] | boolean | undefined;
  /** False passes on requests for a directory without its slash, as in serve-static. @default true */
  readonly redirect?: boolean | undefined;
  /** Called before the head of a file's response is sent, with the file's path and state, to set fields of its own. */
  readonly setHeaders?: ((response: ServerResponse, path: string, stats: Stats) => void) | undefined;
  /** One name, several, or none. */
  readonly index?: string | readonly string[] | false | undefined;
  /** Cache lifetime (Cache-Control: max-age): **milliseconds** or `'1d'`, as in send. sirv's seconds are `maxAgeSeconds`. */
  readonly maxAge?: number | string | undefined;
  /** As in send. */
  readonly acceptRanges?: boolean | undefined;
  /** Sirv's fallback for single-page applications; true is `/index.html`. */
  readonly single?: boolean | string | undefined;
  /** Sirv's switches for precompressed siblings. Either one turns them all on, both false off. */
  readonly gzip?: boolean | undefined;
  readonly brotli?: boolean | undefined;
}

const flag: Shape = { type: 'boolean' };
const text: Shape = { type: 'text' };
const texts: Shape = { type: 'list', item: text };

/** A shape, or others as well. */
function either(shape: Shape, ...others: readonly Shape[]): Shape {
  return { type: 'either', shapes: [...(shape.type === 'either' ? shape.shapes : [shape]), ...others] };
}

/** What the handler takes: the table of `serveStatic`, and over it the names that others use. */
const nodeTable: Table<NodeStaticOptions> = {
  ...staticTable,
  fallthrough: { shape: flag, summary: 'whether 404 and 405 are left to next', default: true },
  onError: { shape: { type: 'function', expects: 'a function (cause, request)' }, summary: 'told of errors' },
  setHeaders: {
    shape: { type: 'function', expects: 'a function (response, path, stats)' },
    summary: 'sets fields of its own before the head is sent',
  },
  dotfiles: {
    shape: either({ type: 'choice', values: ['deny', 'allow', 'ignore'] }, texts, flag),
    summary: 'ignore is deny',
  },
  etag: {
    shape: { type: 'choice', values: ['strong', 'weak', 'content', 'state', false, true] },
    summary: 'true is strong',
  },
  index: { shape: either(staticTable.index.shape, text), summary: 'one name, several, or none' },
  extensions: {
    shape: either(staticTable.extensions.shape, text, { type: 'choice', values: [false] }),
    summary: 'turns on clean URL lookup',
  },
  cacheControl: { shape: either(staticTable.cacheControl.shape, flag), summary: 'false sends none' },
  redirect: { shape: flag, summary: 'send /folder to /folder/', default: true },
  maxAge: {
    shape: { type: 'text', expects: 'milliseconds or a time such as "1d"' },
    summary: 'milliseconds, or a time such as "1d"',
  },
  acceptRanges: { shape: flag, summary: 'ranges' },
  single: { shape: either(text, flag), summary: 'the fallback; true is /index.html' },
  gzip: { shape: flag, summary: 'precompressed' },
  brotli: { shape: flag, summary: 'precompressed' },
};

/** The options as `serveStatic` knows them. Throws a TypeError that names an option that is wrong. */
export function fromFamiliarNames(options: NodeStaticOptions): StaticOptions {
  const isNumber = typeof options?.maxAge === 'number';
  checkOptions(nodeTable, isNumber ? { ...options, maxAge: String(options.maxAge) } : options);
  const {
    fallthrough: _fallthrough,
    onError: _onError,
    setHeaders: _setHeaders,
    cacheControl,
    redirect,
    dotfiles,
    etag,
    immutable,
    extensions,
    index,
    maxAge,
    acceptRanges,
    single,
    gzip,
    brotli,
    ...ours
  } = options;
  const maxAgeSeconds =
    ours.maxAgeSeconds ?? (maxAge === undefined ? undefined : Math.floor(milliseconds(maxAge) / 1000));
  const everything = immutable === true && maxAge !== undefined && maxAgeSeconds !== undefined && maxAgeSeconds > 0;
  const rules = typeof cacheControl === 'object' ? cacheControl : [];
  const usual = everything ? [{ glob: '**', value: `public, max-age=${maxAgeSeconds}, immutable` }] : [];
  const hasSiblingSwitch = gzip !== undefined || brotli !== undefined;
  return {
    ...ours,
    directoryRedirect: ours.directoryRedirect ?? redirect,
    dotfiles: dotfiles === 'ignore' || dotfiles === false ? 'deny' : dotfiles === true ? 'allow' : dotfiles,
    etag: etag === true ? 'strong' : etag,
    immutable,
    index: typeof index === 'string' ? [index] : index,
    extensions: extensions === false ? undefined : typeof extensions === 'string' ? [extensions] : extensions,
    cleanUrls: ours.cleanUrls ?? (extensions === undefined || extensions === false ? undefined : 'lookup'),
    maxAgeSeconds,
    cacheControl: cacheControl === false ? [{ glob: '**', value: '' }] : [...rules, ...usual],
    ranges: ours.ranges ?? acceptRanges,
    fallback: ours.fallback ?? (single === true ? '/index.html' : rooted(single)),
    precompressed: ours.precompressed ?? (hasSiblingSwitch ? gzip === true || brotli === true : undefined),
  };
}

function rooted(path: string | false | undefined): string | undefined {
  return path === undefined || path === false ? undefined : `/${path.replace(/^\/+/, '')}`;
}

/** A year, beyond which send does not go. */
const MAX_AGE_MS = 31_536_000_000;

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
  y: 31_557_600_000,
};

/** Milliseconds of a number, or of a time as the package ms reads it, a year at most. */
function milliseconds(maxAge: number | string): number {
  if (typeof maxAge === 'number' && maxAge >= 0) return Math.min(maxAge, MAX_AGE_MS);
  const text = String(maxAge).trim().toLowerCase();
  const [, amount, unit = 'ms'] =
    /^(\d*\.?\d+) *(?:(ms)|milliseconds?|msecs?|([smhdwy])|(s)ec(?:ond)?s?|(m)in(?:ute)?s?|(h)(?:ou)?rs?|(d)ays?|(w)eeks?|(y)(?:ea)?rs?)?$/
      .exec(text)
      ?.filter((part) => part !== undefined) ?? [];
  if (amount === undefined) {
    throw new TypeError(`maxAge: expected milliseconds or a time such as "1d", not ${JSON.stringify(maxAge)}`);
  }
  return Math.min(Number(amount) * (UNIT_MS[unit] ?? 1), MAX_AGE_MS);
}
