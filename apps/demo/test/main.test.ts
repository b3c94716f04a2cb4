// The demo as a program: where it listens, what it serves to anybody, and what it leaves behind.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

const demo = join(import.meta.dirname, '..');
let scratch: string;

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'onezero-demo-test-'));
});

afterEach(() => rmSync(scratch, { recursive: true, force: true }));

/** Runs the demo while `visit` lasts; returns the code it ended with. */
async function withDemo(
  port: number,
  visit: (origin: string, complaints: () => string) => Promise<void>,
): Promise<number | null> {
  const env = { ...process.env, PORT: String(port), TMPDIR: scratch };
  const child = spawn(process.execPath, [join(demo, 'dist/main.js')], { env });
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text));
  const closed = once(child, 'close');
  try {
    const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string];
    await visit(/^The tour is at (http:\S+)$/m.exec(line)?.[1] ?? line, () => complaints);
  } finally {
    child.kill('SIGTERM');
  }
  const [code] = (await closed) as [number | null];
  return code;
}

async function text(url: string): Promise<string> {
  return (await fetch(url)).text();
}

describe('the demo', () => {
  test('prints where it is, on the next port when one is busy', async () => {
    const busy = createServer().listen(0, 'localhost');
    await once(busy, 'listening');
    const { port } = busy.address() as AddressInfo;
    await withDemo(port, async (origin) => {
      expect(Number(new URL(origin).port)).toBeGreaterThan(port);
      expect((await fetch(origin)).status).toBe(200);
    });
    busy.close();
  });

  test('serves the map and on it every stop that has a page, titled alike, with all their sources', async () => {
    await withDemo(0, async (origin) => {
      const map = await text(origin);
      const stops = [...map.matchAll(/href="(\/tour\/\w+)"><b>(.+?)<\/b>/g)];
      const pages = readdirSync(join(demo, 'pages')).toSorted();
      expect(stops.map(([, path]) => path)).toEqual(pages.map((name) => `/tour/${name.slice(3, -5)}`));
      for (const [, path = '', title] of stops) {
        const stop = await fetch(origin + path);
        expect(stop.status, path).toBe(200);
        const html = await stop.text();
        expect(html, path).toContain(`<title>${title} · onezero</title>`);
        expect(html, path).toContain(`<h1>${title}</h1>`);
        expect(html, path).toContain('<figure');
        expect(html, path).not.toMatch(/<code><\/code>|<!-- source|\{\{origin\}\}/);
      }
    });
  });

  test('leads from /tour/ to the map, and names what went wrong by its path', async () => {
    await withDemo(0, async (origin, output) => {
      expect((await fetch(`${origin}/tour/`)).url).toBe(`${origin}/`);
      await fetch(`${origin}/broken?x`);
      await vi.waitFor(() => expect(output()).toContain('500 GET /broken?x broken on purpose\n'), 120_000);
    });
  });

  test('has no dead link but the one that is there to be dead', async () => {
    await withDemo(0, async (origin) => {
      const pages = ['/', ...[...(await text(origin)).matchAll(/\/tour\/\w+/g)].map(([path]) => path)];
      const links = new Set<string>();
      for (const page of pages) {
        const found = (await text(origin + page)).matchAll(/ (?:href|src|action)="(\/[^"]*)"/g);
        for (const [, link = ''] of found) links.add(link.replaceAll('&amp;', '&'));
      }
      const dead: string[] = [];
      for (const link of links) if ((await fetch(origin + link)).status === 404) dead.push(link);
      expect(dead).toEqual(['/no/such/page']);
    });
  });

  test('shows in the stops the lines of its own main.ts', async () => {
    await withDemo(0, async (origin) => {
      // The colours of the source are elements around its words.
      const html = (await text(`${origin}/tour/method`)).replaceAll(/<\/?span[^>]*>/g, '');
      const line = readFileSync(join(demo, 'main.ts'), 'utf8')
        .split('\n')
        .find((text) => text.includes("'/shelf'"));
      expect(html).toContain(line?.trim());
    });
  });

  test('is what `npm start` becomes, so that a signal for one reaches the other', async () => {
    const root = join(demo, '../..');
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      scripts: { start: string };
    };
    const lastStep = scripts.start.replace(/^npx .* && /, '');
    const child = spawn('sh', ['-c', `true && ${lastStep}`], { cwd: root, env: { ...process.env, PORT: '0' } });
    const closed = once(child, 'close');
    await once(child.stdout, 'data');
    child.kill('SIGTERM');
    expect(await closed).toEqual([0, null]);
  });

  test('ends with 0 and takes the uploads with it', async () => {
    const code = await withDemo(0, async (origin) => {
      expect((await fetch(`${origin}/uploads/note.txt`, { method: 'PUT', body: 'hello' })).status).toBe(201);
      expect(readdirSync(scratch)).toHaveLength(1);
    });
    expect(code).toBe(0);
    expect(readdirSync(scratch)).toEqual([]);
  });
});
