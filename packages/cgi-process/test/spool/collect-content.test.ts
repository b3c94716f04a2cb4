import { mkdtempSync, readdirSync, readSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { cgi } from '../../src/index.ts';
import { collectContent } from '../../src/spool/collect-content.ts';
import { SpoolBudget } from '../../src/spool/spool-file.ts';
import { FullDisk } from './full-disk.ts';
import { chunks, openDescriptors, plain, request, Scripts, text } from '../mount.ts';

const unlimited = Number.POSITIVE_INFINITY;
const budget = new SpoolBudget(unlimited);
const options = {
  memoryBytes: 1000,
  fileBytes: unlimited,
  budget,
  maxBytes: unlimited,
  announced: undefined,
  whole: true,
};
const scripts = new Scripts({ hello: plain('echo hello'), 'count-content': plain('wc -c') });
afterAll(() => scripts.remove());

/** An empty directory for temporary files until the test ends: the machine's is full of those of other processes. */
function ownTemporary(): string {
  const folder = mkdtempSync(join(tmpdir(), 'onezero-test-'));
  vi.stubEnv('TMPDIR', folder);
  onTestFinished(() => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true });
  });
  return folder;
}

describe('collectContent', () => {
  test.each([
    ['fits into memory', 1, 1000],
    ['does not', 5, 1000],
    ['comes in one large piece', 1, 100_000],
    ['comes byte by byte', 2000, 1],
  ])('puts content that %s into a nameless file', async (_, count, size) => {
    const collected = await collectContent(chunks(count, size), options);
    const file = collected.file as number;
    expect(collected).toMatchObject({ length: count * size, memory: [], rest: undefined });
    expect(statSync(`/proc/self/fd/${file}`)).toMatchObject({ size: count * size, nlink: 0 });
    expect(statSync(`/proc/self/fd/${file}`).mode.toString(8)).toBe('100600');
    const start = Buffer.alloc(10);
    readSync(file, start, 0, 10, 0);
    expect(start[0]).toBe(0);
    collected.dispose();
  });

  test('stops at the size of the memory when the rest may stream', async () => {
    const collected = await collectContent(chunks(10, 600), { ...options, whole: false, announced: 6000 });
    expect(collected).toMatchObject({ file: undefined, length: 1200, rest: expect.anything() });
    expect((await collected.rest?.next())?.value).toEqual(Buffer.alloc(600, 2));
  });

  test('keeps every byte in its place, whatever there is room for', async () => {
    async function* sequence(pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
      yield* pieces;
    }
    const sizes = fc.constantFrom(0, 300, 2000, unlimited);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ minLength: 1, maxLength: 400 }), { maxLength: 30 }),
        fc.record({ memoryBytes: fc.constantFrom(0, 300, 2000), fileBytes: sizes, total: sizes, memory: sizes }),
        fc.boolean(),
        fc.boolean(),
        async (pieces, { memoryBytes, fileBytes, total, memory }, isWhole, isAsked) => {
          const all = Buffer.concat(pieces);
          const files = new SpoolBudget(total);
          const memoryBudget = isAsked ? new SpoolBudget(memory) : undefined;
          const collected = await collectContent(sequence(pieces), {
            memoryBytes,
            fileBytes,
            budget: files,
            memoryBudget,
            maxBytes: unlimited,
            announced: all.length,
            whole: isWhole,
          });
          const isStored = isAsked && all.length <= memoryBytes;
          if (isStored && all.length <= memory) expect(collected.file).toBe(undefined);
          const read: Uint8Array[] = [];
          for await (const piece of collected.pieces(100)) read.push(piece);
          expect(Buffer.concat(read).equals(all)).toBe(true);
          collected.dispose();
          collected.dispose();
          expect(files.take(total)).toBe(true);
          expect(memoryBudget?.take(memory)).not.toBe(false);
        },
      ),
      { numRuns: 200 },
    );
  });

  test.each([1, 2, 3])(
    'streams content of a known length where the disk is full at write %i, in order',
    async (from) => {
      const before = openDescriptors();
      const pieces = Array.from({ length: 12 }, (_, index) => Buffer.alloc(100_000, index));
      const length = 1_200_000;
      const content = (async function* sequence(): AsyncGenerator<Uint8Array> {
        yield* pieces;
      })();
      const collected = await collectContent(content, { ...options, budget: new FullDisk(from), announced: length });
      const read: Uint8Array[] = [];
      for await (const piece of collected.pieces()) read.push(Buffer.from(piece));
      expect(Buffer.concat(read).equals(Buffer.concat(pieces))).toBe(true);
      collected.dispose();
      expect(openDescriptors()).toBeLessThanOrEqual(before);
    },
  );

  test('refuses content of unknown length where the disk is full', async () => {
    const before = openDescriptors();
    await expect(collectContent(chunks(12, 100_000), { ...options, budget: new FullDisk(2) })).rejects.toMatchObject({
      code: 'content-unstored',
      status: 507,
      cause: { code: 'ENOSPC' },
    });
    expect(openDescriptors()).toBeLessThanOrEqual(before);
  });

  test('leaves nothing behind when content is refused', async () => {
    const folder = ownTemporary();
    const before = openDescriptors();
    let isClosed = false;
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield Buffer.alloc(500);
      } finally {
        isClosed = true;
      }
    }
    await expect(collectContent(endless(), { ...options, maxBytes: 5000 })).rejects.toMatchObject({ status: 413 });
    expect(isClosed).toBe(true);
    expect(openDescriptors()).toBeLessThanOrEqual(before);
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('cgi', () => {
  test('takes 100 MB in bounded memory', async () => {
    const respond = cgi({ directory: scripts.path });
    const before = process.memoryUsage().rss;
    const content = chunks(1600, 62_500);
    const response = await respond(request('/count-content', { content, contentLength: 100_000_000 }));
    expect((await text(response)).trim()).toBe('100000000');
    expect(process.memoryUsage().rss - before).toBeLessThan(80_000_000);
    await respond.close();
  });

  test('answers 507, and starts no script, when there is no place for content', async () => {
    const respond = cgi({ directory: scripts.path });
    const { TMPDIR } = process.env;
    expect(await text(await respond(request('/hello')))).toBe('hello\n');
    process.env['TMPDIR'] = '/no/such/directory';
    try {
      const response = await respond(request('/hello', { content: chunks(3, 50_000) }));
      expect(response).toMatchObject({ status: 507, cause: { code: 'content-unstored' } });
    } finally {
      if (TMPDIR === undefined) delete process.env['TMPDIR'];
      else process.env['TMPDIR'] = TMPDIR;
    }
    expect(await text(await respond(request('/hello', { content: 'x' })))).toBe('hello\n');
    await respond.close();
  });
});
