// The vocabulary of send, serve-static and sirv, in terms of ours. One name, one meaning: where two of those packages use one
// name for two things, this says which it is.

import type { IncomingMessage } from 'node:http';
import type { StaticOptions } from '../options.ts';

/** Options of the Node handler: ours, and names from send, serve-static and sirv. Ours win where both are given. */
export interface NodeStaticOptions extends Omit<
  StaticOptions,
  'dotfiles' | 'etag' | 'immutable' | 'extensions' | 'index'
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
  readonly extensions?: readonly string[] | false | undefined;
  /** One name, several, or none. */
  readonly index?: string | readonly string[] | false | undefined;
  /** How long caches may use a file unasked: **milliseconds** or `'1d'`, as in send. sirv's seconds are `maxAgeSeconds`. */
  readonly maxAge?: number | string | undefined;
  /** As in send. */
  readonly acceptRanges?: boolean | undefined;
  /** Sirv's fallback for single-page applications; true is `/index.html`. */
  readonly single?: boolean | string | undefined;
  /** Sirv's switches for precompressed siblings. Either one turns them all on, both false off. */
  readonly gzip?: boolean | undefined;
  readonly brotli?: boolean | undefined;
}

/** The options as `serveStatic` knows them. Throws a TypeError for a `maxAge` that is no time. */
export function fromFamiliarNames(options: NodeStaticOptions): StaticOptions {
  const {
    fallthrough: _fallthrough,
    onError: _onError,
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
  const cacheControl = everything ? [{ glob: '**', value: `public, max-age=${maxAgeSeconds}, immutable` }] : [];
  const hasSiblingSwitch = gzip !== undefined || brotli !== undefined;
  return {
    ...ours,
    dotfiles: dotfiles === 'ignore' || dotfiles === false ? 'deny' : dotfiles === true ? 'allow' : dotfiles,
    etag: etag === true ? 'strong' : etag,
    immutable,
    index: typeof index === 'string' ? [index] : index,
    extensions: extensions === false ? undefined : extensions,
    cleanUrls: ours.cleanUrls ?? (extensions === undefined || extensions === false ? undefined : 'lookup'),
    maxAgeSeconds,
    cacheControl: [...(ours.cacheControl ?? []), ...cacheControl],
    ranges: ours.ranges ?? acceptRanges,
    fallback: ours.fallback ?? (single === true ? '/index.html' : rooted(single)),
    precompressed: ours.precompressed ?? (hasSiblingSwitch ? gzip === true || brotli === true : undefined),
  };
}

function rooted(path: string | false | undefined): string | undefined {
  return path === undefined || path === false ? undefined : `/${path.replace(/^\/+/, '')}`;
}

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
  y: 31_557_600_000,
};

function milliseconds(maxAge: number | string): number {
  if (typeof maxAge === 'number' && maxAge >= 0) return Math.min(maxAge, Number.MAX_SAFE_INTEGER);
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w|y)?$/.exec(String(maxAge).trim());
  if (match === null)
    throw new TypeError(`maxAge: ${JSON.stringify(maxAge)} is neither milliseconds nor a time such as "1d"`);
  return Number(match[1]) * (UNIT_MS[match[2] ?? 'ms'] ?? 1);
}
