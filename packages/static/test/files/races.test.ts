// Files that grow, are replaced or move while they are asked for. A worker thread changes them as fast as it can.

import { mkdirSync, renameSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setImmediate as turned, setTimeout as passed } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type Field, serveStatic, type StaticResponse } from '../../src/index.ts';
import { makeSite, type Site, writeTree } from '../site.ts';

let site: Site;

beforeAll(() => {
  site = makeSite();
});

afterAll(() => site.remove());

/** Runs `body` again and again in a thread, with `fs`, `root` and a count `round`, until the test is over. */
function changing(body: string, data: Readonly<Record<string, string>> = {}): void {
  const source = `
    const fs = require('node:fs');
    const { workerData } = require('node:worker_threads');
    const { root, ...rest } = workerData;
    const pause = new Int32Array(new SharedArrayBuffer(4));
    for (let round = 0; ; round++) { ${body}; Atomics.wait(pause, 0, 0, 0.2); }`;
  const worker = new Worker(source, { eval: true, workerData: { root: site.root, ...data } });
  onTestFinished(() => worker.terminate().then(() => undefined));
}

function get(pathInfo: string, fields: readonly Field[] = []) {
  return { method: 'GET', pathInfo, fields };
}

function field({ fields }: StaticResponse, name: string): string | undefined {
  return fields.find(([fieldName]) => fieldName === name)?.[1];
}

