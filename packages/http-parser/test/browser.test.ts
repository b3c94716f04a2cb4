// The built files in headless Chromium, in a page and in a worker: the whole table of decisions must come out as in Node.

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DECISIONS } from './decisions.ts';
import { bytesOf, replay } from './replay.ts';

const CHROMIUM = '/usr/bin/chromium';
const ARGUMENTS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Plays texts to the built parser; a module, so that page and worker can share it. */
const PLAYER = `
import { RequestParser } from '/dist/index.js';
import { serializeHead } from '/dist/serializer.js';
const describeEvent = (event) => {
  if (event.type === 'error') return event.error.code + ' @' + event.error.offset;
  if (event.type === 'content') return String.fromCharCode(...event.bytes);
  if (event.type === 'end') return JSON.stringify(event.trailers);
  return JSON.stringify([event, event.head.fields]);
};
export const play = (texts) => texts.map((text) => {
  const parser = new RequestParser();
  const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
  const events = [...parser.push(bytes)];
  while (parser.state === 'paused') events.push(...parser.next());
  events.push(...parser.end());
  return events.map(describeEvent);
});
export const written = () => String.fromCharCode(...serializeHead({ status: 200, fields: [['a', '\\u00e9']] }));
export const hasBuffer = () => typeof Buffer !== 'undefined';
`;

const WORKER = `
import { hasBuffer, play, written } from '/player.js';
onmessage = ({ data }) => postMessage([play(data), written(), hasBuffer()]);
`;

const PAGES: Readonly<Record<string, [type: string, text: string]>> = {
  '/': ['text/html', '<!doctype html><title>parser</title>'],
  '/player.js': ['text/javascript', PLAYER],
  '/worker.js': ['text/javascript', WORKER],
};

async function answer(path: string): Promise<[type: string, text: string | Buffer]> {
  const name = /^\/dist\/([a-z-]+\.js)$/.exec(path)?.[1];
  if (name === undefined) return PAGES[path] ?? ['text/plain', ''];
  return ['text/javascript', await readFile(new URL(`../dist/${name}`, import.meta.url))];
}

type Played = [logs: string[][], written: string, hasBuffer: boolean];

// A machine without Chromium skips this; continuous integration must have it.
describe.skipIf(!existsSync(CHROMIUM) && process.env['CI'] === undefined)('the built package in Chromium', () => {
  let server: Server;
  let browser: Browser;
  const texts = DECISIONS.filter(({ options }) => options === undefined).flatMap(({ cases }) =>
    cases.map(([text]) => text),
  );

  beforeAll(async () => {
    server = createServer((incoming, outgoing) => {
      void answer(incoming.url ?? '/').then(([type, text]) => outgoing.setHeader('content-type', type).end(text));
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    browser = await chromium.launch({ timeout: 120_000, executablePath: CHROMIUM, args: ARGUMENTS });
  });

  afterAll(async () => {
    await browser.close();
    server.close();
  });

  async function evaluate(script: string): Promise<Played> {
    const page = await browser.newPage();
    page.setDefaultTimeout(120_000);
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    return page.evaluate<Played>(`(async (texts) => { ${script} })(${JSON.stringify(texts)})`);
  }

  function check([logs, written, hasBuffer]: Played): void {
    const ends = logs.map((log) => log.at(-1));
    const expected = texts.map((text) => replay([bytesOf(text)]).at(-1));
    for (const [index, last] of expected.entries()) {
      if (last?.includes(' @') === true) expect(ends[index], texts[index]).toBe(last);
      else expect(ends[index] ?? '', texts[index]).toMatch(/^(?:\[|$)/);
    }
    expect(written).toBe('HTTP/1.1 200 OK\r\na: \u00e9\r\n\r\n');
    expect(hasBuffer).toBe(false);
  }

  test('reads the same in a page', async () => {
    check(await evaluate(`const m = await import('/player.js'); return [m.play(texts), m.written(), m.hasBuffer()];`));
  });

  test('reads the same in a worker', async () => {
    check(
      await evaluate(`
        const worker = new Worker('/worker.js', { type: 'module' });
        const answer = new Promise((resolve, reject) => {
          worker.onmessage = ({ data }) => resolve(data);
          worker.onerror = ({ message }) => reject(new Error(message));
        });
        worker.postMessage(texts);
        return answer;`),
    );
  });
});
