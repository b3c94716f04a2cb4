// Redirect rules, clean URLs and navigations: the parts of a site that look at a request alone.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Field } from '../../src/index.ts';
import { settingsOf } from '../../src/options/settings.ts';
import { cleanForm, isNavigation, ruleRedirect } from '../../src/site/rules.ts';

const root = import.meta.dirname;

interface Rule {
  readonly from: string;
  readonly to: string;
  readonly status?: 301 | 302 | 303 | 307 | 308;
}

function redirected(rules: readonly Rule[], pathInfo: string, query?: string): string | undefined {
  const settings = settingsOf(root, { redirects: rules });
  const response = ruleRedirect({ method: 'GET', pathInfo, query, fields: [] }, settings);
  return response === undefined ? undefined : `${response.status} ${response.fields[0]?.[1]}`;
}

describe('ruleRedirect', () => {
  const rules: readonly Rule[] = [
    { from: '/old', to: '/new' },
    { from: '/blog/*', to: 'https://blog.example/*' },
    { from: '/all/*', to: '/one', status: 302 },
    { from: '/moved', to: '/here?kept=1', status: 308 },
  ];

  test.each([
    ['/old', undefined, '301 /new'],
    ['/old/', undefined, '301 /new'],
    ['//old', undefined, '301 /new'],
    ['/old', 'a=1', '301 /new?a=1'],
    ['/older', undefined, undefined],
    ['/old/more', undefined, undefined],
    ['/blog/', undefined, '301 https://blog.example/'],
    ['/blog', undefined, '301 https://blog.example/'],
    ['/blog/a/b c', 'q', '301 https://blog.example/a/b%20c?q'],
    ['/blogs/a', undefined, undefined],
    ['/all/of/this', undefined, '302 /one'],
    ['/moved', 'a=1', '308 /here?kept=1'],
    ['/', undefined, undefined],
  ])('%s with query %s: %s', (path, query, expected) => {
    expect(redirected(rules, path, query)).toBe(expected);
  });

  test('the first that matches wins', () => {
    expect(
      redirected(
        [
          { from: '/a/*', to: '/first' },
          { from: '/a/b', to: '/second' },
        ],
        '/a/b',
      ),
    ).toBe('301 /first');
  });

  test('no path becomes another host or another field', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ maxLength: 6 }), { maxLength: 4 }),
        fc.string({ maxLength: 10 }),
        (names, query) => {
          const found = redirected([{ from: '/a/*', to: '/b/*' }], `/a/${names.join('/')}`, query);
          if (found === undefined) return;
          const location = found.slice(4);
          expect(location).toMatch(/^[\x21-\x7e]*$/);
          expect(new URL(location, 'http://site.example/a/x').host).toBe('site.example');
          expect(new URL(location, 'http://site.example/a/x').pathname.startsWith('/b')).toBe(true);
        },
      ),
    );
  });
});

describe('cleanForm', () => {
  const settings = settingsOf(root, {
    cleanUrls: 'redirect',
    extensions: ['html', 'htm'],
    index: ['index.html', 'home.htm'],
  });
  const cleaned = (path: string): string | undefined => {
    const form = cleanForm(path, settings);
    return form === undefined ? undefined : `/${form.segments.join('/')}${form.isDirectory ? ' (directory)' : ''}`;
  };

  test.each([
    ['/a.html', '/a'],
    ['/a.htm', '/a'],
    ['/a/b.html', '/a/b'],
    ['/a/index.html', '/a (directory)'],
    ['/index.html', '/ (directory)'],
    ['/home.htm', '/ (directory)'],
    ['/a', undefined],
    ['/a/', undefined],
    ['/', undefined],
    ['/a.html/', undefined],
    ['/.html', undefined],
    ['/a.xhtml', undefined],
    ['/a.html.html', '/a.html'],
  ])('of %s is %s', (path, expected) => {
    expect(cleaned(path)).toBe(expected);
  });
});

describe('isNavigation', () => {
  const navigates = (pathInfo: string, ...fields: readonly Field[]): boolean =>
    isNavigation({ method: 'GET', pathInfo, fields });

  test.each([
    ['/users/john.doe', 'navigate', true],
    ['/app.js', 'navigate', true],
    ['/users', 'cors', false],
    ['/users', 'no-cors', false],
    ['/users', 'same-origin', false],
  ])('%s with Sec-Fetch-Mode %s: %s', (path, mode, expected) => {
    expect(navigates(path, ['sec-fetch-mode', mode], ['accept', 'text/html'])).toBe(expected);
  });

  test.each([
    ['/users', 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', true],
    ['/users', '*/*', true],
    ['/users', undefined, true],
    ['/page.html', '*/*', true],
    ['/page.HTM', '*/*', true],
    ['/users', 'application/json', false],
    ['/users', 'text/html;q=0', false],
    ['/users', 'text/html;q=0.000, */*', false],
    ['/users', 'text/html;q=0.001', true],
    ['/users', '*/*;q=0', false],
    ['/users', 'application/xhtml+xml', true],
    ['/users', 'text/htmlx', false],
    ['/app.js', '*/*', false],
    ['/v1.0', undefined, false],
    ['/a.b/c', undefined, true],
    ['/ends.', undefined, true],
  ])('%s with Accept %s: %s', (path, accept, expected) => {
    expect(navigates(path, ...(accept === undefined ? [] : [['accept', accept] as const]))).toBe(expected);
  });
});
