import { execFile, execFileSync } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turned } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Field, serveStatic, type StaticResponder } from '../../src/index.ts';
import { makeSite, type Site, writeTree } from '../site.ts';

let site: Site;
let respond: StaticResponder;

beforeAll(() => {
  site = makeSite();
  respond = serveStatic(site.root, { listing: true });
});

afterAll(() => site.remove());

async function list(pathInfo: string, query?: string, fields: readonly Field[] = [], by = respond): Promise<string> {
  const { status, content } = await by({ method: 'GET', pathInfo, query, fields });
  expect(status).toBe(200);
  return Buffer.from(content as Uint8Array).toString();
}

interface JsonListing {
  readonly path: string;
  readonly page: number;
  readonly pages: number;
  readonly total: number;
  readonly unreadable: number;
  readonly entries: readonly { name: string; kind: string; bytes: number | null; modified: string; href: string }[];
}

async function listJson(pathInfo: string, query: string, by = respond): Promise<JsonListing> {
  return JSON.parse(await list(pathInfo, `format=json&${query}`, [], by)) as JsonListing;
}

describe('a listing', () => {
  test('links lead to the files, whatever they are called', async () => {
    const html = await list('/nolist/');
    const hrefs = [...html.matchAll(/<td class="name"><a href="([^"]*)"/g)].map((match) => match[1] ?? '');
    expect(hrefs).toHaveLength(10);
    for (const href of hrefs) {
      // As a browser resolves it, and a server decodes it.
      const { pathname } = new URL(href.replaceAll('&amp;', '&'), 'http://site/nolist/');
      const { status } = await respond({ method: 'GET', pathInfo: decodeURIComponent(pathname), fields: [] });
      expect([href, href.endsWith('/') || status === 200]).toEqual([href, true]);
    }
  });

  test('is HTML, JSON or text as asked, by name or by Accept', async () => {
    const typeOf = async (query: string | undefined, accept: string) => {
      const { fields } = await respond({ method: 'GET', pathInfo: '/nolist/', query, fields: [['accept', accept]] });
      expect(fields).toContainEqual(['vary', 'accept']);
      return fields.find(([name]) => name === 'content-type')?.[1];
    };
    const [html, json, text] = ['text/html', 'application/json', 'text/plain'].map((type) => `${type}; charset=utf-8`);
    expect(await typeOf(undefined, '*/*')).toBe(html);
    expect(await typeOf(undefined, 'application/json')).toBe(json);
    expect(await typeOf(undefined, 'text/html;q=0.5, text/plain')).toBe(text);
    expect(await typeOf('format=json', 'text/html')).toBe(json);
    expect(await typeOf('format=nonsense', '*/*')).toBe(html);
  });

  test('puts directories first, and sorts by name, size and time', async () => {
    writeTree(site.root, { 'sorted/f10': '1', 'sorted/f9': '333', 'sorted/F1': '22', 'sorted/zdir/x': '' });
    for (const [name, seconds] of [
      ['f10', 300],
      ['f9', 200],
      ['F1', 100],
    ] as const) {
      utimesSync(join(site.root, 'sorted', name), seconds, seconds);
    }
    const namesBy = async (query: string) =>
      (await listJson('/sorted/', query)).entries.map(({ name }) => name).join(' ');
    expect(await namesBy('')).toBe('zdir F1 f9 f10');
    expect(await namesBy('order=desc')).toBe('zdir f10 f9 F1');
    expect(await namesBy('sort=size')).toBe('zdir f10 F1 f9');
    expect(await namesBy('sort=size&order=desc')).toBe('zdir f9 F1 f10');
    expect(await namesBy('sort=modified')).toBe('zdir F1 f9 f10');
    expect(await namesBy('search=f1')).toBe('F1 f10');
  });

  test('of a mount leads no higher than the mount', async () => {
    const response = await respond({ method: 'GET', scriptName: '/docs/v 1', pathInfo: '/nolist/folder/', fields: [] });
    const html = Buffer.from(response.content as Uint8Array).toString();
    expect(html).toContain('<title>Index of /docs/v 1/nolist/folder/</title>');
    expect(html).toContain(
      '<ol><li><a href="../../"><bdi>v 1</bdi></a></li><li><a href="../"><bdi>nolist</bdi></a></li><li aria-current="page"><h1><bdi>folder</bdi></h1></li></ol>',
    );
  });

  test('has HEAD like GET, and 405 for others', async () => {
    const head = await respond({ method: 'HEAD', pathInfo: '/nolist/', fields: [] });
    expect(head.content).toBeUndefined();
    expect(head.fields).toContainEqual(['content-length', String(Buffer.byteLength(await list('/nolist/')))]);
  });

  test('says when there is nothing', async () => {
    mkdirSync(join(site.root, 'void'));
    expect(await list('/void/')).toContain('This folder is empty.');
    expect(await list('/nolist/', 'search=absent')).toContain('No name matches.');
    expect((await listJson('/void/', '')).entries).toEqual([]);
  });

  test('is not given unless asked for', async () => {
    const { status } = await serveStatic(site.root)({ method: 'GET', pathInfo: '/nolist/', fields: [] });
    expect(status).toBe(404);
  });
});

