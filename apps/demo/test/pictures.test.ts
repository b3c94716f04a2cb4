// The pictures of the root README. With UPDATE_SCREENSHOTS=1 they are made anew; otherwise it is checked that they are
// there and small, since every clone carries them.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { demo, Visit } from './browser.ts';

const root = join(demo, '../..');
const images = join(root, 'docs/images');
const isUpdate = process.env['UPDATE_SCREENSHOTS'] === '1';
const schemes = ['light', 'dark'] as const;
const command = join(root, 'packages/server/dist/command-line/bin.js');

describe('the pictures of the README', () => {
  test('exist, and no more than are shown', () => {
    const shown = [...readFileSync(join(root, 'README.md'), 'utf8').matchAll(/docs\/images\/([\w.-]+)/g)];
    expect(readdirSync(images).toSorted()).toEqual([...new Set(shown.map(([, name = '']) => name))].toSorted());
  });

  test.each(isUpdate ? [] : readdirSync(images))('%s is small', (name) => {
    expect(statSync(join(images, name)).size).toBeLessThan(150_000);
  });
});

if (isUpdate)
  describe('making the pictures', () => {
    let visit: Visit;

    beforeAll(async () => {
      mkdirSync(images, { recursive: true });
      visit = await Visit.begin();
    });

    afterAll(async () => {
      expect(await visit.close()).toBe(0);
    });

    async function shoot(
      name: string,
      colorScheme: 'light' | 'dark',
      prepare: (page: Page) => Promise<void>,
    ): Promise<void> {
      await visit.page({ size: 'desktop', colorScheme }, async (page) => {
        await prepare(page);
        await page.screenshot({ path: join(images, name) });
      });
    }

    test.each(schemes)('the tour in %s', (colorScheme) =>
      shoot(`tour-${colorScheme}.png`, colorScheme, async (page) => {
        await page.setViewportSize({ width: 1180, height: 760 });
        await page.goto('/tour/form');
        await page.getByRole('button', { name: 'Greet me' }).click();
        await page.frameLocator('iframe').getByText('Hello, Ada').waitFor();
      }),
    );

    test.each(schemes)('a listing in %s', (colorScheme) =>
      shoot(`listing-${colorScheme}.png`, colorScheme, async (page) => {
        await page.setViewportSize({ width: 1180, height: 760 });
        await page.goto('/files/');
      }),
    );

    test('the banner', async () => {
      const banner = await printedOnTerminal(`${process.execPath} ${command} htdocs --host 0.0.0.0 --port 8080`);
      await shoot('banner.png', 'dark', async (page) => {
        await page.setViewportSize({ width: 860, height: 100 + 22 * banner.split('\n').length });
        await page.setContent(
          `<body style="margin:0;padding:24px 32px;background:#14181a;color:#e7e5df;font:15px/22px monospace"><pre
         style="margin:0">$ onezero htdocs --host 0.0.0.0\n\n${coloured(banner)}</pre>`,
        );
      });
    });
  });

/** What a command prints on a terminal until it has been silent for a while. Needs util-linux for the terminal. */
async function printedOnTerminal(line: string): Promise<string> {
  expect(spawnSync('script', ['--version']).status).toBe(0);
  const child = spawn('script', ['-qec', line, '/dev/null'], {
    cwd: demo,
    env: { ...process.env, TERM: 'xterm-256color' },
  });
  let printed = '';
  for await (const chunk of child.stdout) {
    printed += String(chunk);
    if (printed.includes('Ctrl')) break;
  }
  const closed = once(child, 'close');
  child.kill('SIGTERM');
  await closed;
  return printed.replaceAll('\r', '').trim();
}

/** Escape sequences for bold, dim and the eight colours as HTML; other sequences go. */
function coloured(text: string): string {
  const colours = ['#2e373b', '#f0907c', '#74d3bf', '#e8b14c', '#84b9ff', '#d6a5f0', '#6fd0d8', '#e7e5df'];
  const escaped = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  const spans = escaped.replaceAll(/\u001B\[([\d;]*)m/g, (_, codes: string) => {
    const code = Number(codes.split(';').at(-1));
    if (code === 1) return '<span style="font-weight:700">';
    if (code === 2) return '<span style="color:#9ba7ab">';
    if (code >= 30 && code <= 37) return `<span style="color:${colours[code - 30]}">`;
    return code === 4 ? '<span style="text-decoration:underline">' : '</span>';
  });
  return spans.replaceAll(/\u001B(?:\[[\d;?]*[a-zA-Z]|\]8;;[^\u0007\u001B]*(?:\u0007|\u001B\\))/g, '');
}