async function bytesOf({ content }: StaticResponse): Promise<Buffer> {
  if (content === undefined) return Buffer.alloc(0);
  if (content instanceof Uint8Array) return Buffer.from(content);
  const chunks: Buffer[] = [];
  for await (const chunk of content) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

async function untilRested(path: string): Promise<void> {
  while (Date.now() - statSync(path).ctimeMs < 40) await passed(5);
}

describe('a file that grows', () => {
  test.each([
    ['small', 200_000],
    ['large', 3_000_000],
  ])('is served with the length it had when it was opened: %s', async (name, size) => {
    writeFileSync(join(site.root, `${name}.log`), Buffer.alloc(size, 'x'));
    changing(`fs.appendFileSync(root + '/${name}.log', 'x'.repeat(1 + (round % 50)))`);
    const respond = serveStatic(site.root, { compression: false });
    for (let round = 0; round < 20; round++) {
      const responses = await Promise.all(
        Array.from({ length: 8 }, async (_, index) => {
          const range: readonly Field[] = index % 2 === 0 ? [] : [['range', 'bytes=10-99,200-']];
          const response = await respond(get(`/${name}.log`, range));
          const content = await bytesOf(response);
          return { status: response.status, announced: field(response, 'content-length'), sent: content.length };
        }),
      );
      for (const { status, announced, sent } of responses) {
        expect([200, 206]).toContain(status);
        expect(sent).toBeGreaterThanOrEqual(size - 200);
        if (announced !== undefined) expect(Number(announced)).toBe(sent);
      }
    }
  });
});

describe.runIf(process.platform === 'linux')('a file that is replaced by rename', () => {
  test.each(['deny', 'inside', 'all'] as const)('is always there: symlinks %s', async (symlinks) => {
    const content = 'whole '.repeat(30);
    writeFileSync(join(site.root, 'renamed.txt'), content);
    changing(
      `fs.writeFileSync(root + '/renamed.next', rest.content); fs.renameSync(root + '/renamed.next', root + '/renamed.txt')`,
      { content },
    );
    const respond = serveStatic(site.root, { symlinks });
    for (let round = 0; round < 600; round++) {
      const response = await respond(get('/renamed.txt'));
      expect(response.status).toBe(200);
      expect((await bytesOf(response)).toString()).toBe(content);
      await turned();
    }
  });
});

describe.runIf(process.platform === 'linux')('a root that is switched to another release', () => {
  test.each([
    ['small', 5_000],
    ['large', 1_500_000],
  ])('has its files at every moment: %s', async (_, size) => {
    for (const release of ['1', '2']) {
      mkdirSync(join(site.top, `release-${release}`), { recursive: true });
      writeFileSync(join(site.top, `release-${release}`, 'page.bin'), Buffer.alloc(size, release));
    }
    const current = join(site.top, 'current');
    rmSync(current, { force: true });
    symlinkSync('release-1', current);
    changing(
      `fs.rmSync(rest.current + '.next', { force: true }); fs.symlinkSync('release-' + (1 + (round % 2)), rest.current + '.next'); fs.renameSync(rest.current + '.next', rest.current)`,
      { current },
    );
    const respond = serveStatic(current);
    const seen = new Set<string>();
    for (let round = 0; round < 100 || seen.size < 2; round++) {
      const response = await respond(get('/page.bin'));
      const content = await bytesOf(response);
      expect([response.status, content.length]).toEqual([200, size]);
      const release = content.toString('latin1', 0, 1);
      expect(content.equals(Buffer.alloc(size, release))).toBe(true);
      seen.add(release);
      await turned();
    }
  });
});

describe('other bytes of the same time and size', () => {
  const MOMENT = new Date('2024-05-06T07:08:09Z');
  const replacements: readonly (readonly [string, (path: string, bytes: Buffer) => void])[] = [
    [
      'written after a removal',
      (path, bytes) => {
        rmSync(path);
        writeFileSync(path, bytes);
      },
    ],
    ['written in place', (path, bytes) => writeFileSync(path, bytes)],
    [
      'renamed into place',
      (path, bytes) => {
        writeFileSync(`${path}.new`, bytes);
        utimesSync(`${path}.new`, MOMENT, MOMENT);
        renameSync(`${path}.new`, path);
      },
    ],
  ];

  for (const [how, replace] of replacements) {
    test.each([
      ['small', 3_000],
      ['large', 2_500_000],
    ])(`${how} are never taken for the first: %s`, async (name, size) => {
      const path = join(site.root, `released-${name}.bin`);
      writeFileSync(path, Buffer.alloc(size, 'a'));
      utimesSync(path, MOMENT, MOMENT);
      await untilRested(path);
      const respond = serveStatic(site.root);
      const first = await respond(get(`/released-${name}.bin`));
      await bytesOf(first);
      const known = await respond(get(`/released-${name}.bin`));
      await bytesOf(known);
      const tags = [first, known].map((response) => field(response, 'etag') ?? '');
      expect(tags[1]).toMatch(/^"/);
      // One byte in the middle, where no sample is taken.
      const changed = Buffer.alloc(size, 'a');
      changed[Math.floor(size / 2) + 7] = 0x62;
      replace(path, changed);
      utimesSync(path, MOMENT, MOMENT);
      await turned();
      for (const again of [respond, serveStatic(site.root)]) {
        const strong = tags[1] ?? '';
        expect((await again(get(`/released-${name}.bin`, [['if-none-match', strong]]))).status).toBe(200);
        for (const validator of [strong, field(first, 'last-modified') ?? '']) {
          const range: readonly Field[] = [
            ['range', 'bytes=10-'],
            ['if-range', validator],
          ];
          expect((await again(get(`/released-${name}.bin`, range))).status).toBe(200);
        }
      }
      expect((await respond(get(`/released-${name}.bin`, [['if-none-match', tags[0] ?? '']]))).status).toBe(200);
    });
  }
});

describe('copies of one image', () => {
  test.each([
    ['small', 3_000],
    ['large', 5_000_000],
  ])('have one tag, and serve parts of each other: %s', async (name, size) => {
    const moment = new Date('2025-01-01T00:00:00.123Z');
    const bytes = Buffer.from(Array.from({ length: size }, (_, index) => (index * 31 + (index >> 8)) % 251));
    const responders = await Promise.all(
      ['a', 'b', 'c'].map(async (replica) => {
        const root = join(site.top, `replica-${replica}`);
        writeTree(root, { [name]: bytes });
        utimesSync(join(root, name), moment, moment);
        await untilRested(join(root, name));
        return serveStatic(root);
      }),
    );
    const firsts = await Promise.all(responders.map(async (respond) => respond(get(`/${name}`))));
    const [tag] = firsts.map((response) => field(response, 'etag'));
    expect(new Set(firsts.map((response) => field(response, 'etag'))).size).toBe(1);
    // One replica sends all of it; its tag is then good at replicas that never did.
    await bytesOf(firsts[0] as StaticResponse);
    await Promise.all(firsts.slice(1).map(closed));
    const strong = field((await responders[0]?.(get(`/${name}`, [['if-none-match', '*']]))) as StaticResponse, 'etag');
    expect(strong).toMatch(/^"/);
    for (const respond of responders) {
      expect((await respond(get(`/${name}`, [['if-none-match', tag ?? '']]))).status).toBe(304);
      expect((await respond(get(`/${name}`, [['if-none-match', strong ?? '']]))).status).toBe(304);
      const range: readonly Field[] = [
        ['range', 'bytes=-100'],
        ['if-range', strong ?? ''],
      ];
      const part = await respond(get(`/${name}`, range));
      expect(part.status).toBe(206);
      expect((await bytesOf(part)).equals(bytes.subarray(-100))).toBe(true);
    }
  });
});

async function closed({ content }: StaticResponse): Promise<void> {
  if (content !== undefined && !(content instanceof Uint8Array)) await content[Symbol.asyncIterator]().return?.();
}

describe.runIf(process.platform === 'linux').each([
  ['remembered', {}],
  ['known, where the cache has no room', { cacheMemoryBytes: 12_000, maxCachedFileBytes: 10_000 }],
])('a directory that is moved out of the root, with a link in its place: files %s', (_, options) => {
  test.each([
    ['above', 'deny'],
    ['above/below', 'inside'],
    ['above/below/deep', 'inside'],
  ] as const)('/%s leads nowhere, symlinks %s', async (folder, symlinks) => {
    const own = makeSite();
    onTestFinished(() => own.remove());
    const page = join(own.root, 'above/below/deep/page.txt');
    mkdirSync(dirname(page), { recursive: true });
    writeFileSync(page, 'x'.repeat(8_000));
    const respond = serveStatic(own.root, { symlinks, compression: false, ...options });
    const statusOf = async (): Promise<number> => {
      await turned();
      return (await respond(get('/above/below/deep/page.txt'))).status;
    };
    const [inside, outside] = [join(own.root, folder), join(own.top, 'moved')];
    // Moments after a change, then with all times at rest.
    for (const isRested of [false, true]) {
      for (const place of isRested ? [own.root, dirname(inside), page] : []) await untilRested(place);
      for (let request = 0; request < 3; request++) expect(await statusOf()).toBe(200);
      renameSync(inside, outside);
      symlinkSync(outside, inside);
      expect(await statusOf()).toBe(404);
      expect(await statusOf()).toBe(404);
      rmSync(inside);
      renameSync(outside, inside);
    }
  });
});
