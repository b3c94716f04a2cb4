import { createServer as createNodeServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { once } from 'node:events';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { proxyResponder, type ServerOptions } from '@onezero/server';
import { parse, readUntil, start, type Running } from './exchange.ts';

async function serve(options: ServerOptions): Promise<Running> {
  const running = await start(options);
  onTestFinished(() => running.close());
  return running;
}

/** An upstream of node:http on a free port. */
async function upstream(application: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createNodeServer(application).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** An upstream that does with a connection what it is told. */
async function rawUpstream(serveOne: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    serveOne(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A promise, and what settles it. */
function deferred<Value>(): { readonly promise: Promise<Value>; readonly resolve: (value: Value) => void } {
  let resolve!: (value: Value) => void;
  const promise = new Promise<Value>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

const echo = (request: IncomingMessage, response: ServerResponse): void => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const { method, url, rawHeaders } = request;
    response.end(JSON.stringify({ method, url, rawHeaders, content: Buffer.concat(chunks).toString('latin1') }));
  });
};

interface Echoed {
  readonly method: string;
  readonly url: string;
  readonly content: string;
  readonly fields: Readonly<Record<string, readonly string[]>>;
}

function echoed(text: string): Echoed {
  const { rawHeaders, ...rest } = JSON.parse(parse(text).content) as Omit<Echoed, 'fields'> & { rawHeaders: string[] };
  const fields: Record<string, string[]> = {};
  for (let index = 0; index < rawHeaders.length; index += 2)
    (fields[rawHeaders[index] ?? ''] ??= []).push(rawHeaders[index + 1] ?? '');
  return { ...rest, fields };
}

const get = (path: string, more = ''): string =>
  `GET ${path} HTTP/1.1\r\nHost: shop.example\r\n${more}Connection: close\r\n\r\n`;

/** What was reported while a request was answered. */
function reports(): { readonly lines: string[]; readonly onError: NonNullable<ServerOptions['onError']> } {
  const lines: string[] = [];
  return { lines, onError: ({ cause }) => void lines.push(cause instanceof Error ? cause.message : String(cause)) };
}

describe('a request that is passed on', () => {
  test('keeps its path, or has the prefix replaced where the upstream has a path', async () => {
    const origin = await upstream(echo);
    const { exchange } = await serve({
      proxy: [
        { path: '/api', target: origin },
        { path: '/cut', target: `${origin}/` },
        { path: '/base', target: `${origin}/v1/` },
      ],
    });
    const urlOf = async (path: string): Promise<string> => echoed(await exchange(get(path))).url;
    expect(await urlOf('/api/a%20b?q=%2F&r')).toBe('/api/a%20b?q=%2F&r');
    expect(await urlOf('/api')).toBe('/api');
    expect(await urlOf('/cut/a?b')).toBe('/a?b');
    expect(await urlOf('/cut')).toBe('/');
    expect(await urlOf('/base/x/')).toBe('/v1/x/');
  });

  test.each([
    ['/x/../api/a', '/api/a'],
    ['/api/./b/../c', '/api/c'],
    ['/%61pi/a', '/%61pi/a'],
    ['/api/%7euser', '/api/%7euser'],
    ['/api/a\\..\\b', '/api/a%5C..%5Cb'],
    ['/api/%2e%2e/api/d', '/api/d'],
    ['http://shop.example/api/e?f', '/api/e?f'],
  ])('%s is asked for as what the rules have seen', async (target, expected) => {
    const { exchange } = await serve({ proxy: [{ path: '/api', target: await upstream(echo) }] });
    expect(echoed(await exchange(get(target))).url).toBe(expected);
  });

  test('is framed anew, with its content whole', async () => {
    const { exchange } = await serve({ proxy: await upstream(echo) });
    const head = 'POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n';
    const chunked = echoed(
      await exchange(`${head}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: u\r\n\r\n`),
    );
    expect(chunked.content).toBe('abcde');
    expect(chunked.fields['transfer-encoding']).toEqual(['chunked']);
    const plain = echoed(await exchange(`${head}Content-Length: 3\r\n\r\nabc`));
    expect([plain.content, plain.fields['content-length']]).toEqual(['abc', ['3']]);
    expect(echoed(await exchange(`${head}Content-Length: 0\r\n\r\n`)).fields['content-length']).toEqual(['0']);
    expect(echoed(await exchange(get('/'))).fields['content-length']).toBeUndefined();
  });

  test('leaves fields of the connection behind', async () => {
    const { exchange } = await serve({ proxy: await upstream(echo) });
    const more =
      'Connection: x-mine, keep-alive\r\nX-Mine: 1\r\nKeep-Alive: 5\r\nTE: trailers\r\nX-Kept: 2\r\nX-Kept: 3\r\n';
    const { fields } = echoed(await exchange(get('/', `${more}Proxy-Authorization: x\r\nExpect: 100-continue\r\n`)));
    expect(Object.keys(fields)).toEqual([
      'host',
      'x-kept',
      'x-forwarded-for',
      'x-forwarded-proto',
      'x-forwarded-host',
      'forwarded',
      'connection',
    ]);
    expect(fields['x-kept']).toEqual(['2', '3']);
    expect(fields['connection']).toEqual(['close']);
  });

  test('tells who asked, whatever the client says about it', async () => {
    const { exchange } = await serve({ proxy: await upstream(echo) });
    const lies =
      'X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-User: root\r\nForwarded: for=6.6.6.6\r\nX_Forwarded_Proto: https\r\nX-Real-IP: 6.6.6.6\r\n';
    const { fields } = echoed(await exchange(get('/', lies)));
    expect(fields).toMatchObject({
      host: ['shop.example'],
      'x-forwarded-for': ['127.0.0.1'],
      'x-forwarded-proto': ['http'],
      'x-forwarded-host': ['shop.example'],
      forwarded: ['for=127.0.0.1;proto=http;host="shop.example"'],
    });
    expect(JSON.stringify(fields)).not.toContain('6.6.6.6');
    expect(Object.keys(fields)).not.toContain('x-forwarded-user');
    expect(Object.keys(fields)).not.toContain('X_Forwarded_Proto'.toLowerCase());
  });

  test('passes on the client that a trusted proxy names', async () => {
    const { exchange } = await serve({ proxy: await upstream(echo), trustedProxies: ['127.0.0.1'] });
    const { fields } = echoed(await exchange(get('/', 'X-Forwarded-For: 1.1.1.1, 9.8.7.6\r\n')));
    expect(fields['x-forwarded-for']).toEqual(['9.8.7.6']);
  });

  test('names its user and keeps the password of this server', async () => {
    const auth = [{ users: (user: string) => user === 'ann' }];
    const { exchange } = await serve({ proxy: await upstream(echo), auth });
    const { fields } = echoed(await exchange(get('/', 'Authorization: Basic YW5uOng=\r\n')));
    expect(fields['x-forwarded-user']).toEqual(['ann']);
    expect(fields['authorization']).toBeUndefined();
  });

  test('names the upstream where that is asked for', async () => {
    const target = await upstream(echo);
    const { exchange } = await serve({ proxy: { target, host: 'upstream' } });
    expect(echoed(await exchange(get('/'))).fields['host']).toEqual([target.slice('http://'.length)]);
  });
});

describe('a response that is passed on', () => {
  test('keeps status, reason and its own fields', async () => {
    const target = await rawUpstream((socket) => {
      socket.once('data', () =>
        socket.end(
          'HTTP/1.1 418 Tea\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nConnection: x-hop\r\nX-Hop: 1\r\nKeep-Alive: 1\r\nETag: "e"\r\nContent-Length: 3\r\n\r\nabc',
        ),
      );
    });
    const { exchange } = await serve({ proxy: target });
    const text = await exchange(get('/'));
    const { fields, content } = parse(text);
    expect(text).toMatch(/^HTTP\/1\.1 418 Tea\r\n/);
    expect(text.match(/^set-cookie: .*$/gim)).toHaveLength(2);
    expect([...fields.keys()]).not.toContain('x-hop');
    expect([...fields.keys()]).not.toContain('keep-alive');
    expect([fields.get('etag'), content]).toEqual(['"e"', 'abc']);
  });

  test('has no page put over an empty error, and no content for HEAD', async () => {
    const target = await upstream((request, response) => {
      response.writeHead(404, { 'content-length': request.method === 'HEAD' ? 7 : 0 }).end();
    });
    const { exchange } = await serve({ proxy: target });
    expect(parse(await exchange(get('/')))).toMatchObject({ status: 404, content: '' });
    const head = parse(await exchange(get('/').replace('GET', 'HEAD')));
    expect([head.status, head.fields.get('content-length'), head.content]).toEqual([404, '7', '']);
  });

  test.each(['1.0', '1.1'])('of unknown length is framed for HTTP/%s', async (version) => {
    const target = await rawUpstream((socket) => {
      socket.once('data', () => socket.end('HTTP/1.0 200 OK\r\n\r\nuntil the end'));
    });
    const { exchange } = await serve({ proxy: target });
    const text = await exchange(get('/').replace('HTTP/1.1', `HTTP/${version}`));
    expect(text).toContain('until the end');
    expect(parse(text).fields.get('transfer-encoding')).toBe(version === '1.0' ? undefined : 'chunked');
  });

  test('comes event by event', async () => {
    let sendNext: (() => void) | undefined;
    const target = await upstream((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: 1\n\n');
      sendNext = () => response.end('data: 2\n\n');
    });
    const running = await serve({ proxy: target });
    const socket = await running.connect();
    socket.write(get('/'));
    expect(await readUntil(socket, /data: 1/)).not.toContain('data: 2');
    sendNext?.();
    await readUntil(socket, /data: 2/);
    socket.destroy();
  });

  test('has interim responses before it', async () => {
    const target = await upstream((_, response) => {
      response.writeEarlyHints({ link: '</a.css>; rel=preload; as=style' });
      response.end('late');
    });
    const { exchange } = await serve({ proxy: target });
    expect(await exchange(get('/'))).toMatch(/^HTTP\/1\.1 103 Early Hints\r\nlink: <\/a\.css>/i);
  });

  test('slows its upstream down to the pace of its client', async () => {
    let sent = 0;
    const target = await rawUpstream((socket) => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        const more = (): void => {
          while (!socket.destroyed) {
            sent += 65_536;
            if (!socket.write(Buffer.alloc(65_536))) break;
          }
        };
        socket.on('drain', more);
        more();
      });
    });
    const running = await serve({ proxy: target });
    const socket = connect(running.port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write(get('/'));
    await once(socket, 'readable');
    // What the kernel's buffers and ours hold; then nothing moves any more.
    let before = -1;
    while (before !== sent) {
      before = sent;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(sent).toBeLessThan(64 * 1024 * 1024);
    socket.destroy();
  });
});

describe('what goes wrong with an upstream', () => {
  test('is 502 and one line when nobody listens', async () => {
    const closed = createTcpServer().listen(0, '127.0.0.1');
    await once(closed, 'listening');
    const { port } = closed.address() as AddressInfo;
    closed.close();
    await once(closed, 'close');
    const { lines, onError } = reports();
    const { exchange } = await serve({ proxy: `http://127.0.0.1:${port}`, onError });
    expect(parse(await exchange(get('/'))).status).toBe(502);
    expect(lines).toEqual([`http://127.0.0.1:${port} cannot be asked: ECONNREFUSED`]);
  });

  test.each([
    ['closes at once', '', 'closed the connection before its response was whole', 'unexpected-end'],
    ['speaks another protocol', 'SSH-2.0-x\r\n\r\n', 'no HTTP response', ''],
    [
      'frames twice',
      'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      'no HTTP response',
      '',
    ],
    ['keeps a coding', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nx', 'in the transfer coding gzip', ''],
    [
      'names a coding behind chunked',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n\r\n0\r\n\r\n',
      'in the transfer coding chunked, gzip',
      '',
    ],
    ['splits a field', 'HTTP/1.1 200 OK\r\nA\x00: b\r\n\r\n', 'no HTTP response', ''],
    ['has a status that is none', 'HTTP/1.1 999 Denied\r\nContent-Length: 0\r\n\r\n', 'sent the status 999', ''],
    [
      'changes the protocol unasked',
      'HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n',
      'not asked for',
      '',
    ],
  ])('is 502 when it %s', async (_, bytes, why, or) => {
    const target = await rawUpstream((socket) => socket.once('data', () => socket.end(bytes, 'latin1')));
    const { lines, onError } = reports();
    const { exchange } = await serve({ proxy: target, onError });
    expect(parse(await exchange(get('/'))).status).toBe(502);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(or === '' ? why : new RegExp(`${why}|${or}`));
  });

  test('passes interim responses on without the fields of its connection, and outlives those that they must not have', async () => {
    const early =
      'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\n\r\n';
    const target = await rawUpstream((socket) =>
      socket.once('data', () => socket.end(`${early}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok`)),
    );
    const { exchange } = await serve({ proxy: target });
    const text = await exchange(get('/'));
    expect(text).toMatch(/^HTTP\/1\.1 103 Early Hints\r\nlink: <\/a>\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
    expect(text).toMatch(/\r\n\r\nok$/);
  });

  test.each([
    ['1x', 502, undefined],
    ['-1', 502, undefined],
    ['3, 4', 502, undefined],
    ['3\r\nContent-Length: 4', 502, undefined],
    ['3\r\nTransfer-Encoding: chunked', 502, undefined],
    ['3, 3', 502, undefined],
    ['3\r\nContent-Length: 3', 502, undefined],
    ['03', 502, undefined],
    ['3', 200, '3'],
  ])('with the length %j and no content is %i', async (length, status, said) => {
    const head = `HTTP/1.1 200 OK\r\nContent-Length: ${length}\r\n\r\n`;
    const target = await rawUpstream((socket) => socket.once('data', () => socket.end(head)));
    const { exchange } = await serve({ proxy: target, reportErrors: false });
    const answer = parse(await exchange(get('/').replace('GET', 'HEAD')));
    expect(answer.status).toBe(status);
    if (said !== undefined) expect(answer.fields.get('content-length')).toBe(said);
  });

  test('is seen by the client when it comes in the middle', async () => {
    const target = await rawUpstream((socket) =>
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n')),
    );
    const { lines, onError } = reports();
    const { exchange } = await serve({ proxy: target, onError });
    const text = await exchange(get('/'));
    expect(text).not.toContain('\r\n0\r\n\r\n');
    expect(lines).toHaveLength(1);
  });

  test('a request is sent once, also when its connection breaks', async () => {
    let asked = 0;
    const target = await rawUpstream((socket) =>
      socket.once('data', () => {
        asked += 1;
        socket.resetAndDestroy();
      }),
    );
    const { exchange } = await serve({ proxy: target, onError: () => {} });
    expect(parse(await exchange(get('/'))).status).toBe(502);
    expect(asked).toBe(1);
  });

  test('content is not asked for while the upstream cannot be reached', async () => {
    const { exchange } = await serve({ proxy: 'http://127.0.0.1:1', onError: () => {} });
    const text = await exchange(
      'POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\nConnection: close\r\n\r\n',
      { halfClose: false },
    );
    expect(text).toMatch(/^HTTP\/1\.1 502/);
  });

  test('a client that leaves takes its connection to the upstream along', async () => {
    const left = deferred<void>();
    const asked = deferred<void>();
    const target = await rawUpstream((socket) => {
      socket.once('data', () => asked.resolve());
      socket.once('close', () => left.resolve());
    });
    const running = await serve({ proxy: target });
    const socket = await running.connect();
    socket.on('error', () => {});
    socket.write(get('/'));
    await asked.promise;
    socket.resetAndDestroy();
    await left.promise;
  });

  test('content that breaks off is not passed on as whole', async () => {
    const received = deferred<string>();
    const target = await rawUpstream((socket) => {
      let text = '';
      socket.on('data', (bytes) => (text += bytes.toString('latin1')));
      socket.once('close', () => received.resolve(text));
    });
    const running = await serve({ proxy: target, onError: () => {} });
    const socket = await running.connect();
    socket.on('error', () => {});
    socket.write('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n');
    await new Promise((resolve) => setImmediate(resolve));
    socket.resetAndDestroy();
    expect(await received.promise).not.toContain('\r\n0\r\n\r\n');
  });

  test.each(['localhost:3000', 'ftp://a', 'http://a:b@c', 'http://a/?q', ''])('%j is no upstream', (target) => {
    expect(() => proxyResponder({ target })).toThrow(/^proxy: /);
  });
});

describe('a tunnel', () => {
  test('carries bytes both ways, those that came early too, and ends with either end', async () => {
    const closed = deferred<void>();
    const target = await rawUpstream((socket) => {
      socket.once('data', (head: Buffer) => {
        expect(head.toString()).toMatch(/connection: upgrade\r\nupgrade: chat/);
        socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: chat\r\nConnection: Upgrade\r\n\r\nwelcome');
        socket.on('data', (bytes: Buffer) => socket.write(`you said ${bytes.toString()}`));
        socket.once('close', () => closed.resolve());
      });
    });
    const running = await serve({ proxy: target });
    const socket = await running.connect();
    socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n');
    const head = await readUntil(socket, /welcome$/);
    expect(head).toMatch(/^HTTP\/1\.1 101 Switching Protocols\r\n/);
    socket.write('hello');
    await readUntil(socket, /you said hello/);
    socket.destroy();
    await closed.promise;
  });

  test('ends when the server stops', async () => {
    const target = await rawUpstream((socket) => {
      socket.once('data', () =>
        socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: chat\r\nConnection: Upgrade\r\n\r\nhi'),
      );
    });
    const running = await start({ proxy: target });
    const socket = await running.connect();
    socket.on('error', () => {});
    socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n');
    await readUntil(socket, /hi$/);
    const gone = once(socket, 'end');
    socket.resume();
    await running.server.close();
    await gone;
  });
});

/** How a name is found. */
type Found = (error: null, addresses: readonly { readonly address: string; readonly family: 4 | 6 }[]) => void;

test('an upstream is reached at the first of its addresses also where this loop stands still meanwhile', async () => {
  const { port } = new URL(await upstream(echo));
  const { exchange } = await serve({ proxy: `http://two-addresses.test:${port}` });
  const lookup = vi.spyOn(process.getBuiltinModule('node:dns'), 'lookup');
  onTestFinished(() => lookup.mockRestore());
  lookup.mockImplementation(((_name: string, _options: object, found: Found) => {
    setImmediate(() => {
      found(
        null,
        ['127.0.0.1', '127.0.0.9'].map((address) => ({ address, family: 4 })),
      );
      // As long as a busy machine may take.
      const end = performance.now() + 400;
      while (performance.now() < end);
    });
  }) as never);
  expect(await exchange('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', { halfClose: false })).toMatch(
    /^HTTP\/1\.1 200 /,
  );
});
