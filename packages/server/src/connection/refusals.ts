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

/** Why content breaks off, with the status it stands for: a responder that passes it on is not to blame. */
export class ContentFailure extends Error {
  override readonly name: string = 'ContentFailure';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** A limit is exceeded. */
export function late(status: number, why: string): Interruption {
  return { status, cause: new ContentFailure(status, why), source: 'limit' };
}
