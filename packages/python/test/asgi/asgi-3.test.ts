// ASGI 3 (asgi.readthedocs.io, specification 2.4) rule by rule, over real processes.

import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { app, asgi, type AsgiOptions, type PythonResponder } from '../../src/index.ts';
import {
  chunks,
  fixtures,
  hasModule,
  isRunning,
  python,
  read,
  request,
  until,
  withLongerLimits,
  type Answer,
} from '../harness.ts';
import { makeSite } from '../site.ts';

type Changes = Parameters<typeof request>[1];

interface Running {
  responder: PythonResponder;
  get(target: string, changes?: Changes): Promise<Answer>;
  text(): string;
}

function start(options: Partial<AsgiOptions> = {}, call: typeof asgi = asgi): Running {
  const lines: string[] = [];
  const responder = call({
    application: 'asgi_3:application',
    cwd: fixtures,
    python,
    processes: 1,
    env: { PYTHONDONTWRITEBYTECODE: '1' },
    log: ({ line }) => lines.push(line),
    ...options,
  });
  return {
    responder,
    get: (target, changes) => read(responder(request(target, changes))),
    text: () => lines.join('\n'),
  };
}

function own(options: Partial<AsgiOptions> = {}, call: typeof asgi = asgi): Running {
  const running = start(options, call);
  onTestFinished(() => running.responder.close(0));
  return running;
}

const shared = start();
afterAll(async () => {
  await shared.responder.close(0);
  const left = readdirSync(tmpdir()).filter((name) => name.startsWith(`onezero-asgi-${process.pid}-`));
  for (const name of left) rmSync(join(tmpdir(), name));
});
const { get } = shared;

describe('the scope', () => {
  test('has what the specification names', async () => {
    const { text } = await get('/show/caf%C3%A9?a=%20b', {
      fields: [['host', 'shop.example:8080'], ['x-twice', 'a'], ['x-twice', 'b'], ['x_under', 'no'], ['proxy', 'no'], ['x-latin', 'é']],
    }); // prettier-ignore
    for (const part of [
      "'type': 'http'",
      "'asgi': {'version': '3.0', 'spec_version': '2.4'}",
      "'method': 'GET'",
      "'http_version': '1.1'",
      "'scheme': 'http'",
      "'path': '/show/caf\\xc3\\xa9'", // é in UTF-8, as the test reads bytes
      "'raw_path': b'/show/caf%C3%A9'",
      "'query_string': b'a=%20b'",
      "'root_path': ''",
      "'client': ('192.0.2.7', 40000)",
      "'server': ('192.0.2.1', 8080)",
      "'headers': [(b'host', b'shop.example:8080'), (b'x-twice', b'a'), (b'x-twice', b'b'), (b'x-latin', b'\\xe9')]",
      "'http.response.pathsend': {}",
    ]) {
      expect(text).toContain(part.replace('\\xc3\\xa9', 'Ã©'));
    }
  });

  test('keeps a path that is below a mount whole, and names the mount', async () => {
    const below = { scriptName: '/api', pathInfo: '/show', target: '/api/show?x' };
    const { text, status } = await get('/', below);
    // The fixture finds its function by the first part of the path.
    expect(status).toBe(500);
    expect(text).toBe('');
    const shown = await get('/', { scriptName: '/show', pathInfo: '/deep', target: '/show/deep' });
    expect(shown.text).toContain("'path': '/show/deep'");
    expect(shown.text).toContain("'root_path': '/show'");
    expect(shown.text).toContain("'raw_path': b'/show/deep'");
  });

  test.each([
    ['an absolute target', 'http://shop.example/show?x=1', "b'/show'"],
    ['the server as a whole', '*', "b'*'"],
  ])('has the raw path of %s', async (_, target, rawPath) => {
    expect((await get('/show', { target })).text).toContain(`'raw_path': ${rawPath}`);
  });

  test('has no client on a Unix socket', async () => {
    expect((await get('/show', { remote: { address: '', port: 0 } })).text).toContain("'client': None");
  });

  test('has Authorization, unless the server used it', async () => {
    const fields = [['authorization', 'Bearer x']] as const;
    expect((await get('/show', { fields })).text).toContain('authorization');
    expect((await get('/show', { fields, user: 'a' })).text).not.toContain('authorization');
  });

  test('NUL in a request cannot become another word', async () => {
    await expect(get('/show', { query: 'a\0b' })).rejects.toThrow('NUL in a request');
    expect((await get('/hello')).status).toBe(200);
  });
});

