// The fetch adapter by itself: a responder that answers what a test says, and writes down what it was asked.

import { describe, expect, test } from 'vitest';
import { fetchHandler } from '../../src/adapters/fetch-handler.ts';
import type { FetchHandler, FetchHandlerOptions } from '../../src/adapters/fetch-handler.ts';
import type { CgiRequest, CgiResponse } from '../../src/message.ts';

interface Handled {
  readonly handle: FetchHandler;
  readonly asked: CgiRequest[];
}

function handler(answer: Partial<CgiResponse> = {}, options: FetchHandlerOptions = {}): Handled {
  const asked: CgiRequest[] = [];
  const respond = async (request: CgiRequest): Promise<CgiResponse> => {
    asked.push(request);
    return { status: 200, fields: [], content: Buffer.from('ok'), ...answer };
  };
  return { asked, handle: fetchHandler(Object.assign(respond, { close: async () => {} }), options) };
}

async function* pieces(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

async function asked(request: Request, options: FetchHandlerOptions = {}): Promise<CgiRequest> {
  const { handle, asked: requests } = handler({}, options);
  await handle(request);
  return requests[0] as CgiRequest;
}

describe('what a responder is asked', () => {
  test('has the parts of the URL as they are', async () => {
    const request = await asked(new Request('https://example.org:8443/cgi/a%20b/%C3%BC?x=%20&y'), { path: '/cgi' });
    expect(request).toMatchObject({
      method: 'GET',
      target: '/cgi/a%20b/%C3%BC?x=%20&y',
      scheme: 'https',
      authority: 'example.org:8443',
      scriptName: '/cgi',
      pathInfo: '/a b/ü',
      query: 'x=%20&y',
      contentLength: 0,
      local: { address: '', port: 8443 },
      remote: { address: '', port: 0 },
    });
  });

  test('has the port of the scheme where the URL names none', async () => {
    expect((await asked(new Request('http://example.org/'))).local.port).toBe(0);
    expect((await asked(new Request('http://example.org/'))).query).toBeUndefined();
  });

  test('has fields in lower case, and the address that it is told', async () => {
    const remote = { address: '192.0.2.1', port: 5 };
    const given = new Request('http://h/', { headers: { 'X-One': '1', Cookie: 'a=b' } });
    const request = await asked(given, { remote: (one) => (one === given ? remote : { address: '', port: 0 }) });
    expect(request.fields).toEqual(expect.arrayContaining([['x-one', '1'], ['cookie', 'a=b']])); // prettier-ignore
    expect(request.remote).toBe(remote);
  });

  test.each([
    ['a length', { 'content-length': '3' }, 3],
    ['none', {}, undefined],
  ])('has content with %s', async (_, headers, contentLength) => {
    const request = await asked(new Request('http://h/', { method: 'POST', body: 'abc', headers }));
    expect(request.contentLength).toBe(contentLength);
    let text = '';
    for await (const bytes of request.content) text += Buffer.from(bytes).toString();
    expect(text).toBe('abc');
  });

  test('has a signal that tells when the client leaves', async () => {
    const client = new AbortController();
    const request = await asked(new Request('http://h/', { signal: client.signal }));
    expect(request.signal?.aborted).toBe(false);
    client.abort();
    expect(request.signal?.aborted).toBe(true);
  });

  test.each([
    ['/elsewhere', 404],
    ['/cgi-bin', 404],
    ['/%00', 400],
    ['/%ff', 400],
    ['/cgi/a%2F%2e%2e/..%2Fb', 400],
  ])('is nothing for %s, which is %i', async (path, status) => {
    const { handle, asked: requests } = handler({}, { path: '/cgi' });
    const response = await handle(new Request(`http://h${path}`));
    expect([response.status, await response.text(), requests]).toEqual([status, `${status}\n`, []]);
  });

  test('is refused at the start where its path is not encoded correctly', () => {
    expect(() => handler({}, { path: '/%zz' })).toThrow(TypeError);
  });
});

describe('the Response', () => {
  test('has status, reason, every field and the content', async () => {
    const fields = [['content-type', 'text/plain'], ['set-cookie', 'a'], ['set-cookie', 'b'], ['x', '\xe9']] as const; // prettier-ignore
    const response = await handler({ status: 418, reason: 'Tea', fields }).handle(new Request('http://h/'));
    expect([response.status, response.statusText, await response.text()]).toEqual([418, 'Tea', 'ok']);
    expect(response.headers.getSetCookie()).toEqual(['a', 'b']);
    expect([response.headers.get('x'), response.headers.get('content-type')]).toEqual(['\xe9', 'text/plain']);
  });

  test('has content as it comes, asked for when it is read', async () => {
    let given = 0;
    async function* counted(): AsyncGenerator<Uint8Array> {
      for (; given < 3; given++) yield Buffer.from(String(given));
    }
    const response = await handler({ content: counted() }).handle(new Request('http://h/'));
    expect(given).toBe(0);
    expect(await response.text()).toBe('012');
  });

  test('lets go of content that is cancelled', async () => {
    let isReturned = false;
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield Buffer.from('x');
      } finally {
        isReturned = true;
      }
    }
    const response = await handler({ content: endless() }).handle(new Request('http://h/'));
    const reader = response.body?.getReader();
    await reader?.read();
    await reader?.cancel();
    expect(isReturned).toBe(true);
  });

  test('breaks where its content does', async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('x');
      throw new Error('cut');
    }
    const response = await handler({ content: broken() }).handle(new Request('http://h/'));
    await expect(response.text()).rejects.toThrow('cut');
  });

  test('lets go of the content of HEAD', async () => {
    const content = pieces('a');
    const response = await handler({ content, fields: [['content-length', '1']] }).handle(
      new Request('http://h/', { method: 'HEAD' }),
    );
    expect([response.body, response.headers.get('content-length')]).toEqual([null, '1']);
    expect(await content.next()).toMatchObject({ done: true });
  });

  test.each([204, 205, 304])('has no body for %i, whatever the content is', async (status) => {
    const streamed = pieces('a');
    for (const content of [undefined, Buffer.alloc(0), Buffer.from('x'), streamed]) {
      const response = await handler({ status, content }).handle(new Request('http://h/'));
      expect([response.status, response.body]).toEqual([status, null]);
    }
    expect(await streamed.next()).toMatchObject({ done: true });
  });

  test.each([404, 500, 503])('says in text what %i without content is', async (status) => {
    const response = await handler({ status, content: undefined }).handle(new Request('http://h/'));
    expect([await response.text(), response.headers.get('content-type')]).toEqual([`${status}\n`, 'text/plain']);
  });

  test('is empty for a redirect without content', async () => {
    const response = await handler({ status: 302, content: undefined, fields: [['location', '/a']] }).handle(
      new Request('http://h/'),
    );
    expect([response.status, response.headers.get('location'), await response.text()]).toEqual([302, '/a', '']);
  });
});
