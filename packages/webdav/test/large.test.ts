// A folder that does not fit into a response.

import { closeSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { webdav } from '../src/index.ts';
import { makeFolder } from './served.ts';

/** `LARGE_ENTRIES=100000` makes it the folder of the promise, which takes some seconds to make. */
const ENTRIES = Number(process.env['LARGE_ENTRIES'] ?? 5_000);

test('a listing comes in pieces as it is read, and none of it is kept', async () => {
  const root = makeFolder();
  for (let index = 0; index < ENTRIES; index++) closeSync(openSync(join(root, `file-${index}.txt`), 'w'));
  const respond = webdav({ root });
  const { status, content } = await respond({ method: 'PROPFIND', pathInfo: '/', fields: [['depth', '1']] });
  expect(status).toBe(207);
  let responses = 0;
  let largest = 0;
  let bytes = 0;
  const before = process.memoryUsage().rss;
  for await (const piece of content as AsyncIterable<Uint8Array>) {
    largest = Math.max(largest, piece.length);
    bytes += piece.length;
    responses += Buffer.from(piece).toString('latin1').split('<D:response>').length - 1;
  }
  const grown = process.memoryUsage().rss - before;
  expect(responses).toBe(ENTRIES + 1);
  expect(largest).toBeLessThan(1024 * 1024);
  // What is remembered of members is bounded; the pieces together are more than what may have been kept.
  expect(grown).toBeLessThan(Math.max(80 * 1024 * 1024, bytes));
  rmSync(root, { recursive: true });
});
