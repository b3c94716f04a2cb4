// Why a request is answered by the server itself, in the form in which exchanges are interrupted.

import type { HttpParseError, ParserEvent } from '@onezero/http-parser';
import type { Interruption } from './exchange.ts';

/** A request whose content is known to be broken already is refused before any responder is asked. */
export function refusalIn(events: readonly ParserEvent[]): Interruption | undefined {
  const last = events[events.length - 1];
  return last?.type === 'error' ? refusalOf(last.error) : undefined;
}

export function refusalOf(error: HttpParseError): Interruption {
  return { status: error.status, cause: error, source: 'parser' };
}

export function late(status: number, why: string): Interruption {
  return { status, cause: new Error(why), source: 'limit' };
}
