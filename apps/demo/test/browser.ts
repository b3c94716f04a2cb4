// The demo as it ships, in a child process, and a real browser in front of it.
//
// Where Chromium is missing the tests are skipped by name, but never in CI.
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';

export const demo: string = join(import.meta.dirname, '..');

const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
export const noBrowser: boolean = !existsSync(executablePath) && process.env['CI'] === undefined;
export const because: string = noBrowser ? ' (needs Chromium)' : '';

export const sizes = { phone: { width: 390, height: 844 }, desktop: { width: 1280, height: 800 } };

/** How a page is looked at. */
export interface Look {
  readonly size: keyof typeof sizes;
  readonly colorScheme: 'light' | 'dark';
  readonly javaScriptEnabled?: boolean;
}

export const looks: readonly Look[] = (['phone', 'desktop'] as const).flatMap((size) =>
  (['light', 'dark'] as const).map((colorScheme) => ({ size, colorScheme })),
);

/** A running demo and a browser; `close` ends both and says how the demo ended. */
export class Visit {
  readonly origin: string;
  readonly #server: ChildProcessWithoutNullStreams;
  readonly #browser: Browser | undefined;
  /** Pages that visits have left, by their options. */
  readonly #pages = new Map<string, { page: Page; complaints: string[] }>();

  private constructor(origin: string, server: ChildProcessWithoutNullStreams, browser: Browser | undefined) {
    this.origin = origin;
    this.#server = server;
    this.#browser = browser;
  }

  static async begin(): Promise<Visit> {
    const server = spawn(process.execPath, [join(demo, 'dist/main.js')], { env: { ...process.env, PORT: '0' } });
    server.stderr.resume();
    const [line] = (await once(server.stdout.setEncoding('utf8'), 'data')) as [string];
    const args = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'];
    args.push('--disable-background-networking', '--disable-component-update', '--disable-sync');
    const browser = noBrowser ? undefined : await chromium.launch({ timeout: 120_000, executablePath, args });
    return new Visit(/http:\S+/.exec(line)?.[0] ?? '', server, browser);
  }

  /**
   * Shows a page to `look` and returns what the browser complained about meanwhile: messages of its console and uncaught
   * errors. A status of 400 or more is part of the tour, though the browser calls it an error. The page is the one of the
   * visit before with the same options, empty again: a page of its own costs more than most visits.
   */
  async page(options: Look, look: (page: Page) => Promise<void>): Promise<string[]> {
    const key = JSON.stringify(options);
    const { page, complaints } = this.#pages.get(key) ?? (await this.#open(options));
    this.#pages.delete(key);
    complaints.length = 0;
    try {
      await look(page);
      await page.goto('about:blank');
      this.#pages.set(key, { page, complaints });
    } catch (error) {
      await page.context().close();
      throw error;
    }
    return [...complaints];
  }

  async #open(options: Look): Promise<{ page: Page; complaints: string[] }> {
    if (this.#browser === undefined) throw new Error('there is no browser');
    const { size, ...rest } = options;
    const context = await this.#browser.newContext({ viewport: sizes[size], baseURL: this.origin, ...rest });
    // Shorter than a test's own, so that a failure names what was waited for.
    context.setDefaultTimeout(120_000);
    const complaints: string[] = [];
    context.on('console', (message) => {
      const isStatus = message.text().startsWith('Failed to load resource');
      if (message.type() === 'error' && !isStatus) complaints.push(message.text());
    });
    context.on('weberror', (error) => complaints.push(error.error().message));
    return { page: await context.newPage(), complaints };
  }

  async close(): Promise<number | null> {
    await this.#browser?.close();
    const closed = once(this.#server, 'close');
    this.#server.kill('SIGTERM');
    const [code] = (await closed) as [number | null];
    return code;
  }
}
