// What the head of a request decides, and what refusals look like.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CgiError } from '../../src/cgi-error.ts';
import type { CgiRequest, Field } from '../../src/index.ts';
import { allowedMethods, checkHead, refusal, slashRedirect } from '../../src/request/refuse.ts';

const request = (more: Partial<CgiRequest> = {}): CgiRequest =>
  ({ method: 'GET', scriptName: '', pathInfo: '/', fields: [], contentLength: 0, ...more }) as CgiRequest;

function codeOf(one: CgiRequest, methods?: readonly string[], maxContentBytes = 100): string {
  try {
    checkHead(one, allowedMethods(methods), maxContentBytes);
    return 'passed';
  } catch (error) {
    return (error as CgiError).code;
  }
}

describe('checkHead', () => {
  test('lets HEAD through where GET is', () => {
    expect(codeOf(request({ method: 'HEAD' }), ['GET'])).toBe('passed');
    expect(codeOf(request({ method: 'HEAD' }), ['POST'])).toBe('method-not-allowed');
    expect(codeOf(request({ method: 'PROPFIND' }))).toBe('passed');
  });

  test('refuses content that is longer than is taken, by its announcement', () => {
    expect(codeOf(request({ contentLength: 100 }))).toBe('passed');
    expect(codeOf(request({ contentLength: 101 }))).toBe('content-too-large');
    expect(codeOf(request({ contentLength: undefined }))).toBe('passed');
  });

  test('refuses two types of which another reader may take the other', () => {
    const types = (...values: readonly string[]): readonly Field[] => values.map((value) => ['content-type', value]);
    expect(codeOf(request({ fields: types('a/b') }))).toBe('passed');
    expect(codeOf(request({ fields: types('a/b', 'a/b') }))).toBe('passed');
    expect(codeOf(request({ fields: types('a/b', 'c/d') }))).toBe('type-repeated');
    expect(codeOf(request({ fields: [...types('a/b'), ['x', 'c/d']] }))).toBe('passed');
  });
});

describe('refusal', () => {
  test('says when to come again, and which methods there are', () => {
    const parts = { methods: allowedMethods(['GET', 'POST']), sharesRoot: false };
    expect(refusal(new CgiError('busy', 'x'), parts)).toMatchObject({ status: 503, fields: [['retry-after', '1']] });
    expect(refusal(new CgiError('method-not-allowed', 'x'), parts)).toMatchObject({
      status: 405,
      fields: [['allow', 'GET, HEAD, POST']],
    });
  });

  test('lets others look only where nothing is, and nobody where a script is', () => {
    const isNothing = (code: CgiError['code'], sharesRoot: boolean): boolean | undefined =>
      refusal(new CgiError(code, 'x'), { methods: undefined, sharesRoot }).isNothing;
    expect(isNothing('script-not-found', true)).toBe(true);
    expect(isNothing('script-not-found', false)).toBe(false);
    for (const code of ['script-forbidden', 'start-failed', 'method-not-allowed', 'busy'] as const) {
      expect(isNothing(code, true)).toBe(false);
    }
  });
});

test('a redirect to the slash leads there from anywhere, whatever the name', () => {
  const names = fc.array(
    fc.string({ minLength: 1, maxLength: 8 }).filter((name) => !/^\.{1,2}$|[/\0]/.test(name)),
    {
      minLength: 1,
      maxLength: 3,
    },
  );
  fc.assert(
    fc.property(names, (all) => {
      fc.pre(all.every((name) => !/\p{Surrogate}/u.test(name)));
      const { fields } = slashRedirect(request({ scriptName: '/cgi', pathInfo: `/${all.join('/')}` }));
      const [, location = ''] = fields[0] ?? [];
      expect(location).toMatch(/^[\x21-\x7e]+$/);
      const target = `/cgi/${all.map(encodeURIComponent).join('/')}`;
      const reached = new URL(location, `http://site.example${target}`);
      expect(reached.host).toBe('site.example');
      expect(reached.pathname.split('/').map(decodeURIComponent)).toEqual(['', 'cgi', ...all, '']);
    }),
  );
  const kept = slashRedirect(request({ pathInfo: '/a', query: 'b=c' }));
  expect(kept.fields).toEqual([['location', 'a/?b=c']]);
});
