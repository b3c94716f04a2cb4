// Interim responses that responders send before their answer (RFC 9110 §15.2).

import { serializeHead } from '@onezero/http-parser/serializer';
import type { Field } from '../message/message.ts';
import { fieldsProblem } from '../message/whole-response.ts';
import { OWNED } from './complete.ts';

/**
 * The bytes of a 1xx response, without the fields that a responder does not decide: none of these may say where content ends, and an
 * upstream's are about another connection. Throws a RangeError for 100 and 101, which this server sends itself, and for other classes.
 */
export function interimResponse(status: number, fields: readonly Field[]): Uint8Array {
  if (!Number.isInteger(status) || status < 102 || status > 199) {
    throw new RangeError(`${status} is not an interim status from 102 to 199`);
  }
  const problem = fieldsProblem(fields);
  if (problem !== undefined) throw new TypeError(`inform: ${problem}`);
  return serializeHead({ status, fields: fields.filter(([name]) => !OWNED.has(name.toLowerCase())) });
}
