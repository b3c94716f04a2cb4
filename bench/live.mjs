// Live reload: from a changed file to what a person sees, step by step, in headless Chromium.
//
//   node bench/live.mjs [--runs 20] [--chromium /usr/bin/chromium] [--write]
//
// Each run writes a page, or a style sheet, and waits until the browser shows it. Vite's development server answers the same
// pages in turn, with its own client. All times come from one clock, in milliseconds after the write has returned.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';
import { createServer as createViteServer } from 'vite';

import { freePort, startOnezero } from '../differential/peers.mjs';
import { spread, table } from './report.mjs';

const { values: flags } = parseArgs({
  options: {
    runs: { type: 'string', default: '20' },
    chromium: { type: 'string', default: process.env['CHROMIUM'] ?? '/usr/bin/chromium' },
    write: { type: 'boolean', default: false },
  },
});

/** Longer than a reload takes on the slowest machine that is of use. */
const PATIENCE_MS = 20_000;

/** What the page says of itself: when it was made, when its text was there, and when the first frame was drawn with it. */
const REPORT = `
  const text = document.querySelector('#text').textContent;
  const say = (what) => console.log(JSON.stringify({ what, text, at: performance.timeOrigin + performance.now() }));
  console.log(JSON.stringify({ what: 'began', text, at: performance.timeOrigin }));
  say('there');
  requestAnimationFrame(() => requestAnimationFrame(() => say('drawn')));
  let colour; // a page that was loaded anew has a colour from the start, and says that, too
  const look = () => {
    const now = getComputedStyle(document.querySelector('#text')).color;
    if (now !== colour) console.log(JSON.stringify({ what: 'coloured', text: now, at: performance.timeOrigin + performance.now() }));
    colour = now;
    requestAnimationFrame(look);
  };
  look();`;

const page = (count) => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${count}</title>
<link rel="stylesheet" href="/style.css"><script src="/app.js" defer></script></head>
<body><p id="text">${count}</p><script>${REPORT}</script></body></html>
`;
const style = (count) => `p { color: rgb(${count % 256}, ${(count >> 8) + 1}, 7); }\n`;
const colourOf = (count) => `rgb(${count % 256}, ${(count >> 8) + 1}, 7)`;

const now = () => performance.timeOrigin + performance.now();

/** A folder with a page that has a script and a style sheet. */
function makeSite(folder) {
  mkdirSync(folder);
  writeFileSync(join(folder, 'index.html'), page(0));
  writeFileSync(join(folder, 'style.css'), style(0));
  writeFileSync(join(folder, 'app.js'), 'document.body.dataset.app = "1";\n');
}

async function startOurs(root) {
  const server = await startOnezero([root, '--live']);
  return { ...server, events: new Events(`${server.origin}/.onezero/live-events`) };
}

/** Vite as `npx vite` runs it. */
async function startVite(root) {
  const port = await freePort();
  const server = await createViteServer({
    root,
    configFile: false,
    logLevel: 'silent',
    optimizeDeps: { noDiscovery: true },
    server: { port, strictPort: true, host: '127.0.0.1' },
  });
  await server.listen();
  return { origin: `http://127.0.0.1:${port}`, stop: () => server.close() };
}

/** When events reach a client that does nothing else. */
class Events {
  #last = 0;
  #request;

  constructor(url) {
    this.#request = get(url, (response) => {
      response.setEncoding('utf8').on('data', (text) => {
        if (/^event: (?:reload|styles)/m.test(text)) this.#last = now();
      });
    });
    this.#request.on('error', () => undefined);
  }

  since(start) {
    return this.#last > start ? this.#last - start : Number.NaN;
  }

  close() {
    this.#request.destroy();
  }
}

/** What a page has said, and who waits for more. */
class Heard {
  #said = [];

  constructor(tab) {
    tab.on('console', (message) => {
      if (message.text().startsWith('{')) this.#said.push(JSON.parse(message.text()));
    });
    this.tab = tab;
  }

