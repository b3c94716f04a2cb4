import { mkdirSync, renameSync, statSync, symlinkSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turned, setTimeout as passed } from 'node:timers/promises';
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Field, serveStatic, type StaticRequest, type StaticResponse } from '../src/index.ts';
import { BIG_JS, makeSite, type Site, writeTree } from './site.ts';

let site: Site;

beforeAll(async () => {
  site = makeSite();
  // Files are only remembered once their file system's clock has moved on; the fixture's are then all of that kind.
  await untilRested(join(site.root, 'fifo'));
});

afterAll(() => site.remove());

async function untilRested(path: string): Promise<void> {
  while (Date.now() - statSync(path).ctimeMs < 40) await passed(5);
}

function get(
  pathInfo: string,
  fields: Readonly<Record<string, string>> = {},
  more: Partial<StaticRequest> = {},
): StaticRequest {
  return { method: 'GET', pathInfo, fields: Object.entries(fields), ...more };
}

function field({ fields }: StaticResponse, name: string): string | undefined {
  return fields.find(([fieldName]: Field) => fieldName === name)?.[1];
}

async function text({ content }: StaticResponse): Promise<string> {
  if (content === undefined) return '';
  if (content instanceof Uint8Array) return Buffer.from(content).toString();
  const chunks: Buffer[] = [];
  for await (const chunk of content) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString();
}

