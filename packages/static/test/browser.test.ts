// What only a browser can say: that it seeks in media, and that a listing works without a script and against its policy.

import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import axe from 'axe-core';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { serveStatic } from '../src/node.ts';
import { makeSite, type Site } from './site.ts';

const CHROMIUM = findChromium();

function findChromium(): string | undefined {
  for (const name of ['chromium', 'chromium-browser', 'google-chrome']) {
    try {
      return execFileSync('which', [name], { encoding: 'utf8' }).trim();
    } catch {
      // Not under this name.
    }
  }
  return undefined;
}

/** Ten minutes of silence: long enough that a browser does not fetch it all before it is asked to seek. */
function wavFile(): Buffer {
  const [rate, seconds] = [44_100, 600];
  const file = Buffer.alloc(44 + rate * seconds * 2);
  file.write('RIFF', 0);
  file.writeUInt32LE(file.length - 8, 4);
  file.write('WAVEfmt ', 8);
  file.writeUInt32LE(16, 16);
  file.writeUInt16LE(1, 20);
  file.writeUInt16LE(1, 22);
  file.writeUInt32LE(rate, 24);
  file.writeUInt32LE(rate * 2, 28);
  file.writeUInt16LE(2, 32);
  file.writeUInt16LE(16, 34);
  file.write('data', 36);
  file.writeUInt32LE(file.length - 44, 40);
  return file;
}

