// Which writes are refused whoever asks for them: those of pages of other sites, and those of what is run or secret.

import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StaticOptions } from '@onezero/static';
import { afterAll, describe, expect, test } from 'vitest';
import type { Field } from '../../src/message/message.ts';
import { guardWrites } from '../../src/routing/guard-writes.ts';
import { request } from '../request.ts';

const root = mkdtempSync(join(tmpdir(), 'onezero-guard-'));
mkdirSync(join(root, 'sub'));
mkdirSync(join(root, 'scripts'));
writeFileSync(join(root, 'users'), 'ada:x');
symlinkSync(join(root, 'users'), join(root, 'alias'));
symlinkSync(join(root, 'scripts'), join(root, 'also'));
afterAll(() => rmSync(root, { recursive: true }));

/** The status of a guarded responder that answers 204 to everything that reaches it. */
async function status(
  { method, pathInfo = '/a.txt', fields = [] }: { method: string; pathInfo?: string; fields?: readonly Field[] },
  files: StaticOptions = {},
  authority = 'example.org:8080',
): Promise<number> {
  const guarded = guardWrites(() => ({ status: 204, fields: [] }), root, files);
  return (await guarded(request({ method, pathInfo, fields, authority }))).status;
}

const site = (value: string): Field => ['sec-fetch-site', value];
const origin = (value: string): Field => ['origin', value];

describe('a page of another site', () => {
  test.each([
    ['no browser', [], true],
    ['a page of ours', [site('same-origin'), origin('http://example.org:8080')], true],
    ['the address bar', [site('none')], true],
    ['another site', [site('cross-site'), origin('https://evil.org')], false],
    ['another site without an origin', [site('cross-site')], false],
    ['a sibling', [site('same-site'), origin('http://www.example.org:8080')], false],
    ['what pretends to be ours', [site('cross-site'), origin('http://example.org:8080')], false],
    ['an unknown relation', [site('curious')], false],
    ['an old browser, from here', [origin('http://example.org:8080')], true],
    ['an old browser, from here behind TLS', [origin('https://example.org:8080')], true],
    ['an old browser, in capitals', [origin('HTTP://EXAMPLE.ORG:8080')], true],
    ['an old browser, from elsewhere', [origin('http://evil.org')], false],
    ['an old browser, from another port', [origin('http://example.org')], false],
    ['an old browser, from a longer name', [origin('http://example.org:8080.evil.org')], false],
    ['an opaque origin', [origin('null')], false],
    ['an empty origin', [origin('')], false],
    ['what is no origin', [origin('example.org:8080')], false],
  ] as const)('as %s with %j may write: %s', async (_, fields, isAllowed) => {
    for (const method of ['PUT', 'DELETE', 'POST', 'PATCH', 'MKCOL', 'PROPPATCH', 'MOVE']) {
      expect(await status({ method, fields }), method).toBe(isAllowed ? 204 : 403);
    }
    // What changes nothing is never refused.
    for (const method of ['GET', 'HEAD', 'OPTIONS']) expect(await status({ method, fields }), method).toBe(204);
  });

  test.each([
    [true, 'https://evil.org', true],
    [false, 'https://evil.org', false],
    [{ origins: '*' }, 'https://evil.org', true],
    [{}, 'https://evil.org', true],
    [{ origins: ['https://good.org'] }, 'https://good.org', true],
    [{ origins: ['https://good.org'] }, 'https://evil.org', false],
    [{ origins: ['https://good.org'] }, 'https://good.org.evil.org', false],
    [{ origins: [] }, 'https://good.org', false],
  ] as const)('with cors %j and the origin %s may write: %s', async (cors, from, isAllowed) => {
    const fields = [site('cross-site'), origin(from)];
    expect(await status({ method: 'PUT', fields }, { cors })).toBe(isAllowed ? 204 : 403);
    // Without an origin nothing can be allowed by it.
    expect(await status({ method: 'PUT', fields: [site('cross-site')] }, { cors })).toBe(403);
  });

  test('is compared with the host that was asked for, which may be missing', async () => {
    const fields = [origin('http://example.org')];
    expect(await status({ method: 'PUT', fields }, {}, 'EXAMPLE.org')).toBe(204);
    const guarded = guardWrites(() => ({ status: 204 }), root, {});
    expect((await guarded(request({ method: 'PUT', fields, authority: undefined }))).status).toBe(403);
  });
});

describe('a secret', () => {
  const files: StaticOptions = {
    deny: [join(root, 'users'), join(root, 'scripts')],
    isSource: (path) => path.endsWith('.py'),
  };

  test.each([
    ['/a.txt', 204],
    ['/sub/a.txt', 204],
    ['/none/a.txt', 204],
    ['/users', 403],
    ['//users', 403],
    ['/users/', 403],
    ['/sub/../users', 403],
    ['/alias', 403],
    ['/users2', 204],
    ['/scripts', 403],
    ['/scripts/new.sh', 403],
    ['/also/new.sh', 403],
    ['/also', 403],
    ['/scripts2/new.sh', 204],
    ['/app.py', 403],
    ['/sub/new.py', 403],
    ['/app.py.txt', 204],
  ])('PUT %s is %d', async (pathInfo, expected) => {
    expect(await status({ method: 'PUT', pathInfo }, files)).toBe(expected);
    expect(await status({ method: 'DELETE', pathInfo }, files)).toBe(expected);
    expect(await status({ method: 'GET', pathInfo }, files)).toBe(204);
  });

  test('is told by why, not by the answer', async () => {
    const guarded = guardWrites(() => ({ status: 204 }), root, files);
    const answer = await guarded(request({ method: 'PUT', pathInfo: '/users' }));
    expect(answer).toMatchObject({ status: 403, fields: [] });
    expect(answer.content).toBeUndefined();
    expect(answer.cause).toMatchObject({ message: 'PUT /users would change a program or secret' });
  });
});

test('the members of the responder stay', () => {
  const close = async (): Promise<void> => {};
  const drain = (): void => {};
  const responder = Object.assign(() => ({ status: 204 }), { close, drain });
  const guarded = guardWrites(responder, root, {});
  expect([guarded.close, guarded.drain]).toEqual([close, drain]);
});
