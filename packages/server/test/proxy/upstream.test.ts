// Where a mount is passed on to, and which path it is asked for: never one that the guards before it have not seen.

import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { canonicalPath } from '../../src/message/canonical-path.ts';
import { connectTo, readUpstream, upstreamTarget } from '../../src/proxy/upstream.ts';

describe('readUpstream', () => {
  test.each([
    ['http://localhost:3000', { host: 'localhost', port: 3000, secure: false, base: undefined, isLocal: true }],
    ['http://localhost:3000/', { base: '', authority: 'localhost:3000', origin: 'http://localhost:3000' }],
    ['http://localhost:3000/api', { base: '/api' }],
    ['http://localhost:3000/api/', { base: '/api' }],
    ['http://localhost:3000/a%20b', { base: '/a%20b' }],
    ['https://example.org', { host: 'example.org', port: 443, secure: true, isLocal: false, authority: 'example.org' }],
    ['HTTP://Example.org:80', { host: 'example.org', port: 80, authority: 'example.org', base: undefined }],
    ['http://[::1]:8080', { host: '::1', port: 8080, authority: '[::1]:8080', isLocal: true }],
    ['http://127.0.0.1', { host: '127.0.0.1', isLocal: true }],
    ['http://127.1:9', { host: '127.0.0.1', isLocal: true }],
    ['http://api.localhost', { isLocal: true }],
    ['http://127.example.org', { isLocal: false }],
    ['http://localhost.example.org', { isLocal: false }],
    ['http://10.0.0.1', { isLocal: false }],
    ['http://[2001:db8::1]', { host: '2001:db8::1', isLocal: false }],
  ])('reads %s', (target, expected) => {
    expect(readUpstream(target)).toMatchObject(expected);
  });

  test.each([
    ['', /expected a URL/],
    ['localhost:3000', /expected a URL/],
    ['//localhost', /expected a URL/],
    ['ftp://localhost', /expected a URL/],
    ['http:/localhost', /expected a URL/],
    ['http:localhost', /expected a URL/],
    ['http://', /expected a URL/],
    ['http://a b', /expected a URL/],
    ['http://localhost:99999', /expected a URL/],
    ['unix:/run/a.sock', /expected a URL/],
    ['http://ada@localhost', /name and password/],
    ['http://ada:secret@localhost', /name and password/],
    ['http://localhost?x', /query or fragment/],
    ['http://localhost/#x', /query or fragment/],
  ])('refuses %j with one line', (target, why) => {
    expect(() => readUpstream(target)).toThrow(why);
    expect(() => readUpstream(target)).toThrow(TypeError);
    expect(() => readUpstream(target)).toThrow(/^proxy: [^\n]*$/);
  });
});