  /** When `what` was said of `text`; waits for it. */
  async time(what, text) {
    const deadline = now() + PATIENCE_MS;
    for (;;) {
      const found = this.#said.find((one) => one.what === what && one.text === text);
      if (found !== undefined) return found.at;
      if (now() > deadline) throw new Error(`the page does not show ${text}`);
      await this.tab.waitForEvent('console', { timeout: PATIENCE_MS });
    }
  }
}

/** A page that has its first content, and whose client has connected. */
async function openPage(browser, server) {
  const tab = await browser.newPage();
  const heard = new Heard(tab);
  await tab.goto(server.origin);
  await heard.time('drawn', '0');
  return heard;
}

/** Lets a server and a browser come to rest, as they are when a person saves a file. */
const rest = () => new Promise((resolve) => setTimeout(resolve, 400));

async function changePage(heard, server, folder, count) {
  writeFileSync(join(folder, 'index.html'), page(count));
  const start = now();
  const drawn = await heard.time('drawn', String(count));
  const [began, there] = [await heard.time('began', String(count)), await heard.time('there', String(count))];
  return {
    event: server.events?.since(start) ?? Number.NaN,
    began: began - start,
    there: there - start,
    drawn: drawn - start,
  };
}

async function changeStyle(heard, server, folder, count) {
  writeFileSync(join(folder, 'style.css'), style(count));
  const start = now();
  const coloured = await heard.time('coloured', colourOf(count));
  return { event: server.events?.since(start) ?? Number.NaN, drawn: coloured - start };
}

const scratch = mkdtempSync(join(tmpdir(), 'onezero-live-'));
const browser = await chromium.launch({
  executablePath: flags.chromium,
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-sync'],
});
const servers = [];
try {
  for (const [name, start] of [
    ['onezero --live', startOurs],
    ['vite', startVite],
  ]) {
    const folder = join(scratch, name.slice(0, 4));
    makeSite(folder);
    const server = await start(folder);
    servers.push({ name, folder, server, heard: await openPage(browser, server), pages: [], styles: [] });
  }
  // The first run of each is not counted: it has programs translated that are there afterwards.
  for (let run = 0; run <= Number(flags.runs); run++) {
    for (const { server, heard, folder, pages, styles } of servers) {
      await heard.tab.bringToFront();
      await rest();
      const whole = await changePage(heard, server, folder, run + 1);
      await rest();
      const sheet = await changeStyle(heard, server, folder, run + 1);
      if (run === 0) continue;
      pages.push(whole);
      styles.push(sheet);
    }
  }
  const markdown = report(servers, browser.version());
  console.log(markdown);
  if (flags.write) writeFileSync(join(import.meta.dirname, 'results/live.md'), markdown);
} finally {
  for (const { server } of servers) {
    server.events?.close();
    await server.stop();
  }
  await browser.close();
  rmSync(scratch, { recursive: true, force: true });
}

function report(measured, version) {
  const cell = (series, key) => {
    const { median, min, max } = spread(series.map((one) => one[key]));
    return Number.isNaN(median) ? '–' : `${median.toFixed(0)} (${min.toFixed(0)}..${max.toFixed(0)})`;
  };
  const rows = measured.flatMap(({ name, pages, styles }) => [
    [`${name}: a page`, ...['event', 'began', 'there', 'drawn'].map((key) => cell(pages, key))],
    [`${name}: a style sheet`, ...['event', 'began', 'there', 'drawn'].map((key) => cell(styles, key))],
  ]);
  return [
    '# Live reload',
    '',
    `Milliseconds after a file was written, median and smallest to largest of ${flags.runs}. Measured ${new Date().toISOString().slice(0, 10)}, Node ${process.version}, Chromium ${version}, headless.`,
    'Repeat with `node bench/live.mjs --write`.',
    '',
    table(['', 'a client has the event', 'the new page begins', 'its text is there', 'it is drawn'], rows),
    '',
  ].join('\n');
}
