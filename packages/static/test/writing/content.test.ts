// The content of a PUT on its way to the file.

import { createHash } from 'node:crypto';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { writeContent } from '../../src/writing/content.ts';

const folder = mkdtempSync(join(tmpdir(), 'onezero-content-test-'));
afterAll(() => rm(folder, { recursive: true }));

const GATHERED = 64 * 1024;
const sizes = fc.array(fc.constantFrom(0, 1, 2, 100, GATHERED - 1, GATHERED, GATHERED + 1, 200_000), { maxLength: 12 });

/** Chunks in one buffer that is used again, as content may be read: what is not copied in time is lost. */
async function* reusing(chunks: readonly Buffer[]): AsyncGenerator<Uint8Array> {
  const shared = Buffer.alloc(Math.max(0, ...chunks.map(({ length }) => length)));
  for (const chunk of chunks) {
    chunk.copy(shared);
    yield shared.subarray(0, chunk.length);
    shared.fill('!');
  }
}

test('is written whole and hashed, whatever its chunks, and its length is told before', async () => {
  let number = 0;
  await fc.assert(
    fc.asyncProperty(sizes, async (lengths) => {
      const path = join(folder, String(number++));
      const chunks = lengths.map((length, index) => Buffer.alloc(length, `${index}chunk`));
      const whole = Buffer.concat(chunks);
      const handle = await open(path, 'wx');
      const hash = createHash('sha256');
      const told: number[] = [];
      const watch = { hashes: [hash], onLength: (bytes: number) => void told.push(bytes) };
      expect(await writeContent(handle, reusing(chunks), watch)).toBe(whole.length);
      await handle.close();
      expect(readFileSync(path).equals(whole)).toBe(true);
      expect(hash.digest('hex')).toBe(createHash('sha256').update(whole).digest('hex'));
      let sum = 0;
      expect(told).toEqual(lengths.map((length) => (sum += length)));
      await rm(path);
    }),
    { numRuns: 40 },
  );
});

test('small chunks are gathered, and a large one is one write', async () => {
  const written: number[] = [];
  const handle = {
    write: async (chunk: Uint8Array, offset: number, length: number) => {
      written.push(length);
      return { bytesWritten: length, buffer: chunk.subarray(offset) };
    },
  } as unknown as FileHandle;
  const small = Array.from({ length: 1000 }, () => Buffer.alloc(100));
  await writeContent(handle, reusing([...small, Buffer.alloc(1_000_000)]), { hashes: [], onLength: () => {} });
  expect(written.length).toBeLessThan(5);
  expect(written.at(-1)).toBe(1_000_000);
});

test('a write that takes a part goes on with the rest', async () => {
  const received: Buffer[] = [];
  const handle = {
    write: async (chunk: Uint8Array, offset: number, length: number) => {
      const bytesWritten = Math.min(length, 7);
      received.push(Buffer.from(chunk.subarray(offset, offset + bytesWritten)));
      return { bytesWritten, buffer: chunk };
    },
  } as unknown as FileHandle;
  const content = Buffer.from('a content of some length that is written seven bytes at a time');
  await writeContent(handle, reusing([content]), { hashes: [], onLength: () => {} });
  expect(Buffer.concat(received).toString()).toBe(content.toString());
});

test('a refusal by length comes before the chunk is written', async () => {
  const path = join(folder, 'refused');
  const handle = await open(path, 'wx');
  const onLength = (bytes: number): void => {
    if (bytes > 3 * GATHERED) throw new RangeError('too long');
  };
  const chunks = Array.from({ length: 4 }, () => Buffer.alloc(GATHERED));
  await expect(writeContent(handle, reusing(chunks), { hashes: [], onLength })).rejects.toThrow('too long');
  await handle.close();
  expect(readFileSync(path).length).toBeLessThanOrEqual(3 * GATHERED);
});
