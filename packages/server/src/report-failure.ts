// Failures that no hook sees: written to standard error, so that an application that throws is not silent.

import { inspect } from 'node:util';
import type { Failure } from './options.ts';
import { reportLine } from './standard-error.ts';

/**
 * Writes what the server or a responder did wrong: status, request and id, and the stack. What a client did wrong is in the
 * access log.
 */
export function reportFailure(failure: Failure, write: (line: string) => void = reportLine): void {
  const { status, cause, source, request } = failure;
  // 501 and 505 of the parser are refusals of what the client sent.
  if (status < 500 || source === 'parser' || cause === undefined || cause === null) return;
  const asked = request === undefined ? '' : ` ${request.method} ${request.target} [${request.id}]`;
  const [first = '', ...rest] = textOf(cause).split('\n');
  write(`Error: ${status}${asked}: ${first}`);
  // Indented, so that a message of several lines does not pass for several reports.
  for (const line of rest) write(`    ${line.trim()}`);
  const hint = hintFor(cause);
  if (hint !== undefined) write(`    hint: ${hint}`);
}

/** Calls that a list of fields does not have, and what does the same. */
const FIELDS_CALL = /\b(?:fields|headers)\.(get|has|set|append|delete|getSetCookie) is not a function/;

/** Calls that a query does not have. */
const QUERY_CALL = /\bquery\.(get|getAll|has|entries|keys|values|forEach) is not a function/;

/** What to write instead, for a message of the engine that does not say so. */
function hintFor(cause: unknown): string | undefined {
  if (!(cause instanceof TypeError)) return undefined;
  const [, asked] = QUERY_CALL.exec(cause.message) ?? [];
  if (asked !== undefined) return `query is text: new URLSearchParams(request.query).${asked}(…)`;
  const [, call] = FIELDS_CALL.exec(cause.message) ?? [];
  if (call === undefined) return undefined;
  return `fields is a list of [name, value]: const headers = new Headers(request.fields), then headers.${call}(…)`;
}

/** The stack, which begins with the message; of what is no Error, its text. */
function textOf(cause: unknown): string {
  if (typeof cause === 'string') return cause;
  if (cause instanceof Response)
    return 'a Response was thrown: return it, in a function that is wrapped in fetchResponder';
  if (!(cause instanceof Error))
    return `what was thrown is no Error: ${inspect(cause, { depth: 1, breakLength: Infinity })}`;
  const inner = cause.cause instanceof Error ? `\ncaused by ${textOf(cause.cause)}` : '';
  return `${cause.stack ?? cause.message}${inner}`;
}
