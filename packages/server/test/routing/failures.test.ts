import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createServer, type Responder, type ServerOptions } from '@onezero/server';
import type { Failure } from '../../src/options.ts';
import { parse, readAll, start, textResponse, type Running } from '../exchange.ts';

async function serve(options: ServerOptions): Promise<Running> {
  const running = await start(options);
  onTestFinished(() => running.close());
  return running;
}

const get = (path: string, accept = '*/*', method = 'GET'): string =>
  `${method} ${path} HTTP/1.1\r\nHost: a\r\nAccept: ${accept}\r\n\r\n`;

/** Responders that do what they must not. */
const BROKEN: Readonly<Record<string, Responder>> = {
  throws: () => {
    throw new Error('secret detail');
  },
  rejects: () => Promise.reject(new Error('secret detail')),
  'throws no error': () => {
    throw 'secret detail';
  },
  'returns nothing': () => undefined as never,
  'returns text': () => 'text' as never,
  'has no status': () => ({ fields: [] }) as never,
  'has an interim status': () => ({ status: 100, fields: [] }),
  'has a status out of range': () => ({ status: 600, fields: [] }),
  'has a number as content': () => ({ status: 200, fields: [], content: 1 as never }),
  'splits a field': () => ({ status: 200, fields: [['x', 'a\r\nset-cookie: b']] }),
  'names no field': () => ({ status: 200, fields: [['x y', 'a']] }),
  'splits the reason': () => ({ status: 200, reason: 'OK\r\nx: y', fields: [] }),
  'has a bad content-length': () => ({ status: 200, fields: [['content-length', '-1']], content: chunks('a') }),
  'breaks before its first chunk': () => ({ status: 200, fields: [], content: broken() }),
  'yields text': () => ({ status: 200, fields: [], content: chunks('a', 'text') }),
};

async function* chunks(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield text === 'text' ? (text as never) : Buffer.from(text);
}

// oxlint-disable-next-line require-yield -- it breaks first
async function* broken(): AsyncGenerator<Uint8Array> {
  throw new Error('secret detail');
}

describe('a responder', () => {
  test.each(Object.keys(BROKEN).filter((name) => name !== 'yields text'))(
    'that %s is answered for with 500',
    async (name) => {
      const failures: Failure[] = [];
      const { exchange } = await serve({
        routes: [{ path: '/bad', responder: BROKEN[name] as Responder }, { responder: () => textResponse('fine') }],
        onError: (failure) => {
          failures.push(failure);
        },
      });
      const text = await exchange(get('/bad') + get('/fine'));
      expect(parse(text).status).toBe(500);
      expect(text).not.toContain('secret');
      expect(text).not.toContain('set-cookie');
      expect(text).toMatch(/HTTP\/1\.1 200 OK[^]*fine$/);
      expect(failures).toMatchObject([{ status: 500, source: 'responder', headSent: false }]);
    },
  );

  test.each<[string, string, readonly string[]]>([
    ['ends early', '9', ['abc']],
    ['runs over', '2', ['a', 'bcd']],
    ['yields text', '9', ['a', 'text']],
  ])('whose content %s breaks the connection off', async (_, length, texts) => {
    const responder: Responder = () => ({
      status: 200,
      fields: [['content-length', length]],
      content: chunks(...texts),
    });
    const failures: Failure[] = [];
    const { connect } = await serve({
      routes: [{ responder }],
      onError: (failure) => {
        failures.push(failure);
      },
    });
    const socket = await connect();
    const text = readAll(socket);
    socket.write(get('/') + get('/'));
    expect(parse(await text).content.length).toBeLessThan(9);
    expect((await text).match(/HTTP\/1\.1/g)).toHaveLength(1);
    expect(failures).toMatchObject([{ source: 'content', headSent: true }]);
    socket.destroy();
  });

  test('that never answers is answered for when patience ends', async () => {
    const aborted: boolean[] = [];
    const { exchange } = await serve({
      limits: { answerTimeoutMs: 60 },
      routes: [
        {
          responder: ({ signal }) => {
            signal.addEventListener('abort', () => aborted.push(true));
            return new Promise(() => {});
          },
        },
      ],
    });
    expect(parse(await exchange(get('/'))).status).toBe(503);
    expect(aborted).toEqual([true]);
  });
});

async function* breaking(): AsyncGenerator<Uint8Array> {
  await Promise.reject(new Error('content'));
  yield Buffer.from('never');
}

