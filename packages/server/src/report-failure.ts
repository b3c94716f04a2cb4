// Failures that no hook sees: written to standard error, so that an application that throws is not silent.

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
}

/** The stack, which begins with the message; of what is no Error, its text. */
function textOf(cause: unknown): string {
  if (!(cause instanceof Error)) return typeof cause === 'string' ? cause : 'something that is no Error was thrown';
  const inner = cause.cause instanceof Error ? `\ncaused by ${textOf(cause.cause)}` : '';
  return `${cause.stack ?? cause.message}${inner}`;
}