describe('an archive of a folder', () => {
  test('is what tar reads as the same files, under the same policies, and only where it is offered', async () => {
    const long = `${'long'.repeat(30)}/${'name'.repeat(40)}.txt`;
    writeTree(site.root, {
      'packed/a.txt': 'a',
      'packed/empty': '',
      'packed/größe \n.bin': Buffer.alloc(100_000, 7),
      'packed/block.bin': Buffer.alloc(1024, 1),
      [`packed/${long}`]: 'long',
      'packed/.hidden': 'SECRET',
      'packed/x.key': 'SECRET',
    });
    symlinkSync('..', join(site.root, 'packed/up'));
    symlinkSync('../../secret.txt', join(site.root, 'packed/out'));
    const offering = serveStatic(site.root, { listing: { archives: true }, hide: ['*.key'] });
    const request = { pathInfo: '/packed/', query: 'format=tar', fields: [] };
    const { status, fields, content } = await offering({ method: 'GET', ...request });
    expect([status, fields.find(([name]) => name === 'content-disposition')?.[1]]).toEqual([
      200,
      "attachment; filename*=UTF-8''packed.tar",
    ]);
    const chunks: Buffer[] = [];
    for await (const chunk of content as AsyncIterable<Uint8Array>) chunks.push(Buffer.from(chunk));
    const target = join(site.top, 'unpacked');
    mkdirSync(target);
    execFileSync('tar', ['-x', '-C', target], { input: Buffer.concat(chunks) });
    // With `recursive`, Node follows links from version 22 on.
    const files = (folder: string, below = ''): string[] =>
      readdirSync(folder + below, { withFileTypes: true })
        .filter(({ name }) => !name.startsWith('.') && !name.endsWith('.key'))
        .flatMap((entry) => {
          const path = `${below}/${entry.name}`;
          return entry.isDirectory() ? files(folder, path) : entry.isFile() ? [path] : [];
        })
        .toSorted();
    expect(files(join(target, 'packed'))).toEqual(files(join(site.root, 'packed')));
    for (const name of files(join(target, 'packed'))) {
      expect(readFileSync(join(target, 'packed', name)).equals(readFileSync(join(site.root, 'packed', name)))).toBe(
        true,
      );
    }
    expect(readdirSync(join(target, 'packed'))).not.toContain('.hidden');
    expect((await offering({ method: 'HEAD', ...request })).content).toBeUndefined();
    expect(await list('/packed/', '', [], offering)).toContain('<a href="./?format=tar" rel="nofollow" download>');
    expect(await list('/packed/', 'format=tar')).toContain('<!doctype html>');
  });
});

