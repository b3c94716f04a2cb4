// The names of send, serve-static and sirv, in terms of ours.

import { describe, expect, test } from 'vitest';
import { fromFamiliarNames, type NodeStaticOptions } from '../../src/options/node-options.ts';

const MS_PER_DAY = 86_400_000;

describe('maxAge', () => {
  // What the package ms, which send uses, makes of each, in milliseconds.
  test.each<readonly [number | string, number]>([
    [0, 0],
    [999, 999],
    [60_000, 60_000],
    ['0', 0],
    ['1000', 1000],
    ['1s', 1000],
    ['1.5s', 1500],
    ['.5h', 1_800_000],
    ['2 m', 120_000],
    ['1 sec', 1000],
    ['2 secs', 2000],
    ['1 second', 1000],
    ['3 seconds', 3000],
    ['1 min', 60_000],
    ['2 mins', 120_000],
    ['1 minute', 60_000],
    ['2 minutes', 120_000],
    ['1 hr', 3_600_000],
    ['2 hrs', 7_200_000],
    ['1 hour', 3_600_000],
    ['2 hours', 7_200_000],
    ['1d', MS_PER_DAY],
    ['1 day', MS_PER_DAY],
    ['2 days', 2 * MS_PER_DAY],
    ['1w', 7 * MS_PER_DAY],
    ['2 weeks', 14 * MS_PER_DAY],
    ['5000ms', 5000],
    ['5000 msecs', 5000],
    ['5000 milliseconds', 5000],
    ['1D', MS_PER_DAY],
    // A year at most, as in send.
    ['1y', 31_536_000_000],
    ['2 years', 31_536_000_000],
    ['1 yr', 31_536_000_000],
    [Number.POSITIVE_INFINITY, 31_536_000_000],
    [1e15, 31_536_000_000],
  ])('%s is whole seconds of %i ms', (maxAge, milliseconds) => {
    expect(fromFamiliarNames({ maxAge }).maxAgeSeconds).toBe(Math.floor(milliseconds / 1000));
  });

  test.each(['', 'soon', '1 fortnight', '-1d', '1d2h', '1,5s', -1, Number.NaN])('%s is none', (maxAge) => {
    expect(() => fromFamiliarNames({ maxAge })).toThrow(/^maxAge: expected milliseconds or a time such as "1d"/);
  });

  test('gives way to ours, and is not there where it is not given', () => {
    expect(fromFamiliarNames({ maxAge: '1d', maxAgeSeconds: 5 }).maxAgeSeconds).toBe(5);
    expect(fromFamiliarNames({}).maxAgeSeconds).toBeUndefined();
  });
});

describe('one name', () => {
  test.each<readonly [NodeStaticOptions, object]>([
    [{ dotfiles: 'ignore' }, { dotfiles: 'deny' }],
    [{ dotfiles: 'deny' }, { dotfiles: 'deny' }],
    [{ dotfiles: 'allow' }, { dotfiles: 'allow' }],
    [{ dotfiles: true }, { dotfiles: 'allow' }],
    [{ dotfiles: false }, { dotfiles: 'deny' }],
    [{ dotfiles: ['.x'] }, { dotfiles: ['.x'] }],
    [{ etag: true }, { etag: 'strong' }],
    [{ etag: false }, { etag: false }],
    [{ etag: 'weak' }, { etag: 'weak' }],
    [{ index: 'home.html' }, { index: ['home.html'] }],
    [{ index: ['a', 'b'] }, { index: ['a', 'b'] }],
    [{ index: false }, { index: false }],
    [{ extensions: 'html' }, { extensions: ['html'], cleanUrls: 'lookup' }],
    [{ extensions: ['html', 'htm'] }, { extensions: ['html', 'htm'], cleanUrls: 'lookup' }],
    [{ extensions: false }, { extensions: undefined, cleanUrls: undefined }],
    [
      { extensions: ['html'], cleanUrls: 'off' },
      { extensions: ['html'], cleanUrls: 'off' },
    ],
    [{ redirect: false }, { directoryRedirect: false }],
    [{ redirect: false, directoryRedirect: true }, { directoryRedirect: true }],
    [{ acceptRanges: false }, { ranges: false }],
    [{ acceptRanges: false, ranges: true }, { ranges: true }],
    [{ single: true }, { fallback: '/index.html' }],
    [{ single: 'app.html' }, { fallback: '/app.html' }],
    [{ single: '//app.html' }, { fallback: '/app.html' }],
    [{ single: false }, { fallback: undefined }],
    [{ single: true, fallback: '/x.html' }, { fallback: '/x.html' }],
    [{ gzip: true }, { precompressed: true }],
    [{ brotli: true }, { precompressed: true }],
    [{ gzip: false, brotli: true }, { precompressed: true }],
    [{ gzip: false, brotli: false }, { precompressed: false }],
    [{ gzip: false }, { precompressed: false }],
    [{ gzip: true, precompressed: false }, { precompressed: false }],
  ])('%j becomes %j', (options, ours) => {
    expect(fromFamiliarNames(options)).toMatchObject(ours);
  });

  test('leaves nothing that serveStatic does not know', () => {
    const options = fromFamiliarNames({
      fallthrough: false,
      onError: () => {},
      setHeaders: () => {},
      redirect: true,
      maxAge: 1,
      acceptRanges: true,
      single: false,
      gzip: true,
      brotli: true,
    });
    for (const name of [
      'fallthrough',
      'onError',
      'setHeaders',
      'redirect',
      'maxAge',
      'acceptRanges',
      'single',
      'gzip',
    ]) {
      expect(options).not.toHaveProperty(name);
    }
  });
});

describe('cacheControl and immutable', () => {
  test('false sends none', () => {
    expect(fromFamiliarNames({ cacheControl: false }).cacheControl).toEqual([{ glob: '**', value: '' }]);
    expect(fromFamiliarNames({ cacheControl: true }).cacheControl).toEqual([]);
  });

  test('beside maxAge everything is immutable, after rules of its own', () => {
    const rules = [{ glob: '*.html', value: 'no-cache' }];
    const everything = { glob: '**', value: 'public, max-age=60, immutable' };
    expect(fromFamiliarNames({ immutable: true, maxAge: '1m' }).cacheControl).toEqual([everything]);
    expect(fromFamiliarNames({ immutable: true, maxAge: '1m', cacheControl: rules }).cacheControl).toEqual([
      ...rules,
      everything,
    ]);
    expect(fromFamiliarNames({ immutable: true }).cacheControl).toEqual([]);
    expect(fromFamiliarNames({ immutable: true, maxAge: 0 }).cacheControl).toEqual([]);
    expect(fromFamiliarNames({ immutable: ['*.js'], maxAge: '1m' }).cacheControl).toEqual([]);
  });
});

test.each<readonly [object, string]>([
  [{ maxage: '1d' }, 'maxage: is not an option; did you mean maxAge?'],
  [{ fallThrough: true }, 'fallThrough: is not an option; did you mean fallthrough?'],
  [{ dotfiles: 'hide' }, 'dotfiles: expected'],
  [{ gzip: 1 }, 'gzip: expected true or false'],
  [{ setHeaders: {} }, 'setHeaders: expected a function (response, path, stats)'],
  [{ maxAge: {} }, 'maxAge: expected milliseconds or a time such as "1d"'],
])('%o is refused', (options, message) => {
  expect(() => fromFamiliarNames(options as NodeStaticOptions)).toThrow(message);
});
