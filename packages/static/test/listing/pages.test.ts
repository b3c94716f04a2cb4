// Which names are on a page, in every order, against sorting them all; and when a page is remembered.

import { mkdirSync, mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turned } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Folder } from '../../src/listing/folders.ts';
import type { Name } from '../../src/listing/names.ts';
import { listPage, type RememberedPage, rememberedPage, rememberPage } from '../../src/listing/pages.ts';
import type { ListingQuery } from '../../src/listing/query.ts';

let root: string;
let names: readonly Name[];

const QUERY: ListingQuery = { format: 'json', sort: 'name', isDescending: false, page: 1, search: '' };

/** Few sizes and times, so that many are equal. */
const sizeOf = (index: number): number => (index * 7) % 4;
const secondsOf = (index: number): number => 1_600_000_000 + ((index * 5) % 3) * 1000;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'onezero-pages-'));
  const made = Array.from({ length: 23 }, (_, index): Name => {
    const kind = index % 4 === 0 ? 'directory' : 'file';
    return { name: `${kind === 'directory' ? 'Dir' : 'file'}-${String(index).padStart(2, '0')}`, kind };
  });
  names = [...made.filter(({ kind }) => kind === 'directory'), ...made.filter(({ kind }) => kind === 'file')];
  for (const { name, kind } of made) {
    const path = join(root, name);
    const index = Number(name.slice(-2));
    if (kind === 'directory') mkdirSync(path);
    else writeFileSync(path, 'x'.repeat(sizeOf(index)));
    utimesSync(path, secondsOf(index), secondsOf(index));
  }
});
afterAll(() => rmSync(root, { recursive: true }));

const folder = (sorted: readonly Name[] = names): Folder => ({
  sorted,
  directories: sorted.filter(({ kind }) => kind === 'directory').length,
  hasLinks: false,
  unreadable: 5,
  location: root,
  segments: [],
  stamp: { dev: 0, ino: 0, size: 0, mtimeMs: 0, ctimeMs: 0 },
  isRested: true,
  pages: new Map(),
});

/** All names in the order of a query, in one piece. */
function ordered({ sort, isDescending, search }: ListingQuery): readonly string[] {
  const keyOf = ({ name }: Name): number => {
    const index = Number(name.slice(-2));
    return sort === 'modified' ? secondsOf(index) : sizeOf(index);
  };
  const found = names.filter(({ name }) => name.toLowerCase().includes(search));
  return ['directory', 'file'].flatMap((kind) => {
    const group = found.filter((one) => one.kind === kind);
    const isBySize = sort === 'size' && kind === 'directory';
    if (sort === 'name') return (isDescending ? group.toReversed() : group).map(({ name }) => name);
    const sign = isDescending ? -1 : 1;
    return (isBySize ? group : group.toSorted((a, b) => sign * (keyOf(a) - keyOf(b)))).map(({ name }) => name);
  });
}

describe('a page', () => {
  test('is a part of all names in their order, whatever is asked for', async () => {
    const queries = fc.record({
      format: fc.constant('json' as const),
      sort: fc.constantFrom('name' as const, 'size' as const, 'modified' as const),
      isDescending: fc.boolean(),
      page: fc.integer({ min: 1, max: 9 }),
      search: fc.constantFrom('', '', 'dir', 'file', '1', '-0', 'absent'),
    });
    await fc.assert(
      fc.asyncProperty(queries, fc.constantFrom(1, 3, 6, 7, 22, 23, 24, 1000), async (query, pageEntries) => {
        const all = ordered(query);
        const pages = Math.max(1, Math.ceil(all.length / pageEntries));
        const page = Math.min(query.page, pages);
        const listed = await listPage(folder(), query, pageEntries);
        expect(listed).toMatchObject({ total: all.length, pages, page, sort: query.sort, unreadable: 5 });
        expect(listed.entries.map(({ name }) => name)).toEqual(all.slice((page - 1) * pageEntries, page * pageEntries));
      }),
      { numRuns: 300 },
    );
  });

  test('has sizes of files and times of both', async () => {
    const { entries } = await listPage(folder(), QUERY, 100);
    for (const { name, kind, bytes, modifiedMs } of entries) {
      const index = Number(name.slice(-2));
      expect([name, bytes, modifiedMs]).toEqual([
        name,
        kind === 'file' ? sizeOf(index) : undefined,
        secondsOf(index) * 1000,
      ]);
    }
  });

  test('has what vanished without size and time', async () => {
    const { entries } = await listPage(folder([{ name: 'gone', kind: 'file' }]), QUERY, 100);
    expect(entries).toEqual([{ name: 'gone', kind: 'file', bytes: undefined, modifiedMs: undefined }]);
  });

  test('of a very large directory is by name, whatever was asked', async () => {
    const many = Array.from({ length: 10_001 }, (_, index): Name => ({ name: `f${index}`, kind: 'file' }));
    const bySize = await listPage(folder(many), { ...QUERY, sort: 'size' }, 2);
    expect([bySize.sort, bySize.entries.map(({ name }) => name)]).toEqual(['name', ['f0', 'f1']]);
    // A search that finds few is sorted as asked again.
    expect((await listPage(folder(many), { ...QUERY, sort: 'size', search: 'f99' }, 2)).sort).toBe('size');
  });
});

describe('a remembered page', () => {
  const remember = async (place: Folder, key: string, query: Partial<ListingQuery> = {}): Promise<RememberedPage> => {
    const page = {
      listed: await listPage(place, { ...QUERY, ...query }, 100),
      get: { status: 200, fields: [] },
      head: { status: 200, fields: [] },
      turn: -1,
    };
    rememberPage(place, key, page);
    return page;
  };

  test('is given while all its entries are as they were, looked at once a turn', async () => {
    const place = folder();
    const page = await remember(place, 'a');
    expect(rememberedPage(place, 'a')).toBe(page);
    expect(rememberedPage(place, 'b')).toBeUndefined();
    const path = join(root, 'file-01');
    await turned();
    expect(rememberedPage(place, 'a')).toBe(page);
    writeFileSync(path, 'grown to more');
    // Within the turn in which it was looked at, it is as it was.
    expect(rememberedPage(place, 'a')).toBe(page);
    await turned();
    expect(rememberedPage(place, 'a')).toBeUndefined();
    writeFileSync(path, 'x'.repeat(sizeOf(1)));
    utimesSync(path, secondsOf(1), secondsOf(1));
    expect(rememberedPage(place, 'a')).toBe(page);
    renameSync(path, `${path}.away`);
    await turned();
    expect(rememberedPage(place, 'a')).toBeUndefined();
    renameSync(`${path}.away`, path);
  });

  test('is none in another order, which depends on entries that are not on it', async () => {
    const place = folder();
    await remember(place, 'size', { sort: 'size' });
    await remember(place, 'modified', { sort: 'modified' });
    expect(place.pages.size).toBe(0);
  });

  test('is one of eight: the oldest goes', async () => {
    const place = folder();
    for (let index = 0; index < 12; index++) await remember(place, `page ${index}`);
    expect([...place.pages.keys()]).toEqual(Array.from({ length: 8 }, (_, index) => `page ${index + 4}`));
  });
});
