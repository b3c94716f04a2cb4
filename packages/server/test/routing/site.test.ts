// A site without any socket: every step from the request to the whole response.

import { describe, expect, test } from 'vitest';
import type { Field, RequestMessage, ResponseMessage } from '../../src/message/message.ts';
import { LazyRequest, NO_CONTENT } from '../../src/message/request.ts';
import { methodRegistry } from '../../src/methods.ts';
import type { Failure, Route } from '../../src/options.ts';
import type { Verdict } from '../../src/routing/basic-auth.ts';
import { anyHost } from '../../src/routing/host.ts';
import { createRouter } from '../../src/routing/routes.ts';
import { createSite, hasNothing, type Site, type SiteParts } from '../../src/routing/site.ts';

const end = { address: '127.0.0.1', port: 1 };

function request(changes: Partial<RequestMessage> = {}): RequestMessage {
  const members = {
    method: 'GET',
    target: '/',
    version: '1.1',
    fields: [],
    scheme: 'http',
    authority: 'one.test',
    scriptName: '',
    pathInfo: '/',
    query: undefined,
    contentLength: 0,
    content: NO_CONTENT,
    remote: end,
    local: end,
    user: undefined,
    authType: undefined,
    id: 'id',
  } as const;
  return new LazyRequest({ ...members, ...changes }, { signal: new AbortController().signal });
}

/** A site, and the failures that it has passed on, each answered with its bare response. */
function site(routes: readonly Route[], changes: Partial<SiteParts> = {}): Site & { failures: Failure[] } {
  const registry = methodRegistry(['BREW']);
  const failures: Failure[] = [];
  const parts: SiteParts = {
    registry,
    router: createRouter(routes, registry),
    givenRoute: (route) => route,
    authentication: { check: () => ({ outcome: 'open' }), ruleFor: () => undefined, has: () => false, below: () => [] },
    hosts: undefined,
    localHosts: undefined,
    openFolder: undefined,
    applications: () => [],
    closables: routes.map(({ responder }) => responder),
    fail: (failure, bare) => {
      failures.push(failure);
      return { ...bare, content: Buffer.from('page') };
    },
    ...changes,
  };
  return Object.assign(createSite(parts), { failures });
}

const says =
  (text: string): Route['responder'] =>
  ({ scriptName, pathInfo, user }) => ({
    status: 200,
    fields: [],
    content: Buffer.from([text, scriptName, pathInfo, user].filter((part) => part !== undefined).join(' ')),
  });

async function answer(
  one: Site,
  asked: RequestMessage,
): Promise<{ status: number; text: string; fields: readonly Field[] }> {
  const { status, content, fields } = await one.respond(asked);
  return { status, fields, text: content === undefined ? '' : Buffer.from(content as Uint8Array).toString() };
}

const verdict = (given: Verdict | Promise<Verdict>): Partial<SiteParts> => ({
  authentication: { check: () => given, ruleFor: () => undefined, has: () => false, below: () => [] },
});

const rejecting: Partial<SiteParts> = {
  authentication: {
    check: () => Promise.reject(new Error('no file')),
    ruleFor: () => undefined,
    has: () => false,
    below: () => [],
  },
};

