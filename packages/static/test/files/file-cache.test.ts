// What is remembered moves to shelves that are used again: what went out before must stay as it was.

import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turned, setTimeout as passed } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { lendBytes, ownBytes } from '../../src/files/lent-buffers.ts';
import { Shelf } from '../../src/files/shelf.ts';
import { serveStatic, type StaticResponse } from '../../src/index.ts';
import { makeSite } from '../site.ts';

/** Sizes on both sides of what is lent, shelved and kept apart. */
const SIZES = [0, 1, 2_000, 8_192, 8_193, 32_768, 32_769, 70_000];

function contentOf(page: number): Buffer {
  const size = SIZES[page % SIZES.length] ?? 0;
  return Buffer.alloc(size, `page ${page}, `);
}

test('a response keeps its bytes while its place in memory is given to others', async () => {
  const site = makeSite();
  onTestFinished(() => site.remove());
  const folder = join(site.root, 'many');
  mkdirSync(folder);
  for (let page = 0; page < 240; page++) writeFileSync(join(folder, `p${page}.bin`), contentOf(page));
  while (Date.now() - statSync(join(folder, 'p239.bin')).ctimeMs < 40) await passed(5);
  // Holds a fourth of the pages, so generations come and go all the time.
  const respond = serveStatic(site.root, { cacheMemoryBytes: 1_500_000 });
  const held: { readonly page: number; readonly response: StaticResponse }[] = [];
  let seed = 1;
  for (let request = 0; request < 4_000; request++) {
    seed = (seed * 48_271) % 2_147_483_647;
    // Some pages are asked for more often than others, so some survive.
    const page = seed % (seed % 3 === 0 ? 24 : 240);
    held.push({ page, response: await respond({ method: 'GET', pathInfo: `/many/p${page}.bin`, fields: [] }) });
    if (request % 5 === 0) await turned();
    if (held.length > 400) held.splice(0, 200).forEach(check);
  }
  held.forEach(check);
});

function check({ page, response }: { readonly page: number; readonly response: StaticResponse }): void {
  const { content } = response;
  if (!(content instanceof Uint8Array)) throw new Error(`page ${page} is not in memory`);
  expect(Buffer.compare(content, contentOf(page))).toBe(0);
}

test('memory of a shelf is used again, and does not show in what was copied before', () => {
  const spare: Buffer[] = [];
  const first = new Shelf(spare);
  const places = Array.from({ length: 100 }, (_, number) => first.put(Buffer.alloc(3_000, number)));
  const copies = places.map((place) => first.copy(place ?? Number.NaN, 3_000));
  first.giveUp();
  const kept = [...spare];
  expect(kept).toHaveLength(5);
  const second = new Shelf(spare);
  for (let number = 0; number < 100; number++) second.put(Buffer.alloc(3_000, 255));
  expect(spare).toHaveLength(0);
  second.giveUp();
  expect(new Set(spare)).toEqual(new Set(kept));
  expect(copies.map((copy) => [copy[0], copy[2_999]])).toEqual(places.map((_, number) => [number, number]));
});

test('what is too large for a shelf is not put there', () => {
  expect(new Shelf([]).put(Buffer.alloc(32_769))).toBeUndefined();
});

test('lent memory is of its own, and what is kept of it keeps nothing else alive', () => {
  const pieces = Array.from({ length: 50 }, (_, number) => lendBytes(1_000).fill(number));
  expect(pieces.map((piece) => [piece[0], piece[999], piece.length])).toEqual(
    pieces.map((_, number) => [number, number, 1_000]),
  );
  for (const piece of pieces) expect(ownBytes(piece).buffer.byteLength).toBe(1_000);
});
