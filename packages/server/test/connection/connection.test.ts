// A whole connection in memory: the same bytes in whatever pieces, clients that leave at every byte, and time that passes.

import fc from 'fast-check';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { RequestMessage, ResponseLike } from '../../src/message/message.ts';
import type { ServerOptions } from '../../src/options.ts';
import { play, type Played, settle } from './engine.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function contentOf({ content }: RequestMessage): Promise<string> {
  let text = '';
  for await (const bytes of content) text += Buffer.from(bytes).toString('latin1');
  return text;
}

async function* pieces(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) {
    yield Buffer.from(text);
    await turn();
  }
}

const OPTIONS: ServerOptions = {
  routes: [
    { path: '/now', responder: ({ method, query }) => ({ status: 200, content: `${method} ${query}` }) },
    { path: '/later', responder: async ({ query }) => (await turn(), { status: 200, content: `later ${query}` }) },
    { path: '/echo', responder: async (request) => ({ status: 200, content: `<${await contentOf(request)}>` }) },
    { path: '/unread', responder: () => ({ status: 200, content: 'unread' }) },
    { path: '/stream', responder: () => ({ status: 200, content: pieces('one,', 'two,', 'three') }) },
    {
      path: '/breaks',
      responder: async function breaks(): Promise<ResponseLike> {
        await turn();
        throw new Error('broken');
      },
    },
  ],
};

const REQUESTS = [
  'GET /now?a HTTP/1.1\r\nHost: a\r\n\r\n',
  'HEAD /now?b HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET /later?c HTTP/1.1\r\nHost: a\r\nX-Long: aaaaaaaaaaaa\r\n\r\n',
  'POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nhello world',
  'POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x\r\n world\r\n0\r\nT: 1\r\n\r\n',
  'POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello',
  'GET /stream HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET /none HTTP/1.1\r\nHost: a\r\nAccept: text/plain\r\n\r\n',
  'GET /breaks HTTP/1.1\r\nHost: a\r\nAccept: application/json\r\n\r\n',
  'OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n',
] as const;
const LAST = 'GET /now?last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

/** The answers to bytes that come in these pieces, without what is different each time. */
async function answers(parts: readonly (string | undefined)[]): Promise<string> {
  const played = play(OPTIONS);
  for (const part of parts) {
    if (part === undefined) await turn();
    else await played.send(part);
  }
  await expect.poll(() => played.isWhole(), { interval: 1 }).toBe(true);
  expect(played.service.underWay).toBe(0);
  return (
    played
      .text()
      // The number of a request grows by a digit now and then, and the length of what names it.
      .replaceAll(/content-length: \d+(\r\n\r\n\{[^}]*"id":)"[^"]*"/g, 'content-length: n$1"x"')
      .replaceAll(/"id":"[^"]*"/g, '"id":"x"')
      .replaceAll(/[a-z\d]+-\d+/g, 'x')
  );
}

describe('the same bytes', () => {
  const pipeline = fc.array(fc.constantFrom(...REQUESTS), { maxLength: 6 }).map((some) => [...some, LAST].join(''));

  test('have the same answers in whatever pieces they come, and whenever', async () => {
    const cuts = fc.array(fc.tuple(fc.nat(), fc.boolean()), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(pipeline, cuts, async (text, places) => {
        const whole = await answers([text]);
        expect(whole.match(/HTTP\/1\.1 \d{3}/g)).toHaveLength(text.match(/ HTTP\/1\.1\r\n/g)?.length ?? 0);
        const positions = [...new Set(places.map(([place]) => place % text.length))].toSorted((a, b) => a - b);
        const parts: (string | undefined)[] = [];
        let from = 0;
        for (const [index, to] of [...positions, text.length].entries()) {
          if (to > from) parts.push(text.slice(from, to));
          if (places[index]?.[1] === true) parts.push(undefined);
          from = to;
        }
        expect(await answers(parts)).toBe(whole);
      }),
      { numRuns: 60 },
    );
  });

  test('have the same answers when they come one by one', async () => {
    const text = [...REQUESTS, LAST].join('');
    expect(await answers(text.split(''))).toBe(await answers([text]));
  });
});

test('an answer that waits for the end of the turn is written before a client that sends too much is cut off', async () => {
  const played = play(OPTIONS);
  const { transport } = played;
  Object.assign(transport, {
    writeShared: (memory: Uint8Array, start: number, size: number) =>
      transport.write(memory.slice(start, start + size)),
  });
  // The second piece comes in the same turn.
  const sent = played.send('POST /unread HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n7fffffff\r\n');
  for (let piece = 0; piece < 3_000 && !transport.isClosed; piece++) void played.send('x'.repeat(65_536));
  await sent;
  expect(played.text()).toMatch(/^HTTP\/1\.1 \d{3} /);
});

