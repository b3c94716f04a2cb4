// The tour as a whole: every stop, on a phone and on a desktop, in light and in dark, with the keyboard alone, without script.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import axe from 'axe-core';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { because, demo, looks, noBrowser, Visit, type Look } from './browser.ts';

const stops = [
  ...readFileSync(join(demo, 'htdocs/index.html'), 'utf8').matchAll(/<li><a href="(\/tour\/\w+)"><b>/g),
].map(([, path = '']) => ({ path }));

const desk: Look = { size: 'desktop', colorScheme: 'light' };
let visit: Visit;

beforeAll(async () => {
  visit = await Visit.begin();
});

afterAll(async () => {
  expect(await visit.close()).toBe(0);
});

describe.skipIf(noBrowser)(`the tour${because}`, () => {
  test.each(looks)('fits a $size in $colorScheme', { timeout: 150_000 }, async (look) => {
    const complaints = await visit.page(look, async (page) => {
      for (const { path } of [{ path: '/' }, ...stops]) {
        await page.goto(path);
        const { width, background, ink } = await page.evaluate(() => ({
          width: document.documentElement.scrollWidth,
          background: getComputedStyle(document.body).backgroundColor,
          ink: getComputedStyle(document.body).color,
        }));
        expect(width, path).toBeLessThanOrEqual(look.size === 'phone' ? 390 : 1280);
        expect(lightness(background) > lightness(ink), path).toBe(look.colorScheme === 'light');
        const low = await page
          .locator('button:visible, a.button:visible')
          .evaluateAll((elements) =>
            elements
              .filter((element) => element.getBoundingClientRect().height < 44)
              .map(({ textContent }) => textContent),
          );
        expect(low, path).toEqual([]);
        expect(await unreachable(page), path).toEqual([]);
        await page.evaluate(axe.source);
        // In the dark only the colours are others.
        const rules = look.colorScheme === 'dark' ? "{ runOnly: ['color-contrast'] }" : '';
        const violations = await page.evaluate(
          `axe.run(${rules}).then(({ violations }) => violations.map(({ id }) => id))`,
        );
        expect(violations, path).toEqual([]);
      }
    });
    expect(complaints).toEqual([]);
  });

  test.each(['phone', 'desktop'] as const)(
    'can be walked with the keyboard alone on a %s',
    { timeout: 90_000 },
    async (size) => {
      const complaints = await visit.page({ size, colorScheme: 'light' }, async (page) => {
        await page.goto('/');
        for (const { path } of stops) {
          await press(page, path === '/tour/page' ? 'Start the tour' : '→');
          await page.waitForURL(`**${path}`, { waitUntil: 'domcontentloaded' });
        }
        await page.keyboard.press('ArrowLeft');
        await page.waitForURL(`**${stops.at(-2)?.path}`);
      });
      expect(complaints).toEqual([]);
    },
  );

  test('works without script', async () => {
    const complaints = await visit.page({ ...desk, javaScriptEnabled: false }, async (page) => {
      await page.goto('/tour/form');
      await page.getByRole('button', { name: 'Greet me' }).click();
      await page.frameLocator('iframe').getByText('Hello, Ada <3.').waitFor();
      await page.goto('/tour/page');
      expect(await page.locator('.script:visible').count()).toBe(0);
      await page.getByRole('link', { name: 'a page from that folder' }).click();
      await page.getByText('Nothing was configured').waitFor();
    });
    expect(complaints).toEqual([]);
  });
});

/** From 0 to 765: enough to tell paper from ink. */
function lightness(colour: string): number {
  return (colour.match(/\d+/g) ?? []).slice(0, 3).reduce((sum, part) => sum + Number(part), 0);
}

/** Tabs to the link whose text contains the words, and presses Enter. */
async function press(page: Page, words: string): Promise<void> {
  for (let tabs = 0; tabs < 80; tabs++) {
    await page.keyboard.press('Tab');
    const focused = await page.evaluate(() => document.activeElement?.closest('a, button')?.textContent ?? '');
    if (focused.includes(words)) return page.keyboard.press('Enter');
  }
  throw new Error(`no way to ${words} with the Tab key from ${page.url()}`);
}

/** What can be clicked but cannot have the focus. */
async function unreachable(page: Page): Promise<string[]> {
  return page.locator('a:visible, button:visible, input:visible, figure pre:visible').evaluateAll((elements) =>
    elements
      .filter((element) => {
        (element as HTMLElement).focus();
        return document.activeElement !== element;
      })
      .map((element) => element.outerHTML),
  );
}
