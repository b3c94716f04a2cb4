import { describe, expect, onTestFinished, test } from 'vitest';
import { accessLog, createServer, type ServerOptions } from '@onezero/server';

const responder = (): { status: number; fields: [] } => ({ status: 204, fields: [] });

// As plain JavaScript would give them: no compiler has seen these.
const wrong: readonly (readonly [unknown, RegExp])[] = [
  [{ auths: [] }, /^createServer: auths: is not an option; did you mean auth\?$/],
  [{ rot: '.' }, /^createServer: rot: is not an option; did you mean root\?$/],
  [{ root: '.', port: 80 }, /^createServer: port: is not an option here; it belongs to listen\(\{ port \}\)$/],
  ['public', /^createServer: options: expected an object, not "public"; did you mean \{ root: "public" \}\?$/],
  [5, /^createServer: options: expected an object, not 5; a port belongs to listen\(5\)$/],
  [{ root: 5 }, /^createServer: root: expected a path, not 5$/],
  [{ root: '' }, /^createServer: root: expected a path, not ""$/],
  [{ routes: {} }, /^createServer: routes: expected a list of routes such as .*, not an object$/],
  [
    { routes: [{ handler: responder }] },
    /^createServer: routes\.0\.handler: is not an option; did you mean routes\.0\.responder\?$/,
  ],
  [
    { routes: [{ responder, method: ['GET'] }] },
    /^createServer: routes\.0\.method: is not an option; did you mean routes\.0\.methods\?$/,
  ],
  [
    { routes: [{ responder, path: 'a' }] },
    /^createServer: routes\.0\.path: expected a path that begins with \/, not "a"$/,
  ],
  [
    { routes: [{ responder: 'index.html' }] },
    /^createServer: routes\.0\.responder: expected a function that answers requests/,
  ],
  [{ auth: [{ path: '/x' }] }, /^createServer: auth\.0\.users: is missing$/],
  [{ auth: [{ user: { a: 'b' } }] }, /^createServer: auth\.0\.user: is not an option; did you mean auth\.0\.users\?$/],
  [{ auth: [{ users: 'ann' }] }, /^createServer: auth\.0\.users: expected /],
  [
    { auth: [{ users: () => true, relam: 'x' }] },
    /^createServer: auth\.0\.relam: is not an option; did you mean auth\.0\.realm\?$/,
  ],
  [
    { limits: { maxHeadByte: 1 } },
    /^createServer: limits\.maxHeadByte: is not an option; did you mean limits\.maxHeadBytes\?$/,
  ],
  [
    { limits: { headTimeoutMs: '5s' } },
    /^createServer: limits\.headTimeoutMs: expected a whole number of milliseconds or Infinity, not "5s"$/,
  ],
  [
    { limits: { headTimeoutMs: -1 } },
    /^createServer: limits\.headTimeoutMs: expected a whole number of milliseconds or Infinity, not -1$/,
  ],
  [{ methods: 'PURGE' }, /^createServer: methods: expected a list, not "PURGE"; put it into \[ \]$/],
  [{ methods: [{ name: 'PURGE' }] }, /^createServer: methods\.0\.safe: is missing$/],
  // Names that these options had once.
  [
    { limits: { drainBytes: 1 } },
    /^createServer: limits\.drainBytes: is not an option; did you mean limits\.maxDrainBytes\?$/,
  ],
  [
    { static: { compress: true } },
    /^createServer: static\.compress: is not an option; did you mean static\.compression\?$/,
  ],
  [{ errorPages: { 200: { file: 'x' } } }, /^createServer: errorPages\.200: expected a status such as 404/],
  [
    { errorPages: { 404: { fil: 'x' } } },
    /^createServer: errorPages\.404\.fil: is not an option; did you mean errorPages\.404\.file\?$/,
  ],
  [
    { trustedProxies: '127.0.0.1' },
    /^createServer: trustedProxies: expected a list, not "127\.0\.0\.1"; put it into \[ \]$/,
  ],
  [{ hosts: 'localhost' }, /^createServer: hosts: expected "local" or a list, not "localhost"; put it into \[ \]$/],
  [{ accessLog: true }, /^createServer: accessLog: expected a function/],
  [{ onError: 'log' }, /^createServer: onError: expected a function/],
  [{ serverField: true }, /^createServer: serverField: expected /],
  [{ cgi: 5 }, /^createServer: cgi: expected a text that is not empty, an object or a list, not 5$/],
  [
    { wsgi: ['app'] },
    /^createServer: wsgi\.0: expected an object, not "app"; did you mean \{ application: "app" \}\?$/,
  ],
  [{ static: true }, /^createServer: static: expected an object, not true$/],
  [
    { root: '.', static: { cors: { origin: ['https://a.test'] } } },
    /^createServer: static\.cors\.origin: is not an option; did you mean static\.cors\.origins\?$/,
  ],
  [
    { cgi: { directory: '.', limits: { headerTimeout: 5 } } },
    /^createServer: cgi\.limits\.headerTimeout: is not an option; did you mean cgi\.limits\.headerTimeoutMs\?$/,
  ],
  [
    { wsgi: { application: 'a', thread: 2 } },
    /^createServer: wsgi\.thread: is not an option; did you mean wsgi\.threads\?$/,
  ],
];

describe('createServer', () => {
  test.each(wrong)('refuses %j in one line', (options, message) => {
    expect(() => createServer(options as ServerOptions)).toThrow(message);
  });

  test('takes options that are left undefined', async () => {
    const server = createServer({ root: undefined, auth: undefined, limits: { maxFields: undefined }, cgi: undefined });
    await server.close();
  });

  test('refuses the same at a reload, and goes on', async () => {
    const server = createServer();
    onTestFinished(() => server.close());
    await expect(server.reload({ auths: [] } as ServerOptions)).rejects.toThrow('did you mean auth?');
  });
});

describe('listen', () => {
  test('takes a port alone', async () => {
    const server = createServer();
    onTestFinished(() => server.close());
    const [address] = await server.listen(0);
    expect(address?.url).toMatch(/^http:\/\/localhost:\d+$/);
  });

  test.each([
    [{ prot: 80 }, /^listen: prot: is not an option; did you mean port\?$/],
    [{ port: '80' }, /^listen: port: expected a whole number from 0 to 65535, not "80"$/],
    [{ tls: { cert: 'x' } }, /^listen: tls\.key: is missing$/],
    [[{ port: 0 }, { host: 5 }], /^listen: host: expected /],
  ])('refuses %j', async (listeners, message) => {
    await expect(createServer().listen(listeners as never)).rejects.toThrow(message);
  });
});

describe('accessLog', () => {
  test('refuses a format that is none', () => {
    expect(() => accessLog({ format: 'jsno' as 'json' })).toThrow(
      'accessLog: format: expected "dev", "common", "combined" or "json", not "jsno"',
    );
  });
});
