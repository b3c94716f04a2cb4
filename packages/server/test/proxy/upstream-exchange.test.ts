// One request to an upstream that this test plays byte by byte, on a socket in memory.

import { once } from 'node:events';
import { describe, expect, test, vi } from 'vitest';
import { ResponseParser } from '@onezero/http-parser';
import type { RequestMessage } from '../../src/message/message.ts';
import { ProxyError } from '../../src/proxy/proxy-error.ts';
import { UpstreamExchange } from '../../src/proxy/upstream-exchange.ts';
import { DuplexSocket } from '../../src/transport/duplex-socket.ts';
import { request } from '../request.ts';

interface Played {
  readonly exchange: UpstreamExchange;
  readonly socket: DuplexSocket;
  /** What the upstream has got. */
  readonly got: () => string;
  /** The upstream sends. */
  readonly say: (bytes: string | Uint8Array) => void;
  readonly finish: () => void;
  readonly reset: () => void;
}

const NOBODY = { remote: { address: '', port: 0 }, local: { address: '', port: 0 }, scheme: 'http' } as const;

function play(asked: RequestMessage = request(), { connects = true, timeoutMs = 60_000 } = {}): Played {
  let text = '';
  const socket = new DuplexSocket(
    {
      read: () => {},
      write: (pieces, taken) => {
        text += Buffer.concat(pieces).toString('latin1');
        taken();
      },
      finish: (taken) => taken(),
      destroyed: () => {},
    },
    NOBODY,
  );
  const exchange = new UpstreamExchange(asked, {
    socket,
    origin: 'http://upstream:1',
    target: '/x',
    fields: [['host', 'upstream']],
    connectTimeoutMs: timeoutMs,
  });
  exchange.head.catch(() => {});
  if (connects) socket.emit('connect');
  return {
    exchange,
    socket,
    got: () => text,
    say: (bytes) => void (socket.destroyed || socket.push(Buffer.from(bytes as string, 'latin1'))),
    finish: () => void (socket.destroyed || socket.push(null)),
    reset: () => void socket.destroy(Object.assign(new Error('reset'), { code: 'ECONNRESET' })),
  };
}

/** What a reader gets of the exchange: status and content, or why there is none, with the content before that. */
async function outcome({ exchange }: Played): Promise<{ status?: number; content: string; error?: string }> {
  let content = '';
  let status: number | undefined;
  try {
    status = (await exchange.head).head.status;
    for await (const bytes of exchange) content += Buffer.from(bytes).toString('latin1');
    return { status, content };
  } catch (error) {
    expect(error).toBeInstanceOf(ProxyError);
    return { ...(status !== undefined && { status }), content, error: (error as Error).message };
  }
}

test('an upstream may take weeks to accept', () => {
  vi.useFakeTimers();
  const { socket } = play(request(), { connects: false, timeoutMs: 30 * 86_400_000 });
  vi.advanceTimersByTime(86_400_000);
  expect(socket.destroyed).toBe(false);
  socket.destroy();
  vi.useRealTimers();
});

const HEAD = 'HTTP/1.1 200 OK\r\nX-A: b\r\n';
const RESPONSES = [
  ['a length', `${HEAD}Content-Length: 11\r\n\r\nhello world`],
  ['chunks', `${HEAD}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nT: 1\r\n\r\n`],
  ['an interim response', `HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n${HEAD}Content-Length: 11\r\n\r\nhello world`],
] as const;

describe.each(RESPONSES)('a response with %s', (_, text) => {
  test('is the same wherever its bytes are split', async () => {
    for (let at = 1; at < text.length; at++) {
      const played = play();
      played.say(text.slice(0, at));
      played.say(text.slice(at));
      expect(await outcome(played), `split at ${at}`).toEqual({ status: 200, content: 'hello world' });
      expect(played.socket.destroyed).toBe(true);
    }
  });

  test.each(['ends', 'is reset'])('is never taken for whole when its connection %s in the middle', async (how) => {
    for (let at = 0; at < text.length; at++) {
      const played = play();
      if (at > 0) played.say(text.slice(0, at));
      if (how === 'ends') played.finish();
      else played.reset();
      const { content, error } = await outcome(played);
      expect(error, `cut at ${at}`).toMatch(/^http:\/\/upstream:1 (?:closed|sent|cannot)/);
      expect('hello world'.startsWith(content)).toBe(true);
      expect(played.socket.destroyed).toBe(true);
    }
  });
});

