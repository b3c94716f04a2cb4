// The cache of files by itself, with a file system that is set by hand: whatever is put in, changed and asked for, what it holds
// stays within its budget, is true, and has its own bytes.

import type { Stats } from 'node:fs';
import { setImmediate as turned } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { type Disk, mainThreadDisk } from '../../src/files/disk.ts';
import { entryBytes, type FileEntry } from '../../src/files/entry.ts';
import { FileCache } from '../../src/files/file-cache.ts';
import { Representation } from '../../src/files/representation.ts';
import { Shelf } from '../../src/files/shelf.ts';
import { fileBudget, makeStorage, type Storage } from '../../src/files/storage.ts';
import type { Stamp } from '../../src/http/validators.ts';
import { settingsOf } from '../../src/options/settings.ts';

/** The files that there are: their states by location. */
type Files = Map<string, Stamp>;

function storageOf(files: Files, cacheMemoryBytes: number): Storage {
  const stat: Disk['stat'] = (path) => {
    const stamp = files.get(path);
    return stamp === undefined ? undefined : ({ ...stamp, isDirectory: () => false, isFile: () => true } as Stats);
  };
  return makeStorage(settingsOf(import.meta.dirname, { cacheMemoryBytes }), { ...mainThreadDisk, stat });
}

/** Bytes that no other file of any state has. */
const contentOf = (name: string, ino: number, size: number): Buffer => Buffer.alloc(size, `${name}:${ino};`);

function entryOf(name: string, stamp: Stamp, { settings }: Storage, isCacheable = true): FileEntry {
  const location = `/www/${name}`;
  const bytes = contentOf(name, stamp.ino, stamp.size);
  const identity = new Representation(
    {
      path: name,
      contentType: 'text/plain',
      isNegotiable: false,
      etag: `"${stamp.ino}"`,
      mtimeMs: stamp.mtimeMs,
      length: bytes.length,
      bytes,
      source: { location, stamp, place: undefined },
    },
    settings,
  );
  return {
    kind: 'file',
    location,
    stamp,
    place: undefined,
    identity,
    stored: [],
    hasSiblingsRead: true,
    codings: [],
    made: undefined,
    chosen: undefined,
    isCacheable,
    neighbours: undefined,
  };
}

let inodes = 0;
const stampOf = (size: number): Stamp => ({ dev: 1, ino: ++inodes, size, mtimeMs: 1000, ctimeMs: 1000 });

/** Sizes on both sides of what a shelf takes. */
const SIZES = [0, 1, 500, 4_000, 20_000, 32_768, 32_769, 60_000];

type Step =
  | { readonly kind: 'ask' | 'change' | 'vanish' | 'delete'; readonly page: number }
  | { readonly kind: 'turn' };

const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ kind: fc.constant('ask' as const), page: fc.nat(29) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('ask' as const), page: fc.nat(3) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('change' as const), page: fc.nat(29) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom('vanish' as const, 'delete' as const), page: fc.nat(29) }),
  },
  { weight: 3, arbitrary: fc.constant({ kind: 'turn' as const }) },
);

test('codings of newcomers drive nobody out of a full cache, however much room is left in it', () => {
  const size = 2_048;
  const coded = 1_100;
  for (let more = 0; more < 6_000; more += 250) {
    const files: Files = new Map();
    const storage = storageOf(files, 4 * 1024 * 1024 + more);
    const cache = new FileCache(storage);
    const names = Array.from({ length: 2_000 }, (_, page) => `page${page}`);
    for (const name of names) {
      const entry = entryOf(name, stampOf(size), storage);
      cache.set(name, entry);
      cache.grow(name, entry, coded);
    }
    // The first that came are there still, since what was refused is too little to make room for.
    expect({ more, isThere: cache.has('page0') }).toEqual({ more, isThere: true });
  }
});

describe('any sequence', () => {
  test('finds what is true, with its own bytes, within the budget', async () => {
    const budgets = fc.constantFrom(0, 5_000, 100_000, 400_000, 3_000_000);
    await fc.assert(
      fc.asyncProperty(fc.array(steps, { minLength: 100, maxLength: 400 }), budgets, async (all, cacheMemoryBytes) => {
        const files: Files = new Map();
        const storage = storageOf(files, cacheMemoryBytes);
        const cache = new FileCache(storage);
        const budget = fileBudget(storage.settings);
        const held = new Map<string, FileEntry>();
        for (const step of all) {
          if (step.kind === 'turn') {
            await turned();
            continue;
          }
          const name = `page${step.page}`;
          const location = `/www/${name}`;
          if (step.kind === 'change') files.set(location, stampOf(SIZES[step.page % SIZES.length] ?? 0));
          else if (step.kind === 'vanish') files.delete(location);
          else if (step.kind === 'delete') cache.delete(name);
          if (step.kind !== 'ask') {
            // What changes is noticed by the next turn.
            await turned();
            continue;
          }
          const found = await cache.get(name);
          const stamp = files.get(location);
          if (found !== undefined) {
            expect(found.stamp).toEqual(stamp);
            expect(
              Buffer.from(found.identity.bytes ?? []).equals(contentOf(name, found.stamp.ino, found.stamp.size)),
            ).toBe(true);
            held.set(name, found);
          } else if (stamp !== undefined) {
            const entry = entryOf(name, stamp, storage);
            cache.set(name, entry);
            held.set(name, entry);
            // Whether it was let in or not, the request that made it has its bytes.
            expect(Buffer.from(entry.identity.bytes ?? []).equals(contentOf(name, stamp.ino, stamp.size))).toBe(true);
          }
        }
        await turned();
        let bytes = 0;
        for (const [name, entry] of held) {
          if ((await cache.get(name)) === entry) bytes += entryBytes(entry) + name.length;
        }
        expect(bytes).toBeLessThanOrEqual(budget);
      }),
      { numRuns: 30 },
    );
  });
});

