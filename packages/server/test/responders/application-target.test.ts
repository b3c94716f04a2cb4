// The target that an application sees, against the path that guards have seen.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalPath } from '../../src/message/canonical-path.ts';
import { applicationTarget, encodePath } from '../../src/responders/application-target.ts';

describe('applicationTarget', () => {
  test.each([
    ['', undefined, '/'],
    ['', 'a', '/?a'],
    ['/', '', '/?'],
    ['/a b', 'c=d e', '/a%20b?c=d e'],
    ['/a?b#c', undefined, '/a%3Fb%23c'],
    ['/[x]', undefined, '/%5Bx%5D'],
    ['/100%', undefined, '/100%25'],
    ['/%2F', undefined, '/%252F'],
    ['/a\\b"<>^`{|}', undefined, '/a%5Cb%22%3C%3E%5E%60%7B%7C%7D'],
    ["/-._~!$&'()*+,;=:@", undefined, "/-._~!$&'()*+,;=:@"],
    ['/密🔑', undefined, '/%E5%AF%86%F0%9F%94%91'],
    ['//a//', undefined, '//a//'],
  ])('of %j with the query %j is %s', (pathInfo, query, target) => {
    expect(applicationTarget({ pathInfo, query })).toBe(target);
  });

  test('is read as the same path by us, by URL and by decodeURIComponent', () => {
    const segment = fc
      .string({ unit: 'binary', maxLength: 6 })
      .filter((text) => !/[/\0]/.test(text) && !/^\.\.?$/.test(text) && !/\p{Surrogate}/u.test(text));
    fc.assert(
      fc.property(fc.array(segment, { minLength: 1, maxLength: 4 }), (segments) => {
        const path = `/${segments.join('/')}`;
        const encoded = encodePath(path);
        expect(encoded).toMatch(/^[\x21-\x7e]+$/);
        expect(decodeURIComponent(encoded)).toBe(path);
        expect(canonicalPath(encoded)).toBe(path);
        expect(decodeURIComponent(new URL(`http://a${encoded}`).pathname)).toBe(path);
      }),
      { numRuns: 300 },
    );
  });
});