describe.skipIf(CHROMIUM === undefined && process.env['CI'] === undefined)('in Chromium', () => {
  let site: Site;
  let server: Server;
  let origin: string;
  let browser: Browser;
  const ranges: string[] = [];

  beforeAll(async () => {
    site = makeSite();
    writeFileSync(join(site.root, 'long.wav'), wavFile());
    writeFileSync(
      join(site.root, 'player.html'),
      '<!doctype html><video src="long.wav" preload="metadata" muted></video>',
    );
    const handler = serveStatic(site.root, { listing: true });
    const writable = serveStatic(site.root, { listing: true, writable: { maxFileBytes: 1000, fsync: false } });
    server = createServer((request: IncomingMessage, response) => {
      if (request.headers.range !== undefined) ranges.push(request.headers.range);
      // As below a mount.
      if (request.url?.startsWith('/writable/') === true) {
        Object.assign(request, { originalUrl: request.url, url: request.url.slice('/writable'.length) });
        writable(request, response);
      } else handler(request, response);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    browser = await chromium.launch({
      timeout: 120_000,
      executablePath: CHROMIUM ?? 'chromium',
      args: ['--no-sandbox'],
    });
  });

  afterAll(async () => {
    await browser.close();
    server.close();
    server.closeAllConnections();
    site.remove();
  });

  /** A page that has reported no error so far; `problems` fills as it does. */
  async function openPage(path: string, problems: string[] = []): Promise<Page> {
    const page = await browser.newPage();
    page.setDefaultTimeout(120_000);
    page.on('console', (message) => {
      if (message.type() === 'error') problems.push(message.text());
    });
    page.on('pageerror', (error) => problems.push(error.message));
    await page.goto(origin + path);
    return page;
  }

  test('a video element seeks to where it has not been, and back', async () => {
    const page = await openPage('/player.html');
    const seek = (seconds: number): Promise<number> =>
      page.evaluate(`new Promise((resolve, reject) => {
        const video = document.querySelector('video');
        video.onerror = () => reject(new Error(video.error.message));
        const go = () => {
          video.onseeked = () => resolve(video.currentTime);
          video.currentTime = ${seconds};
        };
        if (video.readyState >= 1) go();
        else video.onloadedmetadata = go;
      })`);
    expect(await seek(550)).toBe(550);
    expect(await seek(20)).toBe(20);
    // Sample 550 s lies beyond 48 MB: the browser asked for it instead of reading up to it.
    const starts = ranges.map((range) => Number(/^bytes=(\d+)-/.exec(range)?.[1] ?? 0));
    expect(Math.max(...starts)).toBeGreaterThan(45_000_000);
    await page.close();
  });

  test('a listing breaks none of its policy, styles included, and its links and sorting work', async () => {
    const problems: string[] = [];
    const page = await openPage('/nolist/', problems);
    expect(await page.evaluate("getComputedStyle(document.querySelector('table')).borderCollapse")).toBe('collapse');
    const names = () => page.locator('tbody td.name').allInnerTexts();
    expect(await names()).toContain('<img src=x onerror=alert(1)>.txt');
    const before = await names();
    await page.getByRole('link', { name: 'Name', exact: true }).click();
    expect(await names()).not.toEqual(before);
    expect(await page.locator('th[aria-sort="descending"]').innerText()).toContain('Name');
    await page.getByRole('searchbox', { name: 'Search names' }).fill('javascript');
    await page.getByRole('button', { name: 'Search' }).click();
    expect(await names()).toEqual(['javascript:alert(1)']);
    const href = (await page.locator('tbody a').getAttribute('href')) ?? '';
    // As a click resolves it; the file itself is a download, since its type is unknown.
    const response = await page.request.get(new URL(href, page.url()).href);
    expect([response.status(), await response.text()]).toEqual([200, 'n3']);
    await page.getByRole('link', { name: 'Home' }).click();
    expect(new URL(page.url()).pathname).toBe('/');
    expect(problems).toEqual([]);
    await page.close();
  });

  test('files are uploaded from a listing by button and by drop, and replaced only when the visitor says so', async () => {
    const folder = join(site.root, 'inbox');
    mkdirSync(folder);
    writeFileSync(join(folder, 'there.txt'), 'old');
    const problems: string[] = [];
    const page = await openPage('/writable/inbox/', problems);
    const chosen = (name: string, content: string) => ({ name, mimeType: 'text/plain', buffer: Buffer.from(content) });
    const names = () => page.locator('tbody td.name').allInnerTexts();
    const [chooser] = await Promise.all([
      page.waitForEvent('filechooser'),
      page.getByRole('button', { name: 'Upload files' }).click(),
    ]);
    await chooser.setFiles([chosen('a b#%.txt', 'one'), chosen('größe.txt', 'two')]);
    await expect.poll(names).toEqual(['a b#%.txt', 'größe.txt', 'there.txt']);
    expect(readFileSync(join(folder, 'a b#%.txt'), 'utf8')).toBe('one');
    page.once('dialog', (dialog) => void dialog.dismiss());
    await page.locator('input[type=file]').setInputFiles([chosen('there.txt', 'refused')]);
    await page.getByText('Kept as it was').waitFor();
    // The same file can be chosen again: the field is not left as it was.
    expect(await page.locator('input[type=file]').inputValue()).toBe('');
    expect(readFileSync(join(folder, 'there.txt'), 'utf8')).toBe('old');
    page.once('dialog', (dialog) => void dialog.accept());
    // The page is asked for again when all is stored.
    await Promise.all([
      page.waitForEvent('load'),
      page.locator('input[type=file]').setInputFiles([chosen('there.txt', 'new')]),
    ]);
    expect(readFileSync(join(folder, 'there.txt'), 'utf8')).toBe('new');
    await page
      .locator('input[type=file]')
      .setInputFiles([chosen('.hidden', 'x'), chosen('empty.txt', ''), chosen('large.bin', 'x'.repeat(2000))]);
    await page.getByText('This name is not allowed').waitFor();
    await page.getByText('Too large').waitFor();
    // What was stored is listed below the reasons.
    await expect.poll(names).toEqual(['a b#%.txt', 'empty.txt', 'größe.txt', 'there.txt']);
    expect(await page.getByText('Too large').count()).toBe(1);
    expect(await page.getByText('4 entries').count()).toBe(1);
    expect(readdirSync(folder)).toEqual(['a b#%.txt', 'empty.txt', 'größe.txt', 'there.txt']);
    await page.evaluate(`{
      const event = new Event('drop', { bubbles: true, cancelable: true });
      const items = [
        { kind: 'file', webkitGetAsEntry: () => ({ isDirectory: true, name: 'pictures' }) },
        { kind: 'file', webkitGetAsEntry: () => null, getAsFile: () => new File(['beside'], 'beside.txt') },
      ];
      Object.defineProperty(event, 'dataTransfer', { value: { items } });
      document.body.dispatchEvent(event);
    }`);
    // The sentence stays above the new list.
    await expect.poll(names).toContain('beside.txt');
    expect(await page.getByText('Folders are not uploaded').count()).toBe(1);
    await page.evaluate(`{
      const dropped = new DataTransfer();
      dropped.items.add(new File(['by drop'], 'dropped.txt'));
      document.body.dispatchEvent(new DragEvent('drop', { dataTransfer: dropped, bubbles: true, cancelable: true }));
    }`);
    await expect.poll(names).toContain('dropped.txt');
    expect(readFileSync(join(folder, 'dropped.txt'), 'utf8')).toBe('by drop');
    // A browser says of each refused request that it failed; of its policy it says nothing.
    expect(problems.filter((problem) => !/status of 4\d\d/.test(problem))).toEqual([]);
    await page.close();
  });

  test.each(['/nolist/', '/writable/nolist/', '/nolist/?search=absent'])(
    'axe finds nothing wrong with %s',
    async (path) => {
      for (const colorScheme of ['light', 'dark'] as const) {
        const page = await browser.newPage({ colorScheme });
        page.setDefaultTimeout(120_000);
        await page.goto(origin + path);
        await page.evaluate(axe.source);
        const violations = await page.evaluate('axe.run().then(({ violations }) => violations.map(({ id }) => id))');
        expect([colorScheme, violations]).toEqual([colorScheme, []]);
        await page.close();
      }
    },
  );

  test('a listing fits a phone, in light and dark', async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      const page = await browser.newPage({ viewport: { width: 360, height: 640 }, colorScheme });
      page.setDefaultTimeout(120_000);
      await page.goto(`${origin}/nolist/`);
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360);
      const [ink, paper] = await page.evaluate<[number, number]>(
        '[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor].map((c) => c.match(/\\d+/g).slice(0, 3).reduce((a, b) => a + Number(b), 0))',
      );
      expect(ink < paper).toBe(colorScheme === 'light');
      await page.close();
    }
  });
});
