// Every size that bounds what one peer can make a parser hold or do, with its reason.

import { nearest } from './nearest.ts';

/** Sizes in bytes unless the name says otherwise. */
export interface ParserLimits {
  /** Method, target and version; beyond it 414. RFC 9112 §3 asks for 8,000 at least. @default 8_192 */
  readonly maxRequestLineBytes?: number | undefined;
  /** First line and fields; beyond it 431. Apache allows 8 KiB per line, Node 16 KiB in all. @default 32_768 */
  readonly maxHeadBytes?: number | undefined;
  /** Field lines in a head, and again in a trailer section; beyond it 431. Apache's default is 100. @default 128 */
  readonly maxFields?: number | undefined;
  /** A chunk's size and extensions; beyond it 400. Extensions have no known use, a signature fits. @default 256 */
  readonly maxChunkLineBytes?: number | undefined;
  /** All extensions of one message; beyond it 400, or one-octet chunks cost more than they carry. @default 8_192 */
  readonly maxChunkExtensionBytes?: number | undefined;
  /** The trailer section; beyond it 431. @default 8_192 */
  readonly maxTrailerBytes?: number | undefined;
  /** CRLF before a request line, left over by old clients after a POST (RFC 9112 §2.2); beyond it 400. @default 4 */
  readonly maxEmptyLines?: number | undefined;
  /** What is kept behind a request that waits for its answer; beyond it 400, after that answer. @default 262_144 */
  readonly maxPipelinedBytes?: number | undefined;
}

/** The same with every default filled in. */
export type ResolvedLimits = { readonly [K in keyof ParserLimits]-?: number };

const DEFAULT_LIMITS: ResolvedLimits = {
  maxRequestLineBytes: 8192,
  maxHeadBytes: 32_768,
  maxFields: 128,
  maxChunkLineBytes: 256,
  maxChunkExtensionBytes: 8192,
  maxTrailerBytes: 8192,
  maxEmptyLines: 4,
  maxPipelinedBytes: 262_144,
};

/**
 * Fills in the defaults. Throws `TypeError` for an unknown option, `RangeError` for a limit that is not a whole number
 * from 0 up, each in one line that names it.
 *
 * @param others names of options that are no limits
 */
export function resolveLimits(options: ParserLimits, subject: string, others: readonly string[] = []): ResolvedLimits {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new TypeError(`${subject}: options: expected an object, not ${shown(options)}`);
  }
  const names = [...Object.keys(DEFAULT_LIMITS), ...others];
  for (const [name, value] of Object.entries(options)) {
    if (!names.includes(name)) {
      const known = nearest(name, names);
      throw new TypeError(
        `${subject}: ${name}: is not an option${known === undefined ? '' : `; did you mean ${known}?`}`,
      );
    }
    if (value === undefined || others.includes(name)) continue;
    if (!Number.isSafeInteger(value) || value < 0) {
      throw new RangeError(`${subject}: ${name}: expected a whole number from 0 up, not ${shown(value)}`);
    }
  }
  const given = Object.entries(options).filter(([name, value]) => value !== undefined && name in DEFAULT_LIMITS);
  return { ...DEFAULT_LIMITS, ...Object.fromEntries(given) };
}

/** Throws `TypeError` for what is no Uint8Array or other view of bytes. */
export function checkBytes(bytes: unknown): void {
  if (ArrayBuffer.isView(bytes)) return;
  const remedy = typeof bytes === 'string' ? '; make bytes of it: new TextEncoder().encode(text)' : '';
  throw new TypeError(
    `push: expected a Uint8Array, not ${typeof bytes === 'string' ? 'a text' : shown(bytes)}${remedy}`,
  );
}

/** A value as a message repeats it. */
export function shown(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'string'
    ? JSON.stringify(value)
    : typeof value === 'object' && value
      ? 'an object'
      : String(value);
}
