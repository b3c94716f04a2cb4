import { createHash } from 'node:crypto';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createServer, type ServerOptions } from '@onezero/server';
import type { AccessLogEntry } from '../../src/options.ts';
import { parse, readAll, readUntil, start, textResponse, type Running } from '../exchange.ts';

async function serve(options: ServerOptions): Promise<Running> {
  const running = await start({
    routes: [
      { path: '/hello', responder: () => textResponse('hello') },
      {
        path: '/read',
        responder: async ({ content }) => {
          let bytes = 0;
          for await (const chunk of content) bytes += chunk.length;
          return textResponse(`${bytes}`);
        },
      },
      { path: '/endless', responder: () => ({ status: 200, fields: [], content: endless() }) },
    ],
    ...options,
  });
  onTestFinished(() => running.close());
  return running;
}

async function* endless(): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.alloc(65_536, 'x');
  for (;;) yield bytes;
}

const get = (path: string, fields = ''): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;
const post = (path: string, fields: string, content = ''): string =>
  `POST ${path} HTTP/1.1\r\nHost: a\r\n${fields}\r\n${content}`;

describe('a limit', () => {
  test.each([
    ['a long request line', get(`/${'a'.repeat(9000)}`), 414],
    ['a large head', get('/hello', `X: ${'a'.repeat(40_000)}\r\n`), 431],
    ['many fields', get('/hello', 'X: a\r\n'.repeat(200)), 431],
    ['announced content', post('/read', 'Content-Length: 2001\r\n'), 413],
    [
      'chunked content',
      post('/read', 'Transfer-Encoding: chunked\r\n', `7d1\r\n${'x'.repeat(2001)}\r\n0\r\n\r\n`),
      413,
    ],
  ])('on %s is answered and closes', async (_, bytes, status) => {
    const { exchange } = await serve({ limits: { maxContentBytes: 2000 } });
    const answer = parse(await exchange(bytes, { halfClose: false }));
    expect(answer.status).toBe(status);
    expect(answer.fields.get('connection')).toBe('close');
  });

  test.each([
    ['400', 'HEAD /hello HTTP/1.1\r\n\r\n', 400],
    ['414', `HEAD /${'a'.repeat(9000)} HTTP/1.1\r\nHost: a\r\n\r\n`, 414],
    ['431', `HEAD / HTTP/1.1\r\nHost: a\r\n${'X: a\r\n'.repeat(200)}\r\n`, 431],
    ['400 in the middle', 'HEAD / HTTP/1.1\r\nHo', 400],
  ])('on HEAD is answered without content: %s', async (_, bytes, status) => {
    const { exchange } = await serve({});
    expect(parse(await exchange(bytes))).toMatchObject({ status, content: '' });
  });

  test('on the time for a head is answered with 408, however the octets dribble', async () => {
    const { connect } = await serve({ limits: { headTimeoutMs: 200 } });
    const socket = await connect();
    const text = readAll(socket);
    const dribble = setInterval(() => socket.write('x'), 10);
    socket.write('GET /');
    expect(parse(await text).status).toBe(408);
    clearInterval(dribble);
    socket.destroy();
  });

  test('on silence before a request closes without a word', async () => {
    const { exchange } = await serve({ limits: { idleTimeoutMs: 50 } });
    expect(await exchange('', { halfClose: false })).toBe('');
    expect(await exchange(get('/hello'), { halfClose: false })).toMatch(/hello$/);
  });

  test('on slow content is answered with 408', async () => {
    const { connect } = await serve({ limits: { contentTimeoutMs: 100, minBytesPerSecond: 1000 } });
    const socket = await connect();
    const text = readAll(socket);
    socket.write(post('/read', 'Content-Length: 1000\r\n'));
    const dribble = setInterval(() => socket.write('x'), 10);
    expect(parse(await text).status).toBe(408);
    clearInterval(dribble);
    socket.destroy();
  });

  test('on a reader who does not read cuts the answer off and closes its content', async () => {
    let closed!: () => void;
    const isClosed = new Promise<void>((resolve) => {
      closed = resolve;
    });
    const entries: AccessLogEntry[] = [];
    const { connect, server } = await serve({
      limits: { contentTimeoutMs: 100 },
      accessLog: (entry) => entries.push(entry),
      routes: [
        {
          responder: () => {
            const source = endless();
            return {
              status: 200,
              fields: [],
              content: {
                [Symbol.asyncIterator]: () => ({
                  next: () => source.next(),
                  return: async () => (closed(), { done: true, value: undefined }),
                }),
              },
            };
          },
        },
      ],
    });
    const socket = await connect();
    socket.pause();
    socket.write(get('/'));
    await isClosed;
    await expect.poll(() => server.connections).toBe(0);
    expect(entries).toMatchObject([{ complete: false, status: 200 }]);
    socket.destroy();
  });

  test('on requests of one connection says so with the last', async () => {
    const { exchange } = await serve({ limits: { maxRequestsPerConnection: 2 } });
    const text = await exchange(get('/hello').repeat(3), { halfClose: false });
    expect(text.match(/hello/g)).toHaveLength(2);
    expect(text.match(/connection: close/g)).toHaveLength(1);
  });

  test.each([{ maxConnections: 1 }, { maxConnectionsPerAddress: 1 }])(
    'on connections turns away the next: %o',
    async (limits) => {
      const { connect, exchange, server } = await serve({ limits });
      const first = await connect();
      first.write(get('/hello'));
      await readUntil(first, /hello/);
      const refused = parse(await exchange(get('/hello')));
      expect(refused.status).toBe(503);
      expect(refused.fields.has('retry-after')).toBe(true);
      first.destroy();
      await expect.poll(() => server.connections).toBe(0);
      expect(parse(await exchange(get('/hello'))).status).toBe(200);
    },
  );

  test('that is no number is refused at once', () => {
    expect(() => createServer({ limits: { maxFields: -1 } })).toThrow(/limits\.maxFields/);
    expect(() => createServer({ limits: { maxFeilds: 1 } as never })).toThrow(
      /limits\.maxFeilds: is not an option; did you mean limits\.maxFields\?/,
    );
  });
});

