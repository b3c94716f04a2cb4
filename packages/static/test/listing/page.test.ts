// The page of a directory: names are data in each of its forms, and links lead where the names say.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Listing, renderListing } from '../../src/listing/page.ts';
import type { ListedEntry } from '../../src/listing/pages.ts';
import type { ListingQuery } from '../../src/listing/query.ts';
import { UPLOAD_SCRIPT } from '../../src/listing/upload.ts';

const QUERY: ListingQuery = { format: 'html', sort: 'name', isDescending: false, page: 1, search: '' };

const EMPTY: Listing = {
  entries: [],
  total: 0,
  page: 1,
  pages: 1,
  sort: 'name',
  unreadable: 0,
  names: [],
  depth: 0,
  query: QUERY,
  isWritable: false,
  hasArchive: false,
};

const entry = (name: string, more: Partial<ListedEntry> = {}): ListedEntry => ({
  name,
  kind: 'file',
  bytes: 0,
  modifiedMs: 0,
  ...more,
});

async function render(listing: Partial<Listing> = {}, query: Partial<ListingQuery> = {}): Promise<string> {
  const { text } = await renderListing({ ...EMPTY, ...listing, query: { ...QUERY, ...query } });
  return text;
}

const UNESCAPED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };

/** What a browser makes of escaped text. */
function unescaped(text: string): string {
  return text.replaceAll(/&(amp|lt|gt|quot|#39);/g, (all, name: string) => UNESCAPED[name] ?? all);
}

/** What changes the order of letters, or is not seen, is shown for what it is. */
const shown = (name: string): string =>
  name.replaceAll(
    /^\s+|\s+$|[\u0000-\u001F\u007F-\u009F\u00AD\u200B\u2028-\u202E\u2060-\u2069\uFEFF]/g,
    encodeURIComponent,
  );

interface Row {
  readonly href: string;
  readonly label: string;
  readonly size: string;
  readonly time: string;
}

function rows(html: string): readonly Row[] {
  const pattern =
    /<tr><td class="name"><a href="([^"]*)"><svg[^]*?<\/svg><bdi>([^<]*)<\/bdi><\/a><\/td><td class="size">([^<]*)<\/td><td class="modified">([^]*?)<\/td><\/tr>/g;
  return [...html.matchAll(pattern)].map(([, href = '', label = '', size = '', time = '']) => ({
    href: unescaped(href),
    label: unescaped(label),
    size,
    time,
  }));
}

/** Names that file systems take; signs that mean something in HTML, URLs, JSON or text are many among them. */
const names = fc
  .array(
    fc.oneof(
      fc
        .constantFrom(
          '<',
          '>',
          '&',
          '"',
          "'",
          '#',
          '?',
          '%',
          ';',
          ':',
          '\\',
          '\n',
          '\t',
          ' ',
          '..',
          '\u2028',
          '\u202e',
          '\x85',
          '&lt;',
          '</script>',
          'javascript:',
          '//',
          'é',
          '日',
          '😀',
        )
        .map((text) => text.replaceAll('/', '')),
      fc.string({ maxLength: 5, unit: 'grapheme' }).filter((text) => !/[/\0]/.test(text)),
    ),
    { minLength: 1, maxLength: 6 },
  )
  .map((parts) => parts.join(''))
  .filter((name) => name !== '' && name !== '.' && name !== '..' && !/\p{Surrogate}/u.test(name));

const entries = fc.array(
  fc.record({
    name: names,
    kind: fc.constantFrom('file' as const, 'directory' as const),
    bytes: fc.option(fc.maxSafeNat(), { nil: undefined }),
    modifiedMs: fc.option(fc.integer({ min: -1e12, max: 4e12 }), { nil: undefined }),
  }),
  { maxLength: 8 },
);

