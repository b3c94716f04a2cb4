// What a route has for a request, from responders that are made for it: nothing is run, nothing is changed, all is closed.

import { describe, expect, test } from 'vitest';
import { explainAnswer } from '../../../src/command-line/commands/explain-answer.ts';
import { syntheticRequest } from '../../../src/command-line/commands/synthetic-request.ts';
import type { RequestMessage, ResponseMessage } from '../../../src/message/message.ts';
import type { Explanation, Question, Route } from '../../../src/options.ts';

const EXPLANATION = { scriptName: '/m', pathInfo: '/a', query: 'q=1', host: 'a.example' } as Explanation;

interface Asked {
  readonly name?: string;
  readonly method?: string;
  readonly isWritable?: boolean;
  readonly more?: object;
}

/** Asks a route whose responder answers with `response`, and notes what it was asked with. */
async function explain(
  response: Partial<ResponseMessage> & object,
  { name = 'files in /www', method, isWritable = false, more = {} }: Asked = {},
) {
  const asked: RequestMessage[] = [];
  const responder = Object.assign((request: RequestMessage) => {
    asked.push(request);
    return { status: 200, fields: [], ...response };
  }, more);
  const question: Question = { target: '/m/a?q=1', ...(method !== undefined && { method }) };
  const route = { responder, name } as unknown as Route;
  const answered = await explainAnswer(route, EXPLANATION, { question, isWritable: () => isWritable });
  return { ...answered, asked };
}

describe('files', () => {
  test('are asked as a browser asks', async () => {
    const { asked, rows, hasNothing } = await explain({ file: ['a', 'b.html'], fields: [['x', 'y']] } as object);
    expect(asked).toHaveLength(1);
    expect(asked[0]).toMatchObject({
      method: 'GET',
      scriptName: '/m',
      pathInfo: '/a',
      query: 'q=1',
      target: '/m/a?q=1',
    });
    expect(rows).toEqual([
      ['status', '200'],
      ['file', '/www/a/b.html'],
      ['field', 'x: y'],
    ]);
    expect(hasNothing).toBe(false);
  });

  test.each([
    [
      { file: ['a.js'], fields: [['content-encoding', 'br']] },
      ['file', '/www/a.js'],
      ['variant', 'compressed with br while it is sent'],
    ],
    [{ file: ['a.js.br'], fields: [['content-encoding', 'br']] }, ['file', '/www/a.js'], ['variant', '/www/a.js.br']],
    [{ file: ['a.js.gz'], fields: [['content-encoding', 'gzip']] }, ['file', '/www/a.js'], ['variant', '/www/a.js.gz']],
    [
      { file: ['a.js.zst'], fields: [['content-encoding', 'zstd']] },
      ['file', '/www/a.js'],
      ['variant', '/www/a.js.zst'],
    ],
    [
      { file: ['a.svgz'], fields: [['content-encoding', 'gzip']] },
      ['file', '/www/a.svgz'],
      ['variant', 'compressed with gzip while it is sent'],
    ],
  ])('say which form of the file is sent: %j', async (response, ...expected) => {
    expect((await explain(response as object)).rows.slice(1, 3)).toEqual(expected);
  });

  test('say where a redirect leads, and that a folder is listed', async () => {
    expect((await explain({ status: 301, fields: [['location', 'a/']] })).rows).toEqual([
      ['status', '301'],
      ['redirect', 'a/'],
      ['field', 'location: a/'],
    ]);
    expect((await explain({})).rows).toEqual([
      ['status', '200'],
      ['listing', '/www'],
    ]);
  });

  test('say why there is nothing', async () => {
    const whyNothing = (): Promise<string> => Promise.resolve('it is hidden');
    const { rows, hasNothing } = await explain({ status: 404 }, { more: { whyNothing } });
    expect(rows).toEqual([
      ['status', '404'],
      ['', 'it is hidden'],
    ]);
    expect(hasNothing).toBe(true);
    // Where there is something nobody asks why not.
    const never = (): never => {
      throw new Error('asked');
    };
    expect((await explain({}, { more: { whyNothing: never } })).rows[0]).toEqual(['status', '200']);
    expect((await explain({ status: 500, cause: new Error('EIO') })).rows).toEqual([
      ['status', '500'],
      ['', 'EIO'],
    ]);
  });

  test('are closed again', async () => {
    let isClosed = false;
    const content: AsyncIterableIterator<Uint8Array> = {
      next: () => Promise.resolve({ done: true, value: undefined }),
      return: () => {
        isClosed = true;
        return Promise.resolve({ done: true, value: undefined });
      },
      [Symbol.asyncIterator]: () => content,
    };
    await explain({ content });
    expect(isClosed).toBe(true);
  });

  test.each(['PUT', 'DELETE', 'POST', 'PATCH'])('that may be written are not asked with %s', async (method) => {
    const { asked, rows } = await explain({}, { method, isWritable: true });
    expect(asked).toEqual([]);
    expect(rows).toEqual([['', `the site is writable, so ${method} may change a file; nothing was changed`]]);
    // Where nothing may be written, asking changes nothing.
    expect((await explain({ status: 405 }, { method })).asked[0]?.method).toBe(method);
  });

  test.each(['GET', 'HEAD', 'OPTIONS'])('that may be written are asked with %s', async (method) => {
    expect((await explain({}, { method, isWritable: true })).asked).toHaveLength(1);
  });

  test('whose answer is none are a fault that is thrown', async () => {
    await expect(explain({ status: 99 })).rejects.toThrow(TypeError);
  });
});