describe('content that nobody reads', () => {
  test.each([
    ['is dropped when it is short', 'Content-Length: 32\r\n', 'GET /smuggled HTTP/1.1\r\nHost: a\r\n'.slice(0, 32)],
    ['is dropped when it is chunked', 'Transfer-Encoding: chunked\r\n', '3\r\nabc\r\n0\r\n\r\n'],
  ])('%s, and the next request is what comes behind it', async (_, fields, content) => {
    const { exchange } = await serve({});
    const text = await exchange(post('/hello', fields, content) + get('/hello', 'Connection: close\r\n'));
    expect(text.match(/HTTP\/1\.1 200/g)).toHaveLength(2);
  });

  test('closes the connection when it is long, and the answer arrives all the same', async () => {
    const { connect, server } = await serve({ limits: { maxDrainBytes: 1_000_000 } });
    const socket = await connect();
    const text = readAll(socket);
    socket.write(post('/hello', 'Content-Length: 50000000\r\n'));
    socket.write(Buffer.alloc(900_000));
    const answer = parse(await text);
    expect(answer.status).toBe(200);
    expect(answer.fields.get('connection')).toBe('close');
    socket.write(Buffer.alloc(900_000));
    await expect.poll(() => server.connections).toBe(0);
    socket.destroy();
  });

  test('closes the connection when nobody said 100', async () => {
    const { exchange } = await serve({});
    const text = await exchange(post('/hello', 'Content-Length: 5\r\nExpect: 100-continue\r\n'), { halfClose: false });
    expect(text).not.toContain('100 Continue');
    expect(text).toMatch(/connection: close/);
  });
});