describe('as HTML', () => {
  test('shows no name in another order than that of its letters', async () => {
    const [row] = rows(await render({ entries: [entry('a\u202etxt.exe')], total: 1 }));
    expect(row).toMatchObject({ label: 'a%E2%80%AEtxt.exe', href: './a%E2%80%AEtxt.exe' });
    expect(await render({ names: ['b\u2067c'], depth: 1 })).not.toContain('\u2067');
  });

  test('shows names that differ in blanks and controls as different', async () => {
    const all = ['a', ' a', 'a ', 'a\t', 'a\n', 'a  b', 'a\nb', ' ', '\u3000', 'a\u00a0', '\u200b'];
    const labels = rows(await render({ entries: all.map((name) => entry(name)), total: all.length })).map(
      ({ label }) => label,
    );
    expect(labels).toEqual([
      'a',
      '%20a',
      'a%20',
      'a%09',
      'a%0A',
      'a  b',
      'a%0Ab',
      '%20',
      '%E3%80%80',
      'a%C2%A0',
      '%E2%80%8B',
    ]);
    // Blanks inside are kept by the style.
    expect(await render()).toContain('bdi{white-space:pre-wrap}');
  });

  test('has the name of the folder for a heading, and in it only what may be in one', async () => {
    expect(await render({ names: ['a', 'b'], depth: 2 })).toMatch(
      /<li aria-current="page"><h1><bdi>b<\/bdi><\/h1><\/li><\/ol><\/nav>/,
    );
  });

  test('has a row for each name, with a link that leads to it', async () => {
    await fc.assert(
      fc.asyncProperty(entries, async (all) => {
        const found = rows(await render({ entries: all, total: all.length }));
        expect(found).toHaveLength(all.length);
        for (const [index, { href, label }] of found.entries()) {
          const { name, kind } = all[index] ?? entry('');
          const slash = kind === 'directory' ? '/' : '';
          expect(label).toBe(`${shown(name)}${slash}`);
          const url = new URL(href, 'http://site.example/a/b/');
          expect([url.origin, url.search, url.hash]).toEqual(['http://site.example', '', '']);
          expect(decodeURIComponent(url.pathname)).toBe(`/a/b/${name}${slash}`);
        }
      }),
      { numRuns: 200 },
    );
  });

  test('lets nothing of a name, a path or a search be markup', async () => {
    const tags = (html: string): readonly string[] => html.match(/<\/?[a-z][^\s>]*/gi) ?? [];
    const plain = tags(await render({ entries: [entry('a')], names: ['a', 'b'], depth: 1 }, { search: 'a' }));
    await fc.assert(
      fc.asyncProperty(names, names, names, async (name, mount, search) => {
        const html = await render({ entries: [entry(name)], names: [mount, 'b'], depth: 1 }, { search });
        expect(tags(html)).toEqual(plain);
        expect(unescaped(/name="search"[^>]*value="([^"]*)"/.exec(html)?.[1] ?? '')).toBe(search);
        expect(unescaped(/<title>([^<]*)<\/title>/.exec(html)?.[1] ?? '')).toBe(`Index of /${shown(mount)}/b/`);
      }),
      { numRuns: 200 },
    );
  });

  test.each([
    [0, '0 bytes'],
    [1, '1 byte'],
    [2, '2 bytes'],
    [999, '999 bytes'],
    [1000, '1.00 KB'],
    [1004, '1.00 KB'],
    [1005, '1.00 KB'],
    [1006, '1.01 KB'],
    [12_345, '12.3 KB'],
    [999_499, '999 KB'],
    [999_500, '1.00 MB'],
    [1_234_567, '1.23 MB'],
    [999_500_000, '1.00 GB'],
    [5_000_000_000_000, '5.00 TB'],
    [Number.MAX_SAFE_INTEGER, '9.01 PB'],
  ])('says of %i bytes %s', async (bytes, size) => {
    expect(rows(await render({ entries: [entry('a', { bytes })], total: 1 }))[0]?.size).toBe(size);
  });

  test('says when a file was changed, in UTC, and nothing where that is not known or no date', async () => {
    const timeOf = async (modifiedMs: number | undefined): Promise<string | undefined> =>
      rows(await render({ entries: [entry('a', { modifiedMs })], total: 1 }))[0]?.time;
    expect(await timeOf(Date.UTC(2024, 1, 29, 5, 6, 7, 8))).toBe(
      '<time datetime="2024-02-29T05:06:07.008Z">2024-02-29 05:06</time>',
    );
    expect(await timeOf(-1)).toContain('1969-12-31 23:59');
    expect(await timeOf(undefined)).toBe('');
    expect(await timeOf(9e15)).toBe('');
  });

  test('has no size for folders and for what vanished', async () => {
    const listed = [entry('d', { kind: 'directory', bytes: undefined }), entry('f', { bytes: undefined })];
    expect(rows(await render({ entries: listed, total: 2 })).map(({ size }) => size)).toEqual(['', '']);
  });

  test.each([
    [{ total: 0 }, '0 entries, times in UTC'],
    [{ total: 1 }, '1 entry, times in UTC'],
    [{ total: 12_345, page: 2, pages: 1_234 }, '12,345 entries, page 2 of 1,234, times in UTC'],
    [{ total: 2, unreadable: 1_000 }, '2 entries, 1,000 not shown, with names that are not UTF-8, times in UTC'],
  ])('counts %o', async (listing, words) => {
    expect(await render(listing)).toContain(`<footer><span>${words}</span>`);
  });

  test('leads upwards by steps, to the top of its mount at most', async () => {
    const trail = async (all: readonly string[], depth: number): Promise<string | undefined> =>
      /<ol>(.*?)<\/ol>/.exec(await render({ names: all, depth }))?.[1];
    expect(await trail([], 0)).toBe('<li aria-current="page"><h1><bdi>Home</bdi></h1></li>');
    expect(await trail(['m'], 0)).toBe('<li aria-current="page"><h1><bdi>m</bdi></h1></li>');
    expect(await trail(['a', 'b'], 2)).toBe(
      '<li><a href="../../"><bdi>Home</bdi></a></li><li><a href="../"><bdi>a</bdi></a></li><li aria-current="page"><h1><bdi>b</bdi></h1></li>',
    );
    expect(await trail(['m', 'n', 'a'], 1)).toBe(
      '<li><a href="../"><bdi>n</bdi></a></li><li aria-current="page"><h1><bdi>a</bdi></h1></li>',
    );
  });

  test('orders by a column when its head is followed, and turns the order around the second time', async () => {
    const heads = async (query: Partial<ListingQuery>): Promise<readonly (readonly string[])[]> => {
      const html = await render({ entries: [entry('a')], total: 1, sort: query.sort ?? 'name' }, query);
      return [...html.matchAll(/<th scope="col" class="(\w+)"(?: aria-sort="(\w+)")?><a href="([^"]*)">/g)].map(
        ([, key = '', order = '', href = '']) => [key, order, unescaped(href)],
      );
    };
    expect(await heads({})).toEqual([
      ['name', 'ascending', './?order=desc'],
      ['size', '', './?sort=size'],
      ['modified', '', './?sort=modified'],
    ]);
    expect(await heads({ sort: 'size', isDescending: true, page: 7, search: 'a&b' })).toEqual([
      ['name', '', './?search=a%26b'],
      ['size', 'descending', './?sort=size&search=a%26b'],
      ['modified', '', './?sort=modified&search=a%26b'],
    ]);
  });

  test('keeps the order of the page in a search', async () => {
    const form = async (query: Partial<ListingQuery>): Promise<readonly string[]> =>
      (await render({}, query)).match(/<input type="hidden"[^>]*>/g) ?? [];
    expect(await form({})).toEqual([]);
    expect(await form({ sort: 'size', isDescending: true })).toEqual([
      '<input type="hidden" name="sort" value="size">',
      '<input type="hidden" name="order" value="desc">',
    ]);
  });

  test.each([
    [1, 1, []],
    [1, 3, ['next ./?page=2']],
    [2, 3, ['prev ./', 'next ./?page=3']],
    [3, 3, ['prev ./?page=2']],
  ])('of page %i of %i knows its neighbours', async (page, pages, links) => {
    const html = await render({ page, pages, total: 3 });
    const found = [...html.matchAll(/<a rel="(prev|next)" href="([^"]*)">/g)];
    expect(found.map(([, rel, href]) => `${rel} ${href}`)).toEqual(links);
  });

  test('has the script only where files may be put, and archives only where they are offered', async () => {
    expect(await render()).not.toMatch(/<script|format=zip/);
    expect(await render({ isWritable: true })).toContain(`<script>${UPLOAD_SCRIPT}</script>`);
    expect(await render({ hasArchive: true })).toMatch(/href="\.\/\?format=zip".*href="\.\/\?format=tar"/);
  });

  test('says why it is empty', async () => {
    expect(await render()).toContain('This folder is empty.');
    expect(await render({}, { search: 'x' })).toContain('No name matches.');
    expect(await render({ entries: [entry('a')], total: 1 })).not.toMatch(/class="empty"/);
  });
});