describe('upstreamTarget', () => {
  const asked = (target: string, scriptName: string, pathInfo: string): Parameters<typeof upstreamTarget>[0] => {
    const mark = target.indexOf('?');
    return { target, scriptName, pathInfo, query: mark === -1 ? undefined : target.slice(mark + 1) };
  };

  test.each([
    // The mount's prefix stays without a path, and gives way to one.
    ['/api/users?a=1', '/api', '/users', undefined, '/api/users?a=1'],
    ['/api/users?a=1', '/api', '/users', '', '/users?a=1'],
    ['/api/users', '/api', '/users', '/v1', '/v1/users'],
    ['/api', '/api', '', undefined, '/api'],
    ['/api', '/api', '', '', '/'],
    ['/api?x', '/api', '', '', '/?x'],
    ['/api', '/api', '', '/v1', '/v1'],
    ['/api/', '/api', '/', '/v1', '/v1/'],
    // The client's own spelling, where it names the same segments.
    ['/a%7Eb', '', '/a~b', undefined, '/a%7Eb'],
    ['/caf%c3%a9', '', '/café', undefined, '/caf%c3%a9'],
    ['/a+b;c=d,e@f', '', '/a+b;c=d,e@f', undefined, '/a+b;c=d,e@f'],
    ['//a', '', '//a', undefined, '//a'],
    // Another reading of it otherwise.
    ['/a%2Fb', '', '/a/b', undefined, '/a/b'],
    ['/x/../b', '', '/b', undefined, '/b'],
    ['/%2e/b', '', '/b', undefined, '/b'],
    ['/a\\b', '', '/a\\b', undefined, '/a%5Cb'],
    ['/100%25', '', '/100%', undefined, '/100%25'],
    ['/a%3Fb?c', '', '/a?b', undefined, '/a%3Fb?c'],
    ['http://h/a%7E', '', '/a~', undefined, '/a~'],
    ['/a?', '', '/a', undefined, '/a?'],
    // A query is passed on as it stands.
    ['/a?b=%2F&c=%%?', '', '/a', '/v', '/v/a?b=%2F&c=%%?'],
  ])('of %s at %j + %j with base %j is %s', (target, scriptName, pathInfo, base, expected) => {
    expect(upstreamTarget(asked(target, scriptName, pathInfo), { base })).toBe(expected);
  });

  test('names exactly the path that was guarded, whatever the client wrote', () => {
    const piece = fc.constantFrom(
      '/',
      '//',
      '/..',
      '/.',
      'a',
      'b',
      '%61',
      '%2F',
      '%2e',
      '%2E%2e',
      '%25',
      '%3F',
      '%5C',
      '\\',
      ';',
      '%C3%A9',
      'é',
      '%',
      '%00',
      '~',
      '%7E',
      ' ',
      '"',
      '#',
      '[',
      '^',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), fc.constantFrom(undefined, '', '/v1'), (pieces, base) => {
        const target = `/${pieces.join('')}`;
        const latin = Buffer.from(target).toString('latin1');
        const pathInfo = canonicalPath(latin);
        if (pathInfo === undefined) return;
        const passed = upstreamTarget({ target: latin, scriptName: '', pathInfo, query: undefined }, { base });
        // Nothing that an upstream could read in another way.
        expect(passed).toMatch(/^\/[A-Za-z0-9\-._~!$&'()*+,;=:@/%]*$/);
        expect(decodeURIComponent(passed)).toBe(`${base ?? ''}${pathInfo}`);
        expect(canonicalPath(passed)).toBe(`${base ?? ''}${pathInfo}`);
      }),
      { numRuns: 1000 },
    );
  });
});

test('an address that does not answer is tried behind the others for a while, and then by one request', async () => {
  const server = createServer((socket) => socket.end()).listen(0);
  await once(server, 'listening');
  const lookup = vi.spyOn(process.getBuiltinModule('node:dns'), 'lookup');
  const now = vi.spyOn(performance, 'now');
  onTestFinished(() => {
    lookup.mockRestore();
    now.mockRestore();
    server.close();
  });
  const found = ['127.0.0.1', '127.0.0.9'].map((address) => ({ address, family: 4 }));
  lookup.mockImplementation(((_name: string, _options: object, tell: (error: null, all: typeof found) => void) => {
    setImmediate(() => tell(null, found));
  }) as never);
  const upstream = readUpstream(`http://two-addresses.test:${(server.address() as AddressInfo).port}`);
  const open: Socket[] = [];
  const connected = async (): Promise<string | undefined> => {
    const socket = connectTo(upstream, 10_000);
    open.push(socket);
    await once(socket, 'connect');
    const { remoteAddress } = socket;
    socket.destroy();
    return remoteAddress;
  };
  const start = performance.now();
  now.mockImplementation(() => start);
  expect(await connected()).toBe('127.0.0.1');
  open[0]!.emit('connectionAttemptTimeout', '127.0.0.1', upstream.port, 4);
  expect(await connected()).toBe('127.0.0.9');
  now.mockImplementation(() => start + 10_000);
  // Both are looked up before either is connected.
  expect(await Promise.all([connected(), connected()])).toEqual(['127.0.0.1', '127.0.0.9']);
  expect(await connected()).toBe('127.0.0.1');
});