describe('100 (Continue)', () => {
  test('is said when the content is asked for, to those who wait for it', async () => {
    const { connect, exchange } = await serve({});
    const socket = await connect();
    socket.write(post('/read', 'Content-Length: 5\r\nExpect: 100-Continue\r\n'));
    expect(await readUntil(socket, /\r\n\r\n$/)).toBe('HTTP/1.1 100 Continue\r\n\r\n');
    socket.write('abcde');
    await readUntil(socket, /5$/);
    socket.destroy();
    const old = await exchange('POST /read HTTP/1.0\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nabcde');
    expect(old).toMatch(/^HTTP\/1\.1 200[^]*5$/);
    const there = await exchange(post('/read', 'Content-Length: 5\r\nExpect: 100-continue\r\n', 'abcde'));
    expect(there).not.toContain('100 Continue');
  });

  test('is not said to an unknown expectation', async () => {
    const { exchange } = await serve({});
    expect(parse(await exchange(get('/hello', 'Expect: 200-ok\r\n'))).status).toBe(417);
  });
});

describe('back pressure', () => {
  test('holds a slow reader of request content in bounded memory', async () => {
    const digests: string[] = [];
    const { exchange } = await serve({
      routes: [
        {
          responder: async ({ content }) => {
            const digest = createHash('sha256');
            for await (const chunk of content) {
              digest.update(chunk);
              await new Promise((resolve) => setImmediate(resolve));
            }
            digests.push(digest.digest('hex'));
            return textResponse('done');
          },
        },
      ],
    });
    const content = 'abcdefgh'.repeat(500_000);
    const text = await exchange(post('/', `Content-Length: ${content.length}\r\n`, content));
    expect(parse(text).content).toBe('done');
    expect(digests).toEqual([createHash('sha256').update(content).digest('hex')]);
  });

  test('does not answer a client that asks and asks and does not read', async () => {
    let answers = 0;
    const content = Buffer.alloc(200_000);
    const { connect } = await serve({
      routes: [
        {
          responder: () => {
            answers += 1;
            return { status: 200, fields: [], content };
          },
        },
      ],
    });
    const socket = await connect();
    socket.pause();
    socket.write(get('/').repeat(1500));
    await expect.poll(() => answers).toBeGreaterThan(0);
    let before = -1;
    await expect
      .poll(() => {
        const isStill = before === answers;
        before = answers;
        return isStill;
      })
      .toBe(true);
    expect(answers).toBeLessThan(200);
    socket.resume();
    await expect.poll(() => answers).toBe(1500);
    socket.destroy();
  });
});

describe('a loop that was held up', () => {
  test('makes nobody late who was in time', async () => {
    const running = await start({
      limits: { idleTimeoutMs: 200, headTimeoutMs: 200 },
      routes: [{ responder: () => textResponse('hello') }],
    });
    onTestFinished(() => running.close());
    const holdUp = (): unknown => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 700);
    const socket = await running.connect();
    const first = readUntil(socket, /hello$/);
    holdUp();
    socket.write('GET / HTTP/1.1\r\n');
    holdUp();
    socket.write('Host: a\r\n\r\n');
    holdUp();
    await first;
    const second = readUntil(socket, /hello$/);
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    holdUp();
    await second;
    socket.destroy();
  });
});

test('content that its client breaks off, or that is too much, is no failure of the responder that reads it', async () => {
  const failures: number[] = [];
  const { connect, exchange } = await serve({
    limits: { maxContentBytes: 2000 },
    onError: ({ status }) => void failures.push(status),
  });
  const chunks = post('/read', 'Transfer-Encoding: chunked\r\n', `7d1\r\n${'x'.repeat(2001)}\r\n0\r\n\r\n`);
  expect(parse(await exchange(chunks, { halfClose: false })).status).toBe(413);
  const socket = await connect();
  socket.write(post('/read', 'Content-Length: 1000\r\n', 'part'));
  await new Promise((resolve) => setImmediate(resolve));
  socket.resetAndDestroy();
  await exchange(get('/hello'));
  await expect.poll(() => failures.length).toBeGreaterThan(0);
  expect(failures.filter((status) => status >= 500)).toEqual([]);
});
