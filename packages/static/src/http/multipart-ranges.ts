// Several ranges of one representation as multipart/byteranges (RFC 9110 §14.6), with the exact length known in advance.

import { randomBytes } from 'node:crypto';
import type { ByteRange } from './range.ts';

/** The parts to send in order: delimiters and heads as bytes, content as ranges of the representation. */
export interface MultipartRanges {
  readonly contentType: string;
  readonly length: number;
  readonly parts: readonly (Uint8Array | ByteRange)[];
}

/** Lays out two or more ranges of a representation of `size` bytes and type `contentType`. */
export function multipartRanges(ranges: readonly ByteRange[], size: number, contentType: string): MultipartRanges {
  const boundary = randomBytes(18).toString('hex');
  const parts: (Uint8Array | ByteRange)[] = [];
  for (const [index, range] of ranges.entries()) {
    const delimiter = `${index === 0 ? '' : '\r\n'}--${boundary}\r\n`;
    const head = `Content-Type: ${contentType}\r\nContent-Range: ${contentRange(range, size)}\r\n\r\n`;
    parts.push(Buffer.from(delimiter + head, 'latin1'), range);
  }
  parts.push(Buffer.from(`\r\n--${boundary}--\r\n`, 'latin1'));
  const length = parts.reduce((sum, part) => sum + ('start' in part ? part.end - part.start : part.length), 0);
  return { contentType: `multipart/byteranges; boundary=${boundary}`, length, parts };
}

/** The Content-Range value of a satisfied range. */
export function contentRange({ start, end }: ByteRange, size: number): string {
  return `bytes ${start}-${end - 1}/${size}`;
}