describe('what is remembered', () => {
  test('an unchanged file is the same response, at once', async () => {
    const respond = serveStatic(site.root);
    const first = await respond(get('/a.txt'));
    const again = respond(get('/a.txt', { host: 'x', 'user-agent': 'y' }));
    expect(again).toBe(first);
    expect(first.content).toBeInstanceOf(Uint8Array);
  });

  test('so are its 304, its HEAD, its codings, and a missing file', async () => {
    const respond = serveStatic(site.root);
    const requests = [
      get('/a.txt', { 'if-none-match': '*' }),
      get('/a.txt', {}, { method: 'HEAD' }),
      get('/big.js', { 'accept-encoding': 'br' }),
      get('/made.js', { 'accept-encoding': 'gzip' }),
      get('/a.txt', { range: 'bytes=2-4' }),
      get('/none.txt'),
      get('/.env'),
    ];
    for (const request of requests) {
      const first = await respond(request);
      expect(respond(request)).toBe(first);
    }
  });

  test('a change is noticed by the next turn of the loop', async () => {
    const path = join(site.root, 'changing.txt');
    writeFileSync(path, 'old');
    await untilRested(path);
    const respond = serveStatic(site.root);
    const old = await respond(get('/changing.txt'));
    writeFileSync(path, 'new');
    await turned();
    const now = await respond(get('/changing.txt'));
    expect([await text(old), await text(now)]).toEqual(['old', 'new']);
    expect(field(now, 'etag')).not.toBe(field(old, 'etag'));
    unlinkSync(path);
    await turned();
    expect((await respond(get('/changing.txt'))).status).toBe(404);
    writeFileSync(path, 'again');
    await turned();
    expect(await text(await respond(get('/changing.txt')))).toBe('again');
  });

  test('a file that was just written is not remembered', async () => {
    const path = join(site.root, 'fresh.txt');
    const respond = serveStatic(site.root);
    // A slow machine may need several attempts to ask within the same clock tick.
    for (let attempt = 0; ; attempt++) {
      writeFileSync(path, `fresh ${attempt}`);
      // An earlier attempt may be remembered, and is looked at once per turn.
      await turned();
      const first = await respond(get('/fresh.txt'));
      const again = await respond(get('/fresh.txt'));
      if (Date.now() - statSync(path).mtimeMs > 15) continue;
      expect(again).not.toBe(first);
      break;
    }
    await untilRested(path);
    const rested = await respond(get('/fresh.txt'));
    expect(respond(get('/fresh.txt'))).toBe(rested);
  });

  test('the budget holds, and what does not fit is served all the same', async () => {
    const places = ['one', 'other'].map((name) => join(site.root, `${name}.bin`));
    for (const place of places) writeFileSync(place, Buffer.alloc(40_000));
    await Promise.all(places.map(async (place) => untilRested(place)));
    const respond = serveStatic(site.root, { cacheMemoryBytes: 80_000 });
    const first = await respond(get('/one.bin'));
    expect(respond(get('/one.bin'))).toBe(first);
    await turned();
    expect(await respond(get('/one.bin'))).toBe(first);
    // The one in use stays; the newcomer would have to be asked for twice to be worth its place.
    const other = await respond(get('/other.bin'));
    expect(respond(get('/one.bin'))).toBe(first);
    expect(respond(get('/other.bin'))).not.toBe(other);
    const none = serveStatic(site.root, { cacheMemoryBytes: 0 });
    const uncached = await none(get('/a.txt'));
    expect(await text(uncached)).toBe('0123456789');
    expect(none(get('/a.txt'))).not.toBe(uncached);
  });

  test('a file too large for memory comes from the disk, byte for byte, whole and in parts', async () => {
    const respond = serveStatic(site.root, { maxCachedFileBytes: 100, compression: false });
    for (let round = 0; round < 2; round++) {
      const whole = await respond(get('/big.js'));
      expect(whole.content).not.toBeInstanceOf(Uint8Array);
      expect(field(whole, 'content-length')).toBe(String(BIG_JS.length));
      expect(await text(whole)).toBe(BIG_JS);
      const parts = await respond(get('/big.js', { range: 'bytes=0-5,100-109' }));
      const content = await text(parts);
      expect(field(parts, 'content-length')).toBe(String(content.length));
      expect(content).toContain(`\r\n\r\n${BIG_JS.slice(100, 110)}\r\n--`);
      expect(await text(await respond(get('/big.js', { range: 'bytes=-7' })))).toBe(BIG_JS.slice(-7));
    }
  });

  test('a request never gets the outcome of a look that began before it', async () => {
    const path = join(site.root, 'joined.txt');
    writeFileSync(path, 'old');
    await untilRested(path);
    const respond = serveStatic(site.root);
    const early = respond(get('/joined.txt'));
    writeFileSync(path, 'new');
    const late = await respond(get('/joined.txt'));
    await early;
    expect(await text(late)).toBe('new');
  });

  test('a large file that is replaced between requests is never described by the old one', async () => {
    const path = join(site.root, 'replaced.bin');
    writeFileSync(path, Buffer.alloc(2_000_000, 'a'));
    await untilRested(path);
    const respond = serveStatic(site.root);
    await text(await respond(get('/replaced.bin')));
    writeFileSync(`${path}.new`, Buffer.alloc(1_500_000, 'b'));
    renameSync(`${path}.new`, path);
    const response = await respond(get('/replaced.bin'));
    expect(field(response, 'content-length')).toBe('1500000');
    expect(await text(response)).toBe('b'.repeat(1_500_000));
  });
});