describe('a site', () => {
  test('answers in the same turn when its responder does', () => {
    const one = site([{ path: '/a', responder: says('a') }]);
    expect(one.respond(request({ pathInfo: '/a/b' }))).toMatchObject({ status: 200, content: Buffer.from('a /a /b') });
  });

  test('passes on the very request where nothing of the path was matched', () => {
    const seen: RequestMessage[] = [];
    const one = site([{ responder: (asked) => ({ status: 204, fields: [], cause: seen.push(asked) }) }]);
    const asked = request();
    void one.respond(asked);
    expect(seen).toEqual([asked]);
  });

  test.each<[string, Partial<RequestMessage>, number, readonly Field[]]>([
    ['a method that nobody knows', { method: 'FOO' }, 501, []],
    ['a method that is known and refused', { method: 'TRACE' }, 405, [['allow', expect.stringContaining('GET')]]],
    ['a POST of HTTP/1.0 without a length', { method: 'POST', version: '1.0' }, 400, []],
    ['a path that no route takes', { pathInfo: '/none' }, 404, []],
    ['a method that no route takes', { method: 'PUT', pathInfo: '/a' }, 405, [['allow', 'GET, HEAD, POST, OPTIONS']]],
  ])('refuses %s', async (_, changes, status, fields) => {
    const one = site([
      { path: '/a', methods: ['GET'], responder: says('get') },
      { path: '/a', methods: ['POST'], responder: says('post') },
    ]);
    expect(await answer(one, request({ pathInfo: '/a', ...changes }))).toMatchObject({ status, fields, text: 'page' });
    expect(one.failures).toMatchObject([{ status, source: 'routing', headSent: false }]);
  });

  test('answers OPTIONS by itself where no route takes it, and OPTIONS * for all of the server', async () => {
    const one = site([{ path: '/a', methods: ['GET', 'BREW'], responder: says('a') }]);
    expect(await answer(one, request({ method: 'OPTIONS', pathInfo: '/a' }))).toMatchObject({
      status: 204,
      fields: [['allow', 'GET, BREW, HEAD, OPTIONS']],
    });
    const all = await answer(one, request({ method: 'OPTIONS', target: '*' }));
    expect(all.fields).toEqual([['allow', expect.stringMatching(/^GET, HEAD, POST, .*BREW/)]]);
    expect(one.failures).toEqual([]);
  });

  test('takes only hosts that are its own, by whatever pattern names them', async () => {
    const one = site([{ responder: says('x') }], { hosts: anyHost(['one.test', '*.two.test']) });
    for (const authority of ['one.test', 'ONE.test:80', 'a.two.test', undefined]) {
      expect([authority, (await answer(one, request({ authority }))).status]).toEqual([authority, 200]);
    }
    for (const authority of ['two.test', 'evil.test', 'one.test.evil.test']) {
      expect([authority, (await answer(one, request({ authority }))).status]).toEqual([authority, 421]);
    }
  });

  test('lets in whom the rules let in, by name', async () => {
    const routes = [{ responder: says('x') }];
    const allowed: Verdict = { outcome: 'allowed', user: 'ada' };
    expect((await answer(site(routes, verdict(allowed)), request())).text).toBe('x  / ada');
    expect((await answer(site(routes, verdict(Promise.resolve(allowed))), request())).text).toBe('x  / ada');
  });

  test.each<[string, Partial<SiteParts>, number, readonly Field[]]>([
    [
      'no name',
      verdict({ outcome: 'refused', challenge: ['www-authenticate', 'Basic'] }),
      401,
      [['www-authenticate', 'Basic']],
    ],
    ['too many at once', verdict({ outcome: 'busy' } as unknown as Verdict), 503, [['retry-after', '2']]],
    ['a check that rejects', rejecting, 500, []],
  ])('refuses with %s, before any responder is asked', async (_, changes, status, fields) => {
    const one = site([{ responder: () => expect.unreachable() }], changes);
    expect(await answer(one, request())).toMatchObject({ status, fields });
    expect(one.failures).toMatchObject([{ status, source: 'auth' }]);
  });

  test('blames the responder that throws, rejects or returns nonsense, and takes its status', async () => {
    const failing: Route['responder'][] = [
      () => {
        throw new RangeError('broken');
      },
      () => Promise.reject(new RangeError('broken')),
      () => 5 as unknown as ResponseMessage,
      () => Promise.reject(Object.assign(new Error('too much'), { status: 413 })),
    ];
    for (const [at, responder] of failing.entries()) {
      const one = site([{ name: 'mine', responder }]);
      const status = at === 3 ? 413 : 500;
      expect(await answer(one, request())).toMatchObject({ status, text: 'page' });
      expect(one.failures).toMatchObject([{ status, source: 'responder', cause: expect.any(Error) }]);
    }
  });

  test('asks the next route where one may fall through and has nothing, and keeps the last answer', async () => {
    const bare =
      (status: number): Route['responder'] =>
      () => ({ status, fields: [] });
    const one = site([
      { path: '/both', responder: bare(404), fallThrough: true },
      { path: '/both', responder: bare(405), fallThrough: true },
      { path: '/both', responder: says('last') },
      { path: '/held', responder: bare(404) },
      { path: '/held', responder: says('never') },
      { path: '/page', responder: () => ({ status: 404, fields: [], content: Buffer.from('own') }), fallThrough: true },
      { path: '/page', responder: says('never') },
      { path: '/alone', responder: bare(405), fallThrough: true },
    ]);
    expect(await answer(one, request({ pathInfo: '/both' }))).toMatchObject({ status: 200, text: 'last /both ' });
    expect(await answer(one, request({ pathInfo: '/held' }))).toMatchObject({ status: 404, text: 'page' });
    expect(await answer(one, request({ pathInfo: '/page' }))).toMatchObject({ status: 404, text: 'own' });
    expect(await answer(one, request({ pathInfo: '/alone' }))).toMatchObject({ status: 405, text: 'page' });
  });

  test.each<readonly [string, Route['responder'], number]>([
    ['answers', says('other'), 1],
    ['throws', () => Promise.reject(new Error('no')), 1],
    ['breaks at once', () => JSON.parse('{'), 1],
    ['makes a mistake', () => ({ status: 42 }), 1],
    ['has a page too', () => ({ status: 404, isNothing: true, fields: [], content: Buffer.from('own') }), 1],
    ['has nothing', () => ({ status: 404, fields: [] }), 0],
  ])('closes the page of a route before where the next one %s, if it is not sent', async (_, responder, times) => {
    let closed = 0;
    const content: AsyncIterable<Uint8Array> = {
      [Symbol.asyncIterator]: () => ({
        next: () => Promise.resolve({ done: true, value: undefined }),
        return: () => {
          closed++;
          return Promise.resolve({ done: true, value: undefined });
        },
      }),
    };
    const page: Route['responder'] = () => ({ status: 404, isNothing: true, fields: [], content });
    const one = site([{ responder: page, fallThrough: true }, { responder }]);
    const { content: sent } = await one.respond(request());
    expect([closed, sent === content]).toEqual([times, times === 0]);
  });

  test('follows local redirects as a GET without content, ten at most', async () => {
    const seen: string[] = [];
    const one = site([
      { path: '/start', responder: () => ({ status: 200, fields: [], localRedirect: '/end?q=1' }) },
      { path: '/bad', responder: () => ({ status: 200, fields: [], localRedirect: '/%zz' }) },
      {
        path: '/loop',
        responder: ({ target }) => {
          seen.push(target);
          return { status: 200, fields: [], localRedirect: '/loop' };
        },
      },
      {
        path: '/end',
        responder: ({ method, query, fields, contentLength }) => ({
          status: 200,
          fields: [],
          content: Buffer.from(JSON.stringify([method, query, fields, contentLength])),
        }),
      },
    ]);
    const fields: Field[] = [
      ['content-type', 'text/plain'],
      ['cookie', 'a'],
    ];
    const asked = request({ method: 'POST', pathInfo: '/start', fields, contentLength: 9 });
    expect((await answer(one, asked)).text).toBe('["GET","q=1",[["cookie","a"]],0]');
    expect((await answer(one, request({ pathInfo: '/bad' }))).status).toBe(502);
    expect((await answer(one, request({ pathInfo: '/loop' }))).status).toBe(508);
    expect(seen).toHaveLength(11);
  });

  test('makes ready, drains and closes each responder once, however many routes it has', async () => {
    const calls: string[] = [];
    const responder = Object.assign(says('x'), {
      ready: () => void calls.push('ready'),
      drain: () => void calls.push('drain'),
      close: () => void calls.push('close'),
    });
    const one = site([{ path: '/a', responder }, { path: '/b', responder }, { responder: says('plain') }]);
    await one.ready();
    one.drain();
    await one.close();
    expect(calls).toEqual(['ready', 'drain', 'close']);
    const broken = Object.assign(says('x'), { ready: () => Promise.reject(new Error('does not load')) });
    await expect(site([{ responder: broken }]).ready()).rejects.toThrow('does not load');
  });
});

describe('hasNothing', () => {
  test.each<[ResponseMessage, boolean]>([
    [{ status: 404, fields: [] }, true],
    [{ status: 405, fields: [['allow', 'GET']] }, true],
    [{ status: 403, fields: [] }, false],
    [{ status: 404, fields: [], content: Buffer.alloc(0) }, false],
    [{ status: 404, fields: [], isNothing: false }, false],
    [{ status: 403, fields: [], isNothing: true }, true],
    [{ status: 200, fields: [] }, false],
  ])('of %j is %s', (response, expected) => {
    expect(hasNothing(response)).toBe(expected);
  });
});
