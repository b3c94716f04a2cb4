// The states of ASGI 3: messages in every wrong order and of every wrong type, sent by an application that goes on all the same.
// What it gets is an exception at the very message, and what the client gets is never more than is right.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { start, type Running } from './exchange.ts';
import { Client, frame } from './websocket.ts';

const python = process.env['PYTHON'] ?? (existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3');
const fixtures = join(import.meta.dirname, '../../python/test/fixtures');

let running: Running;
beforeAll(async () => {
  const env = { PYTHONDONTWRITEBYTECODE: '1' };
  running = await start({
    asgi: { application: 'asgi_script:application', cwd: fixtures, python, processes: 1, env, log: () => {} },
    onError: () => undefined,
  });
});
afterAll(() => running.close());

type Step = 'receive' | Record<string, unknown> | readonly unknown[] | number | null;

const origin = (): string => `http://127.0.0.1:${running.port}`;
const bytes = (text: string): { b64: string } => ({ b64: Buffer.from(text).toString('base64') });
const query = (steps: readonly Step[]): string => `/?${encodeURIComponent(JSON.stringify(steps))}`;
const log = async (): Promise<unknown[]> => (await (await fetch(`${origin()}/log`)).json()) as unknown[];

/** What the application met, once it has returned. */
async function outcome(): Promise<unknown[]> {
  const seen: unknown[] = [];
  await expect.poll(async () => seen.push(...(await log())) && seen.at(-1)).toBe('returned');
  return seen.slice(0, -1);
}

const begin = { type: 'http.response.start', status: 200, headers: [] };
const body = { type: 'http.response.body', body: bytes('whole') };

test.each<[string, readonly Step[], number, string, readonly unknown[]]>([
  ['nothing wrong', ['receive', begin, body], 200, 'whole', [['request', null], 'sent', 'sent']],
  ['content before the start', [body, begin, body], 200, 'whole', ['RuntimeError', 'sent', 'sent']],
  ['two starts', [begin, { ...begin, status: 404 }, body], 200, 'whole', ['sent', 'RuntimeError', 'sent']],
  ['content after the end', [begin, body, body], 200, 'whole', ['sent', 'sent', 'RuntimeError']],
  ['a start after the end', [begin, body, begin], 200, 'whole', ['sent', 'sent', 'RuntimeError']],
  [
    'receive after the end',
    [begin, body, 'receive', 'receive'],
    200,
    'whole',
    ['sent', 'sent', ['disconnect', null], ['disconnect', null]],
  ],
  [
    'a message of WebSockets',
    [{ type: 'websocket.accept' }, begin, body],
    200,
    'whole',
    ['RuntimeError', 'sent', 'sent'],
  ],
  ['no type', [{}, begin, body], 200, 'whole', ['KeyError', 'sent', 'sent']],
  ['no message', [3, null, [], begin, body], 200, 'whole', ['TypeError', 'TypeError', 'TypeError', 'sent', 'sent']],
  ['no status', [{ ...begin, status: undefined }, begin, body], 200, 'whole', ['KeyError', 'sent', 'sent']],
  ['a status in words', [{ ...begin, status: '200' }, begin, body], 200, 'whole', ['ValueError', 'sent', 'sent']],
  ['a status that is true', [{ ...begin, status: true }, begin, body], 200, 'whole', ['ValueError', 'sent', 'sent']],
  ['a status of 101', [{ ...begin, status: 101 }, begin, body], 200, 'whole', ['ValueError', 'sent', 'sent']],
  ['fields of str', [{ ...begin, headers: [['a', 'b']] }, begin, body], 200, 'whole', ['TypeError', 'sent', 'sent']],
  [
    'fields of three',
    [{ ...begin, headers: [[bytes('a'), bytes('b'), bytes('c')]] }, begin, body],
    200,
    'whole',
    ['ValueError', 'sent', 'sent'],
  ],
  [
    'a field with a line end',
    [{ ...begin, headers: [[bytes('a'), bytes('b\nc: d')]] }, begin, body],
    200,
    'whole',
    ['ValueError', 'sent', 'sent'],
  ],
  ['content of str', [begin, { ...body, body: 'text' }, body], 200, 'whole', ['sent', 'TypeError', 'sent']],
  ['content of null', [begin, { ...body, body: null }, body], 200, 'whole', ['sent', 'TypeError', 'sent']],
])('HTTP: %s', async (_, steps, status, text, met) => {
  const response = await fetch(origin() + query(steps));
  expect([response.status, await response.text()]).toEqual([status, text]);
  expect(await outcome()).toEqual(met);
});

const accept = { type: 'websocket.accept' };
const hello = { type: 'websocket.send', text: 'hello' };
const close = { type: 'websocket.close', code: 4000 };
const connected = ['connect', null];

test.each<[string, readonly Step[], readonly string[], number | undefined, readonly unknown[]]>([
  ['nothing wrong', ['receive', accept, hello, close], ['hello'], 4000, [connected, 'sent', 'sent', 'sent']],
  [
    'a message before accept',
    ['receive', hello, accept, hello],
    ['hello'],
    1000,
    [connected, 'RuntimeError', 'sent', 'sent'],
  ],
  ['accept before connect was received', [accept, hello], ['hello'], 1000, ['sent', 'sent']],
  ['accept twice', [accept, accept, hello], ['hello'], 1000, ['sent', 'RuntimeError', 'sent']],
  ['a response of HTTP', [accept, begin, hello], ['hello'], 1000, ['sent', 'RuntimeError', 'sent']],
  [
    'a denial after accept',
    [accept, { type: 'websocket.http.response.start', status: 403 }, hello],
    ['hello'],
    1000,
    ['sent', 'RuntimeError', 'sent'],
  ],
  ['a message after close', [accept, close, hello], [], 4000, ['sent', 'sent', 'OSError']],
  ['close twice', [accept, close, close], [], 4000, ['sent', 'sent', 'sent']],
  [
    'a code that is not for applications',
    [accept, { ...close, code: 1005 + 1 }, hello],
    ['hello'],
    1000,
    ['sent', 'ValueError', 'sent'],
  ],
  ['a code in words', [accept, { ...close, code: '1000' }, hello], ['hello'], 1000, ['sent', 'TypeError', 'sent']],
  ['text of bytes', [accept, { ...hello, text: bytes('x') }, hello], ['hello'], 1000, ['sent', 'TypeError', 'sent']],
  [
    'bytes of str',
    [accept, { type: 'websocket.send', bytes: 'x' }, hello],
    ['hello'],
    1000,
    ['sent', 'TypeError', 'sent'],
  ],
  [
    'neither text nor bytes',
    [accept, { type: 'websocket.send' }, hello],
    ['hello'],
    1000,
    ['sent', 'TypeError', 'sent'],
  ],
  [
    'half a character',
    [accept, { ...hello, text: '\ud800' }, hello],
    ['hello'],
    1000,
    ['sent', 'UnicodeEncodeError', 'sent'],
  ],
  [
    'fields with a line end',
    [{ ...accept, headers: [[bytes('a'), bytes('b\r\nc: d')]] }, accept, hello],
    ['hello'],
    1000,
    ['ValueError', 'sent', 'sent'],
  ],
  [
    'a subprotocol with a line end',
    [{ ...accept, subprotocol: 'a\nb' }, accept, hello],
    ['hello'],
    1000,
    ['ValueError', 'sent', 'sent'],
  ],
])('WebSocket: %s', async (_, steps, texts, code, met) => {
  const client = await Client.open(running.port, query(steps));
  onTestFinished(() => void client.socket.destroy());
  expect(client.status).toBe(101);
  for (const text of texts) expect(await client.text()).toBe(text);
  const { first, data } = await client.frame();
  expect([first, data.readUInt16BE(0)]).toEqual([0x88, code]);
  client.send(frame(0x88, data));
  expect(await client.closed()).toBe(undefined);
  expect(await outcome()).toEqual(met);
});

test.each<[string, readonly Step[], number, readonly unknown[]]>([
  ['closes', ['receive', close, accept, hello], 403, [connected, 'sent', 'RuntimeError', 'RuntimeError']],
  ['returns without a word', ['receive'], 500, [connected]],
  ['only sends', [hello], 500, ['RuntimeError']],
])('WebSocket: an application that %s does not open one', async (_, steps, status, met) => {
  const client = await Client.open(running.port, query(steps));
  onTestFinished(() => void client.socket.destroy());
  expect(client.status).toBe(status);
  expect(await outcome()).toEqual(met);
});

test('a reason that is too long is cut between characters', async () => {
  const client = await Client.open(running.port, query([accept, { ...close, reason: 'é'.repeat(100) }]));
  onTestFinished(() => void client.socket.destroy());
  const { data } = await client.frame();
  expect(data.subarray(2).toString()).toBe('é'.repeat(61));
  client.socket.destroy();
  await outcome();
});

test('after the client has left, receive says so again and again, and send fails', async () => {
  const steps: Step[] = ['receive', accept, 'receive', 'receive', 'receive', hello];
  const client = await Client.open(running.port, query(steps));
  client.send(frame(0x81, 'hi'), frame(0x88, Buffer.from([0x0f, 0xa1])));
  expect(await client.closed()).toBe(4001);
  const gone = ['disconnect', 4001];
  expect(await outcome()).toEqual([connected, 'sent', ['receive', 'hi'], gone, gone, 'OSError']);
});
