// What each stop promises, done as a visitor does it, with the keyboard.
//
// Each stop is visited once, in turn on a desktop in the light and on a phone in the dark: what it does depends on neither.
// That every stop fits and can be reached in all four looks is shown in tour.test.ts.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { because, demo, noBrowser, Visit, type Look } from './browser.ts';

const noPython = spawnSync('python3', ['--version']).status !== 0 && process.env['CI'] === undefined;
const noPhp =
  !['php-fpm', 'php-fpm8.2', 'php-cgi'].some((name) => spawnSync(name, ['-v']).status === 0) &&
  process.env['CI'] === undefined;
const noPerl = spawnSync('perl', ['--version']).status !== 0 && process.env['CI'] === undefined;

let visit: Visit;

beforeAll(async () => {
  visit = await Visit.begin();
});

afterAll(async () => {
  expect(await visit.close()).toBe(0);
});

/** Presses a button and waits until the wire shows what is expected. */
async function press(page: Page, name: string, shown: RegExp): Promise<void> {
  await page.getByRole('button', { name, exact: true }).press('Enter');
  await page.locator('.wire', { hasText: shown }).waitFor();
}

const VISITORS: readonly Look[] = [
  { size: 'desktop', colorScheme: 'light' },
  { size: 'phone', colorScheme: 'dark' },
];
let visits = 0;

