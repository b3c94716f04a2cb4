// PEP 3333, rule by rule: what an application may rely on, and what a broken one must not be able to do.

import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CgiRequest } from '@onezero/cgi-process';
import type { PythonError } from '../../src/index.ts';
import { chunks, read, request, start, type Answer } from '../harness.ts';

const app = start('pep_3333:application', { settings: { debug: true, 'site name': 'shop' } });

beforeAll(() => app.responder.ready());
afterAll(() => app.responder.close());

function get(path: string, changes: Parameters<typeof request>[1] = {}): Promise<Answer> {
  return read(app.responder(request(path, changes)));
}

async function environOf(target: string, changes: Partial<CgiRequest> = {}) {
  const { text } = await get(target, changes);
  return JSON.parse(text) as {
    type: string;
    not_str: string[];
    missing: string[];
    version: number[];
    pid: number;
    values: Record<string, unknown>;
  };
}

/** What `close()` methods and the like have noted since the last time. They may run after the response has ended. */
async function events(expected: string): Promise<void> {
  await expect.poll(async () => (await get('/events')).text).toBe(expected);
}

describe('environ', () => {
  test('is a dict of str with every required key', async () => {
    const environ = await environOf('/');
    expect(environ).toMatchObject({ type: 'dict', not_str: [], missing: [], version: [1, 0] });
  });

  test('says how the application is run', async () => {
    const { values } = await environOf('/');
    expect(values).toMatchObject({
      'wsgi.url_scheme': 'http',
      'wsgi.multithread': true,
      'wsgi.multiprocess': false,
      'wsgi.run_once': false,
    });
    const secure = await environOf('/', { scheme: 'https' });
    expect(secure.values).toMatchObject({ 'wsgi.url_scheme': 'https', HTTPS: 'on' });
  });

  test('describes the request', async () => {
    const { values } = await environOf('/environ/a%20b?x=%C3%BC&y', { method: 'BREW' });
    expect(values).toMatchObject({
      REQUEST_METHOD: 'BREW',
      PATH_INFO: '/environ/a b',
      SCRIPT_NAME: '',
      QUERY_STRING: 'x=%C3%BC&y',
      SERVER_NAME: 'shop.example',
      SERVER_PORT: '8080',
      SERVER_PROTOCOL: 'HTTP/1.1',
      REMOTE_ADDR: '192.0.2.7',
      HTTP_HOST: 'shop.example:8080',
    });
  });

  test('holds bytes as latin-1 characters', async () => {
    const fields = [['x-name', 'caf\xe9 \xfc']] as const;
    const { values } = await environOf('/environ/%C3%BC%E2%82%AC', { scriptName: '/l\u00e4den', fields });
    expect(values).toMatchObject({
      PATH_INFO: '/environ/\xc3\xbc\xe2\x82\xac',
      SCRIPT_NAME: '/l\xc3\xa4den',
      HTTP_X_NAME: 'caf\xe9 \xfc',
    });
  });

  test('splits the path at the mount, and PATH_INFO may be empty', async () => {
    expect((await environOf('/', { scriptName: '/shop', pathInfo: '' })).values).toMatchObject({
      SCRIPT_NAME: '/shop',
      PATH_INFO: '',
    });
  });

  test('has no length and type where there is no content', async () => {
    const { values } = await environOf('/');
    expect(values).not.toHaveProperty('CONTENT_LENGTH');
    expect(values).not.toHaveProperty('CONTENT_TYPE');
  });

  test('has length and type of content, and not as HTTP_ variables', async () => {
    const fields = [['content-length', '2'], ['content-type', 'a/b; c=d']] as const; // prettier-ignore
    const { values } = await environOf('/', { method: 'POST', fields, contentLength: 2, content: chunks('ab') });
    expect(values).toMatchObject({ CONTENT_LENGTH: '2', CONTENT_TYPE: 'a/b; c=d' });
    expect(values).not.toHaveProperty('HTTP_CONTENT_LENGTH');
    expect(values).not.toHaveProperty('HTTP_CONTENT_TYPE');
  });

  test('joins repeated fields and leaves out what could be mistaken', async () => {
    const fields = [['x-a', '1'], ['x-a', '2'], ['cookie', 'a=1'], ['cookie', 'b=2'], ['x_a', 'evil'], ['proxy', 'evil']] as const; // prettier-ignore
    const { values } = await environOf('/', { fields });
    expect(values).toMatchObject({ HTTP_X_A: '1, 2', HTTP_COOKIE: 'a=1; b=2' });
    expect(values).not.toHaveProperty('HTTP_PROXY');
  });

  test('shows credentials to the application unless the server has used them', async () => {
    const fields = [['authorization', 'Basic eDp5']] as const;
    expect((await environOf('/', { fields })).values).toMatchObject({ HTTP_AUTHORIZATION: 'Basic eDp5' });
    const { values } = await environOf('/', { fields, user: 'x', authType: 'Basic' });
    expect(values).not.toHaveProperty('HTTP_AUTHORIZATION');
    expect(values).toMatchObject({ REMOTE_USER: 'x', AUTH_TYPE: 'Basic' });
  });

  test('carries the settings of the mount', async () => {
    expect((await environOf('/')).values).toMatchObject({ 'onezero.debug': true, 'onezero.site name': 'shop' });
  });

  test('belongs to one request', async () => {
    for (let round = 0; round < 4; round++) expect((await get('/dirty')).text).toBe('clean');
  });

  test('survives fields and paths of any length', async () => {
    const value = 'v'.repeat(70_000);
    const fields = [['x-127', 'a'.repeat(127)], ['x-128', 'b'.repeat(128)], ['x-long', value]] as const; // prettier-ignore
    const { values } = await environOf('/', { fields });
    expect(values).toMatchObject({ HTTP_X_127: 'a'.repeat(127), HTTP_X_128: 'b'.repeat(128), HTTP_X_LONG: value });
  });
});