describe('a remembered listing', () => {
  test('is the same object while nothing changes, and shows every change at once', async () => {
    writeTree(site.root, { 'kept/a.txt': 'a', 'kept/b.txt': 'bb', 'kept/c/x': '' });
    // Changes of a directory within the last tick of the clock need not show in its times.
    utimesSync(join(site.root, 'kept'), 1000, 1000);
    const ask = async () => respond({ method: 'GET', pathInfo: '/kept/', query: 'format=json', fields: [] });
    const rested = async () => {
      for (let before = await ask(); ;) {
        const now = await ask();
        if (now === before) return now;
        before = now;
      }
    };
    const entriesNow = async () => {
      // Within one turn of the loop a directory is looked at once.
      await turned();
      return (await listJson('/kept/', '')).entries;
    };
    const bytesOf = async (name: string) => (await entriesNow()).find((entry) => entry.name === name)?.bytes;
    const namesNow = async () => (await entriesNow()).map(({ name }) => name).join(' ');
    await rested();
    for (let round = 0; round < 20; round++) {
      writeFileSync(join(site.root, 'kept/a.txt'), 'a'.repeat(round));
      expect(await bytesOf('a.txt')).toBe(round);
      writeFileSync(join(site.root, `kept/new${round}`), '');
      expect(await namesNow()).toBe(`c a.txt b.txt new${round}`);
      renameSync(join(site.root, `kept/new${round}`), join(site.root, 'kept/old'));
      expect(await namesNow()).toBe('c a.txt b.txt old');
      unlinkSync(join(site.root, 'kept/old'));
      expect(await namesNow()).toBe('c a.txt b.txt');
      if (round % 5 === 0) await rested();
    }
    symlinkSync('a.txt', join(site.root, 'kept/link'));
    expect(await namesNow()).toBe('c a.txt b.txt link');
    unlinkSync(join(site.root, 'kept/link'));
    symlinkSync('c', join(site.root, 'kept/link'));
    expect((await listJson('/kept/', '')).entries.map(({ kind }) => kind)).toEqual([
      'directory',
      'directory',
      'file',
      'file',
    ]);
    rmSync(join(site.root, 'kept'), { recursive: true });
    expect((await ask()).status).toBe(404);
  });

  test('is that of the directory at the path, not of one that was there', async () => {
    writeTree(site.root, { 'first/one': '', 'second/two': '' });
    const names = async () => (await listJson('/current/', '')).entries.map(({ name }) => name).join(' ');
    symlinkSync('first', join(site.root, 'current'));
    for (let round = 0; round < 30; round++) {
      const [target, name] = round % 2 === 0 ? ['second', 'two'] : ['first', 'one'];
      symlinkSync(target, join(site.root, 'current.next'));
      renameSync(join(site.root, 'current.next'), join(site.root, 'current'));
      expect(await names()).toBe(name);
    }
  });

  test('is looked up once for all who ask at once', async () => {
    writeTree(site.root, { 'shared/a': '' });
    const asked = Array.from({ length: 50 }, async () => respond({ method: 'GET', pathInfo: '/shared/', fields: [] }));
    expect(new Set(await Promise.all(asked)).size).toBeLessThan(5);
  });
});

describe('names that no request can name', () => {
  test('are counted, and those with a replacement character of their own are listed', async () => {
    const folder = join(site.root, 'odd');
    mkdirSync(folder);
    for (const name of ['\ufffd.txt', 'plain.txt']) writeFileSync(join(folder, name), '');
    for (const bytes of [[0xff], [0x61, 0xe9], [0xff, 0x2e, 0x74, 0x78, 0x74]]) {
      writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(bytes)]), '');
    }
    const listing = await listJson('/odd/', '');
    expect(listing.entries.map(({ name }) => name).toSorted()).toEqual(['plain.txt', '\ufffd.txt']);
    expect(listing.unreadable).toBe(3);
    expect(await list('/odd/')).toContain('2 entries, 3 not shown, with names that are not UTF-8, times in UTC');
    expect((await respond({ method: 'GET', pathInfo: '/odd/\ufffd.txt', fields: [] })).status).toBe(200);
  });
});

describe('a directory of 100,000 entries', () => {
  const COUNT = 100_000;

  beforeAll(() => {
    mkdirSync(join(site.root, 'many'));
    for (let index = 0; index < COUNT; index++) closeSync(openSync(join(site.root, `many/entry-${index}`), 'w'));
  }, 300_000);

  test('is listed in pages, while others are answered', async () => {
    let isListing = true;
    let turns = 0;
    const others = (async () => {
      for (; isListing; turns++) {
        expect((await respond({ method: 'GET', pathInfo: '/a.txt', fields: [] })).status).toBe(200);
        await turned();
      }
    })();
    const first = await listJson('/many/', '');
    const last = await listJson('/many/', 'page=100');
    isListing = false;
    await others;
    expect([first.total, first.pages, first.entries.length]).toEqual([COUNT, 100, 1000]);
    expect([first.entries[0]?.name, first.entries[999]?.name]).toEqual(['entry-0', 'entry-999']);
    expect(last.entries.at(-1)?.name).toBe(`entry-${COUNT - 1}`);
    // Reading, sorting and merging each give way many times.
    expect(turns).toBeGreaterThan(100);
  });

  test('is listed 64 times at once in a heap of 256 MB', async () => {
    const program = join(import.meta.dirname, '../fixtures/list-at-once.mjs');
    const words = ['--max-old-space-size=256', program, site.root, '/many/'];
    const { stdout } = await promisify(execFile)(process.execPath, words);
    expect(JSON.parse(stdout)).toEqual({ 200: 128 });
  });

  test('has pages that know their neighbours, and one past the end is the last', async () => {
    const html = await list('/many/', 'page=2&search=entry&order=desc');
    expect(html).toContain('<a rel="prev" href="./?order=desc&amp;search=entry">');
    expect(html).toContain('<a rel="next" href="./?order=desc&amp;page=3&amp;search=entry">');
    expect((await listJson('/many/', 'page=5000')).page).toBe(100);
  });
});
