// X-Accel-Redirect and X-Sendfile from scripts, FastCGI, SCGI and Python: what is sent, what wins, and what nobody gets.

import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createServer } from '../../src/create-server.ts';
import type { RequestMessage, ResponseMessage } from '../../src/message/message.ts';
import type { Server } from '../../src/options.ts';
import { internalFiles } from '../../src/routing/internal-files.ts';
import { readAll } from '../exchange.ts';
import { fastcgiApplication, scgiApplication } from '../gateway-applications.ts';
import type { Application } from '../gateway-applications.ts';

const folder = mkdtempSync(join(tmpdir(), 'internal-'));
const root = join(folder, 'public');
const files = join(folder, 'files');
let server: Server;
let applications: readonly [Application, Application];
let url = '';

/** Answers with the fields that its query says, one a line, and content that nobody may see. */
const SCRIPT = `#!/usr/bin/perl
my $lines = $ENV{QUERY_STRING};
$lines =~ s/%([0-9a-f]{2})/chr hex $1/gei;
print "$lines\\n\\ninstead";
`;
const APPLICATION = `from urllib.parse import unquote
def application(environ, start_response):
    lines = unquote(environ['QUERY_STRING']).splitlines()
    status, fields = '200 OK', []
    for name, value in (line.split(': ', 1) for line in lines):
        if name == 'Status': status = value
        else: fields.append((name, value))
    start_response(status, fields)
    return [b'instead']
`;
const ASYNC_APPLICATION = `from urllib.parse import unquote
async def application(scope, receive, send):
    if scope['type'] == 'lifespan': raise RuntimeError
    status, fields = 200, []
    for name, value in (line.split(': ', 1) for line in unquote(scope['query_string'].decode()).splitlines()):
        if name == 'Status': status = int(value[:3])
        else: fields.append((name.lower().encode(), value.encode()))
    await send({'type': 'http.response.start', 'status': status, 'headers': fields})
    await send({'type': 'http.response.body', 'body': b'instead'})
`;

beforeAll(async () => {
  for (const path of [root, join(files, 'sub'), join(root, 'inside'), join(folder, 'cgi-bin')])
    mkdirSync(path, { recursive: true });
  writeFileSync(join(files, 'a b.txt'), '0123456789');
  writeFileSync(join(files, 'sub/page.html'), '<p>');
  writeFileSync(join(root, 'inside/x.txt'), 'inside');
  writeFileSync(join(folder, 'secret.txt'), 'secret');
  symlinkSync(join(folder, 'secret.txt'), join(files, 'link.txt'));
  writeFileSync(join(folder, 'cgi-bin/send'), SCRIPT);
  chmodSync(join(folder, 'cgi-bin/send'), 0o755);
  writeFileSync(join(folder, 'sends.py'), APPLICATION);
  writeFileSync(join(folder, 'sends_later.py'), ASYNC_APPLICATION);
  applications = [await fastcgiApplication(), await scgiApplication()];
  const [{ address: fastcgi }, { address: scgi }] = applications;
  server = createServer({
    root,
    fastcgi: { path: '/fastcgi', address: fastcgi, log: () => {} },
    scgi: { path: '/scgi', address: scgi, log: () => {} },
    cgi: join(folder, 'cgi-bin'),
    wsgi: [{ path: '/py', application: 'sends:application', cwd: folder, processes: 1 }],
    asgi: [{ path: '/asgi', application: 'sends_later:application', cwd: folder, processes: 1 }],
    internal: { '/protected': files, '/inside/': join(root, 'inside') },
    reportErrors: false,
  });
  await server.ready();
  const [address] = await server.listen({ port: 0 });
  url = address?.url ?? '';
});

afterAll(async () => {
  await server.close();
  for (const application of applications) await application.close();
  rmSync(folder, { recursive: true });
});

async function ask(path: string, lines: readonly string[], init: RequestInit = {}): Promise<Response> {
  const text = lines
    .join('\n')
    .replaceAll(/[^A-Za-z0-9]/g, (one) => `%${one.charCodeAt(0).toString(16).padStart(2, '0')}`);
  return fetch(`${url}${path}?${text}`, init);
}

