import { describe, expect, test } from 'vitest';
import type { Verdict } from '../../src/connection/deadlines.ts';
import { enforce, type Enforced } from '../../src/connection/enforcement.ts';
import type { Exchange } from '../../src/connection/exchange.ts';
import { DEFAULT_LIMITS } from '../../src/limits.ts';

/** What a verdict does to a connection, in words. */
function done(verdict: Verdict, hasExchange = true): string[] {
  const calls: string[] = [];
  const note = (text: string) => (): void => void calls.push(text);
  const exchange = {
    interrupt: ({ status, cause, source }: { status: number; cause: Error; source: string }) =>
      calls.push(`interrupt ${status} ${source} ${cause.message}`),
  } as unknown as Exchange;
  const target = {
    transport: { destroy: note('destroy'), reset: note('reset') },
    limits: { ...DEFAULT_LIMITS, answerTimeoutMs: 1, silenceTimeoutMs: 2 },
    exchange: hasExchange ? exchange : undefined,
    linger: note('linger'),
    refuse: ({ status, cause }: { status: number; cause: unknown }) =>
      calls.push(`refuse ${status} ${(cause as Error).message}`),
    probe: note('probe'),
    breakOff: (_: Exchange, cause: Error) => calls.push(`break off: ${cause.message}`),
  } as unknown as Enforced;
  enforce(verdict, target);
  return calls;
}

describe('enforce', () => {
  test.each<[Verdict, string[]]>([
    ['wait', []],
    ['finish', ['linger']],
    ['destroy', ['destroy']],
    ['reset', ['reset']],
    ['probe', ['probe']],
    ['stalled', ['break off: the response yielded nothing for 2 ms']],
    ['late-head', ['refuse 408 the head took too long']],
    ['late-content', ['refuse 408 the content came too slowly']],
    ['late-answer', ['interrupt 503 limit no answer within 1 ms']],
  ])('%s', (verdict, calls) => {
    expect(done(verdict)).toEqual(calls);
  });

  test.each<[Verdict]>([['probe'], ['stalled'], ['late-answer']])('%s without a request does nothing', (verdict) => {
    expect(done(verdict, false)).toEqual([]);
  });
});
