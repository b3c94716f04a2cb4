// Every defect that was observed in the server this one descends from, as a test. Each of them once ended the process, hung
// the connection or answered wrongly.

import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse, readAll, start, textResponse, type Running } from './exchange.ts';

const folder: string = mkdtempSync(join(tmpdir(), 'ancestor-'));
let running: Running;

beforeAll(async () => {
  const root = join(folder, 'htdocs');
  mkdirSync(join(root, 'sub'), { recursive: true });
  mkdirSync(join(root, 'bare'));
  writeFileSync(join(folder, 'secret'), 'secret');
  symlinkSync(join(folder, 'secret'), join(root, 'link'));
  writeFileSync(join(root, 'index.html'), 'index');
  writeFileSync(join(root, 'sub', 'index.html'), 'sub');
  writeFileSync(join(root, 'a b.txt'), 'a b');
  writeFileSync(join(root, 'empty.txt'), '');
  running = await start({
    root,
    routes: [
      { path: '/echo', responder: () => textResponse('echo') },
      {
        path: '/throw',
        responder: () => {
          throw new Error('broken');
        },
      },
    ],
  });
});

afterAll(async () => {
  await running.close();
  rmSync(folder, { recursive: true });
});

const HOST = 'Host: a\r\n';

describe('the server lives on and answers', () => {
  test.each([
    ['a folded field', `GET / HTTP/1.1\r\n${HOST}X: a\r\n b\r\n\r\n`, 400],
    ['a folded field of HTTP/1.0', 'GET / HTTP/1.0\r\nX: a\r\n b\r\n\r\n', [200, 400]],
    ['a Content-Length that is no number', `POST /echo HTTP/1.1\r\n${HOST}Content-Length: ten\r\n\r\n`, 400],
    ['a negative Content-Length', `POST /echo HTTP/1.1\r\n${HOST}Content-Length: -1\r\n\r\n`, 400],
    ['an unknown method', `BREW / HTTP/1.1\r\n${HOST}\r\n`, 501],
    ['HTTP/1.1 without Host', 'GET / HTTP/1.1\r\n\r\n', 400],
    ['a handler that throws', `GET /throw HTTP/1.1\r\n${HOST}\r\n`, 500],
    ['garbage', 'garbage\r\n\r\n', 400],
    ['an empty line first', `\r\nGET / HTTP/1.1\r\n${HOST}\r\n`, 200],
    ['a giant field', `GET / HTTP/1.1\r\n${HOST}X: ${'x'.repeat(1_000_000)}\r\n\r\n`, 431],
    ['PUT', `PUT / HTTP/1.1\r\n${HOST}Content-Length: 1\r\n\r\nx`, 405],
    ['DELETE', `DELETE / HTTP/1.1\r\n${HOST}\r\n`, 405],
    ['a directory without its slash', `GET /sub HTTP/1.1\r\n${HOST}\r\n`, 301],
    ['a directory without an index', `GET /bare/ HTTP/1.1\r\n${HOST}\r\n`, 404],
    ['a link that leaves the root', `GET /link HTTP/1.1\r\n${HOST}\r\n`, 404],
    ['a prefix that only begins alike', `GET /echofoo HTTP/1.1\r\n${HOST}\r\n`, 404],
    ['another protocol', 'GET / HTTP/9.0\r\n\r\n', 505],
  ])('%s', async (_, bytes, status) => {
    const answer = parse(await running.exchange(bytes));
    expect([status].flat()).toContain(answer.status);
    if (answer.status === 405) expect(answer.fields.get('allow')).toContain('GET');
    expect(parse(await running.exchange(`GET / HTTP/1.1\r\n${HOST}\r\n`)).content).toBe('index');
  });

  test('a request in pieces, and one that comes late', async () => {
    const socket = await running.connect();
    const text = readAll(socket);
    await new Promise((resolve) => setTimeout(resolve, 400));
    for (const octet of 'GET /sub/ HTTP/1.0\r\n\r\n') {
      socket.write(octet);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(parse(await text).content).toBe('sub');
    socket.destroy();
  });

  test('an empty file, an encoded name, and a file with a query', async () => {
    const get = async (path: string): Promise<ReturnType<typeof parse>> =>
      parse(await running.exchange(`GET ${path} HTTP/1.0\r\n\r\n`));
    expect(await get('/empty.txt')).toMatchObject({ status: 200, content: '' });
    const named = await get('/a%20b.txt?x=1?y');
    expect(named).toMatchObject({ status: 200, content: 'a b' });
    expect(named.fields.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(named.fields.get('content-length')).toBe('3');
  });
});
