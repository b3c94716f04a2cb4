import type { SecureContext } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { contextFor, contextsByName, type MadeOf } from '../../src/transport/server-names.ts';

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

test('what was made of a certificate is kept until that, or its key, changes', () => {
  const made: string[] = [];
  const contextOf = ({ cert, key }: { cert: string; key: string }): SecureContext => {
    made.push(`${cert}${key}`);
    return `${cert}${key}` as unknown as SecureContext;
  };
  const [one, two] = [certificate('one', 'one.example'), certificate('two', 'two.example')];
  const first: MadeOf = new Map();
  contextsByName([one, two, { ...one, hosts: ['*.one.example'] }], contextOf, first);
  expect(made.splice(0)).toEqual(['one', 'two']);
  const second: MadeOf = new Map();
  const byName = contextsByName([{ ...one, key: '2' }, two], contextOf, second, first);
  expect([made.splice(0), contextFor(byName, 'one.example')]).toEqual([['one2'], 'one2']);
  contextsByName([two], contextOf, new Map(), second);
  expect(made).toEqual([]);
});
