import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { get, type IncomingHttpHeaders } from 'node:http';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { site, start, type Started } from './command.ts';

const FILES = {
  'index.html': '<!doctype html><link rel="stylesheet" href="style.css"><p id="text">one</p>',
  'style.css': 'p { color: rgb(1, 2, 3); }',
  'policy.html': '<!doctype html><p id="text">strict</p>',
  'wide.html': '\ufeffwide',
  'data.json': '{}',
  'a.txt': 'text',
  'cgi-bin/stream.sh':
    "#!/bin/sh\nprintf 'Content-Type: text/html\\r\\n\\r\\n<p>first'; sleep 0.05; printf '<p>last'\n",
  'cgi-bin/coded.sh':
    '#!/bin/sh\nprintf \'Content-Type: text/html\\r\\nContent-Encoding: gzip\\r\\n\\r\\n\'; cat "$(dirname "$0")/page.gz"\n',
  'cgi-bin/page.gz': '',
};

interface Live extends Started {
  readonly folder: string;
}

async function live(words: readonly string[] = ['--live'], more: Readonly<Record<string, string>> = {}): Promise<Live> {
  const made = site({ ...FILES, ...more });
  writeFileSync(join(made.path, 'wide.html'), Buffer.from(FILES['wide.html'], 'utf16le'));
  writeFileSync(join(made.path, 'cgi-bin/page.gz'), gzipSync('<p>coded'));
  const cgi = join(made.path, 'cgi-bin');
  const started = await start(
    ['.', '--cgi-bin', cgi, '--header', "Content-Security-Policy: default-src 'self'", ...words],
    {
      cwd: made.path,
    },
  );
  onTestFinished(async () => {
    await started.stop();
    made.remove();
  });
  return { ...started, folder: made.path };
}

