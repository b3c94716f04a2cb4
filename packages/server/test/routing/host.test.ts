// Hosts of requests, and the patterns of options.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { anyHost, hostMatches, HostMap, hostOf, hostPattern } from '../../src/routing/host.ts';

describe('hostOf', () => {
  test.each([
    ['example.org', 'example.org'],
    ['EXAMPLE.org:8080', 'example.org'],
    ['example.org.', 'example.org'],
    ['example.org.:80', 'example.org'],
    ['127.0.0.1:80', '127.0.0.1'],
    ['[::1]', '::1'],
    ['[FE80::1]:8080', 'fe80::1'],
    ['localhost:', 'localhost'],
    ['', ''],
  ])('of %s is %s', (authority, host) => {
    expect(hostOf(authority)).toBe(host);
  });

  test('is the same with any case, port and trailing dot', () => {
    const labels = fc.array(fc.stringMatching(/^[a-z0-9](?:[a-z0-9-]{0,8}[a-z0-9])?$/), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(labels, fc.nat(65_535), fc.boolean(), fc.boolean(), (names, port, isUpper, hasDot) => {
        const host = names.join('.');
        const written = `${isUpper ? host.toUpperCase() : host}${hasDot ? '.' : ''}:${port}`;
        expect(hostOf(written)).toBe(host);
        expect(hostMatches(hostPattern('host', host), hostOf(written))).toBe(true);
        expect(hostMatches(hostPattern('host', `*.${host}`), hostOf(`sub.${written}`))).toBe(true);
        expect(hostMatches(hostPattern('host', `*.${host}`), hostOf(written))).toBe(false);
        expect(hostMatches(hostPattern('host', `*.${host}`), hostOf(`sub${written}`))).toBe(false);
      }),
    );
  });
});

describe('hostPattern', () => {
  test.each([
    'http://a.org',
    'a.org:80',
    'a.org/x',
    'a b',
    '*',
    '*.',
    '*.*.org',
    'a*.org',
    '',
    'a,b',
    '[::1',
    'user@a.org',
    'a?b',
  ])('refuses %j, which no host can be', (text) => {
    expect(() => hostPattern('hosts', text)).toThrow(/^hosts: ".*" is not a host/);
  });

  test('takes addresses with brackets and without', () => {
    expect(hostPattern('hosts', '[::1]')).toBe('::1');
    expect(hostPattern('hosts', 'FE80::1')).toBe('fe80::1');
    expect(hostPattern('hosts', '10.0.0.1')).toBe('10.0.0.1');
  });
});

test('a name longer than any host can have belongs to no pattern, so that nobody looks through its ten thousand parts', () => {
  const isOurs = anyHost(['*.example.org']);
  expect(isOurs(`${'a.'.repeat(120)}example.org`)).toBe(true);
  expect(isOurs(`${'a.'.repeat(15_000)}example.org`)).toBe(false);
});

describe('many patterns', () => {
  const host = fc
    .array(fc.constantFrom('a', 'b', 'org', ''), { minLength: 1, maxLength: 4 })
    .map((names) => names.join('.'));
  const pattern = fc.tuple(fc.constantFrom('', '*.'), host).map(([before, name]) => before + name);

  test('take what any of them takes', () => {
    fc.assert(
      fc.property(fc.array(pattern, { maxLength: 6 }), host, (patterns, asked) => {
        const expected = patterns.filter((one) => hostMatches(one, asked));
        expect(anyHost(patterns)(asked)).toBe(expected.length > 0);
        const found = new HostMap(patterns.map((one) => [one, one])).find(asked);
        expect(new Set(found)).toEqual(new Set(expected));
      }),
    );
  });
});
