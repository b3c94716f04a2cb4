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
    ['//a///b/', '//a///b/'],
    ['/./a', '/a'],
    ['/a/.', '/a/'],
    ['/a/..', '/'],
    ['/a/b/../c', '/a/c'],
    ['/a/%2e%2e/b', '/b'],
    ['/a/..%2fb', '/b'],
    ['/a//../b', '/a/b'],
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
    '/a/../../b',
    '/%2e%2e',
    '/..%2f',
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
