import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { canonicalPath } from '../../src/message/canonical-path.ts';

describe('canonicalPath', () => {
  test.each([
    ['/', '/'],
    ['/a.txt', '/a.txt'],
    ['/a%2etxt', '/a.txt'],
    ['/with%20space', '/with space'],
    ['/caf%C3%A9', '/café'],
    ['/50%25', '/50%'],
    ['/%252e%252e/x', '/%2e%2e/x'],
    ['/a%2Fb', '/a/b'],
    ['/a%2F/../b', '/b'],
    ['/a%2Fb/c/../d', '/a/b/d'],
    ['/.well-known%2Fx', '/.well-known/x'],
    ['//a///b/', '//a///b/'],
    ['/./a', '/a'],
    ['/a/.', '/a/'],
    ['/a/..', '/'],
    ['/a/b/../c', '/a/c'],
    ['/a/%2e%2e/b', '/b'],
    ['/a//../b', '/b'],
    ['/admin//../secret', '/secret'],
    ['/admin/x/..//../secret', '/secret'],
    ['/admin//%2e%2e/secret', '/secret'],
    ['/a//.', '/a//'],
    ['/a/..//', '//'],
    ['/caf\u00c3\u00a9', '/café'],
    ['/.well-known/x', '/.well-known/x'],
    ['/..a/b..', '/..a/b..'],
    ['/a\\..\\b', '/a\\..\\b'],
  ])('%s is %s', (path, canonical) => {
    expect(canonicalPath(path)).toBe(canonical);
  });

  test.each([
    '',
    'a',
    '*',
    '/..',
    '/../a',
    '//..',
    '///../a',
    '/caf\u00e9',
    '/\u0101',
    '/a/../../b',
    '/%2e%2e',
    '/..%2f',
    // A guard in front that resolves dot segments first would see another path.
    '/a/..%2fb',
    '/admin%2Fx/../secret',
    '/admin%2F..\\/../secret',
    '/admin%2fx/%2e%2e/secret',
    '/a%2F./b',
    '/a%00',
    '/%',
    '/%zz',
    '/%ff',
    '/%c0%ae',
    '/%ed%a0%80',
  ])('%s has no reading', (path) => {
    expect(canonicalPath(path)).toBeUndefined();
  });
});

test('all packages have the same reading, word for word', () => {
  const texts = ['server/src/message', 'static/src', 'cgi-process/src/request'].map((folder) =>
    readFileSync(new URL(`../../../${folder}/canonical-path.ts`, import.meta.url), 'utf8'),
  );
  expect(new Set(texts).size).toBe(1);
});
