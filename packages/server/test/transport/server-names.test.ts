import type { SecureContext } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { contextFor, contextsByName } from '../../src/transport/server-names.ts';

const certificate = (name: string, ...hosts: readonly string[]) => ({ cert: name, key: '', hosts });
const byName = contextsByName(
  [
    certificate('one', 'one.example', 'Both.Example.'),
    certificate('two', '*.example', 'both.example'),
    certificate('deep', '*.deep.example'),
  ],
  ({ cert }) => cert as unknown as SecureContext,
);

describe('the certificate of a host', () => {
  test.each([
    ['one.example', 'one'],
    ['ONE.example', 'one'],
    ['one.example.', 'one'],
    ['both.example', 'one'],
    ['other.example', 'two'],
    ['a.other.example', 'two'],
    ['deep.example', 'two'],
    ['a.deep.example', 'deep'],
    ['a.b.deep.example', 'deep'],
    ['example', undefined],
    ['one.example.org', undefined],
    ['.', undefined],
    ['', undefined],
    ['*', undefined],
    ['127.0.0.1', undefined],
    ['__proto__', undefined],
  ])('%s: %s', (host, expected) => {
    expect(contextFor(byName, host)).toBe(expected);
  });
});
