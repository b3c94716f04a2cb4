import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  createServer as createHttpServer,
  IncomingMessage,
  type RequestListener,
  type Server,
  ServerResponse,
} from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { Readable } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import express from 'express';
import { Hono } from 'hono';
import { describe, expect, onTestFinished, test } from 'vitest';
import { fetchResponder, nodeResponder, proxyResponder, type Responder } from '@onezero/server';
import { parse, readAll, readUntil, start, type Running } from '../exchange.ts';

async function startWith(responder: Responder, path = '/'): Promise<Running> {
  const running = await start({ routes: [{ path, responder }] });
  onTestFinished(() => running.close());
  return running;
}

const get = (path: string, fields = ''): string => `GET ${path} HTTP/1.1\r\nHost: example.org\r\n${fields}\r\n`;

/** A promise and what settles it. */
function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve!: () => void;
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

function writeAll(response: ServerResponse, pieces: readonly string[]): void {
  for (const piece of pieces) response.write(piece);
  response.end();
}

describe('fetchResponder', () => {
  test('runs an unmodified Hono application', async () => {
    const app = new Hono();
    app.get('/hello/:name', (c) => c.text(`hello ${c.req.param('name')} ${c.req.query('q')}`));
    app.post('/json', async (c) => c.json(await c.req.json(), 201));
    const { exchange } = await startWith(fetchResponder(app));
    const hello = parse(await exchange(get('/hello/w%C3%B6rld?q=1')));
    expect(hello.status).toBe(200);
    expect(Buffer.from(hello.content, 'latin1').toString()).toContain('hello wörld 1');
    const json = await exchange(
      'POST /json HTTP/1.0\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n{"a":1}',
    );
    expect(parse(json)).toMatchObject({ status: 201, content: '{"a":1}' });
    expect(parse(await exchange(get('/none'))).content).toContain('404 Not Found');
  });

  test('keeps cookies apart and says nothing twice', async () => {
    const { exchange } = await startWith(
      fetchResponder(() => {
        const headers = new Headers({ date: 'yesterday', connection: 'keep-alive', server: 'other' });
        headers.append('set-cookie', 'a=1');
        headers.append('set-cookie', 'b=2');
        return new Response('x', { headers });
      }),
    );
    const text = await exchange(get('/'));
    expect(text.match(/^set-cookie: .*$/gm)).toHaveLength(2);
    expect(text.match(/^date: /gm)).toHaveLength(1);
    expect(text).not.toMatch(/yesterday|server: other|connection: keep-alive/);
  });

  test.each([204, 205, 304])('answers %i without content', async (status) => {
    const { exchange } = await startWith(fetchResponder(() => new Response(null, { status })));
    expect(parse(await exchange(get('/')))).toMatchObject({ status, content: '' });
  });

  test('tells the application that the client has gone also when it let go of the request', async () => {
    const asked = deferred();
    const aborted = deferred();
    const { connect } = await startWith(
      fetchResponder(({ signal }) => {
        signal.addEventListener('abort', aborted.resolve);
        asked.resolve();
        return new Promise(() => {});
      }),
    );
    const socket = await connect();
    socket.write(get('/'));
    await asked.promise;
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    for (let times = 0; times < 3; times++) {
      await new Promise((resolve) => setImmediate(resolve));
      collect();
    }
    socket.resetAndDestroy();
    await aborted.promise;
  });

  test('answers HEAD with no length where the application names none', async () => {
    const app = new Hono().get('/hello', (c) => c.text('hello'));
    const { exchange } = await startWith(fetchResponder(app));
    const head = parse(await exchange('HEAD /hello HTTP/1.1\r\nHost: a\r\n\r\n'));
    const whole = parse(await exchange(get('/hello')));
    expect([head.status, head.content]).toEqual([200, '']);
    // Hono answers HEAD without content, which says nothing of a length.
    expect([head, whole].map(({ fields }) => fields.get('content-length'))).toEqual([undefined, '5']);
  });

  test('sees the path below its mount, canonical', async () => {
    const { exchange } = await startWith(
      fetchResponder((request) => new Response(request.url)),
      '/app',
    );
    const seen = async (target: string): Promise<string> => parse(await exchange(get(target))).content;
    expect(await seen('/app/a/%2e%2e/b%3Fc?q=%20')).toBe('http://example.org/b%3Fc?q=%20');
    expect(await seen('/app')).toBe('http://example.org/');
  });

  test('streams both ways: the answer begins before the content has ended', async () => {
    const { connect } = await startWith(fetchResponder((request) => new Response(request.body)));
    const socket = await connect();
    socket.write('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n');
    await readUntil(socket, /one/);
    socket.write('3\r\ntwo\r\n0\r\n\r\n');
    await readUntil(socket, /two[^]*0\r\n\r\n$/);
    socket.destroy();
  });

  test('tells the application when the client has gone', async () => {
    const begun = deferred();
    const aborted = deferred();
    const cancelled = deferred();
    const { connect } = await startWith(
      fetchResponder((request) => {
        request.signal.addEventListener('abort', () => aborted.resolve());
        begun.resolve();
        const body = new ReadableStream({
          start: (controller) => controller.enqueue(Buffer.from('x')),
          cancel: () => cancelled.resolve(),
        });
        return new Response(body);
      }),
    );
    const socket = await connect();
    socket.write(get('/'));
    await readUntil(socket, /x/);
    await begun.promise;
    socket.resetAndDestroy();
    await Promise.all([aborted.promise, cancelled.promise]);
  });

  test.each([
    ['throws', () => Promise.reject(new Error('broken'))],
    ['returns no Response', () => 'text' as unknown as Response],
    ['returns an error Response', () => Response.error()],
  ])('answers 500 when the application %s', async (_, application) => {
    const { exchange } = await startWith(fetchResponder(application));
    expect(parse(await exchange(get('/'))).status).toBe(500);
  });
});

