// Interim responses that responders send before their answer (RFC 9110 §15.2).

import { serializeHead } from '@onezero/http-parser/serializer';
import type { Field } from '../message/message.ts';
import { fieldsProblem } from '../message/whole-response.ts';
import type { Transport } from '../transport/transport.ts';
import { OWNED } from './complete.ts';
import type { Output } from './output.ts';

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

// As many hints as wait for a client that is slow to read.
const MAX_WAITING_BYTES = 65_536;

/** How much of them the system has not taken. */
const waiting = new WeakMap<Transport, number>();

/** Sends one, unless many wait: whoever does not read does not need it, and nothing else bounds how many an upstream sends. */
export function sendInterim(
  bytes: Uint8Array,
  { transport, output }: { readonly transport: Transport; readonly output: Output },
): void {
  const before = waiting.get(transport) ?? 0;
  if (before > MAX_WAITING_BYTES) return;
  output.flush();
  if (transport.write(bytes)) return;
  if (before === 0) void transport.flushed().then(() => waiting.delete(transport));
  waiting.set(transport, before + bytes.length);
}