test('content that nobody reads counts for its own request, however many have come on the connection', async () => {
  const played = play({ ...OPTIONS, limits: { maxDrainBytes: 1000 } });
  const post = `POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 600\r\n\r\n${'x'.repeat(600)}`;
  for (let request = 0; request < 5; request++) await played.send(post);
  await played.send(post + post);
  await settle();
  expect(played.text().match(/HTTP\/1\.1 200/g)).toHaveLength(7);
  expect(played.isWhole()).toBeUndefined();
});

test('answers that came in one turn of the loop after a wait leave together at its end', async () => {
  // What takes over a millisecond is written in parts.
  vi.useFakeTimers({ toFake: ['performance'] });
  onTestFinished(() => void vi.useRealTimers());
  const given: ((response: ResponseLike) => void)[] = [];
  const responder = async (): Promise<ResponseLike> => new Promise((resolve) => given.push(resolve));
  const played = ['a', 'b'].map(() => play({ routes: [{ responder }] }));
  for (const one of played) {
    // As a handle, which takes small writes at once.
    Object.assign(one.transport, { writeShared: () => true });
    await one.send('GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n');
  }
  const seen = (): boolean[] => played.map(({ text }) => text() !== '');
  for (const answer of given.splice(0)) answer({ status: 200, content: 'ok' });
  await Promise.resolve();
  for (let jobs = 0; jobs < 20; jobs++) await Promise.resolve();
  // Their second requests are read before the first answers are out.
  expect([seen(), given.length]).toEqual([[false, false], 2]);
  await turn();
  expect(seen()).toEqual([true, true]);
});

describe('a client that leaves', () => {
  test('at any byte leaves nothing behind: each request is logged once, and nothing is under way', async () => {
    const text = [REQUESTS[3], REQUESTS[4], REQUESTS[6], REQUESTS[2]].join('');
    const heads = [...text.matchAll(/(?:GET|POST) [^]*?\r\n\r\n/g)].map(({ index, 0: head }) => index + head.length);
    for (let at = 0; at <= text.length; at += 3) {
      const played = play(OPTIONS);
      await played.send(text.slice(0, at));
      await turn();
      played.transport.leaveAsClient();
      await settle();
      expect(played.closed(), `left at ${at}`).toBe(1);
      expect(played.service.underWay).toBe(0);
      expect(played.clock.watched.size).toBe(0);
      expect(played.entries.length).toBeLessThanOrEqual(heads.filter((end) => end <= at).length);
      // Only the last may be incomplete.
      expect(played.entries.slice(0, -1).every(({ complete }) => complete)).toBe(true);
    }
  });

  test('aborts the request, and closes what is being sent', async () => {
    let signal: AbortSignal | undefined;
    let isClosed = false;
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) {
          yield Buffer.from('x');
          await turn();
        }
      } finally {
        isClosed = true;
      }
    }
    const responder = (request: RequestMessage): ResponseLike => {
      ({ signal } = request);
      return { status: 200, content: endless() };
    };
    const played = play({ routes: [{ responder }] });
    await played.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await settle();
    expect(signal?.aborted).toBe(false);
    played.transport.leaveAsClient();
    await settle();
    expect([signal?.aborted, isClosed]).toEqual([true, true]);
    expect(played.entries).toMatchObject([{ complete: false, status: 200 }]);
  });
});

describe('what is no request', () => {
  test.each([
    ['nonsense\r\n\r\n', 400],
    ['GET / HTTP/2.0\r\n\r\n', 505],
    ['GET / HTTP/1.1\r\n\r\n', 400],
    ['GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', 400],
    ['GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['GET /../.. HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    [`GET /${'a'.repeat(9000)} HTTP/1.1\r\nHost: a\r\n\r\n`, 414],
    [`GET / HTTP/1.1\r\nHost: a\r\nX: ${'a'.repeat(40_000)}\r\n\r\n`, 431],
    ['POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n', 400],
    ['POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n', 400],
    ['POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n', 400],
    ['POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n', 501],
    ['GET /now HTTP/1.1\r\nHost: a\r\nExpect: the-moon\r\n\r\n', 417],
    ['BREW / HTTP/1.1\r\nHost: a\r\n\r\n', 501],
  ])('%j is %d', async (text, status) => {
    const played = play(OPTIONS);
    await played.send(text);
    await settle();
    expect(played.text()).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(played.entries).toHaveLength(1);
    expect(played.entries[0]?.status).toBe(status);
    expect(played.service.underWay).toBe(0);
  });

  test('ends the connection behind the answers to what came before it', async () => {
    const played = play(OPTIONS);
    await played.send(`${REQUESTS[2]}${REQUESTS[0]}nonsense\r\n\r\n${REQUESTS[0]}`);
    await settle();
    expect(played.text().match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 200', 'HTTP/1.1 400']);
    expect(played.isWhole()).toBe(true);
  });
});

describe('100 (Continue)', () => {
  const head = (path: string): string =>
    `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n`;

  test('is sent when the content is asked for, once', async () => {
    const played = play(OPTIONS);
    await played.send(head('/echo'));
    await settle();
    expect(played.text()).toBe('HTTP/1.1 100 Continue\r\n\r\n');
    await played.send('hello');
    await settle();
    expect(played.text()).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n[^]*<hello>$/);
  });

  test('is not sent where content came with the head, or is not asked for; then nothing follows', async () => {
    const together = play(OPTIONS);
    await together.send(`${head('/echo')}hel`);
    await together.send('lo');
    await settle();
    expect(together.text()).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    const unread = play(OPTIONS);
    await unread.send(head('/unread'));
    await settle();
    expect(unread.text()).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*connection: close\r\n/);
    expect(unread.isWhole()).toBe(true);
  });
});

