// What is lent is what the responder answers, for as long as it is lent; everything else is untouched by lending.

import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turned, setTimeout as passed } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { mainThreadDisk } from '../src/files/disk.ts';
import { serveStatic, type StaticOptions, type StaticRequest, type StaticResponse } from '../src/index.ts';
import { settingsOf } from '../src/options/settings.ts';
import { responderFor } from '../src/serve-static.ts';
import { makeSite, type Site } from './site.ts';

let site: Site;

/** Sizes on both sides of what is lent, shelved and kept apart. */
const SIZES = [0, 1, 300, 2_000, 8_192, 8_193, 20_000, 32_768, 32_769, 70_000];
const PAGES = 120;

beforeAll(async () => {
  site = makeSite();
  mkdirSync(join(site.root, 'many'));
  for (let page = 0; page < PAGES; page++) {
    writeFileSync(join(site.root, 'many', `p${page}.html`), textOf(page));
  }
  writeFileSync(join(site.root, '404.html'), 'nothing here');
  while (Date.now() - statSync(join(site.root, '404.html')).ctimeMs < 40) await passed(5);
});

afterAll(() => site.remove());

function sizeOf(page: number): number {
  return SIZES[page % SIZES.length] ?? 0;
}

function textOf(page: number): string {
  return `page ${page}, `.repeat(8_000).slice(0, sizeOf(page));
}

