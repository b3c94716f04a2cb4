// The journey of one request, step by step: an answer at once or later, what breaks in its place, and its end, which comes once.

import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { describe, expect, test, vi } from 'vitest';
import { RequestParser, type RequestHeadEvent } from '@onezero/http-parser';
import { answer, type AnswerTarget, end } from '../../src/connection/answering.ts';
import { Exchange, type Interruption } from '../../src/connection/exchange.ts';
import { Output } from '../../src/connection/output.ts';
import { RequestContent } from '../../src/connection/request-content.ts';
import { late } from '../../src/connection/refusals.ts';
import { type Service, serviceOf } from '../../src/connection/service.ts';
import { compose } from '../../src/compose.ts';
import { everyMaker } from '../../src/every-maker.ts';
import type { Responder, ResponseMessage } from '../../src/message/message.ts';
import type { AccessLogEntry, ServerOptions } from '../../src/options.ts';
import { Ends } from '../../src/transport/ends.ts';
import { settle } from './engine.ts';
import { FakeTransport } from './fake-transport.ts';

interface Journey {
  readonly exchange: Exchange;
  readonly transport: FakeTransport;
  readonly service: Service;
  readonly target: AnswerTarget;
  /** What the connection was told, in order. */
  readonly told: readonly string[];
  readonly entries: readonly AccessLogEntry[];
  readonly informed: readonly number[];
}

const GET = 'GET /x HTTP/1.1\r\nHost: a\r\n\r\n';

function headOf(text: string): RequestHeadEvent {
  const [event] = new RequestParser({}).push(Buffer.from(text));
  if (event?.type !== 'head') throw new Error('no head');
  return event;
}

interface Circumstances {
  readonly text?: string;
  readonly options?: ServerOptions;
  readonly isFollowed?: boolean;
}

/** A request that is about to be answered with what a responder says. */
function prepare(respond: Responder, { text = GET, options = {}, isFollowed = true }: Circumstances = {}): Journey {
  const told: string[] = [];
  const entries: AccessLogEntry[] = [];
  const informed: number[] = [];
  const service = serviceOf(
    {
      reportErrors: false,
      serverField: false,
      accessLog: (entry) => void entries.push(entry),
      routes: [{ responder: respond }],
      ...options,
    },
    (given) => compose(given, everyMaker, () => []),
  );
  const transport = new FakeTransport();
  transport.destroy = () => void told.push('destroy');
  const target: AnswerTarget = {
    transport,
    output: new Output(transport),
    ends: new Ends(transport, undefined),
    method: 'GET',
    mayFollow: () => isFollowed,
    answered: () => void told.push('answered'),
    advance: () => void target.output.flush(),
    idle: () => void told.push('idle'),
    switched: () => void told.push('switched'),
    cut: () => void told.push('cut'),
  };
  const exchange = new Exchange(headOf(text), service, { inform: (_, status) => void informed.push(status) });
  return { exchange, transport, service, target, told, entries, informed };
}

function begin(journey: Journey, refusal?: Interruption): Journey {
  answer(journey.target, journey.exchange, refusal);
  return journey;
}

const OK: ResponseMessage = { status: 200, fields: [], content: Buffer.from('ok') };
const statusOf = ({ transport }: Journey): number => Number(/^HTTP\/1\.1 (\d+)/.exec(transport.text)?.[1]);

async function* twice(first: string, then: () => Promise<string>): AsyncGenerator<Uint8Array> {
  yield Buffer.from(first);
  yield Buffer.from(await then());
}

