import { setTimeout as delay } from 'node:timers/promises';
import { connect as connectRaw, type Socket } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parse, readAll, readUntil, start, textResponse, type Running } from '../exchange.ts';

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;

async function hello(): Promise<Running> {
  const running = await start({ routes: [{ responder: () => textResponse('hello') }] });
  onTestFinished(() => running.close());
  return running;
}

async function keptConnection({ connect }: Running): Promise<Socket> {
  const socket = await connect();
  onTestFinished(() => void socket.destroy());
  const first = readUntil(socket, /hello$/);
  socket.write(get('/'));
  await first;
  return socket;
}

describe('a stop', () => {
  test('answers what a kept connection asks in the same moment, as its last', async () => {
    const running = await hello();
    const sockets = await Promise.all(Array.from({ length: 20 }, () => keptConnection(running)));
    const answers = sockets.map((socket) => readAll(socket));
    const closed = running.server.close();
    for (const socket of sockets) socket.write(get('/'));
    for (const answer of await Promise.all(answers)) {
      expect(parse(answer)).toMatchObject({ status: 200, content: 'hello' });
      expect(parse(answer).fields.get('connection')).toBe('close');
    }
    for (const socket of sockets) socket.destroy();
    await closed;
  });

  test('accepts connections that wait in the queue', async () => {
    const running = await hello();
    const answers = Array.from({ length: 50 }, () => {
      const socket = connectRaw({ port: running.port, host: '127.0.0.1', allowHalfOpen: true });
      onTestFinished(() => void socket.destroy());
      socket.once('end', () => socket.end());
      const answer = readAll(socket);
      socket.write(get('/'));
      return answer;
    });
    // The kernel has completed them; the loop of this process, which is also the server's, has not accepted them.
    await running.server.close();
    const texts = await Promise.all(answers);
    expect(texts.filter((text) => !text.endsWith('hello'))).toEqual([]);
  });

  test('goes on accepting for the delay, says close in every answer, and does not close idle connections', async () => {
    const running = await hello();
    const { server, exchange, connect } = running;
    const kept = await keptConnection(running);
    const closed = server.close({ drainDelayMs: 3_600_000 });
    expect(server.isStopping).toBe(true);
    const fresh = parse(await exchange(get('/'), { halfClose: false }));
    expect(fresh).toMatchObject({ status: 200, content: 'hello' });
    expect(fresh.fields.get('connection')).toBe('close');
    const last = readAll(kept);
    kept.write(get('/'));
    expect(parse(await last).fields.get('connection')).toBe('close');
    kept.destroy();
    void server.close();
    await closed;
    await expect(connect()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  test('counts the grace from the end of the delay', async () => {
    const running = await start({ routes: [{ responder: () => new Promise(() => {}) }] });
    const socket = await running.connect();
    socket.write(get('/'));
    await expect.poll(() => running.server.requests).toBe(1);
    const closed = running.server.close({ drainDelayMs: 100, graceMs: 10 });
    await closed;
    expect(running.server.connections).toBe(0);
    socket.destroy();
  });
});

test('a stop answers what came in one piece, and says close with the last', async () => {
  const running = await hello();
  const socket = await keptConnection(running);
  const text = readAll(socket);
  const closed = running.server.close();
  socket.write(get('/').repeat(5));
  expect((await text).match(/hello/g)).toHaveLength(5);
  expect((await text).match(/connection: close/g)).toHaveLength(1);
  socket.destroy();
  await closed;
});

describe('the idle time-out', () => {
  test('takes no request from the clients that ask when it is over', async () => {
    const idleTimeoutMs = 600;
    const running = await start({
      limits: { idleTimeoutMs },
      routes: [{ responder: () => textResponse('hello') }],
    });
    onTestFinished(() => running.close());
    const answers = Array.from({ length: 200 }, async (_, index) => {
      const socket = await keptConnection(running);
      // Around the time-out, before and behind.
      await delay(idleTimeoutMs - 50 + index / 2);
      const answer = readUntil(socket, /hello$/);
      socket.write(get('/'));
      return parse(await answer);
    });
    const all = await Promise.all(answers);
    expect(all.map(({ status }) => status)).toEqual(all.map(() => 200));
  });

  test('lets who asks behind it know that this was the last', async () => {
    const running = await start({
      limits: { idleTimeoutMs: 400 },
      routes: [{ responder: () => textResponse('hello') }],
    });
    onTestFinished(() => running.close());
    // The clock of a busy server is behind ours, so one try may come too early.
    await expect
      .poll(async () => {
        const socket = await keptConnection(running);
        await delay(600);
        const answer = readUntil(socket, /hello$/);
        socket.write(get('/'));
        const { status, fields } = parse(await answer);
        return `${status} ${fields.get('connection')}`;
      })
      .toBe('200 close');
  });

  test('closes who asks nothing', async () => {
    const running = await start({ limits: { idleTimeoutMs: 50 } });
    onTestFinished(() => running.close());
    expect(await readAll(await running.connect())).toBe('');
  });
});

describe('a response that breaks off', () => {
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('part');
    await new Promise((resolve) => setImmediate(resolve));
    throw new Error('broken');
  }

  test.each([
    ['chunked', []],
    ['with a length', [['content-length', '10']]],
  ] as const)('ends with a FIN where framing shows that something is missing: %s', async (_, fields) => {
    const { connect, close } = await start({
      onError: () => undefined,
      routes: [{ responder: () => ({ status: 200, fields, content: broken() }) }],
    });
    onTestFinished(() => close());
    const socket = await connect();
    onTestFinished(() => void socket.destroy());
    const ending = new Promise((resolve) => {
      socket.once('end', () => resolve('end'));
      socket.once('error', () => resolve('error'));
    });
    const text = readAll(socket);
    socket.write(get('/'));
    expect(await ending).toBe('end');
    expect(await text).toContain('part');
    expect(await text).not.toMatch(/\r\n0\r\n\r\n$/);
  });

  test('is one that yields nothing for the silence time-out', async () => {
    let returned!: () => void;
    const isReturned = new Promise<void>((resolve) => {
      returned = resolve;
    });
    let steps = 0;
    const content = {
      [Symbol.asyncIterator]: () => ({
        next: () =>
          steps++ === 0
            ? Promise.resolve({ done: false as const, value: Buffer.from('part') })
            : new Promise<never>(() => {}),
        return: async () => (returned(), { done: true as const, value: undefined }),
      }),
    };
    const causes: unknown[] = [];
    const { connect, close } = await start({
      limits: { silenceTimeoutMs: 200 },
      onError: ({ cause }) => void causes.push(cause),
      routes: [{ responder: () => ({ status: 200, fields: [], content }) }],
    });
    onTestFinished(() => close());
    const socket = await connect();
    onTestFinished(() => void socket.destroy());
    const text = readAll(socket);
    socket.write(get('/'));
    expect(await text).toMatch(/part\r\n$/);
    await isReturned;
    expect(causes).toMatchObject([{ message: 'the response yielded nothing for 200 ms' }]);
  });
});