test('content that no responder reads does not keep the next request waiting', async () => {
  const { connect } = await startWith(() => ({ status: 200, fields: [], content: Buffer.from('done') }));
  const socket = await connect();
  onTestFinished(() => void socket.destroy());
  const content = 'x'.repeat(70_000);
  for (let times = 0; times < 3; times++) {
    const answer = readUntil(socket, /done$/);
    const half = content.length / 2;
    socket.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${content.length}\r\n\r\n${content.slice(0, half)}`);
    setImmediate(() => socket.write(content.slice(half)));
    await answer;
  }
});

/** The answer of node:http to the same bytes, as far as it is no matter of the server. */
async function byNode(application: RequestListener, bytes: string): Promise<string> {
  const server = createHttpServer({ keepAlive: false }, application);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.end(bytes);
  const text = await readAll(socket);
  server.close();
  return text;
}

const framingIn = (text: string): readonly string[] =>
  (text.split('\r\n\r\n')[0]?.match(/^(?:content-length|transfer-encoding): .*$/gim) ?? []).map((line) =>
    line.toLowerCase(),
  );

test.each<readonly [string, RequestListener]>([
  ['a text', (_, response) => response.end('hello')],
  ['a length', (_, response) => response.writeHead(200, { 'content-length': 5 }).end('hello')],
  ['nothing', (_, response) => response.end()],
])('HEAD of %s has the length that node:http says, and no chunks', async (_, application) => {
  const ask = 'HEAD / HTTP/1.1\r\nHost: a\r\n\r\n';
  const behind: Server = createHttpServer(application);
  await once(behind.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void behind.close());
  const target = `http://127.0.0.1:${(behind.address() as AddressInfo).port}`;
  const their = framingIn(await byNode(application, ask));
  for (const responder of [nodeResponder(application), proxyResponder({ target })]) {
    const { exchange } = await startWith(responder);
    expect(framingIn(await exchange(ask))).toEqual(their);
  }
});

test('an application that ends its connection without a word ends it', async () => {
  const { exchange } = await startWith(
    nodeResponder((_, response) => {
      response.shouldKeepAlive = false;
      response.removeHeader('connection');
      response.end('x');
    }),
  );
  const text = await exchange(`${get('/')}${get('/')}`, { halfClose: false });
  expect(text.match(/HTTP\/1\.1 200/g)).toHaveLength(1);
});

test('a client that expects 100 keeps its connection to an application', async () => {
  const { exchange } = await startWith(
    nodeResponder((request, response) =>
      request.resume().on('end', () => response.end(request.headers.expect ?? 'none')),
    ),
  );
  const upload = 'POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc';
  const text = await exchange(`${upload}${get('/', 'Connection: close\r\n')}`);
  expect(text.match(/HTTP\/1\.1 200/g)).toHaveLength(2);
  expect(text).toContain('100-continue');
});

describe('nodeResponder', () => {
  test('sends everything that is written in one turn, and what is piped', async () => {
    const pieces = ['event: a\n', 'data: b\n', '\n', 'x'.repeat(100_000), 'end'];
    const { exchange } = await startWith(
      nodeResponder((request, response) => {
        response.setHeader('content-length', pieces.join('').length);
        if (request.url === '/pipe') Readable.from(pieces).pipe(response);
        else writeAll(response, pieces);
      }),
    );
    expect(parse(await exchange(get('/'))).content).toBe(pieces.join(''));
    expect(parse(await exchange(get('/pipe'))).content).toBe(pieces.join(''));
  });

  test('runs an unmodified Express application', async () => {
    const app = express();
    app.use(express.json());
    app.get('/hello/:name', (request, response) => {
      response.set('x-ip', request.ip ?? '').send(`hello ${request.params['name']}`);
    });
    app.post('/json', (request, response) => {
      response.status(201).json(request.body);
    });
    const { exchange } = await startWith(nodeResponder(app));
    const hello = parse(await exchange(get('/hello/you')));
    expect(hello).toMatchObject({ status: 200, content: 'hello you' });
    expect(hello.fields.get('x-ip')).toBe('127.0.0.1');
    const json = await exchange(
      'POST /json HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n{"a":1}\r\n0\r\n\r\n',
    );
    expect(parse(json)).toMatchObject({ status: 201, content: '{"a":1}' });
    const head = parse(await exchange('HEAD /hello/you HTTP/1.1\r\nHost: a\r\n\r\n'));
    expect(head).toMatchObject({ status: 200, content: '' });
    expect(head.fields.get('content-length')).toBe('9');
    expect(parse(await exchange(get('/none'))).content).toContain('Cannot GET /none');
  });

  test('shows the trailers of a request at its end, and what is no trailer never', async () => {
    const { exchange } = await startWith(
      nodeResponder((request, response) => {
        const before = { ...request.trailers };
        request.resume().once('end', () => {
          response.end(JSON.stringify([before, request.trailers, request.rawTrailers, request.headers['x-sum']]));
        });
      }),
    );
    const head = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: x-sum\r\n\r\n3\r\nabc\r\n0\r\n';
    const trailers = ['x-sum', 'caf\u00e9', 'x-more', '1', 'x-more', '2'];
    const { content } = parse(await exchange(`${head}X-Sum: caf\u00e9\r\nX-More: 1\r\nX-More: 2\r\n\r\n`));
    expect(JSON.parse(Buffer.from(content, 'latin1').toString())).toEqual([
      {},
      { 'x-sum': 'caf\u00e9', 'x-more': '1, 2' },
      trailers,
      null,
    ]);
    expect(parse(await exchange(`${head}\r\n`)).content).toBe('[{},{},[],null]');
    expect(parse(await exchange(`${head}Content-Length: 3\r\n\r\n`)).status).toBe(400);
  });

  test('shows a mounted application its own path and the original', async () => {
    const app = express();
    app.get('/x', (request, response) => {
      response.send([request.url, request.originalUrl, request.baseUrl].join(' '));
    });
    const { exchange } = await startWith(nodeResponder(app), '/app');
    expect(parse(await exchange(get('/app/x?q=1'))).content).toBe('/x?q=1 /app/x?q=1 /app');
  });

  test('carries large content both ways', async () => {
    const { exchange } = await startWith(
      nodeResponder((request, response) => {
        request.pipe(response);
      }),
    );
    const content = 'x'.repeat(3_000_000);
    const text = await exchange(`POST / HTTP/1.0\r\nContent-Length: ${content.length}\r\n\r\n${content}`);
    const digest = (of: string): string => createHash('sha256').update(of).digest('hex');
    expect(digest(parse(text).content)).toBe(digest(content));
  });

  test('holds the application back while the client does not read', async () => {
    const full = deferred();
    const drained = deferred();
    const { connect } = await startWith(
      nodeResponder((_, response) => {
        const write = (): void => {
          while (response.write(Buffer.alloc(65_536)));
          full.resolve();
        };
        response.once('drain', () => drained.resolve());
        response.on('drain', write);
        write();
      }),
    );
    const socket = await connect();
    socket.write(get('/'));
    await full.promise;
    socket.resume();
    await drained.promise;
    socket.destroy();
  });

  test('closes the response of an application whose client has gone', async () => {
    const closed = deferred();
    const begun = deferred();
    const { connect } = await startWith(
      nodeResponder((_, response) => {
        response.on('close', () => closed.resolve());
        begun.resolve();
      }),
    );
    const socket = await connect();
    socket.write(get('/'));
    await begun.promise;
    socket.resetAndDestroy();
    await closed.promise;
  });

  test.each([
    [
      'throws',
      () => {
        throw new Error('broken');
      },
    ],
    ['rejects', () => Promise.reject(new Error('broken'))],
  ])('answers 500 when the application %s', async (_, application) => {
    const { exchange } = await startWith(nodeResponder(application));
    expect(parse(await exchange(get('/'))).status).toBe(500);
  });

  test.each([
    ['a field', (response: ServerResponse) => response.setHeader('Trailer', 'X-Sum')],
    ['fields of the head', (response: ServerResponse) => response.writeHead(200, { trailer: 'X-Sum', 'X-A': '1' })],
    ['a list', (response: ServerResponse) => response.writeHead(200, ['Trailer', 'X-Sum', 'X-A', '1'])],
  ])('answers HEAD and HTTP/1.0 where the application announces trailers in %s', async (_, announce) => {
    const app = express();
    app.get('/', (_, response) => {
      announce(response);
      response.write('abc');
      response.addTrailers({ 'X-Sum': '1' });
      response.end();
    });
    const { exchange } = await startWith(nodeResponder(app));
    for (const version of ['1.1', '1.0']) {
      const head = parse(await exchange(`HEAD / HTTP/${version}\r\nHost: a\r\n\r\n`));
      expect(head).toMatchObject({ status: 200, content: '' });
    }
    expect(parse(await exchange('GET / HTTP/1.0\r\n\r\n'))).toMatchObject({ status: 200, content: 'abc' });
    expect(await exchange(get('/'))).toMatch(/^HTTP\/1\.1 200 [^]*\r\n\r\n3\r\nabc\r\n0\r\n\r\n$/);
  });

  test('breaks the answer off when the application ends it short of what it promised', async () => {
    const responder = nodeResponder((_, response) => {
      response.setHeader('Content-Length', '10');
      response.end('abc');
    });
    const { exchange } = await startWith(responder);
    // No half-close, so that nothing but the server ends the connection.
    expect(await exchange(get('/'), { halfClose: false })).toMatch(/content-length: 10\r\n[^]*abc$/);
  });

  test('breaks the answer off when the application closes its connection in the middle', async () => {
    const { connect } = await startWith(
      nodeResponder((_, response) => {
        response.write('some', () => response.destroy());
      }),
    );
    const socket = await connect();
    const text = readAll(socket);
    socket.write(get('/'));
    expect(await text).toMatch(/some\r\n$/);
    socket.destroy();
  });
});

test('a server of node:http keeps the classes that its requests and responses were to be of', async () => {
  class Asked extends IncomingMessage {
    get name(): string {
      return `<${this.url}>`;
    }
  }
  class Answer extends ServerResponse<Asked> {
    say(text: string): void {
      this.end(text);
    }
  }
  const options = {
    IncomingMessage: Asked,
    ServerResponse: Answer,
    uniqueHeaders: ['x-one'],
    joinDuplicateHeaders: true,
  };
  const server = createHttpServer(options, (request, response) => {
    response.setHeader('x-one', ['a', 'b']);
    response.say(`${request.name} ${request.headers.from}`);
  });
  const { exchange } = await startWith(nodeResponder(server as unknown as Server));
  const answer = await exchange(get('/page', 'From: a@example.org\r\nFrom: b@example.org\r\n'));
  expect(parse(answer)).toMatchObject({ status: 200, content: '</page> a@example.org, b@example.org' });
  expect(answer).toContain('x-one: a; b');
});