describe('an answer', () => {
  test('that is there at once is written and over in the same turn', () => {
    const { told, entries, transport, service } = begin(prepare(() => OK));
    expect(told).toEqual(['idle', 'answered']);
    expect(transport.text).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nok$/);
    expect(entries).toMatchObject([{ status: 200, contentBytes: 2, complete: true, target: '/x' }]);
    expect(service.underWay).toBe(0);
  });

  test('that comes later is over then', async () => {
    const journey = begin(prepare(async () => OK));
    expect(journey.told).toEqual([]);
    await settle();
    expect(journey.told).toEqual(['idle', 'answered']);
  });

  test('that the system does not take at once is over when it has', async () => {
    const journey = prepare(() => OK);
    journey.transport.isReady = false;
    begin(journey);
    await settle();
    expect(journey.told).toEqual([]);
    journey.transport.settle(true);
    await settle();
    expect(journey.told).toEqual(['idle', 'answered']);
  });

  test('that comes later waits for a client that has not taken those before', async () => {
    const journey = prepare(async () => OK);
    journey.transport.isReady = false;
    journey.transport.pendingBytes = 1;
    begin(journey);
    await settle();
    expect(journey.told).toEqual([]);
    journey.transport.settle(true);
    await settle();
    expect(journey.told).toEqual(['idle', 'answered']);
  });

  test('whose client leaves before the system takes it is not over by itself', async () => {
    const journey = prepare(() => OK);
    journey.transport.isReady = false;
    begin(journey);
    journey.transport.settle(false);
    await settle();
    expect(journey.told).toEqual([]);
    end(journey.target, journey.exchange, false);
    expect(journey.entries).toMatchObject([{ complete: false }]);
  });

  test('for a client that has gone is closed unread', async () => {
    const isClosed = vi.fn();
    const content = {
      [Symbol.asyncIterator]: () => ({
        next: async () => ({ done: true as const, value: undefined }),
        return: isClosed,
      }),
    };
    let settleAnswer!: (response: ResponseMessage) => void;
    const journey = begin(prepare(() => new Promise((resolve) => (settleAnswer = resolve))));
    end(journey.target, journey.exchange, false);
    settleAnswer({ status: 200, fields: [], content });
    await settle();
    expect(isClosed).toHaveBeenCalledTimes(1);
    expect(journey.transport.text).toBe('');
    expect(journey.told).toEqual(['idle']);
  });

  test('is the last where nothing may follow', () => {
    const { exchange, transport } = begin(prepare(() => OK, { isFollowed: false }));
    expect(transport.text).toMatch(/^connection: close\r$/m);
    expect(exchange.persistent).toBe(false);
  });
});