describe('codings', () => {
  test.each(['/big.js', '/made.js'])('of %s decode to the file', async (path) => {
    const respond = serveStatic(site.root);
    const gzip = await respond(get(path, { 'accept-encoding': 'gzip' }));
    const br = await respond(get(path, { 'accept-encoding': 'br' }));
    const plain = await respond(get(path));
    expect(gunzipSync(gzip.content as Uint8Array).toString()).toBe(BIG_JS);
    expect(brotliDecompressSync(br.content as Uint8Array).toString()).toBe(BIG_JS);
    const tags = [gzip, br, plain].map((response) => field(response, 'etag'));
    expect(new Set(tags).size).toBe(3);
    expect(new Set([gzip, br, plain].map((response) => field(response, 'vary')))).toEqual(new Set(['accept-encoding']));
  });

  test('made from a file on the disk decode to it too', async () => {
    const respond = serveStatic(site.root, { maxCachedFileBytes: 100, precompressed: false });
    const response = await respond(get('/big.js', { 'accept-encoding': 'gzip' }));
    expect(field(response, 'content-length')).toBeUndefined();
    const chunks: Uint8Array[] = [];
    for await (const chunk of response.content as AsyncIterable<Uint8Array>) chunks.push(Buffer.from(chunk));
    expect(gunzipSync(Buffer.concat(chunks)).toString()).toBe(BIG_JS);
  });

  test('are skipped for files that are small, large or compressed already', async () => {
    const respond = serveStatic(site.root, { compression: { minBytes: 100, maxBytes: 1_000 } });
    for (const path of ['/a.txt', '/made.js', '/big.js.gz']) {
      const response = await respond(get(path, { 'accept-encoding': 'gzip, br' }));
      expect(field(response, 'content-encoding')).toBeUndefined();
      expect(field(response, 'vary')).toBeUndefined();
    }
  });

  test('stored beside a page that answers where nothing is are sent for it, too', async () => {
    writeTree(site.root, { 'spa/app.html': BIG_JS, 'spa/app.html.br': brotliCompressSync(BIG_JS) });
    const respond = serveStatic(join(site.root, 'spa'), { fallback: '/app.html' });
    const fileFor = async (pathInfo: string): Promise<unknown> =>
      (await respond(get(pathInfo, { 'accept-encoding': 'br', 'sec-fetch-mode': 'navigate' }))).file;
    expect(await fileFor('/some/where')).toEqual(['app.html.br']);
    expect(await fileFor('/app.html')).toEqual(['app.html.br']);
    expect(await fileFor('/else/where')).toEqual(['app.html.br']);
  });

  test('stored beside the file appear and disappear at once', async () => {
    const path = join(site.root, 'later.js');
    writeFileSync(path, BIG_JS);
    await untilRested(path);
    const respond = serveStatic(site.root, { compression: false });
    const request = get('/later.js', { 'accept-encoding': 'gzip' });
    expect(field(await respond(request), 'content-encoding')).toBeUndefined();
    writeTree(site.root, { 'later.js.gz': 'pretend' });
    await turned();
    expect(field(await respond(request), 'content-encoding')).toBe('gzip');
    unlinkSync(`${path}.gz`);
    await turned();
    expect(field(await respond(request), 'content-encoding')).toBeUndefined();
  });
});

const MOMENT = new Date('2024-01-02T03:04:05Z');

