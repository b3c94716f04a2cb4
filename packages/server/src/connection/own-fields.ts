// The option `fields` where it is a function: what it returns for a response takes the place of fields of the same name.

import { isPromiseLike } from '../message/content.ts';
import type { FieldsHook, RequestMessage, ResponseMessage } from '../message/message.ts';
import { shown } from '../message/request.ts';
import { fieldsProblem } from '../message/whole-response.ts';

/** Fields that the server alone decides, as they say where a message ends. */
const FRAMING = new Set(['content-length', 'transfer-encoding', 'connection']);

/** The response with the fields of the hook. Throws a TypeError of one line for what is no list of fields, and what the hook throws. */
export function withOwnFields(
  hook: FieldsHook,
  request: RequestMessage | undefined,
  response: ResponseMessage,
): ResponseMessage {
  // An answer that changes protocols has no fields but those of the change.
  if (response.upgrade !== undefined) return response;
  const given: unknown = hook(shown(request), response);
  if (given === undefined) return response;
  if (isPromiseLike(given)) {
    // Its rejection, unhandled, would end the process.
    void Promise.resolve(given).catch(() => undefined);
    throw new TypeError('fields: the function returned a promise: return the list itself');
  }
  const problem = fieldsProblem(given);
  if (problem !== undefined) throw new TypeError(`fields: what the function returned: ${problem}`);
  const own = (given as readonly (readonly [string, string])[])
    .map(([name, value]) => [name.toLowerCase(), value] as const)
    .filter(([name]) => !FRAMING.has(name));
  const names = new Set(own.map(([name]) => name));
  return { ...response, fields: [...response.fields.filter(([name]) => !names.has(name)), ...own] };
}