describe('content of a request', () => {
  test.each([0, 1, 65_535, 65_536, 300_000, 20_000_000])('of %d bytes arrives whole', async (size) => {
    const sent = Buffer.alloc(size, 'abcdefg');
    expect((await get('/echo', { body: sent })).bytes.equals(sent)).toBe(true);
  });

  test('without a length arrives as it comes', async () => {
    let release = (): void => {};
    const gate = new Promise<void>((resolve) => (release = resolve));
    async function* slow(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('first');
      await gate;
      yield Buffer.from('second');
    }
    const response = await shared.responder(request('/echo-stream', { method: 'POST', contentLength: undefined, content: slow() })); // prettier-ignore
    const iterator = (response.content as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
    expect(Buffer.from((await iterator.next()).value).toString()).toBe('first');
    release();
    expect(Buffer.from((await iterator.next()).value).toString()).toBe('second');
    expect((await iterator.next()).done).toBe(true);
  });

  test('that is not read is dropped', async () => {
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => get('/no-read', { body: Buffer.alloc(3_000_000) })),
    );
    expect(answers.map(({ text }) => text)).toEqual(Array.from({ length: 5 }, () => 'not read'));
    expect((await get('/echo', { body: 'x' })).text).toBe('x');
  });

  test('is taken no faster than the application receives it, and others go on meanwhile', async () => {
    const site = makeSite();
    let given = 0;
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (; given < 400; given++) yield Buffer.alloc(50_000);
    }
    const target = `/wait-to-read?${site.path('go')}`;
    const upload = get(target, { method: 'POST', contentLength: 20_000_000, content: endless() });
    await until(() => site.has('go-started'));
    expect((await get('/echo', { body: Buffer.alloc(100_000) })).bytes.length).toBe(100_000);
    let before = -1;
    await expect.poll(() => [before, (before = given)], { interval: 100 }).toSatisfy(([a, b]) => a === b);
    expect(before).toBeLessThan(100);
    site.write('go', '');
    expect((await upload).text).toBe('20000000');
  });

  test('that breaks off is a disconnect', async () => {
    const site = makeSite();
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('a');
      await until(() => site.has('x-started'));
      throw new RangeError('the client is gone');
    }
    const upload = get(`/until-disconnect?${site.path('x')}`, { method: 'POST', contentLength: 10, content: broken() });
    await expect(upload).rejects.toThrow('the client is gone');
    await until(() => site.has('x-Disconnected'));
  });
});