describe('what is not asked', () => {
  test('is a drive', async () => {
    const { asked, rows } = await explain({}, { name: 'WebDAV in /www', method: 'PROPFIND' });
    expect(asked).toEqual([]);
    expect(rows.slice(0, 2)).toEqual([
      ['drive', '/www'],
      ['file', '/www/a'],
    ]);
  });

  test('is an application; where it can be loaded, its workers say what it is', async () => {
    expect((await explain({}, { name: 'wsgi app:app' })).rows).toEqual([['run', 'wsgi app:app, as /m']]);
    const ready = (): Promise<void> => Promise.reject(new Error('No module named app'));
    const loading = { ready, workers: () => ({ path: '/m' }) };
    const { rows, asked } = await explain({}, { name: 'wsgi app:app', more: loading });
    expect(rows).toEqual([
      ['run', 'wsgi app:app, as /m'],
      ['', 'No module named app'],
    ]);
    expect(asked).toEqual([]);
    // What is behind a gateway is not loaded here.
    const gateway = { ready, workers: () => [{ path: '/m', gateway: {} }] };
    expect((await explain({}, { name: 'fastcgi', more: gateway })).rows).toEqual([['run', 'fastcgi, as /m']]);
  });

  test.each([
    [
      { outcome: 'run', script: '/www/a.py', scriptName: '/a.py', pathInfo: '/x' },
      [
        ['run', '/www/a.py'],
        ['in', '/www'],
        ['with', 'SCRIPT_NAME=/m/a.py PATH_INFO=/x'],
      ],
      false,
    ],
    [
      { outcome: 'run', script: '/www/a.php', interpreter: 'php-cgi' },
      [
        ['run', 'php-cgi /www/a.php'],
        ['in', '/www'],
        ['with', 'SCRIPT_NAME=/m PATH_INFO='],
      ],
      false,
    ],
    [{ outcome: 'run' }, [['run', 'scripts, as /m']], false],
    [
      { outcome: 'nothing', reason: 'no such file' },
      [
        ['', 'there is no script'],
        ['', 'no such file'],
      ],
      true,
    ],
    [{ outcome: 'nothing' }, [['', 'there is no script']], true],
    [
      { outcome: 'refused', status: 403, reason: 'not executable' },
      [
        ['status', '403'],
        ['', 'not executable'],
      ],
      false,
    ],
    [{ outcome: 'refused' }, [['status', '404']], false],
  ])('are scripts, which explain themselves: %j', async (found, rows, hasNothing) => {
    const answered = await explain({}, { name: 'scripts', more: { explain: () => found } });
    expect([answered.rows, answered.hasNothing, answered.asked]).toEqual([rows, hasNothing, []]);
  });
});

describe('the request', () => {
  const request = (question: Partial<Question>, explanation: object = {}): RequestMessage =>
    syntheticRequest({ ...EXPLANATION, ...explanation }, { target: '/a', ...question });

  test.each([
    ['/a?b', '/a?b'],
    ['http://a.example/a?b', '/a?b'],
    ['HTTPS://a.example:80/a', '/a'],
    ['http://a.example', '/'],
    ['http://a.example?b', '?b'],
  ])('for %s has the target %s', (target, expected) => {
    expect(request({ target }).target).toBe(expected);
  });

  test('has the fields of a browser that goes to a page, and no content', async () => {
    const { fields, content, contentLength, authority } = request({ method: 'HEAD' });
    expect(Object.fromEntries(fields)).toMatchObject({ host: 'a.example', 'sec-fetch-mode': 'navigate' });
    expect([contentLength, authority]).toEqual([0, 'a.example']);
    for await (const chunk of content) expect(chunk).toBeUndefined();
    expect(request({}, { host: undefined }).authority).toBe('localhost');
    expect(request({}).id).not.toBe(request({}).id);
  });
});
