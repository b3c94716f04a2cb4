// The content of a PUT on its way to the file.

import { createHash } from 'node:crypto';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as loopTurned } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { arrivedOf, wholeOf, writeContent } from '../../src/writing/content.ts';

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

describe('what has arrived', () => {
  const from = async function* (...chunks: readonly (Buffer | Promise<Buffer>)[]): AsyncGenerator<Uint8Array, void> {
    for (const chunk of chunks) yield await chunk;
  };
  const collected = async (content: AsyncIterable<Uint8Array>): Promise<string> => {
    const chunks: Buffer[] = [];
    for await (const chunk of content) chunks.push(Buffer.from(chunk));
    return Buffer.concat(chunks).toString();
  };

  test('is all of a content that is there, whatever buffer it was lent in', async () => {
    const arrived = await arrivedOf(reusing([Buffer.from('one '), Buffer.from('two '), Buffer.from('three')]));
    expect(arrived.next).toBeUndefined();
    expect(await collected(wholeOf(arrived, from()))).toBe('one two three');
    expect(await arrivedOf(from())).toEqual({ chunks: [], next: undefined });
  });

  test('is what came before the loop turned, and the rest comes after it', async () => {
    let release: (late: Buffer) => void = () => {};
    const late = new Promise<Buffer>((resolve) => (release = resolve));
    const content = from(Buffer.from('early '), late, Buffer.from(' last'));
    const arrived = await arrivedOf(content);
    expect(Buffer.concat(arrived.chunks).toString()).toBe('early ');
    release(Buffer.from('late'));
    expect(await collected(wholeOf(arrived, content))).toBe('early late last');
  });

  test('ends with what is gathered at once, however much more is there', async () => {
    const chunks = Array.from({ length: 40 }, (_, index) => Buffer.alloc(10_000, String(index % 10)));
    const content = from(...chunks);
    const arrived = await arrivedOf(content);
    expect(arrived.chunks.length).toBeLessThan(10);
    expect(await collected(wholeOf(arrived, content))).toBe(Buffer.concat(chunks).toString());
  });

  test('fails where the content fails: at once, later, or unheard where nobody goes on', async () => {
    const broken = new Error('broken off');
    const failing = async function* (first: readonly Buffer[], turns: number): AsyncGenerator<Uint8Array, void> {
      yield* first;
      for (let turn = 0; turn < turns; turn++) await loopTurned();
      throw broken;
    };
    await expect(arrivedOf(failing([], 0))).rejects.toBe(broken);
    const content = failing([Buffer.from('x')], 3);
    const arrived = await arrivedOf(content);
    await expect(collected(wholeOf(arrived, content))).rejects.toBe(broken);
    await arrivedOf(failing([Buffer.from('x')], 3));
    for (let turn = 0; turn < 5; turn++) await loopTurned();
  });
});
