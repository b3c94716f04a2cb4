// Python applications over real HTTP: what the responder promises has to survive the wire.

import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { WsgiOptions } from '@onezero/python';
import { parse, readAll, readUntil, start, type Running } from './exchange.ts';

const source = `
import hashlib, os, sys, time

def application(environ, start_response):
    return globals()["at_" + environ["PATH_INFO"].strip("/").replace("/", "_")](environ, start_response)

def plain(start_response, text, *headers):
    start_response("200 OK", [("Content-Type", "text/plain"), *headers])
    return [text.encode("latin-1")]

def at_hello(environ, start_response):
    return plain(start_response, "hello %s" % environ["QUERY_STRING"])

def at_pid(environ, start_response):
    return plain(start_response, str(os.getpid()))

def at_where(environ, start_response):
    return plain(start_response, "|".join(environ[name] for name in ("SCRIPT_NAME", "PATH_INFO", "HTTP_HOST", "SERVER_PROTOCOL")))

def at_digest(environ, start_response):
    content = environ["wsgi.input"].read()
    return plain(start_response, "%s %d %s" % (environ.get("CONTENT_LENGTH"), len(content), hashlib.md5(content).hexdigest()))

def at_sized(environ, start_response):
    start_response("200 OK", [("Content-Length", "5")])
    return [b"12345"]

def at_lines(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Date", "yesterday"), ("Server", "other")])
    for number in range(3):
        yield b"line %d\\n" % number
        while number == 0 and not os.path.exists(os.environ["GATE"]):
            time.sleep(0.01)

def at_not_modified(environ, start_response):
    start_response("304 Not Modified", [("ETag", '"x"')])
    return []

def at_teapot(environ, start_response):
    start_response("418 I'm a teapot", [("Content-Type", "text/plain"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")])
    return [b"short and stout"]

def at_silent_error(environ, start_response):
    start_response("404 Not Found", [])
    return []

def at_fails(environ, start_response):
    raise RuntimeError("secret detail")

def at_breaks(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    yield b"some"
    raise RuntimeError("secret detail")

def at_short(environ, start_response):
    start_response("200 OK", [("Content-Length", "10")])
    yield b"1234"

def at_forever(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    try:
        while True:
            yield b"x" * 10000
    finally:
        open(os.environ["GATE"] + "-closed", "w").close()
`;

const folder = mkdtempSync(join(tmpdir(), 'onezero-server-wsgi-'));
const gate = join(folder, 'gate');
const options: WsgiOptions = {
  application: 'app',
  cwd: folder,
  processes: 1,
  threads: 2,
  env: { GATE: gate, PYTHONDONTWRITEBYTECODE: '1' },
  log: () => {},
};
let running: Running;

beforeAll(async () => {
  writeFileSync(join(folder, 'app.py'), source);
  running = await start({ wsgi: [options, { ...options, path: '/mount' }] });
});
afterAll(async () => {
  await running.close();
  rmSync(folder, { recursive: true });
});

async function ask(method: string, path: string, fields = '', content = ''): Promise<ReturnType<typeof parse>> {
  return parse(await running.exchange(`${method} ${path} HTTP/1.1\r\nHost: shop.example\r\n${fields}Connection: close\r\n\r\n${content}`)); // prettier-ignore
}