describe('time', () => {
  const limits = {
    headTimeoutMs: 3000,
    idleTimeoutMs: 5000,
    contentTimeoutMs: 4000,
    answerTimeoutMs: 6000,
    drainTimeoutMs: 2000,
  };
  const timed = (): Played =>
    play({
      ...OPTIONS,
      limits,
      routes: [...(OPTIONS.routes ?? []), { path: '/never', responder: () => new Promise(() => {}) }],
    });

  test('ends a head that does not come with 408', async () => {
    const played = timed();
    await played.send('GET / HT');
    played.clock.pass(2500);
    expect(played.text()).toBe('');
    // A byte now and then is no head either.
    await played.send('T');
    played.clock.pass(1000);
    await settle();
    expect(played.text()).toMatch(/^HTTP\/1\.1 408 /);
    expect(played.isWhole()).toBe(true);
  });

  test('lets go of a client of TLS that stays after the last answer that it asked for', async () => {
    const played = timed();
    // Who leaves finishes sending, and waits for the client to do so.
    Object.assign(played.transport, { leave: () => undefined });
    await played.send('GET /stream HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    await settle(12);
    expect(played.text()).toContain('three');
    played.clock.pass(1500);
    expect(played.transport.isClosed).toBe(false);
    played.clock.pass(1000);
    expect(played.transport.isClosed).toBe(true);
  });

  test('ends an idle connection without a word, and not one that was just used', async () => {
    const played = timed();
    await played.send(REQUESTS[0]);
    await settle();
    const text = played.text();
    played.clock.pass(4500);
    await played.send(REQUESTS[0]);
    await settle();
    expect(played.text()).toBe(text + text);
    played.clock.pass(5500);
    expect(played.isWhole()).toBeUndefined();
    played.clock.pass(1000);
    expect(played.text()).toBe(text + text);
    expect(played.isWhole()).toBe(true);
  });

  test('lets a request that crosses the end be the last', async () => {
    const played = timed();
    await played.send(REQUESTS[0]);
    played.clock.pass(5200);
    await played.send(REQUESTS[0]);
    await settle();
    expect(played.text().match(/connection: close/g)).toHaveLength(1);
    expect(played.isWhole()).toBe(true);
  });

  test('answers for a responder that does not, with 503', async () => {
    const played = timed();
    await played.send('GET /never HTTP/1.1\r\nHost: a\r\n\r\n');
    played.clock.pass(5500);
    expect(played.text()).toBe('');
    played.clock.pass(1000);
    await settle();
    expect(played.text()).toMatch(/^HTTP\/1\.1 503 /);
    expect(played.entries).toMatchObject([{ status: 503, complete: true }]);
  });
});

describe('a stop', () => {
  test('makes each answer the last, and lets an idle connection go once it has been silent', async () => {
    const busy = play(OPTIONS, { isStopping: true });
    await busy.send(REQUESTS[0]);
    await settle();
    expect(busy.text()).toContain('connection: close\r\n');
    expect(busy.isWhole()).toBe(true);
    const idle = play(OPTIONS);
    idle.connection.leaveIfSilent();
    await idle.send('GET /now HTTP/1.1\r\n');
    idle.connection.leaveIfSilent();
    idle.connection.leaveIfSilent();
    expect(idle.isWhole()).toBeUndefined();
    await idle.send('Host: a\r\n\r\n');
    idle.connection.leaveIfSilent();
    expect(idle.isWhole()).toBeUndefined();
    idle.connection.leaveIfSilent();
    expect(idle.isWhole()).toBe(true);
  });
});