describe('a response', () => {
  test('that is whole at once comes as bytes', async () => {
    const answer = await get('/hello');
    expect(answer).toMatchObject({ status: 200, text: 'Hello, world', isWhole: true, reason: undefined });
    expect(answer.fields).toEqual([['content-type', 'text/plain']]);
  });

  test('has what is left out by default', async () => {
    expect(await get('/defaults')).toMatchObject({ status: 201, text: '', fields: [] });
  });

  test('has its fields in order, names in lower case, without those of the connection', async () => {
    expect((await get('/fields')).fields).toEqual([['x-mixed', 'a'], ['set-cookie', 'a=1'], ['set-cookie', 'b=2'], ['x-b', 'é']]); // prettier-ignore
  });

  test('in many pieces arrives whole', async () => {
    const { text } = await get('/stream?3000');
    expect(text).toBe(Array.from({ length: 3000 }, (_, number) => `${number}\n`).join(''));
  });

  test('to HEAD, and of 204, has no content', async () => {
    expect(await get('/hello', { method: 'HEAD' })).toMatchObject({ status: 200, text: '' });
    expect(await get('/no-content')).toMatchObject({ status: 204, text: '' });
  });

  test('of events flows at once', async () => {
    const site = makeSite();
    site.write('e-0', '');
    const response = await shared.responder(request(`/events?${site.path('e')}`));
    const iterator = (response.content as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
    for (let number = 0; number < 3; number++) {
      site.write(`e-${number}`, '');
      expect(Buffer.from((await iterator.next()).value).toString()).toBe(`data: ${number}\n\n`);
    }
    expect((await iterator.next()).done).toBe(true);
  });

  test.each([
    ['of ASGI', asgi],
    ['that is found to be of ASGI', app],
  ] as const)('of an application %s is made no faster than it is taken, and stops no other', async (_, call) => {
    const app = own({}, call);
    const { content } = await app.responder(request('/produce?5000'));
    let before = -1;
    const made = async (): Promise<number> => Number((await app.get('/how-much')).text);
    await expect.poll(async () => [before, (before = await made())], { interval: 100 }).toSatisfy(([a, b]) => a === b); // prettier-ignore
    expect(before).toBeGreaterThan(1_000_000);
    // Buffers of the kernel and of both processes, whose sizes are theirs; all of it would be 50 MB.
    expect(before).toBeLessThan(25_000_000);
    let length = 0;
    for await (const chunk of content as AsyncIterable<Uint8Array>) length += chunk.length;
    expect(length).toBe(50_000_000);
  });

  test.each([8, 32_768, 1_000_000, 5_000_000])('of pathsend has %d bytes of the file', async (size) => {
    const expected = Array.from({ length: size / 8 }, (_, number) => `${String(number).padStart(7, '0')}\n`).join('');
    for (let again = 0; again < 2; again++) expect((await get(`/path-send?${size}`)).text === expected).toBe(true);
    const head = await get(`/path-send?${size}`, { method: 'HEAD' });
    expect(head).toMatchObject({ status: 200, text: '' });
  });
});

test.runIf(existsSync('/proc/version'))('pathsend of a file that tells no size has all of it', async () => {
  expect((await get('/path-unsized?/proc/version')).text).toBe(readFileSync('/proc/version', 'latin1'));
  expect((await get('/path-unsized?/dev/null')).text).toBe('');
});

describe('broken applications', () => {
  test.each([
    ['no-start', 'http.response.body'],
    ['twice', 'http.response.start'],
    ['nothing', 'returned before its response was started'],
    ['only-start', 'returned before its response was started'],
    ['fails', 'secret detail'],
    ['exits', 'SystemExit: 3'],
    ['unknown-message', 'http.response.push'],
    ['str-body', 'the body must be bytes, not str'],
    ['str-header', 'header names must be bytes, not str'],
    ['control-header', 'control character in the value'],
    ['bad-name', 'not a header name'],
    ['bad-status', 'the status must be a number from 200 to 599'],
    ['too-long', 'longer than its Content-Length of 3'],
    ['too-short', 'shorter than its Content-Length of 5'],
    ['no-path', 'No such file or directory'],
  ])('%s: 500 with the reason in the log', async (name, reason) => {
    const answer = await get(`/${name}`);
    expect(answer).toMatchObject({ status: 500, text: '', cause: { code: 'application-failed' } });
    expect((answer.cause as { detail: string }).detail).toContain(reason);
    expect(shared.text()).toContain(reason);
  });

  test.each(['half', 'fails-later'])('%s: the response breaks off, and never looks whole', async (name) => {
    expect(await get(`/${name}`)).toMatchObject({ status: 200, text: 'half', broken: { code: 'content-cut' } });
  });

  test('that go on after their end have answered', async () => {
    expect(await get('/after-end')).toMatchObject({ status: 200, text: 'whole' });
    await until(() => shared.text().includes("unexpected message 'http.response.body': the response is complete"));
  });
});

describe('a client that leaves', () => {
  test('is a disconnect for receive(), and an OSError for send()', async () => {
    const site = makeSite();
    const client = new AbortController();
    const left = get(`/until-disconnect?${site.path('x')}`, { signal: client.signal });
    await until(() => site.has('x-started'));
    client.abort();
    expect(await left).toMatchObject({ status: 400, cause: { code: 'client-gone' } });
    await until(() => site.has('x-Disconnected'));
  });

  test('frees its place when the application gives up without a response', async () => {
    const app = own();
    const site = makeSite();
    const client = new AbortController();
    const left = app.get(`/gives-up?${site.path('x')}`, { signal: client.signal });
    await until(() => site.has('x-started'));
    client.abort();
    await left;
    await until(() => app.responder.state().busy === 0);
    expect(app.text()).toBe('');
  });

  test('during the response stops it', async () => {
    const app = own();
    const { content } = await app.responder(request('/produce?100000'));
    const iterator = (content as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
    await iterator.next();
    await iterator.return!();
    await until(() => app.responder.state().busy === 0);
    expect(app.text()).toBe('');
  });

  test('after a whole response is a disconnect as well', async () => {
    const site = makeSite();
    expect((await get(`/disconnect-after?${site.path('x')}`)).text).toBe('whole');
    await until(() => site.has('x-http.request-http.disconnect') || site.has('x-http.disconnect'));
  });
});

describe('lifespan', () => {
  test('its state is copied for each request', async () => {
    const app = own();
    expect((await app.get('/state')).text).toBe('8 1');
    expect((await app.get('/state')).text).toBe('8 2');
  });

  test('its failure is that of the start', async () => {
    const app = own({ env: { LIFESPAN: 'failed' } });
    await expect(app.responder.ready()).rejects.toMatchObject({ code: 'start-failed', message: expect.stringContaining('the database is away') }); // prettier-ignore
    expect((await app.get('/hello')).status).toBe(503);
  });

  test.each(['unsupported', 'ends'])('that is %s does no harm', async (mode) => {
    const app = own({ env: { LIFESPAN: mode } });
    expect((await app.get('/hello')).status).toBe(200);
    expect((await app.get('/has-state')).text).toBe('False');
  });

  test('ends with the worker, after the last request and what follows it', async () => {
    const site = makeSite();
    const app = own({ env: { SHUTDOWN_FILE: site.path('shutdown') } });
    expect((await app.get(`/after?${site.path('go')}`)).text).toBe('done');
    const held = app.get(`/held?${site.path('go')}`);
    await until(() => site.has('go-started'));
    const closed = app.responder.close();
    expect(site.has('shutdown')).toBe(false);
    site.write('go', '');
    expect((await held).status).toBe(200);
    await closed;
    expect([site.has('go-after'), site.has('shutdown')]).toEqual([true, true]);
  });
});

describe('the event loop', () => {
  test('answers many requests at once', async () => {
    const app = own();
    await app.responder.ready();
    const site = makeSite();
    const held = Array.from({ length: 200 }, () => app.get(`/held?${site.path('go')}`));
    await until(() => site.has('go-started') && app.responder.state().busy === 200);
    site.write('go', '');
    expect(new Set((await Promise.all(held)).map(({ status }) => status))).toEqual(new Set([200]));
  });

  test('takes no more than it is told to', async () => {
    const app = own({ concurrency: { max: 2 } });
    await app.responder.ready();
    const site = makeSite();
    const held = Array.from({ length: 5 }, () => app.get(`/held?${site.path('go')}`));
    await until(() => site.has('go-started'));
    expect(app.responder.state()).toMatchObject({ busy: 2, free: 0, queued: 3 });
    site.write('go', '');
    expect((await Promise.all(held)).map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
  });

  test('that is blocked is reported with the stack of what blocks it', async () => {
    const app = own();
    expect((await app.get('/block?1.6')).text).toBe('unblocked');
    expect(app.text()).toMatch(/the event loop has been blocked for \d+\.\d s by[^]*in guilty/);
  });

  test('that is blocked for too long is replaced', async () => {
    await withLongerLimits(async (silenceTimeoutMs) => {
      const app = own({ limits: { silenceTimeoutMs } });
      const pid = Number((await app.get('/pid')).text);
      expect(pid).toBeGreaterThan(1);
      const answers = await Promise.all([app.get('/block?1000'), app.get('/hello')]);
      expect(answers.map(({ status }) => status)).toEqual([504, 504]);
      expect(Number((await app.get('/pid')).text)).not.toBe(pid);
      await until(() => !isRunning(pid));
    });
  });

  // That such a request is cancelled, ten seconds later, is shown in `asgi_test.py`, whose clock can be moved.
  test('a request without an answer is given up alone', async () => {
    await withLongerLimits(async (silenceTimeoutMs) => {
      const app = own({ limits: { silenceTimeoutMs } });
      const { text: pid } = await app.get('/pid');
      expect(Number(pid)).toBeGreaterThan(1);
      const answer = await app.get(`/held?${makeSite().path('never')}`);
      expect(answer).toMatchObject({ status: 504, cause: { code: 'timed-out' } });
      expect((await app.get('/pid')).text).toBe(pid);
    });
  });

  test('is uvloop where that is installed', async () => {
    expect((await get('/loop-name')).text).toBe(hasModule('uvloop') ? 'uvloop' : 'asyncio.unix_events');
  });
});

describe('under load', () => {
  /** Eight clients that ask until `stop`, and how often they got what. */
  function load(app: Running): { stop(): Promise<Record<number, number>> } {
    const seen: Record<number, number> = {};
    let isOver = false;
    const clients = Array.from({ length: 8 }, async () => {
      while (!isOver) {
        const { status } = await app.get('/hello');
        seen[status] = (seen[status] ?? 0) + 1;
      }
    });
    const stop = async (): Promise<Record<number, number>> => {
      isOver = true;
      await Promise.all(clients);
      return seen;
    };
    return { stop };
  }

  test('a reload loses no request', async () => {
    const app = own({ processes: 2 });
    await app.responder.ready();
    const clients = load(app);
    for (let again = 0; again < 3; again++) await app.responder.reload();
    const seen = await clients.stop();
    expect(Object.keys(seen)).toEqual(['200']);
  });

  test('a worker that is killed costs what it was answering, and is replaced', async () => {
    const app = own({ processes: 2 });
    await app.responder.ready();
    const clients = load(app);
    for (let again = 0; again < 3; again++) {
      const { status, text } = await app.get('/pid');
      expect(status).toBe(200);
      const pid = Number(text);
      expect(pid).toBeGreaterThan(1);
      process.kill(pid, 'SIGKILL');
      await until(() => !isRunning(pid) && app.responder.state().restarts === again + 1);
      await until(() => app.responder.state().ready === 2);
    }
    const seen = await clients.stop();
    expect(Object.keys(seen).every((status) => status === '200' || status === '502')).toBe(true);
    // Each of eight clients had one request under way at most.
    expect(seen[502] ?? 0).toBeLessThanOrEqual(24);
    expect(app.responder.state().restarts).toBe(3);
  });
});

test('what it prints is in the log', async () => {
  const app = own();
  expect((await app.get('/prints')).text).toBe('printed');
  await until(() => app.text() === 'to stdout\nto stderr');
});

test('no response goes to the wrong request', async () => {
  const app = own({ processes: 2 });
  const exchange = async (index: number): Promise<void> => {
    const body = `${index}-`.repeat(1 + (index % 3) * 20_000);
    const client = new AbortController();
    const answer = app.get(index % 2 === 0 ? '/echo' : '/echo-stream', {
      body,
      signal: client.signal,
      content: chunks(body),
    });
    if (index % 7 === 0) client.abort();
    const { status, text } = await answer;
    if (index % 7 !== 0 || status === 200) expect(text === body).toBe(true);
  };
  await Promise.all(Array.from({ length: 300 }, (_, index) => exchange(index)));
  await until(() => app.responder.state().busy === 0);
});