describe('wsgi.input', () => {
  const body = 'ab\ncde\n\nf';
  test.each([
    ['read()', '/read-all', 'ab\ncde\n\nf||'],
    ['read(size)', '/read-pieces', 'ab\n|cde|\n\nf'],
    ['readline()', '/readline', 'ab\n|cde\n|\n|f'],
    ['readline(size)', '/readline-size', 'ab|\n|cd|e\n|\n|f'],
    ['readlines()', '/readlines', 'ab\n|cde\n|\n|f'],
    ['readlines(hint)', '/readlines-hint', 'ab\n'],
    ['iteration', '/iterate-input', 'ab\n|cde\n|\n|f'],
  ])('offers %s', async (_, path, expected) => {
    expect((await get(path, { body })).text).toBe(expected);
  });

  test.each(['/read-all', '/readline', '/readlines', '/iterate-input'])(
    'is at its end at once without content: %s',
    async (path) => {
      expect((await get(path)).text.replaceAll('|', '')).toBe('');
    },
  );

  test('gives lines of content that does not fit into memory', async () => {
    const lines = Array.from({ length: 30_000 }, (_, index) => `line ${index}\n`).join('');
    expect((await get('/readline', { body: lines })).text).toBe(lines.replaceAll(/\n(?=.)/gs, '\n|'));
  });

  test('gives every byte of large content', async () => {
    const large = Buffer.alloc(3_000_000, Buffer.from(Array.from({ length: 251 }, (_, index) => index)));
    const { bytes } = await get('/read-all', { body: large });
    expect(bytes.subarray(0, -2).equals(large)).toBe(true);
  });

  test('has a length when the client gave none', async () => {
    const content = chunks('abc', 'd'.repeat(100_000));
    const fields = [['transfer-encoding', 'chunked']] as const;
    const answer = await get('/read-length', { method: 'POST', fields, contentLength: undefined, content });
    expect(answer.text).toBe('100003 100003');
  });

  test.each(['/read-nothing', '/read-little'])('may be left unread: %s', async (path) => {
    for (const size of [10, 60_000, 2_000_000]) {
      const { status, broken } = await get(path, { body: 'x'.repeat(size) });
      expect([status, broken]).toEqual([200, undefined]);
      expect((await get('/read-all', { body: 'next' })).text).toBe('next||');
    }
  });
});

