// status-line = HTTP-version SP status-code SP [ reason-phrase ] CRLF   (RFC 9112 §4)
//
// The SP behind the status may be missing together with the reason: many servers leave both out.

import { CLASS, CR, LF, SP, VALUE } from './grammar.ts';
import type { ResolvedLimits } from './limits.ts';
import { DONE, INCOMPLETE, type Outcome, type Scan } from './scan.ts';

/** "HTTP/d.d ddd": `d` stands for a digit. */
const SHAPE = 'HTTP/d.d ddd';
const ZERO = 0x30;

/** Reads one status line: version and status, and the reason as offsets. */
export function scanStatusLine(scan: Scan, limits: ResolvedLimits): Outcome {
  const { bytes, at: start } = scan;
  const limit = start + limits.maxHeadBytes;
  const bound = Math.min(scan.end, limit);
  const starved = (): Outcome => (scan.end >= limit ? scan.refuse('head-too-large', limit) : INCOMPLETE);
  for (let index = 0; index < SHAPE.length; index++) {
    if (start + index === bound) return starved();
    if (!fits(bytes[start + index]!, SHAPE.charCodeAt(index))) return scan.refuse('bad-status-line', start + index);
  }
  let at = start + SHAPE.length;
  if (at === bound) return starved();
  if (bytes[at] === SP) at++;
  else if (bytes[at] !== CR && bytes[at] !== LF) return scan.refuse('bad-status-line', at);
  scan.reasonStart = at;
  while (at < bound && (CLASS[bytes[at]!]! & VALUE) !== 0) at++;
  if (at === bound) return starved();
  scan.reasonEnd = at;
  if (bytes[at] === CR) at++;
  if (at === bound) return starved();
  if (bytes[at] !== LF) return scan.refuse(at === scan.reasonEnd ? 'bad-status-line' : 'bad-line-end', at);
  scan.at = at + 1;
  return judge(scan, start);
}

function fits(octet: number, shape: number): boolean {
  return shape === 0x64 ? octet >= ZERO && octet <= ZERO + 9 : octet === shape;
}

/** What can only be said when the line is whole. */
function judge(scan: Scan, start: number): Outcome {
  const { bytes } = scan;
  const digit = (index: number): number => bytes[start + index]! - ZERO;
  if (digit(5) !== 1) return scan.refuse('unsupported-version', start + 5);
  scan.version = digit(7) === 0 ? '1.0' : '1.1';
  scan.status = digit(9) * 100 + digit(10) * 10 + digit(11);
  if (scan.status < 100) return scan.refuse('bad-status-line', start + 9);
  if (scan.reasonEnd + 1 === scan.at) {
    if (scan.version !== '1.0') return scan.refuse('bad-line-end', scan.reasonEnd);
    scan.lenient = true;
  }
  return DONE;
}
