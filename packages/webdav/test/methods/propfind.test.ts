// How much of a listing there is at one time.

import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { webdav } from '../../src/index.ts';
import { asking, makeFolder } from '../served.ts';

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
