// Origins as browsers write them.

import { describe, expect, test } from 'vitest';
import { refuseOrigin } from '../../src/options/parts.ts';

describe('an origin', () => {
  test.each([
    'https://example.org',
    'http://localhost:8080',
    'http://[::1]:3000',
    'null',
    '*',
    'https://xn--bcher-kva.example',
    'moz-extension://1234',
    'chrome-extension://abcdef',
  ])('%s is one', (origin) => {
    expect(refuseOrigin(origin)).toBeUndefined();
  });

  test.each([
    ['https://example.org/', 'https://example.org'],
    ['https://example.org/path?x#y', 'https://example.org'],
    ['HTTPS://Example.ORG', 'https://example.org'],
    ['https://example.org:443', 'https://example.org'],
    ['http://example.org:80', 'http://example.org'],
    ['https://user:pass@example.org', 'https://example.org'],
    ['https://bücher.example', 'https://xn--bcher-kva.example'],
    ['example.org', 'https://example.org'],
    ['', 'https://example.org'],
    ['mailto:a@b.example', 'https://example.org'],
    ['file:///a', 'https://example.org'],
  ])('%s is not, but %s', (given, meant) => {
    expect(refuseOrigin(given)).toBe(`an origin such as ${meant}`);
  });
});