describe('wsgi.errors', () => {
  test('takes any text and names the request', async () => {
    await get('/errors', { id: 'request-7' });
    await expect.poll(() => app.text()).toContain('four, no newline');
    const lines = app.log.filter((entry) => entry.request === 'request-7').map(({ line }) => line);
    expect(lines).toEqual(['one', 'two', 'three € 😀 \\udcff', 'four, no newline']);
  });

  test('refuses bytes', async () => {
    expect((await get('/errors-bytes')).text).toBe('refused');
  });

  test('is not needed: what is printed goes to the log, and standard input is empty', async () => {
    expect((await get('/prints')).text).toBe("stdin gave ''");
    await expect.poll(() => app.text()).toContain('to stdout');
    await expect.poll(() => app.text()).toContain('to stderr');
  });
});

describe('start_response', () => {
  test('may be called as late as with the first content', async () => {
    expect(await get('/late-start')).toMatchObject({ status: 201, reason: 'Created', text: 'late' });
  });

  test('replaces everything before output, given exc_info', async () => {
    const answer = await get('/replaced-before-output');
    expect(answer).toMatchObject({ status: 500, reason: 'Replaced', text: 'replaced', broken: undefined });
    expect(answer.fields).toEqual([['content-type', 'text/plain']]);
  });

  test('raises after output, given exc_info', async () => {
    const answer = await get('/raised-after-output');
    expect(answer).toMatchObject({ status: 200, text: 'partial', broken: { code: 'content-cut' } });
    await events('raised after output');
  });

  test.each([
    ['a second call without exc_info', '/second-start', 'RuntimeError'],
    ['no call at all', '/no-start', 'RuntimeError'],
    ['a status of bytes', '/bad-status-bytes', 'TypeError'],
    ['a status without a reason', '/bad-status-short', 'ValueError'],
    ['a status that is a number', '/bad-status-int', 'TypeError'],
    ['a line break in the status', '/bad-status-control', 'ValueError'],
    ['an informational status', '/bad-status-informational', 'ValueError'],
    ['headers that are no list', '/bad-headers-tuple', 'TypeError'],
    ['a name of bytes', '/bad-name-bytes', 'TypeError'],
    ['a name with a colon', '/bad-name-colon', 'ValueError'],
    ['a value of bytes', '/bad-value-bytes', 'TypeError'],
    ['a line break in a value', '/bad-value-newline', 'ValueError'],
    ['NUL in a value', '/bad-value-nul', 'ValueError'],
    ['a hop-by-hop header', '/bad-hop-by-hop', 'ValueError'],
    ['a negative Content-Length', '/bad-length', 'ValueError'],
    ['two lengths', '/bad-two-lengths', 'ValueError'],
  ])('refuses %s', async (_, path, exception) => {
    const answer = await get(path);
    expect(answer).toMatchObject({ status: 500, fields: [], text: '' });
    expect((answer.cause as PythonError).detail).toContain(exception);
  });

  test('lets the application see that a value is not latin-1', async () => {
    expect((await get('/bad-value-unicode')).text).toBe('the application saw it');
  });

  test('passes bytes in values, empty values and repeated fields as they are', async () => {
    expect((await get('/latin-header')).field('x-name')).toBe('caf\xe9');
    expect((await get('/cookies')).fields).toEqual([
      ['content-type', 'text/plain'],
      ['set-cookie', 'a=1'],
      ['x-a', ''],
      ['set-cookie', 'b=2; Path=/'],
    ]);
  });
});