describe.skipIf(noBrowser)(`the stops${because}`, () => {
  /** Opens a stop, does something there, and expects a browser without complaints. */
  async function at(stop: string, act: (page: Page) => Promise<void>): Promise<void> {
    const complaints = await visit.page(VISITORS[visits++ % VISITORS.length]!, async (page) => {
      await page.goto(`/tour/${stop}`);
      await act(page);
    });
    expect(complaints).toEqual([]);
  }

  test('page: the second answer is a 304 without content', () =>
    at('page', async (page) => {
      await press(page, 'Ask twice', /200 OK[^]*304 Not Modified[^]*\(0 bytes of content\)/);
      await press(page, 'Ask for the head only', /HEAD[^]*200 OK[^]*\(0 bytes/);
    }));

  test('seek: the player jumps and gets 206', () =>
    at('seek', async (page) => {
      const partial = page.waitForResponse((response) => response.status() === 206);
      const second = await page.locator('video').evaluate(async (player: HTMLVideoElement) => {
        player.currentTime = 18;
        await new Promise((resolve) => player.addEventListener('seeked', resolve, { once: true }));
        return player.currentTime;
      });
      expect(second).toBe(18);
      expect((await partial).headers()['content-range']).toMatch(/^bytes \d+-\d+\/\d+$/);
      await press(page, 'First 44 bytes', /206[^]*content-range: bytes 0-43\//);
      await press(page, 'Two parts', /206[^]*multipart\/byteranges/);
      await press(page, 'Too far', /416[^]*content-range: bytes \*\//);
    }));

  test('listing: names are links, however odd, and JSON is for the asking', () =>
    at('listing', async (page) => {
      await page.frameLocator('iframe').getByText('100% odd name #1.txt').waitFor();
      await press(page, 'As JSON', /application\/json[^]*"poem.txt"/);
      await press(page, 'As text', /text\/plain[^]*poem.txt/);
      await page.frameLocator('iframe').getByRole('link', { name: '100% odd name #1.txt' }).press('Enter');
      await page.frameLocator('iframe').getByText('a # too').waitFor();
    }));

  test('upload: a file arrives whole, with progress', () =>
    at('upload', async (page) => {
      const buffer = Buffer.alloc(3_000_000, 'onezero ');
      await page.getByLabel('A file of yours').setInputFiles({ name: 'a file.txt', mimeType: 'text/plain', buffer });
      await press(page, 'Upload', /PUT \/uploads\/a%20file.txt[^]*201 Created/);
      expect(await page.locator('progress').evaluate((bar: HTMLProgressElement) => bar.value)).toBe(1);
      const stored = await fetch(`${visit.origin}/uploads/a%20file.txt`);
      expect(Buffer.from(await stored.arrayBuffer()).equals(buffer)).toBe(true);
      await press(page, 'Upload', /204 No Content/);
    }));

  test('form: the script answers what was written', () =>
    at('form', async (page) => {
      await page.getByLabel('Your name').fill('<b>Grace</b>');
      await page.keyboard.press('Enter');
      await page.frameLocator('iframe').getByText('Hello, <b>Grace</b>.').waitFor();
    }));

  test.skipIf(noPython)(`picture: Python draws${noPython ? ' (needs python3)' : ''}`, () =>
    at('picture', async (page) => {
      await page.getByLabel('Seeds').fill('12');
      await page.getByRole('button', { name: 'Draw' }).press('Enter');
      await expect.poll(() => page.frameLocator('iframe').locator('circle').count()).toBe(12);
    }),
  );

  test('stream: the first line is there before the last', () =>
    at('stream', async (page) => {
      const frame = page.frameLocator('iframe');
      // The script takes four seconds. A browser that is held up for so long on a busy machine sees all lines at once: again.
      const firstLineIsAlone = async (): Promise<void> => {
        await page.goto('/tour/stream');
        await page.getByRole('link', { name: 'Count to eight' }).press('Enter');
        await frame.getByText('1 of 8').waitFor();
        expect(await frame.getByText('8 of 8').count()).toBe(0);
      };
      await vi.waitFor(firstLineIsAlone, { timeout: 120_000 });
      await frame.getByText('Done.').waitFor();
    }));

  test.skipIf(noPerl)(`environment: RFC 3875 and no more${noPerl ? ' (needs perl)' : ''}`, () =>
    at('environment', async (page) => {
      const frame = page.frameLocator('iframe');
      await frame.getByText('/extra/path', { exact: true }).waitFor();
      const names = await frame.locator('th').allTextContents();
      expect(names).toEqual(expect.arrayContaining(['GATEWAY_INTERFACE', 'PATH_INFO', 'SERVER_PROTOCOL', 'TOUR']));
      expect(names.filter((name) => ['HOME', 'PWD', 'PORT', 'USER', 'NODE_ENV'].includes(name))).toEqual([]);
    }),
  );

  test.skipIf(noPython)(`wsgi: a worker answers${noPython ? ' (needs python3)' : ''}`, () =>
    at('wsgi', async (page) => {
      const frame = page.frameLocator('iframe');
      await frame.getByText('From Python').waitFor();
      await frame.getByText('colour=teal').waitFor();
    }),
  );

  test('hono: the application inside adds', () =>
    at('hono', async (page) => {
      await press(page, '19 + 23', /200 OK[^]*42/);
      await press(page, 'Echo', /200 OK[^]*Say it again/);
    }));

  test('errors: every failure gets a page of ours, or JSON', () =>
    at('errors', async (page) => {
      const frame = page.frameLocator('iframe');
      await page.getByRole('link', { name: 'A missing page' }).press('Enter');
      await frame.getByText('Nothing lives at /no/such/page').waitFor();
      await page.getByRole('link', { name: 'A responder that throws' }).press('Enter');
      await frame.getByText('500').waitFor();
      await page.getByRole('link', { name: 'A script that prints nonsense' }).press('Enter');
      await frame.getByText('502').waitFor();
      await press(page, 'The same as JSON', /404[^]*json[^]*"status": ?404/);
    }));

  test('method: PURGE works, and Allow knows it', () =>
    at('method', async (page) => {
      await press(page, 'Look at the shelf', /The Hobbit/);
      await press(page, 'PURGE it', /204 No Content/);
      await press(page, 'Look at the shelf', /empty/);
      await press(page, 'What is allowed?', /allow: .*PURGE/);
      await press(page, 'DELETE it', /405[^]*allow: .*PURGE/);
    }));

  test('drive: a letter is put, listed, moved and deleted', () =>
    at('drive', async (page) => {
      await press(page, 'PUT a letter', /201 Created/);
      await press(page, 'PROPFIND the folder', /207 Multi-Status[^]*ada\.txt/);
      await press(page, 'MOVE it to Grace', /201 Created/);
      await press(page, 'DELETE it', /204 No Content/);
    }));

  test('live: a hundred requests move the number', () =>
    at('live', async (page) => {
      const number = page.locator('[data-number=requests]');
      const read = async (): Promise<number> => Number((await number.textContent())?.replaceAll(',', ''));
      await expect.poll(read).toBeGreaterThan(0);
      const before = await read();
      await page.getByRole('button', { name: 'Send 100 requests' }).press('Enter');
      await expect.poll(read).toBeGreaterThanOrEqual(before + 100);
    }));

  test.skipIf(noPython)('asgi: the clock ticks', () =>
    at('asgi', async (page) => {
      await press(page, 'Listen to the clock', /200 OK[^]*tick 0[^]*tick 4[^]*done/);
    }),
  );

  test('explain: each refusal has its reason', () =>
    at('explain', async (page) => {
      await press(page, 'This tour', /the path is \/tour\/page[^]*asked: /);
      await press(page, 'Climb above the root', /so the answer is 400/);
      await press(page, 'An unknown method', /FROB is not a known method[^]*501/);
    }));

  test.skipIf(noPython)('socket: what is sent comes back the other way round', () =>
    at('socket', async (page) => {
      await page.locator('.wire', { hasText: '101 Switching Protocols' }).waitFor();
      await page.getByLabel('A message').fill('live');
      await page.keyboard.press('Enter');
      await page.locator('.wire', { hasText: '← evil' }).waitFor();
    }),
  );

  test.skipIf(noPhp)(`php: a path without a file is answered by index.php${noPhp ? ' (needs php-cgi)' : ''}`, () =>
    at('php', async (page) => {
      const frame = page.frameLocator('iframe');
      await frame.getByText('From PHP').waitFor();
      await frame.getByText('orders/17').waitFor();
      await frame.getByText('{"colour":"teal"}').waitFor();
      const file = await fetch(`${visit.origin}/php/notes.txt`);
      expect([file.status, await file.text()]).toEqual([200, 'A file beside the script is sent as it is.\n']);
    }),
  );

  test('reload: a page in another window shows what is saved', () =>
    at('reload', async (page) => {
      const opening = page.context().waitForEvent('page');
      // The page may be connected before it is at hand here.
      const connected = page.context().waitForEvent('response', (response) => response.url().includes('live-events'));
      await page.getByRole('link', { name: 'the page' }).click();
      const draft = await opening;
      await draft.getByRole('heading').waitFor();
      await connected;
      const words = 'Changed by a visitor';
      await page.getByLabel('The page').fill(`<!doctype html><title>A draft</title><h1>${words}</h1>`);
      await page.getByRole('button', { name: 'Save' }).press('Enter');
      await page.locator('.wire', { hasText: '204 No Content' }).waitFor();
      await draft.getByRole('heading', { name: words }).waitFor();
      await draft.close();
    }));

  test('yours: ends with a line for the folder of the visitor', () =>
    at('yours', async (page) => {
      await page.locator('pre.shell', { hasText: 'npx @onezero/server .' }).first().waitFor();
    }));

  test('every source beside a stop is the file that runs', () =>
    at('form', async (page) => {
      const shown = await page.locator('figure', { hasText: 'cgi-bin/greet.mjs' }).locator('code').textContent();
      expect(`${shown}\n`).toBe(readFileSync(join(demo, 'cgi-bin/greet.mjs'), 'utf8'));
    }));
});
