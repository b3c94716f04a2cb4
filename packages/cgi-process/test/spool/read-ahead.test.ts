import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { readAhead } from '../../src/spool/read-ahead.ts';
import { SpoolBudget } from '../../src/spool/spool-file.ts';
import { FullDisk } from './full-disk.ts';
import { openDescriptors, until } from '../mount.ts';

const unlimited = Number.POSITIVE_INFINITY;

/** A source that counts, and says where it is. */
class Source implements AsyncIterator<Uint8Array> {
  given = 0;
  isReturned = false;
  readonly #chunks: number;
  readonly #size: number;
  readonly #end: Error | undefined;

  constructor(chunks: number, size: number, end?: Error) {
    this.#chunks = chunks;
    this.#size = size;
    this.#end = end;
  }

  async next(): Promise<IteratorResult<Uint8Array>> {
    // As late as bytes of a pipe.
    await new Promise(setImmediate);
    if (this.given === this.#chunks) {
      if (this.#end !== undefined) throw this.#end;
      return { done: true, value: undefined };
    }
    return { done: false, value: Buffer.alloc(this.#size, this.given++ % 251) };
  }

  async return(): Promise<IteratorResult<Uint8Array>> {
    this.isReturned = true;
    return { done: true, value: undefined };
  }
}

const whole = (chunks: number, size: number): Buffer =>
  Buffer.concat(Array.from({ length: chunks }, (_, index) => Buffer.alloc(size, index % 251)));

async function rest(content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of content) parts.push(part);
  return Buffer.concat(parts);
}

describe('readAhead', () => {
  test.each([
    ['memory', 1_000_000, 0],
    ['a file', 1000, unlimited],
    ['a file that holds a part', 1000, 40_000],
    ['nothing', 0, 0],
  ])('hands on all in order, through %s', async (_, memoryBytes, fileBytes) => {
    const before = openDescriptors();
    const content = readAhead(new Source(300, 700), { memoryBytes, fileBytes, budget: new SpoolBudget(unlimited) });
    const first = (await content.next()).value as Uint8Array;
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(Buffer.concat([first, await rest(content)])).toEqual(whole(300, 700));
    expect(openDescriptors()).toBeLessThanOrEqual(before);
  });

  test('ends its source though nobody reads on', async () => {
    const source = new Source(2000, 1000);
    const budget = new SpoolBudget(unlimited);
    const content = readAhead(source, { memoryBytes: 10_000, fileBytes: unlimited, budget });
    await content.next();
    await until(() => source.given === 2000);
    expect((await rest(content)).length).toBe(1_999_000);
  });

  test('gives the error of its source after the bytes', async () => {
    const source = new Source(5, 1000, new Error('cut'));
    const content = readAhead(source, { memoryBytes: 10_000, fileBytes: 0, budget: new SpoolBudget(0) });
    await content.next();
    await until(() => source.given === 5);
    for (let index = 0; index < 4; index++) expect((await content.next()).done).toBe(false);
    await expect(content.next()).rejects.toThrow('cut');
    expect(await content.next()).toMatchObject({ done: true });
  });

  test('shares a budget, and gives back what it had', async () => {
    const budget = new SpoolBudget(100_000);
    const options = { memoryBytes: 1000, fileBytes: unlimited, budget };
    const sources = [new Source(500, 1000), new Source(500, 1000)];
    const contents = sources.map((source) => readAhead(source, options));
    for (const content of contents) await content.next();
    const isSpent = (): boolean => {
      if (!budget.take(1000)) return true;
      budget.give(1000);
      return false;
    };
    await until(isSpent);
    expect(sources.map(({ given }) => given < 500)).toEqual([true, true]);
    for (const content of contents) expect((await rest(content)).length).toBe(499_000);
    expect(budget.take(100_000)).toBe(true);
  });

  test.each([0, 1, 100])('lets go of its source when it is left after %i chunks', async (count) => {
    const before = openDescriptors();
    const source = new Source(1000, 1000);
    const content = readAhead(source, { memoryBytes: 1000, fileBytes: unlimited, budget: new SpoolBudget(unlimited) });
    for (let index = 0; index < count; index++) await content.next();
    await content.return?.();
    expect(source.isReturned).toBe(true);
    expect(await content.next()).toMatchObject({ done: true });
    await until(() => openDescriptors() === before);
  });

  test('reads nothing before it is asked', async () => {
    const source = new Source(5, 10);
    readAhead(source, { memoryBytes: 1000, fileBytes: 0, budget: new SpoolBudget(0) });
    await new Promise(setImmediate);
    expect(source.given).toBe(0);
  });
});

describe('readAhead, with a reader that stops and goes', () => {
  afterEach(() => vi.useRealTimers());

  /** Lets all happen that is not a matter of time. */
  const settle = async (): Promise<void> => {
    for (let count = 0; count < 4; count++) await new Promise((resolve) => setImmediate(resolve));
  };

  test('keeps every byte in its place, whatever there is room for, and gives all back', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const before = openDescriptors();
    const room = fc.constantFrom(0, 300, 2000, unlimited);
    const step = fc.constantFrom('read', 'read', 'wait', 'turn');
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 700 }), { maxLength: 12 }),
        fc.array(step, { maxLength: 25 }),
        fc.record({ memoryBytes: room, fileBytes: room, total: room }),
        fc.constantFrom('end', 'error', 'left'),
        async (sizes, steps, { memoryBytes, fileBytes, total }, end) => {
          const all = Buffer.concat(sizes.map((size, index) => Buffer.alloc(size, index + 1)));
          async function* source(): AsyncGenerator<Uint8Array> {
            let position = 0;
            for (const size of sizes) yield all.subarray(position, (position += size));
            if (end === 'error') throw new Error('cut');
          }
          const budget = new SpoolBudget(total);
          const content = readAhead(source(), { memoryBytes, fileBytes, budget });
          const parts: Uint8Array[] = [];
          let isOver = false;
          const read = async (): Promise<void> => {
            try {
              const { done, value } = await content.next();
              if (done === true) isOver = true;
              else parts.push(Buffer.from(value));
            } catch (error) {
              expect(error).toMatchObject({ message: 'cut' });
              isOver = true;
            }
          };
          for (const action of steps) {
            if (action === 'read' && !isOver) await read();
            else if (action === 'wait') await vi.advanceTimersByTimeAsync(300);
            else await settle();
          }
          if (end === 'left') await content.return?.();
          else while (!isOver) await read();
          const got = Buffer.concat(parts);
          expect(got.equals(end === 'left' ? all.subarray(0, got.length) : all)).toBe(true);
          await settle();
          expect(budget.take(total)).toBe(true);
        },
      ),
      { numRuns: 100 },
    );
    await vi.waitFor(() => expect(openDescriptors()).toBeLessThanOrEqual(before), 120_000);
  });

  test('goes on in memory where the disk is full', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const before = openDescriptors();
    const content = readAhead(new Source(9, 400), {
      memoryBytes: 500,
      fileBytes: unlimited,
      budget: new FullDisk(1),
    });
    const first = await content.next();
    await settle();
    // The patience of the source is over, and the rest goes to the file.
    await vi.advanceTimersByTimeAsync(300);
    await settle();
    expect(Buffer.concat([first.value as Buffer, await rest(content)]).equals(whole(9, 400))).toBe(true);
    expect(openDescriptors()).toBeLessThanOrEqual(before);
  });
});