describe('the result', () => {
  test.each([
    ['write() before the iterable', '/writes', 'abcd'],
    ['write() alone', '/writes-only', 'only written'],
    ['no block', '/empty-list', ''],
    ['several blocks, empty ones among them', '/several-blocks', 'one two'],
  ])('may be %s', async (_, path, text) => {
    expect(await get(path)).toMatchObject({ status: 200, text, broken: undefined });
  });

  test('sends blocks that follow each other quickly, whether or not another is made', async () => {
    await get('/close-gate');
    const { content } = await app.responder(request('/gate-quick'));
    const expected = Array.from({ length: 50 }, (_, number) => `${number} `).join('');
    let seen = '';
    for await (const block of content as AsyncIterable<Uint8Array>) {
      seen += Buffer.from(block).toString();
      if (seen === expected) await get('/open-gate');
    }
    expect(seen).toBe(`${expected}open`);
  });

  test.each(['/gate', '/gate-write'])('sends each block before the next is made: %s', async (path) => {
    await get('/close-gate');
    const { content } = await app.responder(request(path));
    const blocks = (content as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
    expect(Buffer.from((await blocks.next()).value as Uint8Array).toString()).toBe('first');
    await get('/open-gate');
    expect(Buffer.from((await blocks.next()).value as Uint8Array).toString()).toBe(' second');
    expect(await blocks.next()).toMatchObject({ done: true });
  });

  test('is whole at once, with its length known, when it is a list', async () => {
    expect(await get('/several-blocks')).toMatchObject({ isWhole: true });
    const answer = await get('/large');
    expect(answer.field('content-length')).toBe(String(256 * 4096 + 3));
    const expected = Buffer.concat([Buffer.alloc(256 * 4096, Buffer.from(Array.from({ length: 256 }, (_, i) => i))), Buffer.from('end')]); // prettier-ignore
    expect(createHash('sha256').update(answer.bytes).digest('hex')).toBe(
      createHash('sha256').update(expected).digest('hex'),
    );
    expect((await get('/sequence-of-one')).field('content-length')).toBe('100000');
  });

  test.each([
    ['a list of str', '/str-block', 'TypeError'],
    ['a str', '/str-result', 'TypeError'],
    ['None', '/none-result', 'TypeError'],
    ['a bytearray', '/bytearray-block', 'TypeError'],
    ['str given to write()', '/writes-str', 'TypeError'],
  ])('must not be %s', async (_, path, exception) => {
    const answer = await get(path);
    expect(answer.status).toBe(500);
    expect((answer.cause as PythonError).detail).toContain(exception);
  });

  test('ends with the response: write() is refused afterwards', async () => {
    expect((await get('/writes-late')).text).toBe('done');
    await events('late write refused');
  });
});

describe('close()', () => {
  test.each([
    ['a response', '/close-after-success', 'success closed'],
    ['an exception', '/close-after-error', 'error closed'],
    ['a missing start_response', '/close-without-start', 'unstarted closed'],
    ['the declared length', '/close-at-length', 'length closed'],
  ])('is called once after %s', async (_, path, expected) => {
    await get(path);
    await events(expected);
  });

  test('is called when the client leaves', async () => {
    const { content } = await app.responder(request('/close-on-disconnect'));
    for await (const chunk of content as AsyncIterable<Uint8Array>) {
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }
    await events('disconnect closed');
  });

  test('may fail without spoiling the response', async () => {
    expect(await get('/close-fails')).toMatchObject({ status: 200, text: 'whole', broken: undefined });
    await expect.poll(() => app.text()).toContain('close failed');
    await events('failing closed');
  });
});

describe('the length', () => {
  test('cuts off what goes beyond it', async () => {
    expect(await get('/too-long')).toMatchObject({ text: '1234', broken: undefined });
  });

  test.each(['/too-short', '/too-short-list', '/too-short-empty'])('is never feigned: %s', async (path) => {
    const answer = await get(path);
    expect(answer).toMatchObject({ status: 200, broken: { code: 'content-cut' } });
    expect(answer.field('content-length')).toBe('10');
    expect(app.text()).toContain('short of its Content-Length of 10');
  });

  test('makes write() raise when it goes beyond', async () => {
    expect(await get('/write-too-long')).toMatchObject({ text: '1234', broken: undefined });
    await events('refused');
  });

  test.each(['/sized', '/sized-anyway'])('of HEAD is that of GET, without content: %s', async (path) => {
    expect(await get(path)).toMatchObject({ text: '12345', isWhole: true });
    const head = await get(path, { method: 'HEAD' });
    expect(head).toMatchObject({ status: 200, text: '', broken: undefined });
    expect(head.field('content-length')).toBe('5');
  });

  test('is not claimed for HEAD when the application does not say', async () => {
    const head = await get('/empty-list', { method: 'HEAD' });
    expect(head).toMatchObject({ status: 200, text: '', isWhole: false });
    expect(head.field('content-length')).toBeUndefined();
    expect((await get('/several-blocks', { method: 'HEAD' })).field('content-length')).toBe('7');
  });

  test.each([
    ['/no-content', 204],
    ['/not-modified', 304],
  ])('is nothing where there is no content: %s', async (path, status) => {
    // prettier-ignore
    const answer = await get(path);
    expect(answer).toMatchObject({ status, text: '', broken: undefined });
    expect(answer.field('content-length')).toBeUndefined();
  });
});

describe('an exception', () => {
  test.each(['/fails-at-once', '/fails-after-start', '/fails-in-iteration'])(
    'before output is 500: %s',
    async (path) => {
      const answer = await get(path);
      expect(answer).toMatchObject({ status: 500, fields: [], text: '' });
      expect((answer.cause as PythonError).detail).toMatch(/^Traceback.*pep_3333\.py.*secret detail/s);
      expect((answer.cause as PythonError).detail).not.toContain('worker.py');
    },
  );

  test('after output breaks the response off', async () => {
    const answer = await get('/fails-after-output');
    expect(answer).toMatchObject({ status: 200, text: 'some', broken: { code: 'content-cut' } });
  });

  test.each(['/exits', '/stops-iteration'])('never ends the worker: %s', async (path) => {
    const { pid } = await environOf('/');
    expect((await get(path)).status).toBe(500);
    expect((await environOf('/')).pid).toBe(pid);
  });
});

describe('wsgi.file_wrapper', () => {
  const numbers = Array.from({ length: 25_000 }, (_, index) => `${String(index).padStart(7, '0')}\n`).join('');

  test.each([
    ['a file', '/file', numbers],
    ['a small file', '/small-file', numbers.slice(0, 80)],
    ['a file from its position', '/file-from-position', numbers.slice(16)],
    ['a file up to Content-Length', '/file-with-length', numbers.slice(0, 100_000)],
    ['something like a file', '/file-like', 'like a file'.repeat(1000)],
    ['anything with read()', '/file-bare', 'ab'],
    ['a compressed file', '/file-compressed', 'unpacked'.repeat(10_000)],
    ['a pipe', '/file-pipe', 'through a pipe'],
    ['an empty file', '/file-empty', ''],
    ['a named temporary file', '/file-named-temporary', 't'.repeat(100_000)],
  ])('sends %s', async (_, path, text) => {
    const answer = await get(path);
    expect(answer.status).toBe(200);
    expect(answer.broken).toBeUndefined();
    expect(answer.text === text).toBe(true);
  });

  test('knows the length of a file, also for HEAD', async () => {
    expect((await get('/file')).field('content-length')).toBe('200000');
    const head = await get('/file', { method: 'HEAD' });
    expect(head).toMatchObject({ text: '', broken: undefined });
    expect(head.field('content-length')).toBe('200000');
  });

  test.runIf(existsSync('/proc/version'))('reads a file that tells no size to its end', async () => {
    expect((await get('/file-unsized')).text).toBe(readFileSync('/proc/version', 'latin1'));
    expect((await get('/file-unsized?environ')).text).toContain('PYTHONDONTWRITEBYTECODE=1\0');
  });

  test('closes the file', async () => {
    await get('/file-closed-after');
    await events('file closed');
  });
});
