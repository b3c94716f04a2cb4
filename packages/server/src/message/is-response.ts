// Whether a value that came from somebody else's code is a response at all. What it says is checked when it is serialized.

import type { ResponseMessage } from './message.ts';

/** A final status (RFC 9110 §15: three digits; 1xx is never a whole answer), a list of fields, usable content. */
export function isResponse(value: unknown): value is ResponseMessage {
  if (typeof value !== 'object' || value === null) return false;
  const { status, fields, content } = value as Partial<ResponseMessage>;
  return Number.isInteger(status) && status! >= 200 && status! <= 599 && Array.isArray(fields) && isContent(content);
}

function isContent(content: unknown): boolean {
  if (content === undefined || content instanceof Uint8Array) return true;
  return typeof content === 'object' && content !== null && Symbol.asyncIterator in content;
}