describe('a request that is refused before anybody is asked', () => {
  const never = (): never => {
    throw new Error('asked');
  };

  test.each([
    ['an unknown expectation', 'GET / HTTP/1.1\r\nHost: a\r\nExpect: x\r\n\r\n', 417],
    ['content beyond the limit', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\n\r\n', 413],
    ['a path without a reading', 'GET /%ff HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ])('for %s', (_, text, status) => {
    const journey = begin(prepare(never, { text, options: { limits: { maxContentBytes: 100 } } }));
    expect(statusOf(journey)).toBe(status);
    expect(journey.entries).toMatchObject([{ status, complete: true }]);
    expect(journey.exchange.refused).toBe(status === 413);
  });

  test('for what the parser says of its content', () => {
    const journey = begin(prepare(never), { status: 400, cause: new Error('bad chunk'), source: 'parser' });
    expect(statusOf(journey)).toBe(400);
  });

  test('when there is no request at all', () => {
    const journey = prepare(never);
    const exchange = new Exchange(undefined, journey.service, { inform: () => {} });
    answer(journey.target, exchange, late(408, 'too late'));
    expect(statusOf(journey)).toBe(408);
    expect(journey.entries).toMatchObject([{ status: 408, method: undefined, target: undefined }]);
  });
});

describe('what breaks', () => {
  test.each([
    [
      'a throw',
      () => {
        throw new Error('x');
      },
      500,
    ],
    [
      'a rejection',
      async () => {
        throw new Error('x');
      },
      500,
    ],
    [
      'an error with a status',
      () => {
        throw Object.assign(new Error('x'), { status: 503 });
      },
      503,
    ],
    ['a field that cannot be written', () => ({ status: 200, fields: [['x', 'a\r\nb']] }), 500],
    ['a 101 that nobody asked for', () => ({ status: 101, fields: [['upgrade', 'x']], upgrade: () => {} }), 500],
    [
      'a length that is none',
      () => ({ status: 200, fields: [['content-length', 'x']], content: twice('a', async () => '') }),
      500,
    ],
    [
      'content that breaks before its first piece',
      () => ({
        status: 200,
        fields: [],
        content: twice('', async () => {
          throw new Error('x');
        }),
      }),
      500,
    ],
  ] as const)('before the head is out (%s) is answered with a page', async (_, respond, status) => {
    const journey = begin(prepare(respond as Responder));
    await settle();
    expect(statusOf(journey)).toBe(status);
    expect(journey.told).toEqual(['idle', 'answered']);
    expect(journey.entries).toMatchObject([{ status, complete: true }]);
    expect(journey.transport.text.match(/HTTP\/1\.1/g)).toHaveLength(1);
  });

  test('behind the head is shown by an end in the middle', async () => {
    const journey = begin(
      prepare(() => ({
        status: 200,
        content: twice('begun', async () => {
          await settle(2);
          throw new Error('x');
        }),
      })),
    );
    await settle(12);
    expect(journey.told).toEqual(['idle', 'cut']);
    expect(journey.transport.text).toMatch(/begun\r\n$/);
    expect(journey.entries).toMatchObject([{ status: 200, complete: false, contentBytes: 5 }]);
  });

  test.each([
    ['more', 'abcdef'],
    ['less', 'ab'],
  ])('is content with %s than its length promised', async (_, text) => {
    const content = twice('a', async () => text.slice(1));
    const journey = begin(prepare(() => ({ status: 200, fields: [['content-length', '4']], content })));
    await settle();
    expect(journey.told).toEqual(['idle', 'cut']);
    expect(journey.transport.text).not.toContain('abcd');
  });

  test('in the error hook leaves the default page', async () => {
    const onError = (): ResponseMessage => ({ status: 500, fields: [['x', 'a\r\nb']], content: Buffer.from('mine') });
    const journey = begin(
      prepare(
        () => {
          throw new Error('x');
        },
        { options: { onError } },
      ),
    );
    await settle();
    expect(statusOf(journey)).toBe(500);
    expect(journey.transport.text).not.toContain('mine');
    expect(journey.told).toEqual(['idle', 'answered']);
  });
});

describe('the page of an error hook that nobody gets is closed', () => {
  /** A page that says when it is closed, and a hook with it that answers when it is told to. */
  function pageOf(): { isClosed: () => void; onError: () => Promise<ResponseMessage>; settlePage: () => void } {
    const isClosed = vi.fn();
    const content = {
      [Symbol.asyncIterator]: () => ({
        next: async () => ({ done: true as const, value: undefined }),
        return: async () => {
          isClosed();
          return { done: true as const, value: undefined };
        },
      }),
    };
    let settlePage!: () => void;
    const page = new Promise<ResponseMessage>((resolve) => {
      settlePage = () => resolve({ status: 500, fields: [], content });
    });
    return { isClosed, onError: () => page, settlePage };
  }
  const broken = (): never => {
    throw new Error('x');
  };

  test('where the head is out', async () => {
    const { isClosed, onError, settlePage } = pageOf();
    const content = twice('begun', async () => {
      await settle(2);
      throw new Error('x');
    });
    const journey = begin(prepare(() => ({ status: 200, content }), { options: { onError } }));
    await settle(12);
    settlePage();
    await settle(12);
    expect(journey.told).toEqual(['idle', 'cut']);
    expect(isClosed).toHaveBeenCalledTimes(1);
  });

  test('where the client has gone', async () => {
    const { isClosed, onError, settlePage } = pageOf();
    const journey = begin(prepare(async () => broken(), { options: { onError } }));
    await settle();
    end(journey.target, journey.exchange, false);
    settlePage();
    await settle();
    expect(isClosed).toHaveBeenCalledTimes(1);
  });

  test('where it comes too late', async () => {
    const { isClosed, onError, settlePage } = pageOf();
    const journey = begin(prepare(broken, { options: { onError, limits: { hookTimeoutMs: 1 } } }));
    await expect.poll(() => statusOf(journey)).toBe(500);
    settlePage();
    await settle();
    expect(isClosed).toHaveBeenCalledTimes(1);
  });
});

describe('an interruption', () => {
  test('answers in place of a responder that has not spoken, and aborts it', async () => {
    const signals: AbortSignal[] = [];
    const journey = begin(
      prepare(({ signal }) => {
        signals.push(signal);
        return new Promise(() => {});
      }),
    );
    journey.exchange.interrupt(late(503, 'too late'));
    journey.exchange.interrupt(late(408, 'later still'));
    await settle();
    expect(statusOf(journey)).toBe(503);
    expect(signals[0]?.aborted).toBe(true);
    expect(journey.told).toEqual(['idle', 'answered']);
  });

  test('closes the content of an answer that comes too late, and lets it fail alone', async () => {
    const isClosed = vi.fn();
    const content = {
      [Symbol.asyncIterator]: () => ({
        next: async () => ({ done: true as const, value: undefined }),
        return: isClosed,
      }),
    };
    const settles: { resolve: (response: ResponseMessage) => void; reject: (error: Error) => void }[] = [];
    for (const isGood of [true, false]) {
      const journey = begin(prepare(() => new Promise((resolve, reject) => void settles.push({ resolve, reject }))));
      journey.exchange.interrupt(late(503, 'too late'));
      await settle();
      if (isGood) settles.pop()?.resolve({ status: 200, fields: [], content });
      else settles.pop()?.reject(new Error('too late as well'));
      await settle();
      expect(journey.transport.text.match(/HTTP\/1\.1/g)).toHaveLength(1);
    }
    expect(isClosed).toHaveBeenCalledTimes(1);
  });

  test('is of no effect once the responder has spoken', async () => {
    const journey = begin(
      prepare(() => ({
        status: 200,
        content: twice('a', async () => {
          await settle(2);
          return 'b';
        }),
      })),
    );
    journey.exchange.interrupt(late(503, 'too late'));
    await settle(12);
    expect(journey.transport.text).toMatch(/^HTTP\/1\.1 200[^]*1\r\na\r\n1\r\nb\r\n0\r\n\r\n$/);
  });
});

describe('an exchange', () => {
  test('ends once, whoever says so', () => {
    const journey = begin(prepare(() => OK));
    end(journey.target, journey.exchange, false);
    expect(journey.entries).toHaveLength(1);
    expect(journey.told).toEqual(['idle', 'answered']);
    expect(journey.service.underWay).toBe(0);
  });

  test('tells its start and its end on channels, with one request', () => {
    const messages: { readonly request?: { readonly id: string } }[] = [];
    const note = (message: unknown): void => void messages.push(message as (typeof messages)[number]);
    subscribe('onezero.request.start', note);
    subscribe('onezero.request.end', note);
    begin(prepare(() => OK));
    unsubscribe('onezero.request.start', note);
    unsubscribe('onezero.request.end', note);
    expect(messages).toHaveLength(2);
    expect(messages[1]).toMatchObject({ request: messages[0]?.request, entry: { status: 200 } });
  });

  test("switches the protocol where that was offered, and is then the tunnel's", async () => {
    const text = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n';
    const journey = begin(prepare(() => ({ status: 101, fields: [['upgrade', 'x']], upgrade: () => {} }), { text }));
    await settle();
    expect(journey.told).toEqual(['switched']);
    expect(journey.transport.text).toMatch(/^HTTP\/1\.1 101 Switching Protocols\r\n[^]*connection: upgrade\r\n\r\n$/);
    expect(journey.entries).toEqual([]);
    expect(journey.exchange).toMatchObject({ persistent: false, headSent: true, over: false });
  });

  test('aborts its signal for whoever asks, before or after', () => {
    const { exchange } = prepare(() => OK);
    const { signal } = exchange;
    exchange.abort();
    exchange.abort();
    expect(signal.aborted).toBe(true);
    const other = prepare(() => OK).exchange;
    other.abort();
    expect(other.signal.aborted).toBe(true);
  });

  test('whose client leaves tells responder, reader and content', async () => {
    const { exchange } = prepare(() => OK, { text: 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n' });
    exchange.content = new RequestContent({ contentWanted: () => {}, contentFull: () => {}, contentRoom: () => {} });
    const read = exchange.content.next();
    const isClosed = vi.fn(async () => ({ done: true as const, value: undefined }));
    exchange.sending({ next: () => new Promise(() => {}), return: isClosed });
    exchange.left();
    await expect(read).rejects.toMatchObject({ status: 400, message: 'the client has gone' });
    expect(isClosed).toHaveBeenCalledTimes(1);
    expect(exchange.signal.aborted).toBe(true);
  });

  test.each([
    ['GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', true],
    ['GET / HTTP/1.0\r\n\r\n', true],
    ['GET / HTTP/1.1\r\nHost: a\r\n\r\n', false],
  ])('of %j has heard all: %s', (text, hasHeardAll) => {
    expect(prepare(() => OK, { text }).exchange.hasHeardAll).toBe(hasHeardAll);
  });

  test.each([
    ['Expect: 100-continue', true],
    ['expect: 100-CONTINUE', true],
    ['X: y', false],
  ])('with %s owes 100 (Continue): %s', (field, isDue) => {
    const text = `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n${field}\r\n\r\n`;
    expect(prepare(() => OK, { text }).exchange.continueDue).toBe(isDue);
    // HTTP/1.0 has no interim responses.
    const old = text.replace('HTTP/1.1', 'HTTP/1.0');
    expect(prepare(() => OK, { text: old }).exchange.continueDue).toBe(false);
  });
});
