import { describe, expect, onTestFinished, test } from 'vitest';
import type { Responder } from '@onezero/server';
import { parse, start } from '../exchange.ts';

/** What a client gets of a responder's answer, and what the error hook learns of it. */
async function answerOf(answer: unknown): Promise<ReturnType<typeof parse> & { readonly why: string | undefined }> {
  let why: string | undefined;
  const responder = (() => answer) as Responder;
  const running = await start({
    routes: [{ path: '/r', responder }],
    onError: ({ cause }) => {
      why = cause instanceof Error ? cause.message : undefined;
    },
  });
  onTestFinished(() => running.close());
  const text = await running.exchange('GET /r HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  return { ...parse(text), why };
}

describe('an answer as it is first written', () => {
  test('may have text as content, which is UTF-8 and plain', async () => {
    const { status, fields, content } = await answerOf({ status: 200, content: 'naïve' });
    expect(status).toBe(200);
    expect(fields.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(fields.get('content-length')).toBe('6');
    expect(Buffer.from(content, 'latin1').toString()).toBe('naïve');
  });

  test('keeps its own type of text, however the name of the field is written', async () => {
    const { fields } = await answerOf({ status: 200, fields: [['Content-Type', 'text/html']], content: '<p>' });
    expect(fields.get('content-type')).toBe('text/html');
  });

  test('may leave the fields out', async () => {
    expect((await answerOf({ status: 204 })).status).toBe(204);
    expect((await answerOf({ status: 404 })).content).toContain('404');
  });

  test('may be promised', async () => {
    expect((await answerOf(Promise.resolve({ status: 200, content: 'later' }))).content).toBe('later');
  });

  test('is empty when its text is', async () => {
    const { status, content } = await answerOf({ status: 404, content: '' });
    expect([status, content]).toEqual([404, '']);
  });
});

const MISTAKES: readonly (readonly [name: string, answer: unknown, why: string])[] = [
  ['nothing', undefined, 'is a return missing?'],
  ['null', null, 'it returned null'],
  ['text', 'text', 'return { status: 200, content: text }'],
  ['a number', 404, 'return { status: 404 }'],
  ['bytes', Buffer.from('a'), 'return { status: 200, content: bytes }'],
  ['a list', [200, 'a'], 'it returned a list'],
  ['a function', () => undefined, 'nodeResponder or fetchResponder'],
  ['a fetch Response', new Response('a'), 'wrap the function in fetchResponder'],
  ['a response of node:http', { writeHead: () => {} }, 'nodeResponder'],
  ['no status', { content: 'a' }, 'no status'],
  ['a status as text', { status: '200' }, 'a number such as 200, not "200"'],
  ['statusCode', { statusCode: 200 }, 'called status'],
  ['an interim status', { status: 103 }, 'request.inform'],
  ['a status beyond all', { status: 700 }, 'from 200 to 599, not 700'],
  ['101 without an upgrade', { status: 101 }, 'upgrade function'],
  ['headers', { status: 200, headers: { a: 'b' } }, 'called fields'],
  ['headers beside fields', { status: 200, fields: [], headers: {} }, 'called fields'],
  ['a body', { status: 200, fields: [], body: 'a' }, 'called content'],
  ['fields as an object', { status: 200, fields: { a: 'b' } }, 'Object.entries(fields)'],
  ['fields as Headers', { status: 200, fields: new Headers() }, '[...fields]'],
  ['fields in one row', { status: 200, fields: ['a', 'b'], content: 'a' }, 'a list of pairs'],
  [
    'a number as a value',
    { status: 200, fields: [['content-length', 5]], content: 'a' },
    'content-length must be text',
  ],
  ['an object as content', { status: 200, content: { a: 1 } }, 'JSON.stringify(content)'],
  ['a promise as content', { status: 200, content: Promise.resolve('a') }, 'await it'],
  ['a Blob', { status: 200, content: new Blob(['a']) }, 'blob.stream()'],
  ['an ArrayBuffer', { status: 200, content: new ArrayBuffer(1) }, 'new Uint8Array(buffer)'],
];

describe('field names in capitals', () => {
  const PAGE = [
    ['Content-Type', 'text/html'],
    ['X-Powered-By', 'a'],
  ];
  test.each([
    ['bytes', Buffer.from('hi')],
    ['text', 'hi'],
    ['a stream', 'stream'],
    ['nothing', undefined],
  ])('are those in small letters, with %s as content', async (_, content) => {
    async function* stream(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('hi');
    }
    const fields = [
      ...PAGE,
      ['Content-Length', content === undefined ? '0' : '2'],
      ['Connection', 'keep-alive'],
      ['DATE', 'x'],
    ];
    const { status, fields: sent } = await answerOf({
      status: 200,
      fields,
      content: content === 'stream' ? stream() : content,
    });
    expect(status).toBe(200);
    expect(sent.get('content-type')).toBe('text/html');
    expect(sent.get('content-length')).toBe(content === undefined ? '0' : '2');
    expect(sent.get('x-powered-by')).toBe('a');
    expect(sent.get('date')).not.toContain('x');
    expect(sent.has('transfer-encoding')).toBe(false);
  });

  test('are one field with those that an error page brings along', async () => {
    const { status, fields } = await answerOf({ status: 404, fields: [...PAGE, ['Allow', 'GET']] });
    expect(status).toBe(404);
    expect(fields.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(fields.get('allow')).toBe('GET');
  });
});

describe('a mistake in an answer is a 500 that says what to write instead', () => {
  test.each(MISTAKES)('%s', async (_, answer, expected) => {
    const { status, content, why } = await answerOf(answer);
    expect(status).toBe(500);
    expect(why).toContain(expected);
    expect(why).toContain('the route /r');
    expect(why).not.toContain('\n');
    expect(content).not.toContain(expected);
  });

  test('content that yields text', async () => {
    async function* texts(): AsyncGenerator<string> {
      yield 'a';
    }
    const { status, why } = await answerOf({ status: 200, content: texts() });
    expect([status, why]).toEqual([500, 'the content yielded text: yield bytes, such as Buffer.from(text)']);
  });
});