describe('entity tags', () => {
  test('are those of the bytes: equal for copies, whatever their times, and other for other bytes of the same time and size', async () => {
    const respond = serveStatic(site.root);
    writeTree(site.root, { 'same1.txt': 'same', 'same2.txt': 'same', 'other.txt': 'else' });
    for (const name of ['same1.txt', 'other.txt']) utimesSync(join(site.root, name), MOMENT, MOMENT);
    const tagOf = async (path: string) => field(await respond(get(path)), 'etag');
    expect(await tagOf('/same1.txt')).toMatch(/^"/);
    expect(await tagOf('/same1.txt')).toBe(await tagOf('/same2.txt'));
    expect(await tagOf('/other.txt')).not.toBe(await tagOf('/same1.txt'));
  });

  test('can be weak or absent', async () => {
    expect(field(await serveStatic(site.root, { etag: 'weak' })(get('/a.txt')), 'etag')).toMatch(/^W\/"/);
    expect(field(await serveStatic(site.root, { etag: false })(get('/a.txt')), 'etag')).toBeUndefined();
  });
});

describe('dates', () => {
  test.each([
    ['0', new Date(0)],
    ['before 1970', new Date(-1_000_000_000_000)],
    ['in the future', new Date(Date.now() + 1_000_000_000)],
    ['in the year 40000', new Date(1_200_000_000_000_000)],
  ])('a file dated %s is served without Last-Modified', async (_, date) => {
    const path = join(site.root, 'dated.txt');
    writeFileSync(path, 'dated');
    utimesSync(path, date.getTime() / 1000, date.getTime() / 1000);
    const response = await serveStatic(site.root)(
      get('/dated.txt', { 'if-modified-since': 'Tue, 02 Jan 2024 03:04:05 GMT' }),
    );
    const stored = statSync(path).mtimeMs;
    // A file system that cannot store the date stores another; then there is nothing to test.
    if (stored === date.getTime()) expect(field(response, 'last-modified')).toBeUndefined();
    expect([response.status, await text(response)]).toEqual([200, 'dated']);
  });
});

describe('paths given without a canonical form', () => {
  test.each([
    ['/../secret.txt', 400],
    ['/./a.txt', 400],
    ['/a.txt\0', 400],
    ['a.txt', 400],
    ['/\ud800', 400],
    ['/sub\\..\\..\\secret.txt', 404],
    ['/%2e%2e/secret.txt', 404],
  ])('%j is %i', async (pathInfo, status) => {
    expect((await serveStatic(site.root)(get(pathInfo))).status).toBe(status);
  });
});

describe('roots', () => {
  test('below a dot directory are served', async () => {
    writeTree(site.top, { '.pnpm/pkg/index.html': 'packaged' });
    expect(await text(await serveStatic(join(site.top, '.pnpm/pkg'))(get('/')))).toBe('packaged');
  });

  test('may be made of links through dot directories, as ConfigMaps are', async () => {
    const root = join(site.top, 'config-map');
    writeTree(root, { '..2026/index.html': 'mapped', '..2026/.env': 'secret' });
    symlinkSync('..2026', join(root, '..data'));
    symlinkSync('..data/index.html', join(root, 'index.html'));
    const respond = serveStatic(root);
    expect(await text(await respond(get('/')))).toBe('mapped');
    for (const path of ['/..data/index.html', '/..2026/index.html', '/..2026/.env']) {
      expect((await respond(get(path))).status).toBe(404);
    }
  });

  test.runIf(process.platform === 'linux')('may have links that differ from their target in case only', async () => {
    const root = join(site.top, 'cased');
    writeTree(root, { 'readme.txt': 'read', 'packages/a.txt': 'packed', 'é.txt': 'accent' });
    symlinkSync('readme.txt', join(root, 'README.txt'));
    symlinkSync('packages', join(root, 'Packages'));
    symlinkSync('é.txt', join(root, 'É.txt'));
    for (const symlinks of ['inside', 'all', 'deny'] as const) {
      const respond = serveStatic(root, { symlinks, listing: true });
      for (const path of ['/README.txt', '/Packages/a.txt', '/Packages/', '/É.txt']) {
        expect((await respond(get(path))).status, path).toBe(symlinks === 'deny' ? 404 : 200);
      }
      for (const path of ['/Readme.txt', '/PACKAGES/a.txt', '/packages/A.txt']) {
        expect((await respond(get(path))).status, path).toBe(404);
      }
    }
  });

  test('that are links are served, and followed when they are pointed elsewhere', async () => {
    writeTree(site.top, { 'r1/i.txt': 'one', 'r2/i.txt': 'two' });
    symlinkSync('r1', join(site.top, 'current'));
    const respond = serveStatic(join(site.top, 'current'));
    expect(await text(await respond(get('/i.txt')))).toBe('one');
    symlinkSync('r2', join(site.top, 'next'));
    renameSync(join(site.top, 'next'), join(site.top, 'current'));
    await turned();
    expect(await text(await respond(get('/i.txt')))).toBe('two');
  });

  test('that are files are the whole site', async () => {
    const respond = serveStatic(join(site.root, 'about.html'));
    expect(await text(await respond(get('/')))).toBe('<p>about</p>');
    expect(await text(await respond(get('/about.html')))).toBe('<p>about</p>');
    for (const path of ['/a.txt', '/about.html/', '/sub/about.html', '/../a.txt']) {
      expect((await respond(get(path))).status).toBeGreaterThanOrEqual(400);
    }
  });

  test('that do not exist, and options that do not go together, are errors at start', () => {
    expect(() => serveStatic(join(site.top, 'nowhere'))).toThrow(/^root: .*nowhere does not exist/);
    expect(() => serveStatic(site.root, { typesFile: '/no/such/file' })).toThrow(/^typesFile: .* cannot be read$/);
    expect(() => serveStatic(site.root, { cors: { credentials: true } })).toThrow(/^cors.credentials: /);
    expect(() => serveStatic(join(site.root, 'a.txt'), { writable: true })).toThrow(
      /^root: .* is a file; writing needs a directory$/,
    );
  });
});

describe('a link swapped while it is asked for', () => {
  test('never lets an outside byte out', async () => {
    const path = join(site.root, 'racing.txt');
    const respond = serveStatic(site.root, { cacheMemoryBytes: 0 });
    const finished = new AbortController();
    writeFileSync(path, 'inside');
    const swapping = (async () => {
      for (let round = 0; !finished.signal.aborted; round++) {
        if (round % 2 === 0) symlinkSync('../secret.txt', `${path}.next`);
        else writeFileSync(`${path}.next`, 'inside');
        renameSync(`${path}.next`, path);
        await turned();
      }
    })();
    const seen = new Set<string>();
    for (let round = 0; round < 600 || seen.size < 2; round++) {
      seen.add(await text(await respond(get('/racing.txt'))));
      await turned();
    }
    finished.abort();
    await swapping;
    expect([...seen].toSorted((a, b) => a.length - b.length)).toEqual(['', 'inside']);
  });
});

describe('OPTIONS', () => {
  const preflight = (pathInfo: string, method: string): StaticRequest => ({
    method: 'OPTIONS',
    pathInfo,
    fields: [
      ['origin', 'https://a.test'],
      ['access-control-request-method', method],
    ],
  });
  const plain = (pathInfo: string): StaticRequest => ({ method: 'OPTIONS', pathInfo, fields: [] });

  test('is answered where something is, and is 404 where nothing is', async () => {
    const respond = serveStatic(site.root, { redirects: [{ from: '/moved', to: '/a.txt' }] });
    for (const path of ['/a.txt', '/sub/', '/sub', '/moved']) expect((await respond(plain(path))).status).toBe(204);
    for (const path of ['/api/x', '/.env', '/link-out', '/a.txt/']) {
      expect(await respond(plain(path))).toEqual({ status: 404, fields: [] });
    }
    expect((await respond(plain('/../x'))).status).toBe(400);
    expect((await respond(preflight('/api/x', 'POST'))).status).toBe(404);
  });

  test('as a preflight where nothing is, or for methods that are not ours, gives way', async () => {
    const respond = serveStatic(site.root, { cors: true });
    expect((await respond(preflight('/a.txt', 'GET'))).isNothing).toBe(undefined);
    for (const request of [preflight('/api/x', 'GET'), preflight('/a.txt', 'POST'), preflight('/api/x', 'PUT')]) {
      const answer = await respond(request);
      expect([answer.status, answer.isNothing, field(answer, 'access-control-allow-origin')]).toEqual([204, true, '*']);
    }
  });

  test('says where writing is on that a path may be written to, and gives way for other methods', async () => {
    const respond = serveStatic(site.root, { cors: true, writable: true });
    expect((await respond(preflight('/new.txt', 'PUT'))).isNothing).toBe(undefined);
    expect((await respond(preflight('/new.txt', 'POST'))).isNothing).toBe(true);
    const answer = await respond(plain('/new.txt'));
    expect([answer.isNothing, field(answer, 'allow')]).toEqual([true, 'GET, HEAD, OPTIONS, PUT, DELETE']);
  });
});

describe('rules of a site', () => {
  test('hold for names with a line break in them', async () => {
    writeTree(site.root, { 'kept/away/a\nb': 'SECRET', 'broken\nline.txt': 'x' });
    const respond = serveStatic(site.root, {
      hide: ['/KEPT/**/a*'],
      cacheControl: [{ glob: '**', value: 'no-store' }],
    });
    expect((await respond(get('/kept/away/a\nb'))).status).toBe(404);
    expect(field(await respond(get('/broken\nline.txt')), 'cache-control')).toBe('no-store');
  });

  test('add fields by glob, later ones replacing earlier ones', async () => {
    const respond = serveStatic(site.root, {
      fieldRules: [
        { glob: '*.txt', fields: { 'X-Kind': 'text', 'Content-Security-Policy': "default-src 'none'" } },
        { glob: '/a.txt', fields: { 'X-Kind': 'first', Vary: 'cookie' } },
      ],
      cacheControl: [{ glob: '/a.txt', value: 'no-store' }],
      maxAgeSeconds: 60,
    });
    const a = await respond(get('/a.txt'));
    expect([field(a, 'x-kind'), field(a, 'vary'), field(a, 'cache-control')]).toEqual(['first', 'cookie', 'no-store']);
    const deep = await respond(get('/plain/file.txt'));
    expect([field(deep, 'x-kind'), field(deep, 'cache-control')]).toEqual(['text', 'public, max-age=60']);
  });

  test('type overrides come from a map and from a mime.types file, in any case', async () => {
    writeTree(site.top, { 'mime.types': '# types\ntext/x-thing\tthing other # kinds\nvideo/mp2t ts\n' });
    writeTree(site.root, { 'one.THING': 't', 'two.other': 'o', 'three.ts': 'v' });
    const respond = serveStatic(site.root, {
      typesFile: join(site.top, 'mime.types'),
      types: { '.Other': 'application/x-other' },
    });
    const typeOf = async (path: string) => field(await respond(get(path)), 'content-type');
    expect(await typeOf('/one.THING')).toBe('text/x-thing; charset=utf-8');
    expect(await typeOf('/two.other')).toBe('application/x-other');
    expect(await typeOf('/three.ts')).toBe('video/mp2t');
  });

  test('a fallback page answers navigations with 200, may be conditional, and is never kept unasked', async () => {
    writeTree(site.root, { 'app/shell.html': '<p>shell</p>' });
    const respond = serveStatic(site.root, { fallback: '/app/shell.html', maxAgeSeconds: 600 });
    const page = await respond(get('/deep/link', { accept: 'text/html' }));
    expect([page.status, await text(page), field(page, 'cache-control')]).toEqual([200, '<p>shell</p>', 'no-cache']);
    expect(field(page, 'vary')).toBe('accept, sec-fetch-mode');
    const etag = field(page, 'etag') ?? '';
    expect((await respond(get('/deep/link', { accept: 'text/html', 'if-none-match': etag }))).status).toBe(304);
    const fetched = get('/deep/link', { accept: 'text/html', 'sec-fetch-mode': 'cors' });
    expect((await respond(fetched)).status).toBe(404);
    expect((await respond(get('/deep/link', { accept: 'text/html;q=0, */*' }))).status).toBe(404);
    expect((await respond(get('/missing.png', { accept: 'text/html' }))).status).toBe(404);
    // A browser says whether it goes to a page; curl and link previews take everything.
    const visited = get('/users/john.doe', { accept: 'text/html,*/*;q=0.8', 'sec-fetch-mode': 'navigate' });
    expect((await respond(visited)).status).toBe(200);
    for (const fields of [{ accept: '*/*' }, {}]) expect((await respond(get('/deep/link', fields))).status).toBe(200);
    expect((await respond(get('/deep/image', { accept: 'image/avif,image/webp' }))).status).toBe(404);
    // A folder without a page is nothing either, be listings on or off.
    const listing = serveStatic(site.root, { fallback: '/app/shell.html', listing: true });
    expect(await text(await listing(get('/plain/', { accept: 'text/html' })))).toBe('<p>shell</p>');
  });

  test('a clean URL comes before a listing of the folder of its name, and after its index file', async () => {
    writeTree(site.root, { 'blog.html': 'page', 'blog/entry.txt': 'entry' });
    const respond = serveStatic(site.root, { cleanUrls: 'lookup', listing: true });
    expect(await text(await respond(get('/blog')))).toBe('page');
    writeTree(site.root, { 'blog/index.html': 'index' });
    await turned();
    expect((await respond(get('/blog'))).status).toBe(301);
  });

  test('what a file holds decides where its name leaves it open', async () => {
    const stream = Buffer.alloc(188 * 4, 0xff);
    for (let packet = 0; packet < 4; packet++) stream[packet * 188] = 0x47;
    writeTree(site.root, {
      'segment.ts': stream,
      'old.html': '<html><META HTTP-EQUIV="Content-Type" CONTENT="text/html; CHARSET=Shift_JIS">',
      'new.html': '<meta charset="UTF-8">',
      'old.xml': '<?xml version="1.0" encoding="ISO-8859-1"?><a/>',
      'old.css': '@charset "iso-8859-15"; a {}',
      'plot.svgz': gzipSync('<svg xmlns="http://www.w3.org/2000/svg"/>'),
      'tool.py': 'import os',
    });
    const respond = serveStatic(site.root);
    const typeOf = async (path: string) => field(await respond(get(path)), 'content-type');
    expect(await typeOf('/segment.ts')).toBe('video/mp2t');
    expect(await typeOf('/old.html')).toBe('text/html');
    expect(await typeOf('/new.html')).toBe('text/html; charset=utf-8');
    expect(await typeOf('/old.xml')).toMatch(/^(?:text|application)\/xml$/);
    expect(await typeOf('/old.css')).toBe('text/css');
    expect(await typeOf('/tool.py')).toBe('text/plain; charset=utf-8');
    const plot = await respond(get('/plot.svgz'));
    expect([field(plot, 'content-type'), field(plot, 'content-encoding')]).toEqual([
      'image/svg+xml; charset=utf-8',
      'gzip',
    ]);
  });

  test('clean URLs leave a file alone whose short name is another resource', async () => {
    writeTree(site.root, { 'both.html': 'file', 'both/index.html': 'directory' });
    const respond = serveStatic(site.root, { cleanUrls: 'redirect' });
    expect(await text(await respond(get('/both.html')))).toBe('file');
    expect(field(await respond(get('/both')), 'location')).toBe('/both/');
  });

  test('a slash behind the short name of a page leads to the page, and behind that of a file to nothing', async () => {
    writeTree(site.root, { 'team.html': 'page', 'blog/first post.html': 'page', 'note.txt': 'file', 'old/x.txt': '' });
    writeTree(site.root, { 'old.html': 'page beside a folder', '404.html': 'own' });
    const respond = serveStatic(site.root, { cleanUrls: 'redirect', statusPages: true });
    const at = async (pathInfo: string, query?: string) => {
      const { status, fields } = await respond(get(pathInfo, {}, { query }));
      return [status, ...fields.filter(([name]) => name === 'location').map(([, value]) => value)];
    };
    expect(await at('/team/')).toEqual([302, '../team']);
    expect(await at('/blog/first post/', 'q')).toEqual([302, '../first%20post?q']);
    expect(await at('/old/')).toEqual([302, '../old']);
    for (const path of ['/note.txt/', '/team.html/', '/nobody/', '/team/x/']) expect(await at(path)).toEqual([404]);
    const lookup = serveStatic(site.root, { cleanUrls: 'lookup' });
    expect((await lookup(get('/team/'))).status).toBe(404);
  });

  test('a mount stands before every location', async () => {
    const respond = serveStatic(site.root, { cleanUrls: 'redirect', listing: true });
    const at = async (pathInfo: string) =>
      field(await respond(get(pathInfo, {}, { scriptName: '/m n', query: 'q' })), 'location');
    expect(await at('/sub')).toBe('/m%20n/sub/?q');
    expect(await at('/about.html')).toBe('/m%20n/about?q');
    expect(await at('')).toBe('/m%20n/?q');
  });

  test('globs that could multiply are matched in time', async () => {
    const respond = serveStatic(site.root, {
      hide: ['*'.repeat(40) + 'x', '*a*a*a*a*b', '**/**/**/**/*.zzz'],
      redirects: Array.from({ length: 10_000 }, (_, index) => ({ from: `/r${index}/*`, to: '/x/*' })),
    });
    // Matching that multiplies would take hours, and fail by the test's time-out.
    for (let round = 0; round < 10; round++) {
      const path = `/${'a'.repeat(200)}/${'a/'.repeat(500)}${'a'.repeat(200)}`;
      expect((await respond(get(path))).status).toBe(404);
    }
  });
});

test.skipIf(process.getuid?.() === 0)('a file that may not be read is 403, without a path', async () => {
  mkdirSync(join(site.root, 'closed'), { mode: 0 });
  const response = await serveStatic(site.root)(get('/closed/x'));
  expect(response).toMatchObject({ status: 403, fields: [] });
});
