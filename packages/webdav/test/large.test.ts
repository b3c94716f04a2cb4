// A folder that does not fit into a response.

import { closeSync, openSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { webdav } from '../src/index.ts';
import { makeFolder } from './served.ts';

/** `LARGE_ENTRIES=100000` makes it the folder of the promise, which takes some seconds to make. */
const ENTRIES = Number(process.env['LARGE_ENTRIES'] ?? 5_000);

/** What is remembered of 10,000 members, the most of one folder, is 10 MB; a whole listing of 100,000 is 60. */
const MOST_KEPT_BYTES = 16 * 1024 * 1024;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** What is kept alive, whatever waits to be collected. */
function keptBytes(): number {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

test('a listing comes in pieces as it is read, and none of it is kept', async () => {
  const root = makeFolder();
  for (let index = 0; index < ENTRIES; index++) closeSync(openSync(join(root, `file-${index}.txt`), 'w'));
  const respond = webdav({ root });
  const { status, content } = await respond({ method: 'PROPFIND', pathInfo: '/', fields: [['depth', '1']] });
  expect(status).toBe(207);
  let responses = 0;
  let pieces = 0;
  let most = 0;
  const before = keptBytes();
  for await (const piece of content as AsyncIterable<Uint8Array>) {
    // Some 256 members are a piece.
    expect(piece.length).toBeLessThan(256 * 1024);
    responses += Buffer.from(piece).toString('latin1').split('<D:response>').length - 1;
    if (pieces++ % Math.ceil(ENTRIES / 2_560) === 0) most = Math.max(most, keptBytes() - before);
  }
  expect(responses).toBe(ENTRIES + 1);
  expect(pieces).toBeGreaterThan(ENTRIES / 257);
  expect(most).toBeLessThan(MOST_KEPT_BYTES);
  rmSync(root, { recursive: true });
});

test('a listing that nobody reads on is not read on, and lets go of its folder', async () => {
  const root = makeFolder();
  for (let index = 0; index < 1_000; index++) closeSync(openSync(join(root, `file-${index}.txt`), 'w'));
  const respond = webdav({ root });
  const { content } = await respond({ method: 'PROPFIND', pathInfo: '/', fields: [['depth', '1']] });
  const iterator = (content as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
  const { value } = await iterator.next();
  expect(String(Buffer.from(value as Uint8Array)).split('<D:response>').length).toBeLessThan(300);
  await iterator.return?.();
  expect(await iterator.next()).toEqual({ done: true, value: undefined });
  rmSync(root, { recursive: true });
});

test('a listing that is given up before it is read leaves nothing open', async () => {
  const root = makeFolder({ 'd/a.txt': 'a' });
  const respond = webdav({ root });
  const open = (): number => readdirSync('/dev/fd').length;
  const before = open();
  for (let count = 0; count < 20; count++) {
    const { content } = await respond({ method: 'PROPFIND', pathInfo: '/d/', fields: [['depth', '1']] });
    await (content as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]().return?.();
  }
  expect(open()).toBeLessThan(before + 5);
  rmSync(root, { recursive: true });
});