/** A navigation as a browser sends it; `fetch` may not say that it is one. */
function visit(server: Live, path: string, more: Readonly<Record<string, string>> = {}): Promise<Visited> {
  const headers = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document', accept: 'text/html,*/*', ...more };
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port: server.port, path, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const { statusCode: status = 0, headers: fields } = response;
        resolve({ status, fields, text: Buffer.concat(chunks).toString('latin1') });
      });
    }).on('error', reject);
  });
}

interface Visited {
  readonly status: number;
  readonly fields: IncomingHttpHeaders;
  readonly text: string;
}

const SCRIPT = /\n<script src="\/\.onezero\/live\.js\?v=[\w.]+" async><\/script>\n$/;

describe('--live puts a script', () => {
  test('nowhere unless it is asked for', async () => {
    const server = await live([]);
    expect((await visit(server, '/')).text).toBe(FILES['index.html']);
    expect((await server.fetch('/.onezero/live.js')).status).toBe(404);
  });

  test('at the end of a page that is navigated to, which then has no tag and no length of its own', async () => {
    const server = await live();
    const plain = await server.fetch('/');
    expect(await plain.text()).toBe(FILES['index.html']);
    const etag = plain.headers.get('etag') ?? '';
    expect(etag).not.toBe('');
    const { status, text, fields } = await visit(server, '/', { 'if-none-match': etag, 'accept-encoding': 'br, gzip' });
    expect(status).toBe(200);
    expect(fields).not.toHaveProperty('etag');
    expect(fields).not.toHaveProperty('content-encoding');
    expect(fields).not.toHaveProperty('accept-ranges');
    expect(fields['cache-control']).toBe('no-store');
    expect(text).toMatch(SCRIPT);
    expect(text.replace(SCRIPT, '')).toBe(FILES['index.html']);
    expect(Number(fields['content-length'] ?? text.length)).toBe(text.length);
  });

  test('in pages of scripts, as they come, and in error pages', async () => {
    const server = await live();
    expect((await visit(server, '/cgi-bin/stream.sh')).text).toMatch(/^<p>first<p>last\n<script/);
    expect((await visit(server, '/nothing')).text).toMatch(SCRIPT);
  });

  test('not in what is no page, is coded, wide, a part, or asked for by a script', async () => {
    const server = await live();
    expect((await visit(server, '/a.txt')).text).toBe('text');
    expect((await visit(server, '/data.json')).text).toBe('{}');
    const wide = Buffer.from(FILES['wide.html'], 'utf16le').toString('latin1');
    expect((await visit(server, '/wide.html')).text).toBe(wide);
    expect((await visit(server, '/cgi-bin/coded.sh')).text).toBe(gzipSync('<p>coded').toString('latin1'));
    const part = await visit(server, '/', { range: 'bytes=0-4' });
    expect([part.status, part.text]).toEqual([206, FILES['index.html'].slice(0, 5)]);
    expect((await visit(server, '/', { 'sec-fetch-mode': 'cors' })).text).toBe(FILES['index.html']);
    expect((await visit(server, '/', { 'sec-fetch-dest': 'iframe' })).text).toBe(FILES['index.html']);
    const head = await server.fetch('/', { method: 'HEAD' });
    expect(head.headers.get('content-length')).toBe(String(FILES['index.html'].length));
  });
});

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

const CHROMIUM = findChromium();

describe.skipIf(CHROMIUM === undefined && process.env['CI'] === undefined)('--live in Chromium', () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await chromium.launch({
      timeout: 120_000,
      executablePath: CHROMIUM ?? 'chromium',
      args: ['--no-sandbox'],
    });
  });
  afterAll(() => browser.close());

  interface Opened {
    readonly page: Page;
    readonly loads: () => number;
    readonly asked: () => number;
  }

  /** A page of a live server, with its loads counted, whose script has been told that it is up to date. */
  async function open(server: Live, path = '/'): Promise<Opened> {
    const page = await browser.newPage();
    page.setDefaultTimeout(120_000);
    onTestFinished(() => page.close());
    let loads = 0;
    page.on('load', () => (loads += 1));
    const errors: string[] = [];
    page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
    let asked = 0;
    page.on('response', (response) => (asked += response.url().endsWith('/.onezero/live-events') ? 1 : 0));
    await page.goto(`http://127.0.0.1:${server.port}${path}`);
    await vi.waitUntil(() => asked > 0, { timeout: 120_000 });
    expect(errors.filter((text) => /Content Security Policy/.test(text))).toEqual([]);
    return { page, loads: () => loads, asked: () => asked };
  }

  test('reloads when a page changes, also one that an editor replaces', async () => {
    const server = await live();
    const { page } = await open(server);
    writeFileSync(join(server.folder, 'index.html'), '<!doctype html><p id="text">two</p>');
    await page.locator('#text', { hasText: 'two' }).waitFor();
    writeFileSync(join(server.folder, '.index.html.swp'), '<!doctype html><p id="text">three</p>');
    renameSync(join(server.folder, '.index.html.swp'), join(server.folder, 'index.html'));
    await page.locator('#text', { hasText: 'three' }).waitFor();
  });

  test('exchanges a style sheet in the page as it stands', async () => {
    const server = await live();
    const { page, loads } = await open(server);
    await page.evaluate("document.querySelector('#text').textContent = 'typed in'");
    writeFileSync(join(server.folder, 'style.css'), 'p { color: rgb(4, 5, 6); }');
    const color = (): Promise<string> => page.evaluate("getComputedStyle(document.querySelector('#text')).color");
    await vi.waitUntil(async () => (await color()) === 'rgb(4, 5, 6)', { timeout: 120_000 });
    expect(await page.textContent('#text')).toBe('typed in');
    expect(loads()).toBe(1);
  });

  test('reloads once for a thousand files in new folders', async () => {
    const server = await live();
    const { loads, asked } = await open(server);
    for (let folder = 0; folder < 10; folder++) {
      mkdirSync(join(server.folder, `new-${folder}/deep`), { recursive: true });
      for (let file = 0; file < 100; file++)
        writeFileSync(join(server.folder, `new-${folder}/deep/${file}.js`), `${file}`);
    }
    // The page asks for events again when it has reloaded: whatever comes from here on would reload it once more.
    await vi.waitUntil(() => loads() > 1 && asked() > 1, { timeout: 120_000 });
    expect(loads()).toBe(2);
    // The new folders are watched.
    writeFileSync(join(server.folder, 'new-9/deep/99.js'), 'changed');
    await vi.waitUntil(() => loads() > 2, { timeout: 120_000 });
  });
});
