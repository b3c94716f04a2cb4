// A response head: from scanned lines to the event that carries it.

import { decodeFields, scanFieldLines } from './field-lines.ts';
import { framingFields, isPersistent, responseLength } from './framing.ts';
import type { ResolvedLimits } from './limits.ts';
import type { ResponseHead, ResponseHeadEvent } from './message.ts';
import { decodeLatin1 } from './native.ts';
import { DONE, type INCOMPLETE, type Outcome, type REFUSED, type Scan } from './scan.ts';
import { scanStatusLine } from './status-line.ts';

/** Reads a response head from `scan.at`, and leaves `at` behind it. `method` is that of the request it answers. */
export function readResponseHead(
  scan: Scan,
  limits: ResolvedLimits,
  method: string,
): ResponseHeadEvent | typeof INCOMPLETE | typeof REFUSED {
  const start = scan.at;
  const outcome = scanLines(scan, limits);
  scan.examined += (outcome === DONE ? scan.at : scan.end) - start;
  if (outcome !== DONE) return outcome;
  const text = decodeLatin1(scan.bytes, start, scan.at);
  const head: ResponseHead = {
    version: scan.version,
    status: scan.status,
    reason: text.slice(scan.reasonStart - start, scan.reasonEnd - start),
    fields: decodeFields(text, scan.fieldsStart - start),
  };
  const fields = framingFields;
  fields.read(text, scan, start);
  const length = responseLength(head, method, fields);
  if (typeof length === 'object') return scan.refuse(length.code, scan.at);
  const framing = typeof length === 'number' ? 'length' : length;
  const persistent = !scan.lenient && framing !== 'close' && isPersistent(head.version, fields.connection);
  const contentLength = framing === 'none' ? 0 : typeof length === 'number' ? length : undefined;
  return {
    type: head.status < 200 && head.status !== 101 ? 'interim' : 'head',
    head,
    framing,
    contentLength,
    persistent,
  };
}

/** Folded lines are joined in any version: RFC 9112 §5.2 asks that of who reads responses. */
function scanLines(scan: Scan, limits: ResolvedLimits): Outcome {
  const limit = scan.at + limits.maxHeadBytes;
  const outcome = scanStatusLine(scan, limits);
  if (outcome !== DONE) return outcome;
  scan.maxFields = limits.maxFields;
  scan.limit = limit;
  scan.tooLarge = 'head-too-large';
  scan.bareLf = scan.version === '1.0';
  scan.folding = true;
  return scanFieldLines(scan);
}