describe('the error hook', () => {
  test('sees what went wrong and may answer in its place', async () => {
    const { exchange } = await serve({
      routes: [{ path: '/only', methods: ['GET'], responder: () => textResponse('only') }],
      onError: ({ status, source, request, headSent }) =>
        textResponse(`${status} ${source} ${request?.pathInfo} ${headSent}`, status === 404 ? 200 : status),
    });
    expect(parse(await exchange(get('/none')))).toMatchObject({ status: 200, content: '404 routing /none false' });
    const refused = parse(await exchange(get('/only', '*/*', 'PUT')));
    expect(refused).toMatchObject({ status: 405, content: '405 routing /only false' });
    expect(refused.fields.get('allow')).toBe('GET, HEAD, OPTIONS');
    expect(parse(await exchange('nonsense\r\n\r\n')).content).toBe('400 parser undefined false');
    expect(parse(await exchange(get('/..')))).toMatchObject({ status: 400, content: '400 parser undefined false' });
  });

  test.each([
    [
      'throws',
      () => {
        throw new Error('hook');
      },
    ],
    ['rejects', () => Promise.reject(new Error('hook'))],
    ['hangs', () => new Promise<never>(() => {})],
    ['returns nonsense', () => 7 as never],
    ['returns a broken response', () => ({ status: 200, fields: [['a b', 'c']] }) as never],
    ['returns content that breaks', () => ({ status: 200, fields: [], content: breaking() })],
  ])('that %s is not missed: the default page is sent', async (_, onError) => {
    const { exchange } = await serve({
      limits: { hookTimeoutMs: 50 },
      onError,
      routes: [{ path: '/fine', responder: () => textResponse('fine') }],
    });
    const text = await exchange(get('/none') + get('/fine'));
    expect([404, 500]).toContain(parse(text).status);
    expect(parse(text).content).toMatch(/^[45]\d\d [A-Z]/);
    expect(text).toMatch(/fine$/);
  });
});

describe('an error page', () => {
  test.each([
    ['text/html,*/*;q=0.8', 'text/html; charset=utf-8'],
    ['application/json', 'application/problem+json'],
    ['text/plain, text/html;q=0.5', 'text/plain; charset=utf-8'],
    ['*/*', 'text/plain; charset=utf-8'],
    ['image/png', 'text/html; charset=utf-8'],
    ['text/html;q=0, application/json;q=0.1', 'application/problem+json'],
  ])('for Accept: %s is %s', async (accept, type) => {
    const { exchange } = await serve({});
    const page = parse(await exchange(get('/<script>', accept)));
    expect(page.status).toBe(404);
    expect(page.fields.get('content-type')).toBe(type);
    expect(page.fields.get('x-content-type-options')).toBe('nosniff');
    expect(Number(page.fields.get('content-length'))).toBe(page.content.length);
    expect(page.content).not.toContain('<script>');
    const head = parse(await exchange(get('/none', accept, 'HEAD')));
    expect(head.content).toBe('');
    expect(head.fields.get('content-length')).toBe(page.fields.get('content-length'));
  });

  test('of the site in HTML is not for those who ask for JSON', async () => {
    const { exchange } = await serve({ errorPages: { default: { template: '<h1>ours</h1>' } } });
    const html = parse(await exchange(get('/none', 'text/html')));
    expect(html.content).toBe('<h1>ours</h1>');
    expect(html.fields.get('vary')).toBe('accept');
    const json = parse(await exchange(get('/none', 'application/json')));
    expect(json.fields.get('content-type')).toBe('application/problem+json');
    expect(json.fields.get('vary')).toBe('accept');
    expect(JSON.parse(json.content)).toMatchObject({ status: 404 });
  });

  test('of the site goes before the default: by status, class, default', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'pages-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const file = join(folder, '404.html');
    await writeFile(file, '<h1>lost</h1>');
    const answer = (status: number) => ({ path: `/${status}`, responder: () => ({ status, fields: [] }) });
    const { exchange } = await serve({
      routes: [403, 410, 500, 503].map(answer),
      errorPages: {
        '404': { file },
        '4xx': { template: '{{status}} {{reason}} {{path}} {{other}}' },
        '503': () => Promise.reject(new Error('page')),
        default: ({ pathInfo, scriptName }) => textResponse(`default for ${scriptName}${pathInfo}`),
      },
    });
    const lost = parse(await exchange(get('/none')));
    expect(lost).toMatchObject({ status: 404, content: '<h1>lost</h1>' });
    expect(lost.fields.get('content-type')).toBe('text/html; charset=utf-8');
    expect(parse(await exchange(get('/403/<b>'))).content).toBe('403 Forbidden /403/&#60;b&#62; {{other}}');
    expect(parse(await exchange(get('/500')))).toMatchObject({ status: 500, content: 'default for /500' });
    expect(parse(await exchange(get('/503', 'text/plain'))).content).toContain('503 Service Unavailable');
    expect(parse(await exchange('nonsense\r\n\r\n')).content).toContain('400 Bad Request');
    await rm(file);
    expect(parse(await exchange(get('/none', 'text/plain'))).content).toBe(
      '404 Not Found\nThere is nothing at this address.\n',
    );
  });

  test.each([{ '200': { template: '' } }, { '404': { file: '/no/such/page' } }, { '5x': { template: '' } }])(
    'that can never be shown is refused at once: %o',
    (errorPages) => {
      expect(() => createServer({ errorPages })).toThrow(/errorPages/);
    },
  );
});
