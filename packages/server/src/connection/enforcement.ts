// What is done about a connection whose deadlines say that something takes too long.

import type { ResolvedLimits } from '../limits.ts';
import type { Transport } from '../transport/transport.ts';
import type { Verdict } from './deadlines.ts';
import type { Exchange, Interruption } from './exchange.ts';
import { late } from './refusals.ts';

export const CONTINUE: Uint8Array = Buffer.from('HTTP/1.1 100 Continue\r\n\r\n');

/** A connection as it is held to its limits. */
export interface Enforced {
  readonly transport: Transport;
  readonly limits: ResolvedLimits;
  readonly exchange: Exchange | undefined;
  /** Finishes sending, and reads on for a while. */
  linger(): void;
  /** Answers what came with a failure. */
  refuse(failure: Interruption): void;
  /** Finds out whether the client is still there. */
  probe(exchange: Exchange): void;
  /** Ends a response in its middle. */
  breakOff(exchange: Exchange, cause: Error): void;
}

export function enforce(verdict: Verdict, target: Enforced): void {
  const { transport, limits, exchange } = target;
  switch (verdict) {
    case 'wait':
      if (exchange?.over === true && exchange.content?.isNeglected === true) exchange.dropContent();
      break;
    case 'finish':
      return target.linger();
    case 'destroy':
      return transport.destroy();
    case 'reset':
      return transport.reset();
    case 'probe':
      if (exchange !== undefined) target.probe(exchange);
      break;
    case 'stalled': {
      const cause = new Error(`the response yielded nothing for ${limits.silenceTimeoutMs} ms`);
      if (exchange !== undefined) target.breakOff(exchange, cause);
      break;
    }
    case 'late-head':
      return target.refuse(late(408, 'the head took too long'));
    case 'late-content':
      return target.refuse(late(408, 'the content came too slowly'));
    case 'late-answer':
      exchange?.interrupt(late(503, `no answer within ${limits.answerTimeoutMs} ms`));
  }
}