describe('a Python application', () => {
  test('answers, with its length and one Date', async () => {
    const text = await running.exchange('GET /hello?a=%20 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    expect(parse(text)).toMatchObject({ status: 200, content: 'hello a=%20' });
    expect(text).toMatch(/^content-length: 11\r$/im);
    expect(text.match(/^date:/gim)).toHaveLength(1);
  });

  test('is mounted at a prefix', async () => {
    expect((await ask('GET', '/where')).content).toBe('|/where|shop.example|HTTP/1.1');
    expect((await ask('GET', '/mount/where')).content).toBe('/mount|/where|shop.example|HTTP/1.1');
  });

  test('reads content with a length and in chunks', async () => {
    const md5 = '900150983cd24fb0d6963f7d28e17f72';
    expect((await ask('POST', '/digest', 'Content-Length: 3\r\n', 'abc')).content).toBe(`3 3 ${md5}`);
    const chunked = await ask('POST', '/digest', 'Transfer-Encoding: chunked\r\n', '1\r\na\r\n2\r\nbc\r\n0\r\n\r\n');
    expect(chunked.content).toBe(`3 3 ${md5}`);
    expect((await ask('GET', '/digest')).content).toMatch(/^None 0 /);
  });

  test('shares its connection with other requests', async () => {
    const request = 'GET /hello HTTP/1.1\r\nHost: a\r\n\r\n';
    const last = 'GET /hello?last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
    const text = await running.exchange(
      `${request}${request.replace('hello', 'sized')}${request.replace('GET', 'HEAD')}${last}`,
    );
    expect(text.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(4);
    expect(text.endsWith('hello last')).toBe(true);
  });

  test('gives HEAD the fields of GET without content', async () => {
    for (const path of ['/sized', '/hello']) {
      const head = await running.exchange(`HEAD ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
      expect(head.endsWith('\r\n\r\n')).toBe(true);
      expect(head).toMatch(path === '/sized' ? /^content-length: 5\r$/im : /^HTTP\/1\.1 200/);
    }
  });

  test('streams: a line is on the wire before the next is made, in chunks or, for 1.0, to the end', async () => {
    for (const version of ['1.1', '1.0']) {
      rmSync(gate, { force: true });
      const socket = await running.connect();
      const rest = readAll(socket);
      socket.write(`GET /lines HTTP/${version}\r\nHost: a\r\nConnection: close\r\n\r\n`);
      await readUntil(socket, /line 0\n/);
      writeFileSync(gate, '');
      const text = await rest;
      expect(parse(text).content.includes('line 2\n')).toBe(true);
      expect(/^transfer-encoding: chunked\r$/im.test(text)).toBe(version === '1.1');
      expect(text).not.toMatch(/yesterday|server: other/);
    }
  });

  test('answers 304, any status, and repeated fields', async () => {
    expect(await ask('GET', '/not/modified')).toMatchObject({ status: 304, content: '' });
    const text = await running.exchange('GET /teapot HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    expect(text).toMatch(/^HTTP\/1\.1 418 I'm a teapot\r\n/);
    expect(text.match(/^set-cookie: .*$/gim)).toHaveLength(2);
  });

  test('has the last word on its own errors, and the server on exceptions', async () => {
    expect(await ask('GET', '/silent/error')).toMatchObject({ status: 404, content: '' });
    const failed = await ask('GET', '/fails');
    expect(failed.status).toBe(500);
    expect(failed.content).not.toContain('secret detail');
  });

  test('never looks whole when it is not', async () => {
    const broken = await running.exchange('GET /breaks HTTP/1.1\r\nHost: a\r\n\r\n');
    expect(broken).toContain('some');
    expect(broken.endsWith('0\r\n\r\n')).toBe(false);
    const short = await running.exchange('GET /short HTTP/1.1\r\nHost: a\r\n\r\n');
    expect(short.endsWith('1234')).toBe(true);
    expect(short).toMatch(/^content-length: 10\r$/im);
  });

  test('is told when its client leaves', async () => {
    const socket = await running.connect();
    socket.write('GET /forever HTTP/1.1\r\nHost: a\r\n\r\n');
    await readUntil(socket, /xxx/);
    socket.destroy();
    while (!existsSync(`${gate}-closed`)) await new Promise((resolve) => setTimeout(resolve, 10));
    expect((await ask('GET', '/hello')).status).toBe(200);
  });
});

test('files beside an application are served without it, and only those of their directory', async () => {
  const root = join(folder, 'collected');
  mkdirSync(join(root, 'static'), { recursive: true });
  writeFileSync(join(root, 'static/style.css'), 'a{}');
  const own = await start({ root, wsgi: options });
  onTestFinished(() => own.close());
  const get = async (path: string): Promise<ReturnType<typeof parse>> =>
    parse(await own.exchange(`GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`));
  const style = await get('/static/style.css');
  expect([style.content, style.fields.get('content-type')]).toEqual(['a{}', 'text/css; charset=utf-8']);
  expect((await get('/hello?x')).content).toBe('hello x');
  expect((await get('/app.py')).content).not.toContain('def application');
});

test('a reload of the server loses no request to a Python application', async () => {
  const own = await start({ wsgi: options });
  onTestFinished(() => own.close());
  const statuses: number[] = [];
  let isOver = false;
  const client = (async () => {
    while (!isOver) {
      statuses.push(parse(await own.exchange('GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')).status);
    }
  })();
  await own.server.reload({ wsgi: { ...options, processes: 2 } });
  const before = statuses.length;
  while (statuses.length < before + 20) await new Promise((resolve) => setTimeout(resolve, 10));
  isOver = true;
  await client;
  expect(new Set(statuses)).toEqual(new Set([200]));
});

test('the server knows what its applications are doing', async () => {
  const own = await start({ wsgi: { ...options, processes: 1, threads: 1, path: '/app' } });
  onTestFinished(() => own.close());
  await own.server.ready();
  const state = (): unknown => own.server.applications;
  const idle = {
    application: options.application,
    interface: 'wsgi',
    python: expect.stringMatching(/^3\.\d/),
    loaded: expect.objectContaining({ object: expect.stringContaining('a function, in ') }),
    path: '/app',
    processes: 1,
    ready: 1,
    busy: 0,
    queued: 0,
    restarts: 0,
  };
  expect(state()).toEqual([idle]);
  rmSync(gate, { force: true });
  const clients = await Promise.all([own.connect(), own.connect()]);
  for (const client of clients) client.write('GET /app/lines HTTP/1.1\r\nHost: a\r\n\r\n');
  await expect.poll(state).toEqual([{ ...idle, busy: 1, queued: 1 }]);
  writeFileSync(gate, '');
  await expect.poll(state).toEqual([idle]);
  for (const client of clients) client.destroy();
  const { content } = parse(await own.exchange('GET /app/pid HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'));
  process.kill(Number(content), 'SIGKILL');
  await expect.poll(state).toEqual([{ ...idle, restarts: 1 }]);
});
