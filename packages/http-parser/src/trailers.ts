// trailer-section = *( field-line CRLF )   (RFC 9112 §7.1.2), with the empty line behind it.
//
// Trailers are handed out apart from the head and never merged into it. Those that would have decided framing or routing,
// had they come in time, are refused: a recipient on the way may merge them (RFC 9110 §6.5.1).

import { decodeFields, scanFieldLines } from './field-lines.ts';
import type { ResolvedLimits } from './limits.ts';
import type { Field } from './message.ts';
import { decodeLatin1 } from './native.ts';
import { DONE, type INCOMPLETE, type REFUSED, type Scan } from './scan.ts';

const FORBIDDEN: ReadonlySet<string> = new Set([
  'content-length',
  'transfer-encoding',
  'host',
  'connection',
  'trailer',
]);

/** Whether a trailer of this lower-case name is refused. */
export function isForbiddenTrailer(name: string): boolean {
  return FORBIDDEN.has(name);
}

/** Reads a trailer section from `scan.at`, and leaves `at` behind it. */
export function readTrailers(
  scan: Scan,
  limits: ResolvedLimits,
): readonly Field[] | typeof INCOMPLETE | typeof REFUSED {
  const start = scan.at;
  scan.maxFields = limits.maxFields;
  scan.limit = start + limits.maxTrailerBytes;
  scan.tooLarge = 'trailers-too-large';
  scan.bareLf = false;
  scan.folding = false;
  const outcome = scanFieldLines(scan);
  scan.examined += (outcome === DONE ? scan.at : scan.end) - start;
  if (outcome !== DONE) return outcome;
  const fields = decodeFields(decodeLatin1(scan.bytes, start, scan.at), 0);
  return fields.some(([name]) => isForbiddenTrailer(name)) ? scan.refuse('forbidden-trailer', start) : fields;
}
