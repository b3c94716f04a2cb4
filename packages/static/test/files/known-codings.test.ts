// Codings that were made once are found again by what they were made of: a known page costs one look at its file, and whatever
// changes shows at once.

import { lstatSync, mkdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turned, setTimeout as passed } from 'node:timers/promises';
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Disk, mainThreadDisk } from '../../src/files/disk.ts';
import { KnownCodings } from '../../src/files/known-codings.ts';
import type { StaticOptions } from '../../src/index.ts';
import { settingsOf } from '../../src/options/settings.ts';
import { responderFor } from '../../src/serve-static.ts';
import { makeSite, type Site } from '../site.ts';

/** Numbers from 0 up to `below`, the same ones each time. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
}

describe('the codings', () => {
  test('are those that were added, or none, and take no more memory than allowed', () => {
    const maxBytes = 400_000;
    const codings = new KnownCodings(maxBytes);
    const pick = random(11);
    const added = new Map<string, Buffer>();
    let found = 0;
    for (let count = 0; count < 12_000; count++) {
      const tag = `W/"${pick(3_000).toString(36)}-tag-br"`;
      const known = codings.find(tag);
      if (known !== undefined) {
        found++;
        expect(Buffer.from(known).equals(added.get(tag) ?? Buffer.from('none'))).toBe(true);
        continue;
      }
      const coded = Buffer.alloc(pick(pick(20) === 0 ? 8_000 : 300), `${count} `);
      codings.add(tag, coded);
      added.set(tag, coded);
      expect(Buffer.from(codings.find(tag) ?? 'none').equals(coded)).toBe(true);
      expect(codings.bytes).toBeLessThanOrEqual(maxBytes);
    }
    expect(found).toBeGreaterThan(1_000);
  });

  test('are none where there is no memory', () => {
    for (const maxBytes of [0, 1_000, 60_000]) {
      const codings = new KnownCodings(maxBytes);
      codings.add('W/"1-a-br"', Buffer.from('coded'));
      expect([codings.find('W/"1-a-br"'), codings.bytes]).toEqual([undefined, 0]);
    }
  });
});

const PAGES = 200;

describe.runIf(process.platform === 'linux')('a page whose coding is known', () => {
  let site: Site;
  let folder: string;
  let texts: (string | undefined)[];

  beforeEach(async () => {
    site = makeSite();
    folder = join(site.root, 'above/pages');
    mkdirSync(folder, { recursive: true });
    texts = Array.from({ length: PAGES }, (_, page) => textOf(page, 0));
    for (const [page, text] of texts.entries()) writeFileSync(placeOf(page), text ?? '');
    await untilRested();
  });

  afterEach(() => site.remove());

  function changedMs(place: string): number {
    return lstatSync(place, { throwIfNoEntry: false })?.ctimeMs ?? 0;
  }

  function textOf(page: number, version: number): string {
    return `<p>page ${page} as of ${String(version).padStart(6, '0')}\n`.repeat(100);
  }

  function placeOf(page: number): string {
    return join(folder, `p${page}.html`);
  }

  async function untilRested(): Promise<void> {
    const newest = () => Math.max(...[folder, ...texts.map((_, page) => placeOf(page))].map(changedMs));
    while (Date.now() - newest() < 40) await passed(5);
  }

  /** A responder that remembers no page and has room for codings of all; `ask` says what a client of it gets, and by which calls. */
  function knowing(options: StaticOptions = {}) {
    const calls: string[] = [];
    const settings = settingsOf(site.root, { cacheMemoryBytes: 8 * 1024 * 1024, ...options });
    const watched = ['stat', 'open', 'read', 'readAgain', 'placeOf', 'realPath', 'isDirectoryItself'] as const;
    const disk: Record<string, unknown> = { ...mainThreadDisk };
    for (const name of watched) {
      disk[name] = (...words: unknown[]) => {
        calls.push(name);
        return (mainThreadDisk[name] as (...all: unknown[]) => unknown)(...words);
      };
    }
    const respond = responderFor(settings, disk as unknown as Disk);
    const ask = async (pathInfo: string, acceptEncoding = 'gzip, br') => {
      await turned();
      calls.length = 0;
      const fields = [['accept-encoding', acceptEncoding] as const];
      const { status, content, fields: given } = await lent(respond, { method: 'GET', pathInfo, fields });
      const [coding, etag] = ['content-encoding', 'etag'].map((name) => given.find(([key]) => key === name)?.[1]);
      const text = content instanceof Uint8Array ? decoded(content, coding) : undefined;
      return { status, text, coding, etag, calls: [...calls] };
    };
    return ask;
  }

  function lent(respond: ReturnType<typeof responderFor>, request: Parameters<ReturnType<typeof responderFor>>[0]) {
    const answer = respond.lend?.(request);
    if (answer === undefined) throw new Error('there is nothing to lend');
    return answer;
  }

  function decoded(content: Uint8Array, coding: string | undefined): string {
    const bytes = coding === 'br' ? brotliDecompressSync(content) : coding === 'gzip' ? gunzipSync(content) : content;
    return Buffer.from(bytes).toString();
  }

  /** Asks until the names of the folder are known and every page has been coded, so that a cache of few pages forgot the first. */
  async function learnAll(ask: ReturnType<typeof knowing>): Promise<void> {
    for (let round = 0; round < 4; round++) {
      for (let page = 0; page < PAGES; page++) await ask(`/above/pages/p${page}.html`);
    }
  }

  /** Room for some pages, and for codings of all. */
  const FEW: StaticOptions = { maxCachedFileBytes: 8_192, cacheMemoryBytes: 420_000 };

  test('is asked for its state once, and not opened', async () => {
    const ask = knowing(FEW);
    await learnAll(ask);
    const answers = [];
    for (let page = 0; page < PAGES; page++) answers.push(await ask(`/above/pages/p${page}.html`));
    for (const [page, { status, text, coding }] of answers.entries()) {
      expect({ status, text, coding }).toEqual({ status: 200, text: texts[page], coding: 'br' });
    }
    // The root, the folder above, its own, itself; for those that the cache holds no fewer. Some share a full row.
    const once = answers.filter(({ calls }) => calls.join(' ') === 'stat stat stat stat');
    expect(once.length).toBeGreaterThan(PAGES * 0.8);
  });

  test('is not opened because others of a full cache are asked for', async () => {
    const ask = knowing(FEW);
    await learnAll(ask);
    const pick = random(3);
    let opened = 0;
    for (let count = 0; count < 1_000; count++) {
      const { calls } = await ask(`/above/pages/p${pick(PAGES)}.html`);
      if (calls.some((call) => call === 'open' || call === 'readAgain')) opened++;
    }
    // A cache that is full makes room once in some thousand requests.
    expect(opened).toBeLessThan(200);
  });

  test('is read anew when it was written in place, with the length and the time that it had', async () => {
    const ask = knowing(FEW);
    await learnAll(ask);
    for (let page = 0; page < PAGES; page++) {
      writeWithOldTime(placeOf(page), textOf(page, 1));
      expect(await ask(`/above/pages/p${page}.html`)).toMatchObject({ status: 200, text: textOf(page, 1) });
    }
  });

  test('is gone when a link leads to a folder above it', async () => {
    const ask = knowing({ ...FEW, symlinks: 'deny' });
    await learnAll(ask);
    const above = join(site.root, 'above');
    renameSync(above, `${above}-away`);
    symlinkSync(`${above}-away`, above);
    for (let page = 0; page < PAGES; page++) expect((await ask(`/above/pages/p${page}.html`)).status).toBe(404);
  });

  test('is answered as a server that knows nothing of it does, whatever happens to it', async () => {
    const ask = knowing({ ...FEW, symlinks: 'deny' });
    await learnAll(ask);
    const pick = random(5);
    for (let step = 1; step <= 300; step++) {
      const page = pick(PAGES);
      await happens(page, step, pick(9), ask);
      if (pick(6) === 0) await untilRested();
      for (const asked of [page, pick(PAGES), pick(PAGES)]) {
        const acceptEncoding = ['gzip, br', 'gzip', 'br;q=0.5, gzip', 'identity'][pick(4)] ?? '';
        const answer = await ask(`/above/pages/p${asked}.html`, acceptEncoding);
        const text = texts[asked];
        expect({ step, asked, status: answer.status, text: answer.text }).toEqual({
          step,
          asked,
          status: text === undefined ? 404 : 200,
          text,
        });
        if (acceptEncoding === 'identity') expect(answer.coding).toBeUndefined();
      }
    }
  });

  async function happens(page: number, step: number, what: number, ask: ReturnType<typeof knowing>): Promise<void> {
    const place = placeOf(page);
    const text = textOf(page, step);
    if (what <= 1) writeWithOldTime(place, (texts[page] = text));
    else if (what === 2) {
      writeFileSync(`${place}.new`, (texts[page] = text));
      renameSync(`${place}.new`, place);
      rmSync(`${place}.br`, { force: true });
    } else if (what === 3) {
      rmSync(place, { force: true });
      rmSync(`${place}.br`, { force: true });
      texts[page] = undefined;
    } else if (what === 4 && texts[page] !== undefined) {
      // A precompressed file comes first, whatever it holds.
      const sibling = text;
      writeFileSync(`${place}.br`, brotliCompressSync(sibling));
      writeFileSync(`${place}.gz`, gzipSync(sibling));
      await untilRested();
      expect(await ask(`/above/pages/p${page}.html`)).toMatchObject({ status: 200, text: sibling });
      rmSync(`${place}.br`);
      rmSync(`${place}.gz`);
    } else if (what === 5) {
      rmSync(place, { force: true });
      symlinkSync(join(site.top, 'elsewhere'), place);
      texts[page] = undefined;
    } else if (what === 6) {
      renameSync(folder, `${folder}-away`);
      symlinkSync(`${folder}-away`, folder);
      expect(await ask(`/above/pages/p${page}.html`)).toMatchObject({ status: 404 });
      rmSync(folder);
      renameSync(`${folder}-away`, folder);
    }
  }

  function writeWithOldTime(place: string, text: string): void {
    const before = lstatSync(place, { throwIfNoEntry: false });
    if (before?.isFile() !== true) rmSync(place, { force: true });
    writeFileSync(place, text);
    if (before !== undefined) utimesSync(place, before.atime, before.mtime);
  }
});