describe('as JSON', () => {
  interface Json {
    readonly path: string;
    readonly entries: readonly {
      name: string;
      kind: string;
      bytes: number | null;
      modified: string | null;
      href: string;
    }[];
  }

  test('reads back to what was listed, over several slices too', async () => {
    await fc.assert(
      fc.asyncProperty(entries, fc.constantFrom(1, 300), async (some, times) => {
        const all = Array.from({ length: times }, () => some).flat();
        const text = await render({ entries: all, total: all.length, names: ['a', '"'], depth: 2 }, { format: 'json' });
        const read = JSON.parse(text) as Json;
        expect(read).toMatchObject({ path: '/a/"/', page: 1, pages: 1, total: all.length, unreadable: 0 });
        expect(read.entries.map(({ name, kind, bytes }) => ({ name, kind, bytes }))).toEqual(
          all.map(({ name, kind, bytes = null }) => ({ name, kind, bytes })),
        );
        for (const [index, { modified }] of read.entries.entries()) {
          const { modifiedMs } = all[index] ?? {};
          expect(modified === null ? undefined : Date.parse(modified)).toBe(modifiedMs);
        }
      }),
      { numRuns: 30 },
    );
  });

  test('of nothing is an empty list', async () => {
    expect(JSON.parse(await render({}, { format: 'json' }))).toEqual({
      path: '/',
      page: 1,
      pages: 1,
      total: 0,
      unreadable: 0,
      entries: [],
    });
  });
});

describe('as text', () => {
  test('is one line for each name, however many lines a name has', async () => {
    await fc.assert(
      fc.asyncProperty(entries, async (all) => {
        const text = await render({ entries: all, total: all.length }, { format: 'text' });
        const lines = text.split(/[\n\r\u2028\u2029\x85]/).slice(0, -1);
        expect(lines).toHaveLength(all.length);
        for (const [index, line] of lines.entries()) {
          expect(line.endsWith('/')).toBe(all[index]?.kind === 'directory');
        }
      }),
      { numRuns: 200 },
    );
    expect(await render({ entries: [entry('a b'), entry('d\n', { kind: 'directory' })] }, { format: 'text' })).toBe(
      'a b\nd%0A/\n',
    );
  });
});

test.each([
  ['html', 'text/html; charset=utf-8'],
  ['json', 'application/json; charset=utf-8'],
  ['text', 'text/plain; charset=utf-8'],
] as const)('the type of %s is %s', async (format, contentType) => {
  expect((await renderListing({ ...EMPTY, query: { ...QUERY, format } })).contentType).toBe(contentType);
});
