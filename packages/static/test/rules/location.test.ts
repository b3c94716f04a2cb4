import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeSegment, redirectLocation } from '../../src/site/location.ts';

describe('redirectLocation', () => {
  test.each([
    ['/sub', '/sub', ['sub'], true, 'sub/'],
    ['/a/sub?x=1', '/a/sub', ['a', 'sub'], true, 'sub/?x=1'],
    ['/a/b.html', '/a/b.html', ['a', 'b'], false, 'b'],
    ['/a/index.html?q', '/a/index.html', ['a'], true, './?q'],
    ['/index.html', '/index.html', [], true, './'],
    ['/caf%C3%A9/x%3Ay', '/café/x:y', ['café', 'x:y'], true, 'x%3Ay/'],
    ['/%73ub', '/sub', ['sub'], true, 'sub/'],
    // A client would read these relative to something else than we do.
    ['/a%2Fsub', '/a/sub', ['a', 'sub'], true, '/a/sub/'],
    ['/x/../sub', '/sub', ['sub'], true, '/sub/'],
    ['//sub', '/sub', ['sub'], true, '/sub/'],
    ['http://host/sub', '/sub', ['sub'], true, '/sub/'],
    [undefined, '/sub', ['sub'], true, '/sub/'],
    // Browsers read this as another host.
    ['/%5Chost', '/\\host', ['\\host'], true, undefined],
  ] as const)('of %s at %s', (target, pathInfo, segments, isDirectory, expected) => {
    const mark = target?.indexOf('?') ?? -1;
    const query = mark === -1 ? undefined : target?.slice(mark + 1);
    expect(redirectLocation({ pathInfo, query, target }, segments, isDirectory)).toBe(expected);
  });

  test('is the same path below any prefix that a proxy took off', () => {
    const name = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 5 })
      .filter((text) => !/^\.{1,2}$|[/\\\0\ud800-\udfff]/.test(text));
    fc.assert(
      fc.property(fc.array(name, { minLength: 1, maxLength: 4 }), fc.integer({ min: 0, max: 2 }), (names, mounted) => {
        const scriptName = names
          .slice(0, mounted)
          .map((one) => `/${one}`)
          .join('');
        const below = names.slice(mounted);
        const pathInfo = below.map((one) => `/${one}`).join('');
        const target = `/${names.map(encodeSegment).join('/')}`;
        const location = redirectLocation({ scriptName, pathInfo, query: undefined, target }, below, true) ?? '';
        expect(new URL(location, `http://proxy/prefix${target}`).pathname).toBe(`/prefix${target}/`);
      }),
    );
  });
});
