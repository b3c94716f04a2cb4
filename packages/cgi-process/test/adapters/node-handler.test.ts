// The adapter for node:http by itself: a responder that answers what a test says, under a real server.

import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { nodeHandler } from '../../src/adapters/node-handler.ts';
import { CgiError } from '../../src/index.ts';
import type { CgiRequest, CgiResponse } from '../../src/message.ts';

type Answer = Partial<CgiResponse> | Error;
type Prepare = (request: IncomingMessage, response: ServerResponse) => ((error?: unknown) => void) | undefined;

interface Served {
  readonly asked: CgiRequest[];
  /** Sends bytes, and resolves with all that comes until the connection closes. */
  readonly say: (bytes: string) => Promise<string>;
}

async function serve(
  answer: Answer,
  { path = '', prepare }: { path?: string; prepare?: Prepare } = {},
): Promise<Served> {
  const asked: CgiRequest[] = [];
  const respond = async (request: CgiRequest): Promise<CgiResponse> => {
    asked.push(request);
    if (answer instanceof Error) throw answer;
    return { status: 200, fields: [], content: Buffer.from('ok'), ...answer };
  };
  const handle = nodeHandler(Object.assign(respond, { close: async () => {} }), path);
  const server = createServer((request, response) => handle(request, response, prepare?.(request, response)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const say = async (bytes: string): Promise<string> => {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    socket.write(bytes, 'latin1');
    let text = '';
    socket.on('data', (chunk) => (text += chunk.toString('latin1')));
    return new Promise((resolve) => {
      socket.on('error', () => {});
      socket.on('close', () => resolve(text));
    });
  };
  return { asked, say };
}

const get = (target = '/', more = ''): string =>
  `GET ${target} HTTP/1.1\r\nHost: h:1\r\nConnection: close\r\n${more}\r\n`;

/** The response without the fields that node adds. */
function shown(text: string): string {
  return text.replaceAll(/^(?:Date|Connection|Keep-Alive): .*\r\n/gm, '');
}

async function* pieces(...given: (string | Error)[]): AsyncGenerator<Uint8Array> {
  for (const one of given) {
    if (one instanceof Error) throw one;
    yield Buffer.from(one);
  }
}

describe('what a responder is asked', () => {
  test('has the parts of the request', async () => {
    const { asked, say } = await serve({}, { path: '/cgi' });
    await say(get('/cgi/a%20b/?x=1', 'X-One: 1\r\nx-one: 2\r\n'));
    expect(asked[0]).toMatchObject({
      method: 'GET',
      target: '/cgi/a%20b/?x=1',
      version: '1.1',
      scheme: 'http',
      authority: 'h:1',
      scriptName: '/cgi',
      pathInfo: '/a b/',
      query: 'x=1',
      contentLength: 0,
      remote: { address: '127.0.0.1' },
    });
    expect(asked[0]?.fields.filter(([name]) => name === 'x-one')).toEqual([['x-one', '1'], ['x-one', '2']]); // prettier-ignore
  });

  test.each([
    ['GET /a?b?c#d HTTP/1.0\r\n\r\n', '/a', 'b?c'],
    ['GET /a? HTTP/1.0\r\n\r\n', '/a', ''],
    ['GET http://h/a/b?c HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n', '/a/b', 'c'],
    ['GET http://h HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n', '/', undefined],
    ['GET //a//b HTTP/1.0\r\n\r\n', '//a//b', undefined],
  ])('reads the target of %j', async (bytes, pathInfo, query) => {
    const { asked, say } = await serve({});
    await say(bytes);
    expect([asked[0]?.pathInfo, asked[0]?.query]).toEqual([pathInfo, query]);
  });

  test.each([
    ['with a length', 'Content-Length: 3\r\n\r\nabc', 3],
    ['in chunks', 'Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n', undefined],
  ])('has content %s', async (_, rest, contentLength) => {
    const { asked, say } = await serve({});
    await say(`POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n${rest}`);
    expect(asked[0]).toMatchObject({ method: 'POST', contentLength });
  });

  test.each([
    ['/elsewhere', 404],
    ['/cgi/%00', 400],
    ['/cgi/../..', 400],
  ])('is nothing for %s, which is %i', async (target, status) => {
    const { asked, say } = await serve({}, { path: '/cgi' });
    expect(await say(get(target))).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(asked).toEqual([]);
  });
});

describe('the response', () => {
  test('has status, reason, fields and content with its length', async () => {
    const fields = [['x-a', '1'], ['set-cookie', 'a'], ['set-cookie', 'b']] as const; // prettier-ignore
    const { say } = await serve({ status: 299, reason: 'Fine', fields });
    expect(shown(await say(get()))).toBe(
      'HTTP/1.1 299 Fine\r\nx-a: 1\r\nset-cookie: a\r\nset-cookie: b\r\ncontent-length: 2\r\n\r\nok',
    );
  });

  test('keeps what others have set of fields that may have several lines', async () => {
    const prepare: Prepare = (_, response) => {
      response.setHeader('Vary', 'Accept').setHeader('Set-Cookie', ['first']).setHeader('X-A', 'theirs');
      return undefined;
    };
    const fields = [['vary', 'Cookie'], ['set-cookie', 'second'], ['x-a', 'ours']] as const; // prettier-ignore
    const { say } = await serve({ fields }, { prepare });
    const text = await say(get());
    expect(text.match(/^(?:vary|set-cookie|x-a): .*$/gim)?.map((line) => line.trim().toLowerCase())).toEqual([
      'vary: accept',
      'vary: cookie',
      'set-cookie: first',
      'set-cookie: second',
      'x-a: ours',
    ]);
  });

  test('streams content in chunks, and to HTTP/1.0 until the end', async () => {
    const { say } = await serve({ content: pieces('one', 'two') });
    expect((await say(get())).endsWith('\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n')).toBe(true);
    const old = await serve({ content: pieces('one', 'two') });
    expect((await old.say('GET / HTTP/1.0\r\n\r\n')).endsWith('\r\n\r\nonetwo')).toBe(true);
  });

  test('is broken off where its content breaks off', async () => {
    async function* cut(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('one');
      // The first content leaves at the end of its turn.
      await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
      throw new Error('cut');
    }
    const { say } = await serve({ content: cut() });
    const text = await say(get());
    expect(text).toContain('3\r\none\r\n');
    expect(text).not.toContain('0\r\n\r\n');
  });

  test('lets go of the content of HEAD', async () => {
    const content = pieces('one');
    const { say } = await serve({ content, fields: [['content-length', '3']] });
    expect(shown(await say(get().replace('GET', 'HEAD')))).toBe('HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n');
    expect(await content.next()).toMatchObject({ done: true });
  });

  test.each([
    [404, '404 Not Found\n'],
    [503, '503 Service Unavailable\n'],
    [599, '599 Unknown\n'],
  ])('says in text what %i without content is', async (status, text) => {
    const { say } = await serve({ status, content: undefined });
    expect((await say(get().replace('1.1', '1.0'))).endsWith(`\r\n\r\n${text}`)).toBe(true);
  });

  test.each([204, 304])('has no content for %i', async (status) => {
    const { say } = await serve({ status, content: undefined, fields: [['etag', '"a"']] });
    expect(shown(await say(get()))).toMatch(new RegExp(`^HTTP/1.1 ${status} .*\r\netag: "a"\r\n\r\n$`));
  });

  test('tells the responder that the client has left', async () => {
    const { asked, say } = await serve({ content: pieces('all') });
    await say(get());
    expect(asked[0]?.signal?.aborted).toBe(false);
  });
});

describe('the response of a script that writes all of it', () => {
  const raw = 'HTTP/1.0 299 Mine\r\nX: y\r\n\r\nbody';

  test.each([
    ['at once', (): CgiResponse['content'] => Buffer.from(raw)],
    ['bit by bit', (): CgiResponse['content'] => pieces(raw.slice(0, 10), raw.slice(10))],
  ])('is passed on as it is, and the connection closed: %s', async (_, content) => {
    const { say } = await serve({ nonParsed: true, content: content() });
    expect(await say(get().replace('Connection: close\r\n', ''))).toBe(raw);
  });

  test.each([
    ['alone', undefined],
    ['with handlers behind', (): ((error?: unknown) => void) => () => {}],
  ])('closes the connection where it breaks off: %s', async (_, prepare) => {
    const content = pieces('HTTP/1.0 200 OK\r\n\r\npart', new Error('killed'));
    const { say } = await serve({ nonParsed: true, content }, { prepare: prepare as Prepare });
    const text = await say(get().replace('Connection: close\r\n', ''));
    expect('HTTP/1.0 200 OK\r\n\r\npart'.startsWith(text)).toBe(true);
  });
});

describe('with handlers behind', () => {
  const nexts: unknown[] = [];
  const prepare: Prepare = (_, response) => (error) => {
    nexts.push(error);
    response.end('next');
  };

  test.each<[string, Answer, string]>([
    ['nothing is there', { status: 404, isNothing: true, content: undefined }, '/cgi/x'],
    ['no script is there', { status: 404, content: undefined, cause: new CgiError('script-not-found', 'x') }, '/cgi/x'],
    ['the path is not ours', {}, '/elsewhere'],
  ])('leaves a request to them where %s', async (_, answer, target) => {
    const { say } = await serve(answer, { path: '/cgi', prepare });
    expect((await say(get(target))).endsWith('next')).toBe(true);
    expect(nexts.pop()).toBeUndefined();
  });

  test.each<[string, Partial<CgiResponse>]>([
    ['a 404 of the script itself', { status: 404, content: Buffer.from('mine') }],
    ['a script that is not run', { status: 403, content: undefined, cause: new CgiError('script-forbidden', 'x') }],
    ['something', {}],
  ])('answers itself with %s', async (_, answer) => {
    const { say } = await serve(answer, { path: '/cgi', prepare });
    expect((await say(get('/cgi/x'))).endsWith('next')).toBe(false);
  });

  test('tells them of an error', async () => {
    const { say } = await serve(new RangeError('a bug'), { prepare });
    await say(get());
    expect(nexts.pop()).toBeInstanceOf(RangeError);
  });

  test('closes the connection at an error where there are none', async () => {
    const { say } = await serve(new RangeError('a bug'));
    expect(await say(get())).toBe('');
  });
});

describe('content that a script leaves unread', () => {
  const leavesAt =
    (status: number) =>
    async ({ content }: CgiRequest): Promise<CgiResponse> => {
      const iterator = content[Symbol.asyncIterator]();
      await iterator.next();
      await iterator.return?.();
      return { status, fields: [], content: Buffer.from('left it') };
    };

  test.each([
    ['in chunks', 'Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n', '3\r\ndef\r\n0\r\n\r\n'],
    ['of a length', 'Content-Length: 6\r\n\r\nabc', 'def'],
  ])('takes neither the answer nor the next request with it: %s', async (_, first, rest) => {
    const handle = nodeHandler(Object.assign(leavesAt(413), { close: async () => {} }), '');
    const server = createServer((request, response) => {
      if (request.method === 'POST') handle(request, response);
      else response.end('the next');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    let text = '';
    socket.on('data', (bytes) => (text += bytes.toString('latin1')));
    socket.on('error', () => {});
    socket.write(`POST / HTTP/1.1\r\nHost: h\r\n${first}`);
    await expect.poll(() => text).toMatch(/^HTTP\/1\.1 413 [^]*left it$/);
    socket.write(`${rest}${get()}`);
    await expect.poll(() => text).toMatch(/the next$/);
  });
});

test('a client that left before the handler was asked is told of to the script', async () => {
  let isGone: boolean | undefined;
  const respond = async ({ signal }: CgiRequest): Promise<CgiResponse> => {
    isGone = signal?.aborted;
    return { status: 200, fields: [], content: pieces('x'.repeat(100_000), 'y') };
  };
  const handle = nodeHandler(Object.assign(respond, { close: async () => {} }), '');
  const server = createServer((request, response) => response.once('close', () => handle(request, response)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  server.once('request', () => socket.destroy());
  socket.write(get());
  await expect.poll(() => isGone).toBe(true);
});

test('handlers behind are asked once, also where they throw', async () => {
  const listeners = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  onTestFinished(() => {
    process.removeAllListeners('uncaughtException');
    for (const listener of listeners) process.on('uncaughtException', listener);
  });
  const thrown = new Promise((resolve) => process.once('uncaughtException', resolve));
  const asked: unknown[] = [];
  const { say } = await serve(
    { status: 404, isNothing: true, content: undefined },
    {
      prepare: (_, response) => (error) => {
        asked.push(error);
        response.end('mine');
        throw new Error('of the handler behind');
      },
    },
  );
  expect(await say(get())).toMatch(/mine$/);
  expect(await thrown).toMatchObject({ message: 'of the handler behind' });
  expect(asked).toEqual([undefined]);
});

test.each([
  ['GET', undefined, '0'],
  ['POST', 'content', 'undefined'],
])('over HTTP/2, %s has the content that comes, announced or not, and a host', async (method, content, length) => {
  const respond = async (request: CgiRequest): Promise<CgiResponse> => {
    const chunks: Uint8Array[] = [];
    for await (const bytes of request.content) chunks.push(bytes);
    const text = `${request.authority} ${request.contentLength} ${Buffer.concat(chunks).toString()}`;
    return { status: 200, fields: [], content: Buffer.from(text) };
  };
  const handle = nodeHandler(Object.assign(respond, { close: async () => {} }), '');
  const server = createHttp2Server((request, response) => handle(request as never, response as never));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const session = connectHttp2(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  onTestFinished(() => session.destroy());
  const stream = session.request({ ':method': method, ':authority': 'h:1' }, { endStream: content === undefined });
  if (content !== undefined) stream.end(content);
  let text = '';
  for await (const bytes of stream) text += String(bytes);
  expect(text).toBe(`h:1 ${length} ${content ?? ''}`);
});

test('a client that leaves while its request waits behind another is told of to the script', async () => {
  let signal: AbortSignal | undefined;
  const respond = async (request: CgiRequest): Promise<CgiResponse> => {
    ({ signal } = request);
    return { status: 200, fields: [], content: pieces('x'.repeat(100_000), 'y') };
  };
  const handle = nodeHandler(Object.assign(respond, { close: async () => {} }), '');
  const server = createServer((request, response) => {
    if (request.url === '/first') response.write('never ends');
    else handle(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.write('GET /first HTTP/1.1\r\nHost: h\r\n\r\nGET /second HTTP/1.1\r\nHost: h\r\n\r\n');
  await expect.poll(() => signal !== undefined).toBe(true);
  expect(signal?.aborted).toBe(false);
  socket.destroy();
  await expect.poll(() => signal?.aborted).toBe(true);
});

test('waits for a slow client with one listener, since who stands in between may keep each', async () => {
  const drains: unknown[] = [];
  const prepare: Prepare = (_, response) => {
    const on = response.on.bind(response);
    response.on = ((name: string, listener: () => void) => {
      if (name === 'drain') drains.push(listener);
      return on(name, listener);
    }) as ServerResponse['on'];
    return undefined;
  };
  const large = Array.from({ length: 40 }, () => 'x'.repeat(100_000));
  const { say } = await serve({ content: pieces(...large) }, { prepare });
  expect((await say(get())).length).toBeGreaterThan(4_000_000);
  expect(drains).toHaveLength(1);
});

test('a client of HTTP/2 that leaves early is told of, and no phrase is sent to one that stays', async () => {
  const warnings: string[] = [];
  const warned = ({ message }: Error): void => void warnings.push(message);
  process.on('warning', warned);
  let left = (): void => {};
  const gone = new Promise<void>((resolve) => (left = resolve));
  async function* endless({ signal }: CgiRequest): AsyncGenerator<Uint8Array> {
    signal?.addEventListener('abort', left);
    yield Buffer.from('first');
    await gone;
  }
  const respond = async (request: CgiRequest): Promise<CgiResponse> =>
    request.pathInfo === '/none' ? { status: 404, fields: [] } : { status: 200, fields: [], content: endless(request) };
  const handle = nodeHandler(Object.assign(respond, { close: async () => {} }), '');
  const server = createHttp2Server((request, response) =>
    handle(request as unknown as IncomingMessage, response as unknown as ServerResponse),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = connectHttp2(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  onTestFinished(() => {
    process.off('warning', warned);
    client.destroy();
    server.close();
  });
  const none = client.request({ ':path': '/none' });
  let text = '';
  none.on('data', (chunk) => (text += String(chunk)));
  await new Promise((resolve) => none.once('close', resolve));
  expect(text).toBe('404 Not Found\n');
  const stream = client.request({ ':path': '/endless' });
  stream.on('error', () => {});
  await new Promise((resolve) => stream.once('data', resolve));
  stream.close(8);
  await gone;
  expect(warnings.filter((message) => message.includes('Status message'))).toEqual([]);
});