describe('a response', () => {
  test('that the end of its connection ends is whole then, and broken by a reset', async () => {
    const text = `${HEAD}\r\nhello`;
    const whole = play();
    whole.say(text);
    whole.finish();
    expect(await outcome(whole)).toEqual({ status: 200, content: 'hello' });
    const broken = play();
    broken.say(text);
    broken.reset();
    expect(await outcome(broken)).toMatchObject({ error: expect.stringContaining('ECONNRESET') as string });
  });

  test.each([
    ['HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n'],
    ['GET', 'HTTP/1.1 204 No Content\r\n\r\n'],
    ['GET', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 11\r\n\r\n'],
  ])('to %s without content is whole with its head', async (method, text) => {
    const played = play(request({ method }));
    played.say(text);
    expect((await outcome(played)).content).toBe('');
    expect(played.socket.destroyed).toBe(true);
  });

  test.each([
    ['nonsense', 'hello\r\n\r\n'],
    ['TLS', '\u0015\u0003\u0001\0\u0002\u0002\n'],
    ['two lengths', `${HEAD}Content-Length: 1\r\nContent-Length: 2\r\n\r\n`],
    ['a length and chunks', `${HEAD}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`],
    ['a negative length', `${HEAD}Content-Length: -1\r\n\r\n`],
  ])('that is %s is none', async (_, text) => {
    const played = play();
    played.say(text);
    expect((await outcome(played)).error).toMatch(/sent what is no HTTP response: /);
  });

  test('that changes the protocol unasked is none', async () => {
    const played = play();
    played.say('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n');
    expect((await outcome(played)).error).toMatch(/changed to a protocol that was not asked for/);
  });

  test('that changes the protocol and names none is none', async () => {
    const played = play(request({ upgrade: 'websocket' }));
    played.say('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\n\r\n');
    expect((await outcome(played)).error).toMatch(/changed the protocol without naming one/);
  });

  test('has interim ones before it, but for those that are about the connection', async () => {
    const informed: number[] = [];
    const asked = request({}, { signal: new AbortController().signal, inform: (status) => void informed.push(status) });
    const played = play(asked);
    played.say('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n');
    played.say(`${HEAD}Content-Length: 0\r\n\r\n`);
    expect(await outcome(played)).toEqual({ status: 200, content: '' });
    expect(informed).toEqual([102, 103]);
  });

  test('is not read on while nobody reads it', async () => {
    const played = play();
    played.say(`${HEAD}Content-Length: 600000\r\n\r\n`);
    await played.exchange.head;
    played.say(Buffer.alloc(300_000));
    expect(played.socket.isPaused()).toBe(true);
    played.say(Buffer.alloc(300_000));
    let bytes = 0;
    for await (const chunk of played.exchange) bytes += chunk.length;
    expect(bytes).toBe(600_000);
  });
});

describe('a request', () => {
  async function* chunks(...texts: string[]): AsyncGenerator<Uint8Array> {
    for (const text of texts) yield Buffer.from(text);
  }

  test('is not sent before there is a connection', async () => {
    const played = play(request(), { connects: false });
    expect(played.got()).toBe('');
    played.socket.emit('connect');
    expect(played.got()).toBe('GET /x HTTP/1.1\r\nhost: upstream\r\n\r\n');
    played.exchange.close();
  });

  test('is sent with its content, in chunks where it has no length', async () => {
    const sized = play(request({ method: 'POST', contentLength: 5, content: chunks('he', 'llo') }));
    await expect.poll(sized.got).toMatch(/\r\n\r\nhello$/);
    const chunked = play(request({ method: 'POST', contentLength: undefined, content: chunks('he', '', 'llo') }));
    await expect.poll(chunked.got).toMatch(/\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n$/);
    for (const { exchange } of [sized, chunked]) exchange.close();
  });

  test('whose content breaks off is given up, so that a part is not taken for the whole', async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('he');
      throw new Error('the client has gone');
    }
    const played = play(request({ method: 'POST', contentLength: undefined, content: broken() }));
    expect((await outcome(played)).error).toMatch(/was given up: the client has gone/);
    expect(played.got()).not.toContain('0\r\n\r\n');
    expect(played.socket.destroyed).toBe(true);
  });

  test('is not gone on with once the response is whole', async () => {
    let asked = 0;
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) {
        asked += 1;
        yield Buffer.from('x');
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    const played = play(request({ method: 'POST', contentLength: undefined, content: endless() }));
    played.say('HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno');
    expect(await outcome(played)).toEqual({ status: 413, content: 'no' });
    const then = asked;
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    expect(asked).toBeLessThanOrEqual(then + 1);
  });
});

