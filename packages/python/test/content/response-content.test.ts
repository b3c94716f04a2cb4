import { SpoolBudget } from '@onezero/cgi-process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ResponseContent, type ResponseSpool } from '../../src/content/response-content.ts';
import { FullDisk } from '../full-disk.ts';
import { openContent, sizesOfOpenContent } from '../harness.ts';

/** A budget that knows what is taken of it now, and the most that ever was. */
class Watched extends SpoolBudget {
  taken = 0;
  most = 0;

  override take(bytes: number): boolean {
    if (!super.take(bytes)) return false;
    this.taken += bytes;
    this.most = Math.max(this.most, this.taken);
    return true;
  }

  override give(bytes: number): void {
    super.give(bytes);
    this.taken -= bytes;
  }
}

function spoolOf(changes: Partial<ResponseSpool> = {}): ResponseSpool {
  const failed = (error: Error): void => {
    throw error;
  };
  return { readAheadBytes: 1000, fileBytes: 10_000, budget: new SpoolBudget(1e9), failed, ...changes };
}

/** Bytes that say where they belong. */
function bytesFrom(start: number, length: number): Buffer {
  return Buffer.from(Array.from({ length }, (_, at) => (start + at) % 251));
}

/** A promise of a turn in which the thread pool has had its say. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Puts in `sizes` while there is room, and takes out all of it; `readsAt` says at which steps the reader moves. */
async function pass(content: ResponseContent, sizes: readonly number[], reads: readonly boolean[]): Promise<Buffer> {
  const taken: Buffer[] = [];
  const read = async (): Promise<boolean> => {
    const { done, value } = await content.next();
    if (value !== undefined) taken.push(Buffer.from(value as Uint8Array));
    return done !== true;
  };
  let position = 0;
  let buffered = 0;
  for (const [at, size] of sizes.entries()) {
    content.push(bytesFrom(position, size));
    position += size;
    buffered += size;
    if (reads[at] === true) await turn();
    while (buffered > 0 && (content.isFull || reads[at] === true)) {
      const before = taken.length;
      await read();
      buffered -= taken[before]?.length ?? 0;
      if (!content.isFull) break;
    }
  }
  content.end();
  while (await read());
  return Buffer.concat(taken);
}

describe('ResponseContent', () => {
  test('hands on all bytes in order, whatever memory and files there are', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 3000 }), fc.boolean()), { maxLength: 40 }),
        fc.constantFrom(1, 500, 5000),
        fc.constantFrom(0, 700, 20_000),
        fc.constantFrom(0, 2000, 1e9),
        async (steps, readAheadBytes, fileBytes, total) => {
          const budget = new Watched(total);
          const content = new ResponseContent(spoolOf({ readAheadBytes, fileBytes, budget }));
          const sizes = steps.map(([size]) => size);
          const got = await pass(
            content,
            sizes,
            steps.map(([, reads]) => reads),
          );
          expect(
            got.equals(
              bytesFrom(
                0,
                sizes.reduce((sum, size) => sum + size, 0),
              ),
            ),
          ).toBe(true);
          expect(budget.most).toBeLessThanOrEqual(Math.min(total, fileBytes));
          expect(budget.taken).toBe(0);
        },
      ),
      { numRuns: 100 },
    );
  });

  test.runIf(process.platform === 'linux')('keeps its file below the limit while a slow client reads', async () => {
    const fileBytes = 20_000;
    const content = new ResponseContent(spoolOf({ readAheadBytes: 1, fileBytes }));
    let largest = 0;
    for (let round = 0; round < 60; round++) {
      for (let chunk = 0; chunk < 4 && !content.isFull; chunk++) {
        content.push(Buffer.alloc(3000, round));
        await turn();
      }
      await content.next();
      largest = Math.max(largest, ...sizesOfOpenContent());
    }
    expect(largest).toBeGreaterThan(0);
    expect(largest).toBeLessThanOrEqual(fileBytes);
    await content.return();
    await expect.poll(openContent).toEqual([]);
  });

  test('goes on in memory, and says so once, where no file can be made', async () => {
    const before = process.env['TMPDIR'];
    process.env['TMPDIR'] = '/nowhere';
    const failures: Error[] = [];
    try {
      const content = new ResponseContent(spoolOf({ readAheadBytes: 10, failed: (error) => failures.push(error) }));
      for (let at = 0; at < 5; at++) content.push(bytesFrom(at * 100, 100));
      expect(content.isFull).toBe(true);
      content.end();
      const taken: Uint8Array[] = [];
      for await (const piece of content) taken.push(Buffer.from(piece));
      expect(Buffer.concat(taken).equals(bytesFrom(0, 500))).toBe(true);
    } finally {
      if (before === undefined) delete process.env['TMPDIR'];
      else process.env['TMPDIR'] = before;
    }
    expect(failures).toMatchObject([{ code: 'ENOENT' }]);
  });

  test('goes on in memory, and says so once, where the disk is full', async () => {
    const failures: (string | undefined)[] = [];
    const failed = (error: Error): void => void failures.push((error as NodeJS.ErrnoException).code);
    const content = new ResponseContent(spoolOf({ budget: new FullDisk(1), fileBytes: 1e9, failed }));
    const pieces = Array.from({ length: 8 }, (_, index) => bytesFrom(index * 900, 900));
    for (const piece of pieces) {
      content.push(piece);
      await turn();
      await turn();
    }
    content.end();
    const taken: Buffer[] = [];
    for await (const piece of content) taken.push(Buffer.from(piece));
    expect(Buffer.concat(taken).equals(Buffer.concat(pieces))).toBe(true);
    expect(failures).toEqual(['ENOSPC']);
    expect(openContent()).toEqual([]);
  });

  test('gives an error after the bytes that came before it', async () => {
    const content = new ResponseContent(spoolOf());
    content.push(Buffer.from('some'));
    content.end(new RangeError('broken off'));
    content.push(Buffer.from('too late'));
    expect((await content.next()).value).toEqual(Buffer.from('some'));
    await expect(content.next()).rejects.toThrow('broken off');
  });

  test('says when its reader leaves early, and not when it read all', async () => {
    let left = 0;
    const leaving = new ResponseContent(spoolOf());
    leaving.onAbandon = () => left++;
    leaving.push(Buffer.from('some'));
    await leaving.return();
    expect(left).toBe(1);
    const staying = new ResponseContent(spoolOf());
    staying.onAbandon = () => left++;
    staying.end();
    expect((await staying.next()).done).toBe(true);
    await staying.return();
    expect(left).toBe(1);
  });
});