describe('an entry', () => {
  const put = (options: { readonly isCacheable?: boolean; readonly size?: number; readonly budget?: number } = {}) => {
    const { isCacheable = true, size = 1000, budget = 1_000_000 } = options;
    const files: Files = new Map([['/www/a', stampOf(size)]]);
    const storage = storageOf(files, budget);
    const cache = new FileCache(storage);
    const entry = entryOf('a', files.get('/www/a') ?? stampOf(size), storage, isCacheable);
    cache.set('a', entry);
    return { cache, entry, files };
  };

  test('is found again, in this turn and in the next', async () => {
    const { cache, entry } = put();
    expect(await cache.get('a')).toBe(entry);
    await turned();
    expect(await cache.get('a')).toBe(entry);
    expect(await cache.get('b')).toBeUndefined();
  });

  test('that may change within a tick of the clock is not remembered', async () => {
    expect(await put({ isCacheable: false }).cache.get('a')).toBeUndefined();
  });

  test('that is larger than the budget is not remembered, and keeps its bytes', async () => {
    const { cache, entry } = put({ size: 60_000, budget: 10_000 });
    expect(await cache.get('a')).toBeUndefined();
    expect(entry.identity.bytes).toHaveLength(60_000);
  });

  test('is given up when it is deleted, and when a new one of its path cannot be kept', async () => {
    const { cache, entry } = put();
    cache.delete('a');
    expect(await cache.get('a')).toBeUndefined();
    cache.set('a', entry);
    expect(await cache.get('a')).toBe(entry);
    cache.set('a', { ...entry, isCacheable: false });
    expect(await cache.get('a')).toBeUndefined();
  });

  test.each(['dev', 'ino', 'size', 'mtimeMs', 'ctimeMs'] as const)(
    'is not true any more when its %s is another',
    async (member) => {
      const { cache, files } = put();
      const stamp = files.get('/www/a') ?? stampOf(1);
      await turned();
      files.set('/www/a', { ...stamp, [member]: stamp[member] + 1 });
      expect(await cache.get('a')).toBeUndefined();
      // And it does not come back with its state: somebody has to look.
      files.set('/www/a', stamp);
      expect(await cache.get('a')).toBeUndefined();
    },
  );

  test('that grows counts what it has gained, and goes when that is too much', async () => {
    const { cache, entry } = put({ budget: 100_000 });
    cache.grow('a', entry, 10_000);
    expect(await cache.get('a')).toBe(entry);
    // Not used since it came, in a generation that is to go.
    const { cache: other, entry: large } = put({ budget: 100_000 });
    other.grow('a', large, 1_000_000);
    expect(await other.get('a')).toBeUndefined();
    // What is not there does not count.
    cache.grow('b', entry, 1e12);
    expect(await cache.get('a')).toBe(entry);
  });
});

describe('a full cache', () => {
  /** Asks for pages by name in turns of some dozen, as many clients do; the share of the asked that was remembered, by name's first word. */
  function asking(cacheMemoryBytes: number) {
    const files: Files = new Map();
    const storage = storageOf(files, cacheMemoryBytes);
    const cache = new FileCache(storage);
    return async (turns: number, namesOf: (turn: number) => readonly string[]): Promise<Map<string, number>> => {
      const asked = new Map<string, { count: number; hits: number }>();
      for (let turn = 0; turn < turns; turn++) {
        for (const name of namesOf(turn)) {
          const location = `/www/${name}`;
          const stamp = files.get(location) ?? stampOf(1_000);
          files.set(location, stamp);
          const found = await cache.get(name);
          if (found === undefined) cache.set(name, entryOf(name, stamp, storage));
          const kind = name.split(' ')[0] ?? '';
          const sum = asked.get(kind) ?? { count: 0, hits: 0 };
          asked.set(kind, { count: sum.count + 1, hits: sum.hits + (found === undefined ? 0 : 1) });
        }
        await turned();
      }
      return new Map([...asked].map(([kind, { count, hits }]) => [kind, hits / count]));
    };
  }

  let seed = 7;
  const random = (below: number): number => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed % below;
  };
  const some = (kind: string, of: number): string[] => Array.from({ length: 16 }, () => `${kind} ${random(of)}`);

  test('keeps what is asked for often beside a stream of others, and takes what comes to be asked for often', async () => {
    const ask = asking(400_000);
    const busy = (kind: string) => () => [...some(kind, 40), ...some('once', 1e9)];
    await ask(500, busy('first'));
    expect((await ask(200, busy('first'))).get('first')).toBeGreaterThan(0.8);
    await ask(1_200, busy('later'));
    expect((await ask(200, busy('later'))).get('later')).toBeGreaterThan(0.8);
  });

  test('copies few pages where all are asked for alike', async () => {
    const ask = asking(3_000_000);
    const uniform = () => [...some('page', 4_000), ...some('page', 4_000)];
    await ask(300, uniform);
    const put = vi.spyOn(Shelf.prototype, 'put');
    onTestFinished(() => put.mockRestore());
    const hits = await ask(600, uniform);
    expect(put.mock.calls.length).toBeLessThan((600 * 32) / 20);
    expect(hits.get('page')).toBeGreaterThan(0.1);
  });
});