/** Numbers from 0 up to `below`, the same ones each time. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
}

const FIELDS: readonly (readonly [string, string])[][] = [
  [],
  [],
  [['user-agent', 'x']],
  [['accept-encoding', 'gzip, br']],
  [['range', 'bytes=1-3']],
  [['if-none-match', '*']],
  [['origin', 'https://other.example']],
];

function requestOf(pick: (below: number) => number): StaticRequest {
  const page = pick(PAGES + 4);
  const pathInfo = ['/none.html', '/', '/sub/', '/a.txt'][page - PAGES] ?? `/many/p${page}.html`;
  return {
    method: pick(8) === 0 ? 'HEAD' : 'GET',
    pathInfo,
    fields: FIELDS[pick(FIELDS.length)] ?? [],
    version: pick(6) === 0 ? '1.0' : '1.1',
  };
}

interface Kept {
  readonly status: number;
  readonly fields: readonly (readonly [string, string])[];
  readonly content: string;
}

async function kept({ status, fields: given, content }: StaticResponse): Promise<Kept> {
  // The second may end between two answers.
  const fields = given.filter(([name]) => name !== 'expires');
  if (content === undefined || content instanceof Uint8Array) {
    return { status, fields, content: Buffer.from(content ?? []).toString('latin1') };
  }
  const pieces: Buffer[] = [];
  for await (const piece of content) pieces.push(Buffer.from(piece));
  return { status, fields, content: Buffer.concat(pieces).toString('latin1') };
}

const CASES: readonly (readonly [string, StaticOptions])[] = [
  ['with its defaults', {}],
  ['with a cache that holds a few pages', { cacheMemoryBytes: 300_000 }],
  ['without a cache', { cacheMemoryBytes: 0 }],
  [
    'with rules, CORS and pages of its own',
    {
      statusPages: true,
      cors: true,
      fieldRules: [{ glob: 'many/p1*.html', fields: { 'X-One': 'yes' } }],
      maxAgeSeconds: 60,
    },
  ],
  ['with a page for every path', { fallback: '/a.txt' }],
];

test.each(CASES)('lends what it answers %s', async (_name, options) => {
  const lending = serveStatic(site.root, options);
  const answering = serveStatic(site.root, options);
  const pick = random(7);
  const held: { readonly request: StaticRequest; readonly response: StaticResponse; readonly before: Kept }[] = [];
  let lent = 0;
  for (let count = 0; count < 1_500; count++) {
    const request = requestOf(pick);
    const given = lending.lend?.(request);
    const response = given instanceof Promise ? await given : given;
    if (response === undefined) throw new Error('there is nothing to lend');
    const now = kept(response);
    // A caller of another kind comes in between; what was lent is copied by then.
    const expected = await answering(request);
    const before = await now;
    expect(before).toEqual(await kept(expected));
    if (response.isLent === true) lent++;
    else if (response.content instanceof Uint8Array) held.push({ request, response, before });
    if (pick(4) === 0) await turned();
  }
  expect(lent).toBeGreaterThan(100);
  // What was not lent stays as it was.
  for (const { response, before } of held) expect(await kept(response)).toEqual(before);
});

test('what the pool may still write to is lent to nobody else', async () => {
  // Storage that is slow for one read, and fast again right after it.
  let isSlow = false;
  let late: Uint8Array | undefined;
  const respond = responderFor(settingsOf(site.root, { cacheMemoryBytes: 30_000 }), {
    ...mainThreadDisk,
    readAgain: (path, bytes) => {
      if (!isSlow) return mainThreadDisk.readAgain(path, bytes);
      isSlow = false;
      late = bytes;
      return Promise.resolve(new Error('late'));
    },
  });
  const ask = (page: number): StaticResponse => {
    const response = respond.lend?.({ method: 'GET', pathInfo: `/many/p${page}.html`, fields: [] });
    if (response === undefined || response instanceof Promise) throw new Error('it was not there at once');
    return response;
  };
  const pages = Array.from({ length: PAGES }, (_, page) => page).filter((page) => sizeOf(page) === 2_000);
  let found = 0;
  for (const page of [...pages, ...pages, ...pages]) {
    isSlow = found === 0;
    late = undefined;
    const first = respond.lend?.({ method: 'GET', pathInfo: `/many/p${page}.html`, fields: [] });
    isSlow = false;
    if ((await first) !== first || late === undefined) continue;
    found++;
    expect(first?.isLent).toBe(true);
    const other = (page + SIZES.length) % PAGES;
    const { content } = ask(other);
    (late as Uint8Array).fill(0x78);
    expect(String(Buffer.from(content as Uint8Array))).toBe(textOf(other));
  }
  expect(found).toBe(1);
  await turned();
});

test.each(['fast', 'slow'])('what a hook throws is a 500 on %s storage, and nothing else', async (storage) => {
  let isBroken = false;
  const isSource = (): boolean => {
    if (isBroken) throw new Error('the hook is broken');
    return false;
  };
  const respond = responderFor(settingsOf(site.root, { cacheMemoryBytes: 30_000, isSource }), {
    ...mainThreadDisk,
    stat: (path) =>
      isBroken && storage === 'slow' ? Promise.resolve(mainThreadDisk.stat(path)) : mainThreadDisk.stat(path),
  });
  const pages = Array.from({ length: PAGES }, (_, page) => page).filter((page) => sizeOf(page) === 2_000);
  const ask = async (page: number): Promise<StaticResponse | undefined> => {
    await turned();
    return respond.lend?.({ method: 'GET', pathInfo: `/many/p${page}.html`, fields: [] });
  };
  for (const page of [...pages, ...pages, ...pages]) expect((await ask(page))?.status).toBe(200);
  isBroken = true;
  const statuses: (number | undefined)[] = [];
  for (const page of pages) statuses.push((await ask(page))?.status);
  expect(statuses.filter((status) => status === 500).length).toBeGreaterThan(2);
  expect(statuses.filter((status) => status !== 500 && status !== 200)).toEqual([]);
});

test('copies of what is lent keep no lines, since their fields may be others', () => {
  const respond = serveStatic(site.root);
  const response = respond.lend?.({ method: 'GET', pathInfo: '/a.txt', fields: [] });
  if (response === undefined || response instanceof Promise) throw new Error('it was not there at once');
  expect(response.isLent).toBe(true);
  expect(response.lines).toBeDefined();
  const copy: StaticResponse = { ...response, fields: [['x-other', '1']] };
  expect(copy.lines).toBeUndefined();
  expect(Object.assign({}, response)).not.toHaveProperty('lines');
});

test('kept lines are given back until the page changes', async () => {
  const path = join(site.root, 'lines.txt');
  writeFileSync(path, 'first');
  while (Date.now() - statSync(path).ctimeMs < 40) await passed(5);
  const respond = serveStatic(site.root);
  const ask = (): StaticResponse => {
    const response = respond.lend?.({ method: 'GET', pathInfo: '/lines.txt', fields: [] });
    if (response === undefined || response instanceof Promise) throw new Error('it was not there at once');
    return response;
  };
  ask().lines?.keep(Buffer.from('a: b\r\n'));
  expect(String(Buffer.from(ask().lines?.kept ?? []))).toBe('a: b\r\n');
  expect(String(Buffer.from(ask().content as Uint8Array))).toBe('first');
  writeFileSync(path, 'other');
  await turned();
  expect(ask().lines?.kept).toBeUndefined();
  rmSync(path);
});

test('too many lines are not kept', () => {
  const respond = serveStatic(site.root);
  const ask = (): StaticResponse | Promise<StaticResponse> | undefined =>
    respond.lend?.({ method: 'GET', pathInfo: '/a.txt', fields: [] });
  const response = ask();
  if (response === undefined || response instanceof Promise) throw new Error('it was not there at once');
  response.lines?.keep(Buffer.alloc(513));
  expect((ask() as StaticResponse).lines?.kept).toBeUndefined();
});

test('a function that wraps the responder does not get its lending by assignment', () => {
  const respond = serveStatic(site.root);
  const guarded = Object.assign(() => ({ status: 403, fields: [] }), respond);
  expect(guarded).not.toHaveProperty('lend');
});