describe('giving up', () => {
  test('is 504 where nobody accepts the connection, and 502 otherwise', async () => {
    const late = play(request(), { connects: false, timeoutMs: 1 });
    await expect(late.exchange.head).rejects.toMatchObject({ status: 504, message: /does not accept the connection$/ });
    expect(late.socket.destroyed).toBe(true);
    const refused = play(request(), { connects: false });
    refused.socket.destroy(Object.assign(new Error('x'), { code: 'ECONNREFUSED' }));
    const error: unknown = await refused.exchange.head.catch((reason: unknown) => reason);
    expect(error).toMatchObject({ status: 502, message: 'http://upstream:1 cannot be asked: ECONNREFUSED' });
    // One line, without the places of this program.
    expect((error as Error).stack).toBe('ProxyError: http://upstream:1 cannot be asked: ECONNREFUSED');
  });

  test('takes the connection along when the client leaves, before or after the head', async () => {
    for (const isBegun of [false, true]) {
      const controller = new AbortController();
      const played = play(request({}, { signal: controller.signal }));
      if (isBegun) {
        played.say(`${HEAD}Content-Length: 11\r\n\r\nhello`);
        await played.exchange.head;
      }
      controller.abort();
      expect(played.socket.destroyed).toBe(true);
      if (!isBegun) await expect(played.exchange.head).rejects.toThrow(/was given up/);
      // Its content ends without an error: nobody reads it.
      else expect(await played.exchange.next()).toEqual({ done: true, value: undefined });
    }
    const gone = AbortSignal.abort();
    const never = play(request({}, { signal: gone }));
    expect(never.socket.destroyed).toBe(true);
    expect(never.got()).toBe('');
  });

  test('is what closing the content does', async () => {
    const played = play();
    played.say(`${HEAD}Content-Length: 11\r\n\r\nhello`);
    await played.exchange.head;
    await played.exchange.return();
    expect(played.socket.destroyed).toBe(true);
    expect(await played.exchange.next()).toEqual({ done: true, value: undefined });
  });
});

describe('taking over after 101', () => {
  test('hands over what came behind the head, and leaves the socket to its new owner', async () => {
    const controller = new AbortController();
    const played = play(request({ upgrade: 'x' }, { signal: controller.signal }));
    played.say('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nearly');
    expect((await played.exchange.head).head.status).toBe(101);
    const { socket, first } = played.exchange.takeOver();
    expect(Buffer.from(first).toString()).toBe('early');
    const next = once(socket, 'data');
    played.say('later');
    const [data] = (await next) as [Buffer];
    expect(String(data)).toBe('later');
    expect(socket.destroyed).toBe(false);
    // Until there is a tunnel, the client's leaving ends it.
    controller.abort();
    expect(socket.destroyed).toBe(true);
  });
});

test('the parser that reads responses takes what this test plays for what it is', () => {
  for (const [, text] of RESPONSES) {
    const parser = new ResponseParser();
    parser.next({ method: 'GET', version: '1.1' });
    expect(parser.push(Buffer.from(text)).at(-1)?.type).toBe('end');
  }
});