describe.each([
  ['a script', '/cgi-bin/send'],
  ['FastCGI', '/fastcgi'],
  ['SCGI', '/scgi'],
  ['WSGI', '/py'],
  ['ASGI', '/asgi'],
])('%s', (_name, path) => {
  test('has a file sent by its path and by its name', async () => {
    for (const name of ['X-Accel-Redirect: /protected/a%20b.txt', `X-Sendfile: ${files}/a b.txt`]) {
      const response = await ask(path, ['Content-Type: text/x-own', name, 'X-Accel-Buffering: no']);
      expect([response.status, await response.text()]).toEqual([200, '0123456789']);
      expect(Object.fromEntries(response.headers)).toMatchObject({
        'content-type': 'text/x-own',
        'content-length': '10',
      });
      expect(
        [...response.headers.keys()].filter((field) => field.startsWith('x-accel') || field === 'x-sendfile'),
      ).toEqual([]);
      expect(response.headers.get('etag')).toMatch(/^"/);
    }
  });

  test('leaves ranges, 304 and HEAD to the file', async () => {
    const lines = ['Content-Type: text/plain', 'X-Accel-Redirect: /protected/a%20b.txt', 'Set-Cookie: a=1'];
    const part = await ask(path, lines, { headers: { range: 'bytes=2-4' } });
    expect([part.status, part.headers.get('content-range'), await part.text()]).toEqual([206, 'bytes 2-4/10', '234']);
    const parts = await ask(path, lines, { headers: { range: 'bytes=0-0,9-9' } });
    expect(parts.headers.get('content-type')).toMatch(/^multipart\/byteranges/);
    expect((await ask(path, lines, { headers: { range: 'bytes=20-' } })).status).toBe(416);
    const tag = part.headers.get('etag') ?? '';
    const known = await ask(path, lines, { headers: { 'if-none-match': tag } });
    expect([known.status, known.headers.get('set-cookie'), await known.text()]).toEqual([304, 'a=1', '']);
    const head = await ask(path, lines, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length')]).toEqual([200, '10']);
    const posted = await ask(path, lines, { method: 'POST', body: 'x', headers: { range: 'bytes=0-1' } });
    expect([posted.status, await posted.text()]).toEqual([200, '0123456789']);
  });

  test('may have read Range itself', async () => {
    const lines = ['Status: 206 Partial Content', 'Content-Type: a/b', 'Content-Range: bytes 2-4/10', 'ETag: "own"'];
    lines.push('Content-Length: 3', 'X-Accel-Redirect: /protected/a%20b.txt');
    const part = await ask(path, lines, { headers: { range: 'bytes=2-4' } });
    expect([part.status, part.headers.get('content-range'), await part.text()]).toEqual([206, 'bytes 2-4/10', '234']);
    const whole = await ask(path, lines, { headers: { range: 'bytes=2-4', 'if-range': '"other"' } });
    expect([whole.status, whole.headers.get('content-range'), await whole.text()]).toEqual([200, null, '0123456789']);
  });

  test('has the last word on fields and status', async () => {
    const own = [
      'Content-Type: a/b',
      'Cache-Control: private',
      'Content-Disposition: attachment',
      'ETag: "own"',
      'Last-Modified: x',
    ];
    const response = await ask(path, [...own, 'X-Accel-Redirect: /protected/sub/page.html']);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'cache-control': 'private',
      'content-disposition': 'attachment',
      etag: '"own"',
      'last-modified': 'x',
      'content-length': '3',
    });
    const resumed = { range: 'bytes=1-', 'if-range': '"own"' };
    const lines = ['Content-Type: a/b', 'ETag: "own"', 'X-Accel-Redirect: /protected/sub/page.html'];
    expect((await ask(path, lines, { headers: resumed })).status).toBe(206);
    expect((await ask(path, lines, { headers: { ...resumed, 'if-range': '"other"' } })).status).toBe(200);
    const gone = await ask(path, ['Status: 410 Gone', ...lines], { headers: { range: 'bytes=1-1' } });
    expect([gone.status, await gone.text()]).toEqual([410, '<p>']);
  });

  test.each([
    ['X-Accel-Redirect: /protected/../secret.txt', 502],
    ['X-Accel-Redirect: /protected/%2e%2e/secret.txt', 502],
    ['X-Accel-Redirect: /protected%2f..%2fsecret.txt', 502],
    ['X-Accel-Redirect: /protectedx/a', 502],
    ['X-Accel-Redirect: /elsewhere', 502],
    ['X-Accel-Redirect: http://example.org/', 502],
    ['X-Accel-Redirect: /protected/%00', 502],
    ['X-Sendfile: /etc/passwd', 502],
    ['X-Sendfile: secret.txt', 502],
    ['X-Accel-Redirect: /protected/link.txt', 404],
    ['X-Accel-Redirect: /protected/missing', 404],
    ['X-Accel-Redirect: /fastcgi?X-Accel-Redirect:%20/protected/a%20b.txt', 502],
    ['X-Accel-Redirect: /cgi-bin/send', 502],
    ['X-Accel-Redirect: ', 502],
    ['X-Accel-Redirect: /protected/sub', 404],
    ['X-Accel-Redirect: /protected/', 404],
  ])('gets nothing with %s', async (line, status) => {
    const response = await ask(path, ['Content-Type: text/plain', line]);
    expect(response.status).toBe(status);
    expect(await response.text()).not.toMatch(/secret|root:|instead|protected/);
  });

  test('gets no file out of a folder by its name', async () => {
    for (const name of [`${files}/../secret.txt`, `${files}/link.txt`, `${files}x`, files]) {
      const response = await ask(path, ['Content-Type: text/plain', `X-Sendfile: ${name}`]);
      expect([404, 502]).toContain(response.status);
      expect(await response.text()).not.toContain('secret');
    }
  });
});

