import { describe, expect, onTestFinished, test } from 'vitest';
import { createServer } from '../../src/index.ts';
import type { AccessLogEntry } from '../../src/options.ts';
import { parse, readAll, readUntil, start, textResponse } from '../exchange.ts';

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;

/** A responder that answers when told to. */
function heldResponder(): {
  respond: () => Promise<ReturnType<typeof textResponse>>;
  asked: Promise<void>;
  release: () => void;
} {
  let release!: () => void;
  let ask!: () => void;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const asked = new Promise<void>((resolve) => {
    ask = resolve;
  });
  const respond = async (): Promise<ReturnType<typeof textResponse>> => {
    ask();
    await released;
    return textResponse('held');
  };
  return { respond, asked, release };
}

describe('a client', () => {
  test('that finishes sending gets its whole answer', async () => {
    const held = heldResponder();
    const running = await start({ routes: [{ responder: held.respond }] });
    onTestFinished(() => running.close());
    const text = running.exchange(get('/') + get('/'));
    await held.asked;
    held.release();
    expect((await text).match(/held/g)).toHaveLength(2);
    expect(await running.exchange('GET / HTTP/1.1\r\nHost: a\r\nContent-Le')).toMatch(/^HTTP\/1\.1 400/);
    expect(await running.exchange('')).toBe('');
  });

  test.each(['resetAndDestroy', 'destroy'] as const)(
    'that leaves by %s while nobody has answered aborts the signal',
    async (how) => {
      const entries: AccessLogEntry[] = [];
      let asked!: () => void;
      let aborted!: () => void;
      const isAsked = new Promise<void>((resolve) => {
        asked = resolve;
      });
      const isAborted = new Promise<void>((resolve) => {
        aborted = resolve;
      });
      const running = await start({
        accessLog: (entry) => entries.push(entry),
        // The clock ticks as fast as its shortest time-out needs.
        limits: { idleTimeoutMs: 400 },
        routes: [
          {
            responder: ({ signal }) => {
              signal.addEventListener('abort', () => aborted());
              asked();
              return new Promise(() => {});
            },
          },
        ],
      });
      onTestFinished(() => running.close());
      const socket = await running.connect();
      socket.write(get('/'));
      await isAsked;
      // Leaving at once looks like finishing to send; one who leaves later is missed.
      if (how === 'destroy') await new Promise((resolve) => setTimeout(resolve, 200));
      socket[how]();
      await isAborted;
      await expect.poll(() => entries).toMatchObject([{ complete: false, status: 0, target: '/' }]);
      expect(running.server.requests).toBe(0);
    },
  );
});

