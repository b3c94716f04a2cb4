import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { backendParams } from '../../src/fastcgi/backend-params.ts';
import { KnownParams } from '../../src/fastcgi/known-params.ts';
import { encodePairs, requestHead } from '../../src/fastcgi/records.ts';
import type { KnownHead } from '../../src/fastcgi/records.ts';
import type { GatewayOptions } from '../../src/fastcgi/options.ts';
import type { CgiRequest, Field } from '../../src/index.ts';
import type { FoundScript } from '../../src/request/find-script.ts';
import { request } from '../mount.ts';
import { recordsIn } from './socket.ts';

/** All of a head with its records. */
function recordsOf(head: string | KnownHead): ReturnType<typeof recordsIn> {
  return recordsIn(typeof head === 'string' ? Buffer.from(head, 'latin1') : head.bytes.subarray(0, head.length));
}

/** Name-value pairs as an application reads them (FastCGI §3.4). */
function read(head: string | KnownHead): Record<string, string> {
  const bytes = Buffer.from(recordsOf(head)[1]?.[1] ?? '', 'latin1');
  const read: Record<string, string> = {};
  let at = 0;
  const length = (): number => {
    const first = bytes.readUInt8(at);
    at += first < 128 ? 1 : 4;
    return first < 128 ? first : bytes.readUInt32BE(at - 4) - 0x80000000;
  };
  while (at < bytes.length) {
    const [name, value] = [length(), length()];
    read[bytes.toString('latin1', at, at + name)] = bytes.toString('latin1', at + name, at + name + value);
    at += name + value;
  }
  return read;
}

const one = <T>(...values: T[]): fc.Arbitrary<T> => fc.constantFrom(...values);
const peer = fc.record({ address: one('127.0.0.1', '::ffff:10.0.0.1', '/run/s'), port: one(0, 80, 4711) });
const lists: readonly (readonly Field[])[] = [
  [],
  [['host', 'a']],
  [
    ['host', 'a'],
    ['authorization', 'Basic eDp5'],
    ['content-type', 'text/plain'],
  ],
];
const frozen = lists.map((list) => Object.freeze(list.map((field) => field)));
const asked = fc.record({
  method: one('GET', 'HEAD'),
  target: one('/a', '/b?c'),
  version: one('1.0' as const, '1.1' as const),
  scheme: one('http' as const, 'https' as const),
  authority: one(undefined, 'a', 'b:81'),
  scriptName: one('', '/app'),
  pathInfo: one('/x', '/y.php'),
  query: one(undefined, 'c'),
  contentLength: one<number | undefined>(0, 3, undefined),
  remote: peer,
  local: peer,
  user: one(undefined, 'ü'),
  authType: one(undefined, 'Basic'),
  id: fc.option(fc.string({ maxLength: 4 }), { nil: undefined }),
  fields: one(...frozen, [['host', 'open']] as const),
});
const found = fc.record({
  kind: fc.constant('script' as const),
  file: one('', '/srv/a.php', '/srv/b.php'),
  root: fc.constant('/srv'),
  interpreter: fc.constant(undefined),
  scriptName: one('', '/a.php'),
  pathInfo: one('', '/more', '/é'),
});

describe('KnownParams', () => {
  test.each<Partial<GatewayOptions>>([{}, { params: { UNIQUE_ID: 'mine', A: 'b' } }, { passAuthorization: false }])(
    'come to the same as those that are made anew, whatever was asked before (%j)',
    (given) => {
      const options = { address: '9000', ...given };
      const known = new KnownParams();
      fc.assert(
        fc.property(asked, found, one(0, 3), (changes, script: FoundScript, contentLength) => {
          const message: CgiRequest = { ...request('/x'), ...changes };
          const settings = { options, contentLength };
          expect(read(known.head(message, script, settings, true))).toEqual(backendParams(message, script, settings));
          expect(read(known.head(message, script, settings, true))).toEqual(backendParams(message, script, settings));
        }),
        { numRuns: 300 },
      );
    },
  );

  test.each([0, 100, 65_400, 65_535, 70_000, 140_000])(
    'stand in the same records with %i bytes of their own',
    (size) => {
      const fields = Object.freeze<Field[]>([['x-long', 'x'.repeat(size)]]);
      const known = new KnownParams();
      const script = { kind: 'script', file: '', scriptName: '', pathInfo: '' } as FoundScript;
      const settings = { options: { address: '9000' }, contentLength: 0 };
      for (const [id, isWhole] of [
        ['first', true],
        ['second', true],
        ['3', false],
        ['x'.repeat(300), true],
        ['last', true],
      ] as const) {
        const message = { ...request('/x'), fields, id };
        const head = known.head(message, script, settings, isWhole);
        const { UNIQUE_ID, REMOTE_PORT, ...shared } = backendParams(message, script, settings);
        const own = encodePairs({ UNIQUE_ID: UNIQUE_ID ?? '', ...(REMOTE_PORT !== undefined && { REMOTE_PORT }) });
        const text = requestHead(encodePairs(shared) + own, true, isWhole);
        expect(recordsOf(head)).toEqual(recordsOf(text));
        expect(typeof head === 'string').toBe(id === 'first' || id.length === 300 || size > 65_300);
      }
    },
  );

  test('are made anew for fields that may have changed', () => {
    const fields: Field[] = [['x-a', '1']];
    const known = new KnownParams();
    const message = { ...request('/x'), fields };
    const script = { kind: 'script', file: '', scriptName: '', pathInfo: '' } as FoundScript;
    const settings = { options: { address: '9000' }, contentLength: 0 };
    known.head(message, script, settings, true);
    fields[0] = ['x-a', '2'];
    expect(read(known.head(message, script, settings, true))).toMatchObject({ HTTP_X_A: '2' });
  });
});
