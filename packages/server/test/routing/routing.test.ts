import { describe, expect, onTestFinished, test } from 'vitest';
import {
  createServer,
  fetchResponder,
  type Method,
  nodeResponder,
  type RequestMessage,
  type Route,
} from '@onezero/server';
import { parse, start, textResponse, type Running } from '../exchange.ts';

const name =
  (text: string): Route['responder'] =>
  ({ scriptName, pathInfo }) =>
    textResponse(`${text} ${scriptName} ${pathInfo}`);

async function serve(routes: readonly Route[], methods: readonly (string | Method)[] = []): Promise<Running> {
  const running = await start({ routes, methods });
  onTestFinished(() => running.close());
  return running;
}

const request = (line: string, host = 'example.org'): string =>
  `${line} HTTP/1.1\r\nHost: ${host}\r\nAccept: text/plain\r\n\r\n`;

describe('routes', () => {
  test('take the longest prefix on segment edges and split the path there', async () => {
    const { exchange } = await serve([
      { responder: name('root') },
      { path: '/echo', responder: name('echo') },
      { path: '/echo/deep/', responder: name('deep') },
    ]);
    const answer = async (path: string): Promise<string> => parse(await exchange(request(`GET ${path}`))).content;
    expect(await answer('/echo')).toBe('echo /echo ');
    expect(await answer('/echo/a')).toBe('echo /echo /a');
    expect(await answer('/echofoo')).toBe('root  /echofoo');
    expect(await answer('/echo/deep/x')).toBe('deep /echo/deep /x');
    expect(await answer('//echo//deep//x')).toBe('deep /echo/deep //x');
    expect(await answer('/%65cho/%2e/a')).toBe('echo /echo /a');
  });

  test('prefer a host, then a pattern of hosts, then any', async () => {
    const { exchange } = await serve([
      { path: '/long', responder: name('any') },
      { responder: name('any') },
      { host: '*.example.org', responder: name('pattern') },
      { host: 'WWW.example.org', responder: name('www') },
      { host: 'dot.example.', responder: name('dot') },
      { host: '[::1]', responder: name('bracketed') },
      { host: 'FE80::1', responder: name('bare') },
    ]);
    const answer = async (host: string, path = '/'): Promise<string> =>
      parse(await exchange(request(`GET ${path}`, host))).content.split(' ', 1)[0] ?? '';
    expect(await answer('www.Example.org:8080')).toBe('www');
    expect(await answer('www.example.org.', '/long')).toBe('www');
    expect(await answer('dot.example:80')).toBe('dot');
    expect(await answer('[::1]:8080')).toBe('bracketed');
    expect(await answer('[fe80::1]')).toBe('bare');
    // The target's own host counts, whatever the field says (RFC 9112 §3.2.2).
    expect(await answer('www.example.org', 'http://api.example.org.:80/')).toBe('pattern');
    expect(await answer('api.example.org')).toBe('pattern');
    expect(await answer('example.org')).toBe('any');
    for (const host of ['badexample.org', '.example.org', 'www.example.org..']) expect(await answer(host)).toBe('any');
    expect(parse(await exchange('GET / HTTP/1.0\r\n\r\n')).content).toContain('any');
  });

  test('answer 405 with every method that the path takes, and OPTIONS without being asked', async () => {
    const { exchange } = await serve([
      { path: '/a', methods: ['GET'], responder: name('get') },
      { path: '/a', methods: ['POST'], responder: name('post') },
    ]);
    expect(parse(await exchange(request('HEAD /a'))).status).toBe(200);
    expect(parse(await exchange(request('POST /a'))).content).toBe('post /a ');
    const refused = parse(await exchange(request('DELETE /a')));
    expect(refused.status).toBe(405);
    expect(refused.fields.get('allow')).toBe('GET, HEAD, POST, OPTIONS');
    const options = parse(await exchange(request('OPTIONS /a')));
    expect(options.status).toBe(204);
    expect(options.fields.get('allow')).toBe('GET, HEAD, POST, OPTIONS');
    expect(parse(await exchange(request('OPTIONS *'))).fields.get('allow')).toContain('UNLINK');
    const whole = parse(await exchange(request('OPTIONS http://localhost')));
    expect([whole.status, whole.fields.get('allow')]).toEqual([204, expect.stringContaining('UNLINK')]);
  });

  test('leave a path to its longest prefix, also for the methods that it does not take', async () => {
    const { exchange } = await serve([
      { methods: ['GET', 'PUT'], responder: name('root') },
      { path: '/shelf', methods: ['GET', 'DELETE'], responder: name('shelf') },
    ]);
    const options = parse(await exchange(request('OPTIONS /shelf')));
    expect(options.status).toBe(204);
    expect(options.fields.get('allow')).toBe('GET, DELETE, HEAD, OPTIONS');
    const refused = parse(await exchange(request('PUT /shelf')));
    expect(refused.status).toBe(405);
    expect(refused.fields.get('allow')).toBe('GET, DELETE, HEAD, OPTIONS');
  });

  test('fall through to the next where a bare 404 or 405 may', async () => {
    const nothing = (status: number) => () => ({ status, fields: [] });
    const { exchange } = await serve([
      { path: '/a', fallThrough: true, responder: nothing(405) },
      { fallThrough: true, responder: nothing(404) },
      { responder: name('last') },
    ]);
    expect(parse(await exchange(request('GET /a/b'))).content).toBe('last  /a/b');
  });

  test.each([
    ['501', 'BREW /', 501],
    ['501', 'get /', 501],
    ['405', 'TRACE /', 405],
    ['405', 'CONNECT example.org:80', 405],
    ['404', 'GET /', 404],
  ])('answer %s to %s', async (_, line, status) => {
    const { exchange } = await serve([{ path: '/only', responder: name('only') }]);
    expect(parse(await exchange(request(line))).status).toBe(status);
  });

  test('take methods that a user defines', async () => {
    const purge: Method = { name: 'PURGE', safe: false, idempotent: true, content: 'none' };
    const report: Method = { name: 'REPORT', safe: true, idempotent: true, content: 'required' };
    const methods = ['PURGE', 'REPORT', 'BAN'];
    const { exchange } = await serve([{ methods, responder: name('did') }], [purge, report, 'BAN']);
    expect(parse(await exchange(request('PURGE /x'))).content).toBe('did  /x');
    expect(parse(await exchange(request('BAN /x'))).content).toBe('did  /x');
    expect(parse(await exchange(request('OPTIONS *'))).fields.get('allow')).toMatch(/UNLINK, PURGE, REPORT, BAN$/);
    expect(parse(await exchange(request('GET /x'))).fields.get('allow')).toBe('PURGE, REPORT, BAN, OPTIONS');
    expect(parse(await exchange(request('REPORT /x'))).status).toBe(411);
    const content = 'PURGE /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx';
    expect(parse(await exchange(content)).status).toBe(400);
  });

  test('pass registered methods to whoever takes them, and refuse them where nothing does', async () => {
    const registered = ['PROPFIND', 'MKCALENDAR', 'VERSION-CONTROL', 'LOCK', 'ACL', 'SEARCH', 'QUERY', 'BIND'];
    const seen = ({ method }: RequestMessage): ReturnType<typeof textResponse> => textResponse(method);
    const { exchange } = await serve([
      { path: '/any', responder: seen },
      { path: '/node', responder: nodeResponder((asked, answer) => answer.end(asked.method)) },
      { path: '/fetch', responder: fetchResponder(({ method }) => new Response(method)) },
      { path: '/some', methods: ['GET', 'QUERY'], responder: seen },
    ]);
    const ask = async (method: string, path: string): Promise<ReturnType<typeof parse>> =>
      parse(await exchange(`${method} ${path} HTTP/1.0\r\nContent-Length: 1\r\n\r\nx`));
    for (const method of registered) {
      for (const path of ['/any', '/node', '/fetch']) expect((await ask(method, path)).content).toBe(method);
    }
    expect((await ask('QUERY', '/some')).content).toBe('QUERY');
    const refused = await ask('PROPFIND', '/some');
    expect([refused.status, refused.fields.get('allow')]).toEqual([405, 'GET, QUERY, HEAD, OPTIONS']);
  });

  test('follow local redirects through every rule, without content, ten times at most', async () => {
    const { exchange } = await serve([
      { path: '/from', responder: () => ({ status: 200, fields: [], localRedirect: '/to/x?q=1' }) },
      {
        path: '/to',
        responder: ({ method, pathInfo, query, contentLength, fields }: RequestMessage) =>
          textResponse(
            `${method} ${pathInfo} ${query} ${contentLength} ${fields.some(([n]) => n === 'content-length')}`,
          ),
      },
      { path: '/loop', responder: () => ({ status: 200, fields: [], localRedirect: '/loop' }) },
      { path: '/out', responder: () => ({ status: 200, fields: [], localRedirect: '/../x' }) },
    ]);
    const post = 'POST /from HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc';
    expect(parse(await exchange(post)).content).toBe('GET /x q=1 0 false');
    expect(parse(await exchange(request('GET /loop'))).status).toBe(508);
    expect(parse(await exchange(request('GET /out'))).status).toBe(502);
  });

  test.each([
    [{ path: 'a', responder: name('x') }, /routes\.0\.path: expected a path that begins with/],
    [{ path: '/a/../b', responder: name('x') }, /can never match/],
    [{ methods: ['BREW'], responder: name('x') }, /not a method that this server knows/],
  ])('that can never match are refused at once: %#', (route, message) => {
    expect(() => createServer({ routes: [route] })).toThrow(message);
  });

  test.each(['http://a.example', 'a.example:80', '', '*', 'a b', 'a,b', '[::1]:80', '[a]'])(
    'refuses the host %j, which no request has',
    (host) => {
      const message = `"${host}" is not a host`;
      expect(() => createServer({ routes: [{ host, responder: name('x') }] })).toThrow(`host: ${message}`);
      expect(() => createServer({ hosts: [host] })).toThrow(`hosts: ${message}`);
    },
  );

  test('answers only for the hosts it is told to', async () => {
    const running = await start({ hosts: ['localhost', '*.test'], routes: [{ responder: name('here') }] });
    onTestFinished(() => running.close());
    expect(parse(await running.exchange(request('GET /', 'evil.example'))).status).toBe(421);
    expect(parse(await running.exchange(request('GET /', 'LOCALHOST:1'))).status).toBe(200);
    expect(parse(await running.exchange(request('GET /', 'a.test'))).status).toBe(200);
  });
});

describe('explain', () => {
  test('says what a request would meet', () => {
    const server = createServer({
      routes: [{ path: '/a', name: 'the a route', responder: name('a') }],
      auth: [{ path: '/a/secret', users: () => true }],
    });
    expect(server.explain({ target: '/x/../a/b?q' })).toMatchObject({
      path: '/a/b',
      query: 'q',
      scriptName: '/a',
      pathInfo: '/b',
      auth: undefined,
      status: undefined,
      why: ['/x/../a/b is read as /a/b', 'asked: the a route, with /b as the rest of the path'],
    });
    expect(server.explain({ target: '/a/secret' }).auth?.path).toBe('/a/secret');
    expect(server.explain({ target: '/..' }).status).toBe(400);
    expect(server.explain({ target: '/none' }).status).toBe(404);
    expect(server.explain({ method: 'BREW', target: '/a' }).status).toBe(501);
  });
});