describe.each([
  ['a script', '/cgi-bin/send'],
  ['FastCGI', '/fastcgi'],
  ['SCGI', '/scgi'],
  ['WSGI', '/py'],
  ['ASGI', '/asgi'],
])('behind %s', (_name, path) => {
  test.each([0, 3, 3000])('a length of its own (%i) and what it prints count for nothing', async (length) => {
    const lines = `Content-Type:%20a/b%0aContent-Length:%20${length}%0aX-Accel-Redirect:%20/protected/a%2520b.txt`;
    const fields = ['Host: x', 'Range: bytes=0-3', 'Host: x'];
    const requests = ['GET', 'HEAD', 'GET'].map(
      (method, index) =>
        `${method} ${path}?${lines} HTTP/1.1\r\nConnection: keep-alive\r\n${fields[index]}\r\n${index === 1 ? 'Host: x\r\n' : ''}\r\n`,
    );
    const { port } = new URL(url);
    const socket = connect(Number(port), new URL(url).hostname);
    const received = readAll(socket);
    for (const bytes of requests) socket.write(bytes);
    socket.end();
    const answers = (await received).split(/(?=HTTP\/1\.1 \d)/);
    expect(answers.map((answer) => answer.slice(9, 12))).toEqual(['200', '200', '200']);
    expect(answers.map((answer) => /\r\ncontent-length: (\d+)/i.exec(answer)?.[1])).toEqual(['10', '10', '10']);
    expect(answers.map((answer) => answer.split('\r\n\r\n')[1])).toEqual(['0123456789', '', '0123456789']);
  });
});

test('a connection to an application outlives the content that nobody wants', async () => {
  const line = ['Content-Type: a/b', 'X-Accel-Redirect: /protected/a%20b.txt'];
  await (await ask('/fastcgi', line)).text();
  const before = applications[0].connections();
  for (let count = 0; count < 5; count++) expect(await (await ask('/fastcgi', line)).text()).toBe('0123456789');
  expect(applications[0].connections() - before).toBeLessThan(5);
});

test('no client reaches the folders', async () => {
  for (const path of ['/protected/a%20b.txt', '/inside/x.txt', '/inside/', '/INSIDE/x.txt']) {
    expect((await fetch(url + path)).status).toBe(404);
  }
});

test('without folders both fields are passed on', async () => {
  const plain = createServer({ cgi: join(folder, 'cgi-bin') });
  const [address] = await plain.listen({ port: 0 });
  const response = await fetch(`${address?.url}/cgi-bin/send?Content-Type:%20a/b%0aX-Sendfile:%20/x`);
  expect([response.headers.get('x-sendfile'), await response.text()]).toEqual(['/x', 'instead']);
  await plain.close();
});

test('refuses a folder that is not there', () => {
  expect(() => createServer({ cgi: join(folder, 'cgi-bin'), internal: { '/a': join(folder, 'none') } })).toThrow(
    /none/,
  );
  expect(() => createServer({ internal: { a: folder } })).toThrow(/internal/);
});

test('a file is named by where its folder is now, behind a link', async () => {
  const place = mkdtempSync(join(tmpdir(), 'internal-link-'));
  onTestFinished(() => rmSync(place, { recursive: true, force: true }));
  for (const release of ['1', '2']) {
    mkdirSync(join(place, release));
    writeFileSync(join(place, release, 'a.txt'), release);
  }
  const current = join(place, 'current');
  symlinkSync('1', current);
  const named = join(realpathSync(place), '2/a.txt');
  const responder = (): ResponseMessage => ({ status: 200, fields: [['x-sendfile', named]] });
  const { responder: sends } = internalFiles({ '/files': current }, undefined)({ responder });
  const asked = { method: 'GET', version: '1.1', target: '/', fields: [] } as unknown as RequestMessage;
  expect(await sends(asked)).toMatchObject({ status: 502 });
  rmSync(current);
  symlinkSync('2', current);
  await new Promise((resolve) => setImmediate(resolve));
  expect(await sends(asked)).toMatchObject({ status: 200 });
});

test('no responder is walked around by what it lends', async () => {
  const page = {
    status: 200,
    fields: [['x-sendfile', join(files, 'a b.txt')]] as const,
    content: Buffer.from('instead'),
  };
  const responder = Object.assign(() => page, { lend: () => page });
  const sends = internalFiles({ '/files': files }, undefined);
  expect(sends({ responder }).responder.lend).toBeUndefined();
});
