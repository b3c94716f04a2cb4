// Applications in the manner of fetch: odd responses, odd hosts, and what becomes of content on both sides.

import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { RequestMessage, ResponseMessage } from '../../src/message/message.ts';
import { type FetchApplication, type FetchInfo, fetchResponder } from '../../src/responders/fetch.ts';
import { request } from '../request.ts';

async function answer(application: FetchApplication, asked: RequestMessage = request()): Promise<ResponseMessage> {
  return (await fetchResponder(application)(asked)) as ResponseMessage;
}

async function textOf(content: ResponseMessage['content']): Promise<string> {
  if (content === undefined) return 'no content';
  if (content instanceof Uint8Array) return Buffer.from(content).toString();
  let text = '';
  for await (const bytes of content) text += Buffer.from(bytes).toString();
  return text;
}

/** The request that an application gets. */
async function seen(asked: RequestMessage): Promise<{ request: Request; info: FetchInfo }> {
  let both: { request: Request; info: FetchInfo } | undefined;
  await answer((given, info) => {
    both = { request: given, info };
    return new Response(null);
  }, asked);
  if (both === undefined) throw new Error('not asked');
  return both;
}

describe('a request', () => {
  test.each([
    [{ authority: 'a.org:8080', pathInfo: '/x y', query: 'z=1' }, 'http://a.org:8080/x%20y?z=1'],
    [{ authority: 'A.org', scheme: 'https' }, 'https://a.org/'],
    [{ authority: 'a.org:80' }, 'http://a.org/'],
    [{ authority: '[::1]:9' }, 'http://[::1]:9/'],
    [{ authority: undefined }, 'http://192.0.2.2:80/'.replace(':80', '')],
    [{ authority: undefined, local: { address: '::1', port: 81 } }, 'http://[::1]:81/'],
    [{ authority: undefined, local: { address: '/run/a.sock', port: 0 } }, 'http://localhost/'],
    [{ scriptName: '/mount', pathInfo: '' }, 'http://example.org/'],
    [{ pathInfo: '//double' }, 'http://example.org//double'],
  ] as const)('%j has the URL %s', async (changes, url) => {
    expect((await seen(request(changes))).request.url).toBe(url);
  });

  // Node 26 takes any label for a name.
  const labels = URL.canParse('http://xn--a/') ? [] : ['xn--a'];
  test.each(['999.1.1.1', '1.2.3.4.5', '0x100000000', 'a.org:99999', '[::1', ...labels])(
    'for %s, which no URL can name, is the fault of the client',
    async (authority) => {
      const application = vi.fn(() => new Response('x'));
      await expect(answer(application, request({ authority }))).rejects.toMatchObject({ status: 400 });
      expect(application).not.toHaveBeenCalled();
    },
  );

  test('has its fields, each line by itself where it may', async () => {
    const fields = [
      ['accept', 'a'],
      ['accept', 'b'],
      ['x-latin', '\u00e9'],
      ['cookie', 'a=1'],
    ] as const;
    const { headers } = (await seen(request({ fields }))).request;
    expect([headers.get('accept'), headers.get('x-latin'), headers.get('cookie')]).toEqual(['a, b', '\u00e9', 'a=1']);
  });

  test.each([
    [
      { remote: { address: '2001:db8::1', port: 5 } },
      { remoteAddress: '2001:db8::1', remotePort: 5, remoteFamily: 'IPv6' },
    ],
    [
      { remote: { address: '192.0.2.9', port: 5 } },
      { remoteAddress: '192.0.2.9', remotePort: 5, remoteFamily: 'IPv4' },
    ],
    [
      { remote: { address: '', port: 0 } },
      { remoteAddress: undefined, remotePort: undefined, remoteFamily: undefined },
    ],
  ] as const)('from %j says who asks', async (changes, socket) => {
    const { info } = await seen(request({ ...changes, user: 'ada', id: 'i' }));
    expect(info).toMatchObject({ ...changes, user: 'ada', id: 'i' });
    expect(info.incoming.socket).toEqual(socket);
  });

  test.each([
    ['POST', 5, true],
    ['POST', undefined, true],
    ['POST', 0, false],
    ['DELETE', 5, true],
    ['GET', 5, false],
    ['HEAD', undefined, false],
  ] as const)('%s of length %s has a body: %s', async (method, contentLength, hasBody) => {
    async function* content(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('he');
      yield Buffer.from('llo');
    }
    const { request: given } = await seen(request({ method, contentLength, content: content() }));
    expect(given.body !== null).toBe(hasBody);
    if (hasBody) expect(await given.text()).toBe('hello');
  });

  test('has content that is asked for only as it is read, and that is let go when it is not', async () => {
    let asked = 0;
    let isClosed = false;
    async function* content(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) {
          asked += 1;
          yield Buffer.from('x');
        }
      } finally {
        isClosed = true;
      }
    }
    const { request: given } = await seen(request({ method: 'POST', contentLength: undefined, content: content() }));
    expect(asked).toBe(0);
    const reader = given.body?.getReader();
    await reader?.read();
    expect(asked).toBe(1);
    await reader?.cancel();
    expect(isClosed).toBe(true);
  });

  test('whose content breaks off rejects the reading of it', async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('x');
      throw new Error('the client has gone');
    }
    const { request: given } = await seen(request({ method: 'POST', contentLength: 9, content: broken() }));
    await expect(given.text()).rejects.toThrow('the client has gone');
  });
});

