// Every size that bounds what one peer can make a parser hold or do, with its reason.

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

/** Fills in the defaults. Throws `RangeError` for a limit that is not a positive integer. */
export function resolveLimits(limits: ParserLimits): ResolvedLimits {
  const resolved: ResolvedLimits = {
    maxRequestLineBytes: limits.maxRequestLineBytes ?? 8192,
    maxHeadBytes: limits.maxHeadBytes ?? 32_768,
    maxFields: limits.maxFields ?? 128,
    maxChunkLineBytes: limits.maxChunkLineBytes ?? 256,
    maxChunkExtensionBytes: limits.maxChunkExtensionBytes ?? 8192,
    maxTrailerBytes: limits.maxTrailerBytes ?? 8192,
    maxEmptyLines: limits.maxEmptyLines ?? 4,
    maxPipelinedBytes: limits.maxPipelinedBytes ?? 262_144,
  };
  for (const [name, value] of Object.entries(resolved)) {
    if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${name} must be a whole number, not ${value}`);
  }
  return resolved;
}
