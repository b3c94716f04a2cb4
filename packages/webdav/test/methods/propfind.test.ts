// How much of a listing there is at one time.

import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { webdav } from '../../src/index.ts';
import { asking, makeFolder, Served, setting } from '../served.ts';

const names = Array.from({ length: 1_000 }, (_, index) => `<t:${'n'.repeat(30)}${index}/>`);

test.each([
  ['asked for a thousand properties that no member has', names.join(''), 0],
  ['of members that are in many locks', '<D:lockdiscovery/>', 50],
])('a listing %s is never in memory as a whole', async (_what, properties, count) => {
  const root = makeFolder(Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`f${index}`, ''])));
  onTestFinished(() => rmSync(root, { recursive: true }));
  const [owner, expiresAtMs] = [`<o>${'o'.repeat(4_000)}</o>`, Date.now() + 600_000];
  const lock = { path: '/', depth: 'infinity', scope: 'shared', href: '/', owner, timeoutSeconds: 600, expiresAtMs };
  const locks = Array.from({ length: count }, (_, index) => ({ ...lock, token: `urn:t:${index}` }));
  mkdirSync(join(root, '.onezero-webdav'));
  writeFileSync(join(root, '.onezero-webdav/locks.json'), JSON.stringify(locks));
  const content = (async function* () {
    yield Buffer.from(asking(properties));
  })();
  const { content: pieces } = await webdav({ root })({
    method: 'PROPFIND',
    pathInfo: '/',
    fields: [['depth', '1']],
    content,
  });
  if (pieces === undefined || pieces instanceof Uint8Array) throw new Error('no stream');
  let [most, members] = [0, 0];
  for await (const piece of pieces) {
    most = Math.max(most, piece.length);
    members += Buffer.from(piece).toString('latin1').split('<D:response>').length - 1;
  }
  expect(members).toBe(301);
  expect(most).toBeLessThan(2 * 1024 * 1024);
});

test('what is asked for beside all properties is there once', async () => {
  const served = await Served.start({ a: '' });
  onTestFinished(() => served.close());
  await served.ask('PROPPATCH', '/a', {}, setting('<t:p>of a</t:p>'));
  const names = '<D:getetag/><t:p/><t:none/><D:quota-used-bytes/>';
  const content = `<D:propfind xmlns:D="DAV:" xmlns:t="urn:t"><D:allprop/><D:include>${names}</D:include></D:propfind>`;
  const { text } = await served.ask('PROPFIND', '/a', { depth: '0' }, content);
  const [has = '', lacks = ''] = text.split('200 OK');
  for (const name of ['<D:getetag>', 'of a']) expect(has.split(name)).toHaveLength(2);
  for (const name of ['none', 'quota-used-bytes']) expect(lacks.split(name)).toHaveLength(2);
});

test('members without properties and one with some say what they have and lack of what is asked for', async () => {
  const served = await Served.start({ a: 'a', b: 'bb', 'd/': '' });
  onTestFinished(() => served.close());
  await served.ask('PROPPATCH', '/a', {}, setting('<t:p>of a</t:p>'));
  const { text } = await served.ask('PROPFIND', '/', { depth: '1' }, asking('<t:p/><D:getcontentlength/><t:none/>'));
  const said = text.split('<D:response>').map((one) => ({
    name: /<D:href>\/(.*?)<\/D:href>/.exec(one)?.[1],
    has: one.split('200 OK')[0]?.match(/(?:p|getcontentlength)(?: [^>]*)?>([^<]+)/g)?.length ?? 0,
    lacks: (one.split('200 OK').at(-1) ?? '').match(/<(?:n:p|n:none|D:getcontentlength)[ /]/g)?.length ?? 0,
  }));
  expect(said.slice(1).toSorted((one, other) => String(one.name).localeCompare(String(other.name)))).toEqual([
    { name: '', has: 0, lacks: 3 },
    { name: 'a', has: 2, lacks: 1 },
    { name: 'b', has: 1, lacks: 2 },
    { name: 'd/', has: 0, lacks: 3 },
  ]);
});
