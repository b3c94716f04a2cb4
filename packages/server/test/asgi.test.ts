// ASGI applications over real HTTP and WebSocket connections.

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { deflateRawSync, inflateRawSync, constants } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { start, type Running } from './exchange.ts';
import { Client, frame } from './websocket.ts';

const python = process.env['PYTHON'] ?? (existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3');
const fixtures = join(import.meta.dirname, '../../python/test/fixtures');
const common = { cwd: fixtures, python, processes: 1, env: { PYTHONDONTWRITEBYTECODE: '1' }, log: () => {} };

function hasModule(name: string): boolean {
  if (process.env['CI']) return true;
  try {
    execFileSync(python, ['-c', `import ${name}`], { stdio: 'ignore' });
    return true;
  } catch (error) {
    if ((error as { status?: number }).status === 1) return false;
    throw error;
  }
}

const text = 0x81;
const binary = 0x82;
const close = 0x88;
const ping = 0x89;
const pong = 0x8a;
const more = 0x7f; // takes FIN away
const continuation = 0x80;

let running: Running;
beforeAll(async () => {
  running = await start({
    asgi: { ...common, application: 'asgi_3:application' },
    wsgi: { ...common, application: 'asgi_3_wsgi:application', path: '/wsgi' },
    app: hasModule('fastapi') ? { ...common, application: 'asgi_sites:make("fastapi")', path: '/fast' } : [],
  });
});
afterAll(() => running.close());

const open = async (target: string, fields?: readonly string[], behind?: Uint8Array): Promise<Client> => {
  const client = await Client.open(running.port, target, fields, behind);
  onTestFinished(() => void client.socket.destroy());
  return client;
};

const events = async (): Promise<string> => (await fetch(`http://127.0.0.1:${running.port}/ws-events`)).text();

describe('HTTP', () => {
  test('answers with a length, in chunks, and to HTTP/1.0', async () => {
    const whole = await running.exchange('GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    expect(whole).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*content-length: 12\r\n[^]*\r\n\r\nHello, world$/);
    const chunked = await running.exchange('GET /stream?30000 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    expect(chunked).toMatch(/transfer-encoding: chunked\r\n[^]*\r\n0\n1\n[^]*29999\n\r\n0\r\n\r\n$/);
    expect(await running.exchange('GET /stream?2 HTTP/1.0\r\n\r\n')).toMatch(
      /^HTTP\/1\.[01] 200 OK\r\n[^]*\r\n\r\n0\n1\n$/,
    );
  });

  test('a response that breaks off does not look whole', async () => {
    const broken = await running.exchange('GET /half HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    expect(broken).toContain('half');
    expect(broken).not.toMatch(/0\r\n\r\n$/);
  });

  test('stands beside WSGI and another application', async () => {
    const get = async (path: string) => (await fetch(`http://127.0.0.1:${running.port}${path}`)).text();
    expect(await get('/wsgi/x')).toBe('wsgi /wsgi /x');
    if (hasModule('fastapi')) {
      expect(JSON.parse(await get('/fast/items/one'))).toEqual({
        item: 'one',
        url: `http://127.0.0.1:${running.port}/fast/items/next`,
      });
    }
  });
});

describe('the handshake', () => {
  test('accepts with the key of the client, fields and a subprotocol', async () => {
    const client = await open('/ws-echo', ['Sec-WebSocket-Protocol: chat, other']);
    expect(client.head).toMatch(/^HTTP\/1\.1 101 Switching Protocols\r\n/);
    for (const line of ['upgrade: websocket', 'connection: upgrade', 'sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=', 'sec-websocket-protocol: chat', 'x-own: yes']) {
      expect(client.head.toLowerCase().split('\r\n')).toContain(line.toLowerCase());
    }
  }); // prettier-ignore

  test('tells the application what was asked for', async () => {
    expect(await (await open('/ws-show/a%20b?c=d')).text()).toBe(
      "['websocket', '/ws-show/a b', '', b'/ws-show/a%20b', b'c=d', 'ws', '1.1', []]",
    );
  });

  test.each([
    ['/ws-deny', 403, ''],
    ['/ws-deny-with', 401, 'x-why: no token'],
    ['/ws-fails-before', 500, ''],
  ])('that the application denies: %s is %d', async (target, status, field) => {
    const client = await open(target);
    expect(client.status).toBe(status);
    expect(client.head).toContain(field);
    expect(client.head).not.toContain('upgrade: websocket');
  });

  test.each([
    ['another version', ['Sec-WebSocket-Version: 8'], 426, 'sec-websocket-version: 13'],
    ['no key', [], 400, ''],
    ['a bad key', ['Sec-WebSocket-Key: short', 'Sec-WebSocket-Version: 13'], 400, ''],
  ])('with %s is refused', async (_, fields, status, field) => {
    const lines = ['GET /ws-echo HTTP/1.1', 'Host: a', 'Connection: Upgrade, close', 'Upgrade: websocket', ...fields];
    if (status === 400 && fields.length === 0) lines.push('Sec-WebSocket-Version: 13');
    const answer = await running.exchange(`${lines.join('\r\n')}\r\n\r\n`);
    expect(answer).toContain(`HTTP/1.1 ${status} `);
    expect(answer).toContain(field);
  });

  test('of a request that only mentions Upgrade is a request', async () => {
    const answer = await running.exchange(
      'GET /hello HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: close\r\n\r\n',
    );
    expect(answer).toContain('Hello, world');
  });

  test('loses no frame that came with it', async () => {
    const client = await open('/ws-echo', [], frame(text, 'early'));
    expect(await client.text()).toBe('early');
  });
});

describe('messages', () => {
  test.each([0, 1, 125, 126, 127, 65_535, 65_536, 1_000_000])('of %d bytes come back', async (size) => {
    const client = await open('/ws-echo');
    const data = Buffer.alloc(size, 'abcd');
    const bytes = Buffer.alloc(size, Buffer.from([0, 255, 128]));
    client.send(frame(text, data), frame(binary, bytes));
    for (const expected of [data, bytes]) {
      const { first, data: received } = await client.frame();
      expect([first, received.equals(expected)]).toEqual([expected === data ? text : binary, true]);
    }
  });

  test('however their bytes are cut', async () => {
    const client = await open('/ws-echo');
    client.socket.setNoDelay(true);
    for (const byte of frame(text, 'käse')) {
      client.send(Buffer.from([byte]));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await client.text()).toBe('käse');
  });

  test('in fragments, with a ping between them', async () => {
    const client = await open('/ws-echo');
    client.send(frame(text & more, 'a'), frame(ping, 'p'), frame(continuation & more, ''), frame(continuation, 'b'));
    expect(await client.frame()).toEqual({ first: pong, data: Buffer.from('p') });
    expect(await client.text()).toBe('ab');
  });

  test('whose fragments cut a character', async () => {
    const client = await open('/ws-echo');
    const bytes = Buffer.from('ä€😀');
    client.send(frame(text & more, bytes.subarray(0, 1)), frame(continuation & more, bytes.subarray(1, 6)), frame(continuation, bytes.subarray(6))); // prettier-ignore
    expect(await client.text()).toBe('ä€😀');
  });

  test('many at once, in order', async () => {
    const client = await open('/ws-echo');
    client.send(...Array.from({ length: 2000 }, (_, number) => frame(text, String(number))));
    for (let number = 0; number < 2000; number++) expect(await client.text()).toBe(String(number));
  });

  test('a pong is nothing', async () => {
    const client = await open('/ws-echo');
    client.send(frame(pong, 'unasked'), frame(text, 'x'));
    expect(await client.text()).toBe('x');
  });

  test('are sent no faster than they are taken', async () => {
    await events();
    const client = await open('/ws-flood');
    client.socket.pause();
    await new Promise((resolve) => setTimeout(resolve, 500));
    client.socket.destroy();
    let seen = '[]';
    await expect.poll(async () => (seen = await events())).not.toBe('[]');
    expect(Number(/\d+/.exec(seen)?.[0])).toBeLessThan(60_000_000);
  });
});

describe('what is no WebSocket', () => {
  const cases: readonly (readonly [string, readonly Buffer[], number])[] = [
    ['a frame without a mask', [frame(text, 'x', false)], 1002],
    ['a reserved bit', [frame(0xc1, 'x')], 1002],
    ['another one', [frame(0xa1, 'x')], 1002],
    ['an unknown opcode', [frame(0x83, '')], 1002],
    ['an unknown control opcode', [frame(0x8b, '')], 1002],
    ['a ping of 126 bytes', [frame(ping, Buffer.alloc(126))], 1002],
    ['a ping in fragments', [frame(ping & more, '')], 1002],
    ['a continuation of nothing', [frame(continuation, 'x')], 1002],
    ['a message within a message', [frame(text & more, 'x'), frame(text, 'y')], 1002],
    ['text that is not UTF-8', [frame(text, Buffer.from([0xce, 0xba, 0xff]))], 1007],
    ['text that ends within a character', [frame(text & more, 'x'), frame(continuation, Buffer.from([0xc3]))], 1007],
    ['a surrogate', [frame(text, Buffer.from([0xed, 0xa0, 0x80]))], 1007],
    ['a message of more than 16 MiB', [Buffer.concat([Buffer.from([binary, 0xff, 0, 0, 0, 0, 1, 0, 0, 1]), Buffer.alloc(4)])], 1009],
    ['fragments of more than 16 MiB', [frame(binary & more, Buffer.alloc(0x900000)), frame(continuation, Buffer.alloc(0x900000))], 1009],
    ['a close of one byte', [frame(close, 'x')], 1002],
    ['a close with a reserved code', [frame(close, Buffer.from([3, 237]))], 1002],
    ['a close with code 999', [frame(close, Buffer.from([3, 231]))], 1002],
    ['a close with code 5000', [frame(close, Buffer.from([19, 136]))], 1002],
    ['a close whose reason is not UTF-8', [frame(close, Buffer.from([3, 232, 0xff]))], 1007],
  ]; // prettier-ignore
  test.each(cases)('%s', async (_, sent, code) => {
    await events();
    const client = await open('/ws-echo');
    client.send(...sent);
    expect(await client.closed()).toBe(code);
    await expect.poll(events).toContain(`(${code}, `);
  });
});

describe('the end', () => {
  test.each([
    ['a code and a reason', Buffer.concat([Buffer.from([3, 232]), Buffer.from('bye')]), 1000, "(1000, 'bye')"],
    ['a code of an application', Buffer.from([0x0f, 0xa0]), 4000, "(4000, '')"],
    ['nothing', Buffer.alloc(0), 1005, "(1005, '')"],
  ])('by the client with %s', async (_, data, code, event) => {
    await events();
    const client = await open('/ws-echo');
    client.send(frame(close, data));
    expect(await client.closed()).toBe(code);
    await expect.poll(events).toContain(event);
  });

  test('by the application', async () => {
    const client = await open('/ws-close');
    const { first, data } = await client.frame();
    expect([first, data.readUInt16BE(0), data.toString('utf8', 2)]).toEqual([close, 4001, 'enough']);
    client.send(frame(close, data));
    expect(await client.closed()).toBe(undefined);
  });

  test('by an exception is 1011', async () => {
    expect(await (await open('/ws-fails')).closed()).toBe(1011);
  });

  test('by a client that just goes is 1006', async () => {
    await events();
    (await open('/ws-echo')).socket.destroy();
    await expect.poll(events).toContain('(1006, ');
  });

  test('of the worker is 1001, within the grace', async () => {
    const other = await start({ asgi: { ...common, application: 'asgi_3:application' } });
    const client = await Client.open(other.port, '/ws-wait');
    const closing = other.server.close({ graceMs: 15_000 });
    const { first, data } = await client.frame();
    expect([first, data.readUInt16BE()]).toEqual([close, 1001]);
    client.send(frame(close, data));
    await closing;
  });
});

describe('permessage-deflate', () => {
  const offer = 'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits';
  const deflated = (data: string): Buffer => {
    const bytes = deflateRawSync(data, { finishFlush: constants.Z_SYNC_FLUSH });
    return frame(0xc1, bytes.subarray(0, -4));
  };
  const inflated = (data: Buffer): string =>
    inflateRawSync(Buffer.concat([data, Buffer.from([0, 0, 255, 255])]), {
      finishFlush: constants.Z_SYNC_FLUSH,
    }).toString();

  test('is agreed on and used for long messages, both ways', async () => {
    const client = await open('/ws-echo', [offer]);
    expect(client.head).toContain('sec-websocket-extensions: permessage-deflate');
    const long = 'na'.repeat(5000);
    client.send(deflated(long));
    const { first, data } = await client.frame();
    expect(first).toBe(0xc1);
    expect(data.length).toBeLessThan(200);
    expect(inflated(data)).toBe(long);
    client.send(deflated('short'));
    expect(await client.text()).toBe('short');
  });

  test('without context takeover each message stands alone', async () => {
    const client = await open('/ws-echo', ['Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover']); // prettier-ignore
    expect(client.head).toContain('permessage-deflate; server_no_context_takeover; client_no_context_takeover');
    for (const long of ['na'.repeat(500), 'na'.repeat(500)]) {
      client.send(deflated(long));
      expect(inflated((await client.frame()).data)).toBe(long);
    }
  });

  test('of a message that is enormous when inflated is 1009', async () => {
    const client = await open('/ws-echo', [offer]);
    client.send(deflated('x'.repeat(20_000_000)));
    expect(await client.closed()).toBe(1009);
  });

  test('of damaged bytes is 1007', async () => {
    const client = await open('/ws-echo', [offer]);
    client.send(frame(0xc1, Buffer.alloc(100, 255)));
    expect(await client.closed()).toBe(1007);
  });

  test.each([
    'permessage-deflate; unknown',
    'permessage-deflate; server_max_window_bits=16',
    'permessage-deflate; server_max_window_bits=8',
    'x-webkit-deflate-frame',
  ])('is not agreed on for %s', async (extension) => {
    const client = await open('/ws-echo', [`Sec-WebSocket-Extensions: ${extension}`]);
    expect(client.status).toBe(101);
    expect(client.head).not.toContain('sec-websocket-extensions');
    client.send(frame(0xc1, 'x'));
    expect(await client.closed()).toBe(1002);
  });
});

test.runIf(hasModule('websockets') && hasModule('fastapi'))(
  'the websockets library and FastAPI talk, unmodified',
  async () => {
    const program = `
import asyncio, websockets
async def main():
    async with websockets.connect("ws://127.0.0.1:${running.port}/fast/echo") as socket:
        for text in ["one", "zwei ü", "x" * 100000]:
            await socket.send(text)
            assert await socket.recv() == text
        pong = await socket.ping()
        await pong
    async with websockets.connect("ws://127.0.0.1:${running.port}/ws-echo", subprotocols=["chat"]) as socket:
        assert socket.subprotocol == "chat", socket.subprotocol
        assert "permessage-deflate" in str(socket.extensions[0].name)
        await asyncio.gather(*[socket.send(bytes([n % 256]) * n) for n in range(300)])
        for n in range(300):
            assert await socket.recv() == bytes([n % 256]) * n
    try:
        async with websockets.connect("ws://127.0.0.1:${running.port}/fast/nowhere"):
            raise SystemExit("accepted")
    except websockets.InvalidStatusCode as error:
        assert error.status_code == 403, error
    print("fine")
asyncio.run(main())
`;
    const client = spawn(python, ['-c', program], { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    client.stdout.on('data', (bytes: Buffer) => (output += bytes.toString()));
    await once(client, 'close');
    expect(output).toBe('fine\n');
  },
);