describe('a response', () => {
  test.each([
    [new Response('hi', { status: 201, statusText: 'Made' }), 201, 'Made', 'hi'],
    [new Response(null, { status: 204 }), 204, undefined, ''],
    [new Response(null, { status: 404 }), 404, undefined, ''],
    [new Response('', { status: 500 }), 500, undefined, ''],
    [Response.json({ a: 1 }), 200, undefined, '{"a":1}'],
    [Response.redirect('http://a.org/', 303), 303, undefined, ''],
    [new Response(new Blob(['blob'])), 200, undefined, 'blob'],
    [new Response(new URLSearchParams({ a: 'b c' })), 200, undefined, 'a=b+c'],
    [new Response(new Uint8Array([104, 105])), 200, undefined, 'hi'],
  ])('is passed on: %#', async (given, status, reason, text) => {
    const made = await answer(() => given);
    expect([made.status, made.reason]).toEqual([status, reason]);
    expect(await textOf(made.content)).toBe(text);
  });

  test('keeps cookies apart', async () => {
    const headers = new Headers([
      ['set-cookie', 'a=1'],
      ['set-cookie', 'b=2'],
      ['x-a', '1'],
      ['x-a', '2'],
    ]);
    const { fields } = await answer(() => new Response(null, { headers }));
    expect(fields).toEqual([
      ['set-cookie', 'a=1'],
      ['set-cookie', 'b=2'],
      ['x-a', '1, 2'],
    ]);
  });

  test('may be of a class of its own', async () => {
    const own = { status: 202, statusText: '', headers: new Headers([['a', 'b']]), body: null } as unknown as Response;
    expect(await answer({ fetch: () => own })).toMatchObject({ status: 202, fields: [['a', 'b']] });
  });

  test.each([undefined, null, 'text', 200, {}, { status: 200 }, Buffer.from('x')])('cannot be %j', async (given) => {
    await expect(answer(() => given as unknown as Response)).rejects.toThrow(
      /^the application returned .*not a Response/,
    );
  });

  test('whose body was read already breaks, rather than being empty', async () => {
    const used = new Response('gone');
    await used.text();
    await expect(answer(() => used)).rejects.toThrow(TypeError);
  });

  const encoded = (...texts: string[]): ReadableStream<Uint8Array> =>
    new ReadableStream({
      start(controller) {
        for (const text of texts) controller.enqueue(Buffer.from(text));
        controller.close();
      },
    });
  test.each([
    ['a text', () => new Response('déjà'), 'déjà'],
    ['an empty text', () => new Response(''), ''],
    ['JSON', () => Response.json({ a: 1 }), '{"a":1}'],
    ['bytes', () => new Response(new Uint8Array([65, 66]).subarray(1)), 'B'],
    ['parameters', () => new Response(new URLSearchParams({ a: 'b' })), 'a=b'],
    ['a stream of what is there', () => new Response(encoded('one ', 'two')), 'one two'],
  ])('that is %s has a length, to HEAD as well', async (_, make, text) => {
    for (const method of ['GET', 'HEAD']) {
      const { content } = await answer(make, request({ method }));
      expect(content).toBeInstanceOf(Uint8Array);
      expect(await textOf(content)).toBe(text);
    }
  });

  test.each([
    ['many chunks', () => new Response(encoded('a', 'b', 'c', 'd'))],
    ['what frames itself', () => new Response('abcd', { headers: { 'transfer-encoding': 'chunked' } })],
    ['a length of its own', () => new Response('abcd', { headers: { 'content-length': '4' } })],
  ])('of %s streams', async (_, make) => {
    const { content } = await answer(make);
    expect(content).not.toBeInstanceOf(Uint8Array);
    expect(await textOf(content)).toBe('abcd');
  });

  test('streams what comes later, in its order', async () => {
    let go = (): void => {};
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        controller.enqueue(Buffer.from('first '));
        await new Promise<void>((resolve) => (go = resolve));
        controller.enqueue(Buffer.from('second'));
        controller.close();
      },
    });
    const { content } = await answer(() => new Response(body));
    const iterator = (content as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
    expect(await iterator.next()).toEqual({ done: false, value: Buffer.from('first ') });
    go();
    expect(await iterator.next()).toEqual({ done: false, value: Buffer.from('second') });
    expect(await iterator.next()).toMatchObject({ done: true });
  });

  test('that breaks in the middle breaks what is sent', async () => {
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.enqueue(Buffer.from('x'));
        controller.error(new Error('the database went away'));
      },
    });
    const { content } = await answer(() => new Response(body));
    await expect(textOf(content)).rejects.toThrow('the database went away');
  });

  test('is cancelled at once when nobody reads on, also while a chunk is awaited', async () => {
    const cancel = vi.fn();
    const body = new ReadableStream<Uint8Array>({ pull: () => new Promise(() => {}), cancel });
    const { content } = await answer(() => new Response(body));
    const iterator = (content as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
    const pending = iterator.next();
    await iterator.return?.();
    expect(cancel).toHaveBeenCalledTimes(1);
    expect(await pending).toMatchObject({ done: true });
  });
});

describe('an application', () => {
  test('may be a function or an object, is called as a method, and may be late', async () => {
    class Application {
      readonly word = 'mine';
      async fetch(): Promise<Response> {
        return new Response(this.word);
      }
    }
    expect(await textOf((await answer(new Application())).content)).toBe('mine');
  });

  test.each([undefined, null, {}, 'x', { fetch: 1 }])('cannot be %j', (given) => {
    expect(() => fetchResponder(given as unknown as FetchApplication)).toThrow(/^fetchResponder: expected a function/);
  });

  test('hears of a client that leaves', async () => {
    const controller = new AbortController();
    onTestFinished(() => controller.abort());
    const { request: given } = await seen(request({}, { signal: controller.signal }));
    const reasons: unknown[] = [];
    given.signal.addEventListener('abort', () => reasons.push(given.signal.reason));
    controller.abort(new Error('left'));
    expect(reasons).toMatchObject([{ message: 'left' }]);
  });
});
