// The tour as a whole: every stop, on a phone and on a desktop, in light and in dark, with the keyboard alone, without script.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { because, demo, looks, noBrowser, sizes, Visit, type Look } from './browser.ts';

const stops = [
  ...readFileSync(join(demo, 'htdocs/index.html'), 'utf8').matchAll(/<li><a href="(\/tour\/\w+)"><b>/g),
].map(([, path = '']) => ({ path }));

// Less than half of what the package exports as text, which a browser has to read for each page.
const AXE = readFileSync(fileURLToPath(import.meta.resolve('axe-core/axe.min.js')), 'utf8');

const desk: Look = { size: 'desktop', colorScheme: 'light' };
let visit: Visit;

beforeAll(async () => {
  visit = await Visit.begin();
});

afterAll(async () => {
  expect(await visit.close()).toBe(0);
});

describe.skipIf(noBrowser)(`the tour${because}`, () => {
  // One visit shows all four looks: a page that is open takes another size and other colours as a visitor's device changes them.
  test.each([{ path: '/' }, ...stops])('$path fits a phone and a desktop, in light and dark', async ({ path }) => {
    const complaints = await visit.page(desk, async (page) => {
      await page.goto(path);
      await page.evaluate(AXE);
      for (const look of looks) {
        await page.setViewportSize(sizes[look.size]);
        await page.emulateMedia({ colorScheme: look.colorScheme });
        expect(await problems(page, look), `${look.size}, ${look.colorScheme}`).toEqual({ ...NO_PROBLEMS });
      }
    });
    expect(complaints).toEqual([]);
  });

  test.each(['/files/', '/uploads/', '/no/such/page', '/broken'])(
    '%s, a page of the server, is for everyone',
    async (path) => {
      await visit.page(desk, async (page) => {
        await page.goto(path);
        await page.evaluate(AXE);
        for (const look of looks) {
          await page.setViewportSize(sizes[look.size]);
          await page.emulateMedia({ colorScheme: look.colorScheme });
          const expected = { beyond: 0, isInverted: false, unreachable: [], violations: [] };
          expect(await problems(page, look), `${look.size}, ${look.colorScheme}`).toMatchObject(expected);
        }
      });
    },
  );

  test.each(['phone', 'desktop'] as const)('can be walked with the keyboard alone on a %s', async (size) => {
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
  });

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

const NO_PROBLEMS = { beyond: 0, isInverted: false, low: [], unreachable: [], violations: [] };

/** What is wrong with an open page in one look, as `NO_PROBLEMS` has it when nothing is. */
async function problems(page: Page, look: Look): Promise<unknown> {
  const { beyond, low, unreachable, background, ink } = await page.evaluate(() => {
    const visible = (selector: string): HTMLElement[] =>
      [...document.querySelectorAll<HTMLElement>(selector)].filter((element) => element.checkVisibility());
    const isUnreachable = (element: HTMLElement): boolean => {
      element.focus();
      return document.activeElement !== element;
    };
    return {
      beyond: Math.max(0, document.documentElement.scrollWidth - innerWidth),
      low: visible('button, a.button')
        .filter((element) => element.getBoundingClientRect().height < 44)
        .map(({ textContent }) => textContent),
      unreachable: visible('a, button, input, figure pre')
        .filter(isUnreachable)
        .map(({ outerHTML }) => outerHTML),
      background: getComputedStyle(document.body).backgroundColor,
      ink: getComputedStyle(document.body).color,
    };
  });
  const isInverted = lightness(background) > lightness(ink) !== (look.colorScheme === 'light');
  // In the dark only the colours are others. A frame is a page of its own, and axe would wait for an answer of each.
  const runOnly = look.colorScheme === 'dark' ? "runOnly: ['color-contrast']" : '';
  const violations = await page.evaluate(
    `axe.run({ iframes: false, resultTypes: ['violations'], ${runOnly} }).then(({ violations }) => violations.map(({ id }) => id))`,
  );
  return { beyond, isInverted, low, unreachable, violations };
}

/** From 0 to 765: enough to tell paper from ink. */
function lightness(colour: string): number {
  return (colour.match(/\d+/g) ?? []).slice(0, 3).reduce((sum, part) => sum + Number(part), 0);
}

/** Tabs to the link whose text contains the words, and presses Enter. */
async function press(page: Page, words: string): Promise<void> {
  // So many are before it at least: players and frames are more than one stop of the Tab key.
  const before = await page.evaluate((text) => {
    const stops = [...document.querySelectorAll<HTMLElement>('a, button, input')].filter(
      ({ tabIndex }) => tabIndex >= 0,
    );
    return stops.findIndex(({ textContent }) => textContent.includes(text));
  }, words);
  for (let tabs = 0; tabs < before; tabs++) await page.keyboard.press('Tab');
  for (let tabs = before; tabs < 80; tabs++) {
    await page.keyboard.press('Tab');
    const focused = await page.evaluate(() => document.activeElement?.closest('a, button')?.textContent ?? '');
    if (focused.includes(words)) return page.keyboard.press('Enter');
  }
  throw new Error(`no way to ${words} with the Tab key from ${page.url()}`);
}