describe('close', () => {
  test('delays nothing where nobody can connect, as in a check of a configuration', async () => {
    await createServer({ limits: { drainDelayMs: Number.POSITIVE_INFINITY } }).close();
  });

  test('finishes what is under way, closes what is idle, and refuses what comes', async () => {
    const held = heldResponder();
    let closes = 0;
    const running = await start({
      routes: [{ responder: Object.assign(held.respond, { close: () => void (closes += 1) }) }],
    });
    const idle = await running.connect();
    const busy = await running.connect();
    busy.write(get('/'));
    await held.asked;
    const idleEnd = readAll(idle);
    const answer = readAll(busy);
    const closed = running.server.close({ graceMs: 10_000 });
    expect(await idleEnd).toBe('');
    idle.destroy();
    await expect(running.connect()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    held.release();
    expect(parse(await answer)).toMatchObject({ status: 200, content: 'held' });
    expect((await answer).includes('connection: close')).toBe(true);
    busy.destroy();
    await closed;
    expect(closes).toBe(1);
    expect(running.server.connections).toBe(0);
  });

  test('in the middle of a download waits for its end', async () => {
    const content = Buffer.alloc(8_000_000, 'x');
    const running = await start({
      routes: [
        {
          responder: () => ({
            status: 200,
            fields: [['content-length', `${content.length}`]],
            content: (async function* () {
              for (let at = 0; at < content.length; at += 100_000) yield content.subarray(at, at + 100_000);
            })(),
          }),
        },
      ],
    });
    const socket = await running.connect();
    socket.write(get('/'));
    await readUntil(socket, /\r\n\r\n/);
    socket.pause();
    const closed = running.server.close({ graceMs: 10_000 });
    socket.resume();
    let bytes = 0;
    socket.on('data', (chunk) => {
      bytes += chunk.length;
    });
    socket.on('end', () => socket.end());
    await closed;
    socket.destroy();
    expect(bytes).toBeGreaterThan(7_000_000);
  });

  test('answers who has come already and asks in the same moment', async () => {
    const running = await start({ routes: [{ responder: () => textResponse('hello') }] });
    const [asking, silent] = [await running.connect(), await running.connect()];
    onTestFinished(() => void asking.destroy());
    onTestFinished(() => void silent.destroy());
    const { server } = running;
    await expect.poll(() => server.connections).toBe(2);
    const [answer, nothing] = [readAll(asking), readAll(silent)];
    asking.write(get('/'));
    await server.close();
    expect(parse(await answer)).toMatchObject({ status: 200, content: 'hello' });
    expect(await nothing).toBe('');
  });

  test('does not wait for idle clients to close as well', async () => {
    const running = await start({
      limits: { drainTimeoutMs: 60_000, closeTimeoutMs: 60_000 },
      routes: [{ responder: () => textResponse('hello') }],
    });
    const [silent, answered] = await Promise.all([running.connect(), running.connect()]);
    onTestFinished(() => {
      for (const socket of [silent, answered]) socket.destroy();
    });
    const head = readUntil(answered, /hello$/);
    answered.write(get('/'));
    await head;
    // Both leave their side open.
    await running.server.close();
    expect(running.server.connections).toBe(0);
  });

  test('cuts off what is left when the grace ends, and asked again ends it sooner', async () => {
    const running = await start({ routes: [{ responder: () => new Promise(() => {}) }] });
    const socket = await running.connect();
    socket.write(get('/'));
    await expect.poll(() => running.server.requests).toBe(1);
    const closed = running.server.close({ graceMs: 60_000 });
    void running.server.close({ graceMs: 10 });
    await closed;
    expect(running.server.connections).toBe(0);
    socket.destroy();
  });
});

describe('reload', () => {
  test('swaps everything at once, and lets what is under way end as it began', async () => {
    const held = heldResponder();
    let closes = 0;
    const running = await start({
      routes: [{ responder: Object.assign(held.respond, { close: () => void (closes += 1) }) }],
    });
    onTestFinished(() => running.close());
    const socket = await running.connect();
    const first = readUntil(socket, /held/);
    socket.write(get('/'));
    await held.asked;
    await running.server.reload({ serverField: 'new', routes: [{ responder: () => textResponse('new') }] });
    expect(await running.exchange(get('/'))).toMatch(/server: new\r\n[^]*new$/);
    expect(closes).toBe(0);
    held.release();
    await first;
    const second = readUntil(socket, /new$/);
    socket.write(get('/'));
    await second;
    expect(closes).toBe(1);
    socket.destroy();
  });

  test('keeps what is there when the options are of no use', async () => {
    const running = await start({ routes: [{ responder: () => textResponse('old') }] });
    onTestFinished(() => running.close());
    await expect(running.server.reload({ root: '/no/such/folder' })).rejects.toThrow(/no\/such\/folder/);
    expect(await running.exchange(get('/'))).toMatch(/old$/);
  });
});

test('a listener that is being opened when the server is closed does not stay open', async () => {
  const { createServer } = await import('@onezero/server');
  const server = createServer({});
  const listeners = Array.from({ length: 20 }, () => ({ port: 0, host: '127.0.0.1' }));
  const opening = server.listen(listeners);
  const refused = expect(opening).rejects.toThrow('the server is closed');
  await server.close();
  await refused;
  expect(server.addresses).toEqual([]);
});
