// Requests that nobody's client sends: each gets a clear answer, and leaves the folder as it was.

import { rmSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { webdav } from '../src/index.ts';
import { asking, lockInfo, makeFolder, Served, setting } from './served.ts';

type Headers = Readonly<Record<string, string>>;

let served: Served;
let before: readonly string[];
let numbered = 0;

beforeAll(async () => {
  const files = { 'a.txt': 'a', 'd/x.txt': 'x', 'd/sub/y.txt': 'y', '.secret/k.txt': 'k', 'locked/l.txt': 'l' };
  served = await Served.start(files, { quotaBytes: 1_000_000, files: { hide: ['*.hidden'] } });
  await served.ask('LOCK', '/locked/l.txt', {}, lockInfo());
  before = served.paths();
});
afterAll(() => served.close());

const bomb = '<!DOCTYPE l [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>';
const outside = '<!DOCTYPE l [<!ENTITY b SYSTEM "file:///etc/passwd">]>';
const many = (count: number): string =>
  Array.from({ length: count }, (_, index) => `<t:p${index}>v</t:p${index}>`).join('');
const short = '<u:p/>'.repeat(500).replaceAll(/p/g, () => `p${numbered++}`);
const inLongNamespace = (text: string, length: number): string =>
  text.replace('xmlns:D=', `xmlns:u="${'u'.repeat(length)}" xmlns:D=`);
const to = (destination: string, headers: Headers = {}): Headers => ({ destination, ...headers });

test.each<[string, string, string, Headers, string | undefined, number]>([
  // XML
  ['entities that grow', 'PROPFIND', '/a.txt', { depth: '0' }, bomb + asking('<t:x>&b;</t:x>'), 400],
  ['an entity from outside', 'PROPFIND', '/a.txt', { depth: '0' }, outside + asking('<t:x>&b;</t:x>'), 400],
  ['ten thousand levels', 'PROPFIND', '/a.txt', {}, asking('<t:a>'.repeat(10_000) + '</t:a>'.repeat(10_000)), 400],
  ['twenty thousand elements', 'PROPFIND', '/a.txt', {}, asking('<t:a/>'.repeat(20_000)), 400],
  ['a property of a megabyte', 'PROPPATCH', '/a.txt', {}, setting(`<t:p>${'v'.repeat(1_000_000)}</t:p>`), 507],
  ['more properties than there may be', 'PROPPATCH', '/a.txt', {}, setting(many(1_001)), 400],
  ['a prefix that is not declared', 'PROPPATCH', '/a.txt', {}, setting('<q:x/>'), 400],
  ['a prefix for no namespace', 'PROPPATCH', '/a.txt', {}, setting('<q:x xmlns:q=""/>'), 400],
  ['bytes that are no UTF-8', 'PROPPATCH', '/a.txt', {}, '\u{d800}'.repeat(2), 400],
  ['a long namespace for many names', 'PROPFIND', '/a.txt', {}, inLongNamespace(asking(short), 500_000), 400],
  ['a long namespace for all members', 'PROPFIND', '/', { depth: '1' }, inLongNamespace(asking(short), 1_000), 400],
  ['a long namespace for many values', 'PROPPATCH', '/a.txt', {}, inLongNamespace(setting(short), 500_000), 400],
  ['an owner of a megabyte', 'LOCK', '/a.txt', {}, lockInfo('exclusive', 'o'.repeat(1_000_000)), 413],
  ['an owner that grows', 'LOCK', '/a.txt', {}, inLongNamespace(lockInfo('shared', short), 1_000), 413],
  // Trees
  ['a folder into itself', 'COPY', '/d', to('/d/sub/d'), undefined, 403],
  ['a folder onto itself', 'COPY', '/d', to('/d/'), undefined, 403],
  ['a folder below itself', 'MOVE', '/d', to('/d/sub/d'), undefined, 403],
  ['a file onto the folder it is in', 'MOVE', '/d/x.txt', to('/d'), undefined, 403],
  ['the root', 'MOVE', '/', to('/z'), undefined, 403],
  ['the root into what is in it', 'COPY', '/', to('/d/z'), undefined, 403],
  ['the root, away', 'DELETE', '/', {}, undefined, 403],
  ['a folder with a locked member', 'MOVE', '/locked', to('/z'), undefined, 207],
  ['a folder with a locked member, away', 'DELETE', '/locked', {}, undefined, 207],
  ['onto a folder with a locked member', 'COPY', '/d', to('/locked'), undefined, 423],
  // Destination
  ['another host', 'COPY', '/a.txt', to('http://other.example/b'), undefined, 502],
  ['another scheme', 'COPY', '/a.txt', to('ftp://127.0.0.1/b'), undefined, 502],
  ['none', 'COPY', '/a.txt', {}, undefined, 400],
  ['a relative one', 'COPY', '/a.txt', to('b'), undefined, 400],
  ['a fragment', 'COPY', '/a.txt', to('/b#c'), undefined, 400],
  ['above the root', 'COPY', '/a.txt', to('/../b'), undefined, 400],
  ['above the root, encoded', 'COPY', '/a.txt', to('/d/%2e%2e/%2e%2e/b'), undefined, 400],
  ['with a NUL', 'COPY', '/a.txt', to('/b%00'), undefined, 400],
  ['no UTF-8', 'COPY', '/a.txt', to('/%ff'), undefined, 400],
  ['what is there, with Overwrite: F', 'COPY', '/a.txt', to('/d/x.txt', { overwrite: 'F' }), undefined, 412],
  ['Overwrite of neither kind', 'COPY', '/a.txt', to('/b', { overwrite: 'maybe' }), undefined, 400],
  // Names that do not exist for requests
  ['to a hidden name', 'COPY', '/a.txt', to('/b.hidden'), undefined, 404],
  ['to a dot name', 'MOVE', '/a.txt', to('/.git'), undefined, 404],
  ['to where properties are', 'COPY', '/a.txt', to('/.onezero-webdav/x'), undefined, 404],
  ['from where locks are', 'COPY', '/.onezero-webdav/locks.json', to('/b'), undefined, 404],
  ['to where writes are', 'PUT', '/.onezero-partial-writes/x', {}, 'x', 404],
  ['a hidden folder', 'PROPFIND', '/.secret/', { depth: '1' }, undefined, 404],
  ['into a hidden folder', 'MKCOL', '/.secret/n', {}, undefined, 404],
  // PUT
  ['a part of a file', 'PUT', '/a.txt', { 'content-range': 'bytes 0-0/2' }, 'x', 400],
  ['a coded file', 'PUT', '/a.txt', { 'content-encoding': 'gzip' }, 'x', 415],
  ['more than the quota, announced', 'PUT', '/n', {}, 'x'.repeat(1_100_000), 507],
  ['more than the quota, in chunks', 'PUT', '/n', { 'transfer-encoding': 'chunked' }, 'x'.repeat(1_100_000), 507],
  ['onto a folder', 'PUT', '/d', {}, 'x', 409],
  ['into no folder', 'PUT', '/none/n', {}, 'x', 409],
  // If and Lock-Token
  ['no list', 'PUT', '/a.txt', { if: 'anything' }, 'x', 400],
  ['an empty list', 'PUT', '/a.txt', { if: '()' }, 'x', 400],
  ['an open list', 'PUT', '/a.txt', { if: '(<a:b>' }, 'x', 400],
  ['a resource without a list', 'PUT', '/a.txt', { if: '</a.txt>' }, 'x', 400],
  ['lists of both kinds', 'PUT', '/a.txt', { if: '(Not <a:b>) </a.txt> (<a:b>)' }, 'x', 400],
  ['a thousand lists', 'PUT', '/a.txt', { if: '(<a:b>)'.repeat(1_000) }, 'x', 400],
  ['a token of nobody', 'PUT', '/locked/l.txt', { if: '(Not <a:b>)' }, 'x', 423],
  ['a lock of nobody', 'UNLOCK', '/locked/l.txt', { 'lock-token': '<urn:uuid:0>' }, undefined, 409],
  ['no lock token', 'UNLOCK', '/locked/l.txt', {}, undefined, 400],
  ['a depth that locks have not', 'LOCK', '/a.txt', { depth: '1' }, lockInfo(), 400],
  ['a refresh of no lock', 'LOCK', '/a.txt', {}, undefined, 400],
  ['a depth of two', 'PROPFIND', '/', { depth: '2' }, undefined, 400],
  ['a folder with content', 'MKCOL', '/n', {}, '<x/>', 415],
])('%s: %s', async (_, method, path, headers, content, status) => {
  expect(await served.status(method, path, headers, content)).toBe(status);
  expect(served.paths().filter((one) => !one.includes('partial'))).toEqual(before);
  expect([served.read('a.txt'), served.read('d/x.txt')]).toEqual(['a', 'x']);
});

test.each<[string, Headers, string | undefined, number]>([
  ['COPY', { destination: 'http://other.example/b' }, undefined, 502],
  ['COPY', { destination: '/b' }, undefined, 507],
  ['PROPPATCH', {}, setting(`<t:p>${'v'.repeat(200)}</t:p>`), 507],
  ['LOCK', {}, lockInfo(), 507],
])('%s beyond what there is, with %j, is no failure of the server', async (method, headers, content, status) => {
  const root = makeFolder({ 'a.txt': 'a', 'l.txt': '' });
  const respond = webdav({ root, quotaBytes: 10_000, maxPropertyBytes: 100, maxLocks: 1, fsync: false });
  const ask = (one: string, pathInfo: string, fields: Headers, text?: string) =>
    respond({
      method: one,
      pathInfo,
      fields: [...Object.entries(fields), ['host', 'localhost'], ['content-length', String(text?.length ?? 0)]],
      content: (async function* () {
        if (text !== undefined) yield Buffer.from(text);
      })(),
    });
  expect(await ask('LOCK', '/l.txt', {}, lockInfo())).toMatchObject({ status: 200 });
  const answer = await ask(method, '/a.txt', headers, content);
  expect([answer.status, answer.cause]).toEqual([status, undefined]);
  rmSync(root, { recursive: true });
});

test('as many properties as there may be are kept', async () => {
  const { status } = await served.ask('PROPPATCH', '/d/x.txt', {}, setting(many(1_000)));
  expect(status).toBe(207);
  const { text } = await served.ask('PROPFIND', '/d/x.txt', { depth: '0' }, asking('<t:p0/><t:p999/>'));
  expect(text.match(/>v</g)).toHaveLength(2);
});
