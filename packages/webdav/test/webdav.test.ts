// What the methods do, over a socket, on a real folder.

import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import { readXml } from '../src/xml/reader.ts';
import { asking, type Answer, lockInfo, makeFolder, Served, setting } from './served.ts';

let served: Served;

afterEach(() => served.close());

const start = async (...given: Parameters<typeof Served.start>): Promise<void> => {
  served = await Served.start(...given);
};

/** The status of a property in a multistatus, and its element. */
function property({ text }: Answer, name: string): string {
  for (const [, props = '', status = ''] of text.matchAll(/<D:prop>([^]*?)<\/D:prop><D:status>HTTP\/1\.1 (\d+)/g)) {
    const found = new RegExp(`<(?:\\w+:)?${name}(?=[\\s/>])[^>]*?(?:/>|>([^]*?)</(?:\\w+:)?${name}>)`).exec(props);
    if (found !== null) return `${status} ${found[1] ?? ''}`.trim();
  }
  return 'nothing';
}

const hrefs = ({ text }: Answer): string[] => [...text.matchAll(/<D:href>([^<]*)/g)].map(([, href]) => href ?? '');

describe('PROPFIND', () => {
  test('names the members of a collection, and nothing that is hidden', async () => {
    await start(
      { 'a b.txt': '1', 'sub/c.txt': '', '.env': 'x', '._a': '', 'secret/x': '', 'ü&.txt': '' },
      { files: { hide: ['/secret'] } },
    );
    const answer = await served.ask('PROPFIND', '/', { depth: '1' });
    expect(answer.status).toBe(207);
    expect(hrefs(answer).toSorted()).toEqual(['/', '/%C3%BC%26.txt', '/._a', '/a%20b.txt', '/sub/']);
    expect(await served.status('PROPFIND', '/.env', { depth: '0' })).toBe(404);
    expect(await served.status('PROPFIND', '/secret/x', { depth: '0' })).toBe(404);
  });

  test('of an empty collection names it alone, in whole XML', async () => {
    await start({ 'empty/': '' });
    const { status, text } = await served.ask('PROPFIND', '/empty/', { depth: '1' }, asking('<D:resourcetype/>'));
    expect(status).toBe(207);
    const { name, children } = readXml(Buffer.from(text));
    expect([name, children.filter((child) => typeof child !== 'string')]).toMatchObject([
      'multistatus',
      [{ name: 'response', children: [{ name: 'href', children: ['/empty/'] }, { name: 'propstat' }] }],
    ]);
  });

  test('gives the tag, date and length that GET gives', async () => {
    await start({ 'a.txt': '12345' });
    const answer = await served.ask('PROPFIND', '/a.txt', { depth: '0' });
    const get = await served.ask('GET', '/a.txt');
    expect(property(answer, 'getetag').replaceAll('&quot;', '"')).toBe(`200 ${String(get.headers.etag)}`);
    expect(property(answer, 'getlastmodified')).toBe(`200 ${String(get.headers['last-modified'])}`);
    expect(property(answer, 'getcontenttype')).toBe(`200 ${String(get.headers['content-type'])}`);
    expect(property(answer, 'getcontentlength')).toBe('200 5');
  });

  test('refuses infinite depth, which is the default, with the reason', async () => {
    await start();
    for (const headers of [{}, { depth: 'infinity' }] satisfies Record<string, string>[]) {
      const answer = await served.ask('PROPFIND', '/', headers);
      expect([answer.status, answer.text]).toEqual([403, expect.stringContaining('<D:propfind-finite-depth>')]);
    }
    expect(await served.status('PROPFIND', '/', { depth: '2' })).toBe(400);
  });

  test('says what is asked for and not there, and names alone', async () => {
    await start({ 'a.txt': '' });
    await served.ask('PROPPATCH', '/a.txt', {}, setting('<t:colour>blue</t:colour>'));
    const some = await served.ask('PROPFIND', '/a.txt', { depth: '0' }, asking('<D:getetag/><t:colour/><t:size/>'));
    expect([property(some, 'colour'), property(some, 'size')]).toEqual(['200 blue', '404']);
    const names = await served.ask(
      'PROPFIND',
      '/a.txt',
      { depth: '0' },
      '<propfind xmlns="DAV:"><propname/></propfind>',
    );
    expect([property(names, 'colour'), property(names, 'getetag')]).toEqual(['200', '200']);
    const all = await served.ask(
      'PROPFIND',
      '/a.txt',
      { depth: '0' },
      '<propfind xmlns="DAV:"><allprop/><include><quota-used-bytes/></include></propfind>',
    );
    expect([property(all, 'colour'), property(all, 'quota-used-bytes')]).toEqual(['200 blue', '404']);
  });

  test('knows how much room there is', async () => {
    await start({ 'a.txt': '12345' }, { quotaBytes: 100_000 });
    const answer = await served.ask(
      'PROPFIND',
      '/',
      { depth: '0' },
      asking('<D:quota-used-bytes/><D:quota-available-bytes/>'),
    );
    const used = Number(property(answer, 'quota-used-bytes').slice(4));
    expect(used).toBeGreaterThan(0);
    expect(property(answer, 'quota-available-bytes')).toBe(`200 ${100_000 - used}`);
  });

  test('shows what links lead to, and not where they must not', async () => {
    await start({ 'd/a.txt': '123' });
    const outside = makeFolder({ 'x.txt': 'secret' });
    onTestFinished(() => rmSync(outside, { recursive: true }));
    symlinkSync('d', join(served.root, 'to-d'));
    symlinkSync('d/a.txt', join(served.root, 'to-a'));
    symlinkSync(join(outside, 'x.txt'), join(served.root, 'out'));
    symlinkSync('/', join(served.root, 'root'));
    symlinkSync('nowhere', join(served.root, 'nowhere'));
    expect(hrefs(await served.ask('PROPFIND', '/', { depth: '1' })).toSorted()).toEqual([
      '/',
      '/d/',
      '/to-a',
      '/to-d/',
    ]);
    for (const path of ['/out', '/root/', '/root/etc/', '/nowhere'])
      expect(await served.status('PROPFIND', path, { depth: '0' })).toBe(404);
  });
});

describe('properties', () => {
  test('come back as they were: attributes, languages, namespaces, and what is in them', async () => {
    await start({ 'a.txt': '' });
    const value = '<t:p xml:lang="de" a="1"><x xmlns="urn:x" b="&quot;&lt;"><t:y/> text &amp; more</x></t:p>';
    expect(await served.status('PROPPATCH', '/a.txt', {}, setting(value))).toBe(207);
    const answer = await served.ask('PROPFIND', '/a.txt', { depth: '0' }, asking('<t:p/>'));
    expect(answer.text).toContain('xml:lang="de"');
    expect(answer.text).toMatch(/<x xmlns="urn:x" b="&quot;&lt;"><t:y\/> text &amp; more<\/x>/);
  });

  test('follow a file and a tree through COPY and MOVE, stay under PUT, and end with DELETE', async () => {
    await start({ 'd/a.txt': 'old', 'd/sub/b.txt': '' });
    for (const path of ['/d/', '/d/a.txt', '/d/sub/', '/d/sub/b.txt'])
      await served.ask('PROPPATCH', path, {}, setting(`<t:p>of ${path}</t:p>`));
    const get = async (path: string): Promise<string> =>
      property(await served.ask('PROPFIND', path, { depth: '0' }, asking('<t:p/>')), 'p');
    expect(await served.status('COPY', '/d/', { destination: '/copy/' })).toBe(201);
    expect(await served.status('MOVE', '/d/', { destination: '/moved/' })).toBe(201);
    for (const top of ['copy', 'moved']) {
      for (const rest of ['', 'a.txt', 'sub/', 'sub/b.txt'])
        expect(await get(`/${top}/${rest}`)).toBe(`200 of /d/${rest}`);
    }
    expect(await served.status('PUT', '/moved/a.txt', {}, 'new')).toBe(204);
    expect(await get('/moved/a.txt')).toBe('200 of /d/a.txt');
    expect(await served.status('MOVE', '/moved/a.txt', { destination: '/copy/sub/b.txt' })).toBe(204);
    expect(await get('/copy/sub/b.txt')).toBe('200 of /d/a.txt');
    expect(await served.status('PUT', '/moved/a.txt', {}, 'another')).toBe(201);
    expect(await get('/moved/a.txt')).toBe('404');
    await served.ask('DELETE', '/copy/sub/b.txt');
    await served.ask('PUT', '/copy/sub/b.txt', {}, '');
    expect(await get('/copy/sub/b.txt')).toBe('404');
  });

  test('that were not there at the last PUT are seen by the next', async () => {
    await start({ 'd/b.txt': '' });
    const statuses: number[] = [];
    // One turn of the root: what PUT has seen of the collection ends with whatever gives it properties.
    for (const [method, path, headers, content] of [
      ['PUT', '/d/a.txt', {}, 'a'],
      ['PROPPATCH', '/d/a.txt', {}, setting('<t:p>old</t:p>')],
      ['PUT', '/d/a.txt', {}, 'b'],
      ['PROPPATCH', '/d/b.txt', {}, setting('<t:p>b</t:p>')],
    ] as const)
      statuses.push(await served.status(method, path, headers, content));
    rmSync(join(served.root, 'd/a.txt'));
    statuses.push(await served.status('PUT', '/d/a.txt', {}, 'new'));
    expect(statuses).toEqual([201, 207, 204, 207, 201]);
    const read = await served.ask('PROPFIND', '/d/a.txt', { depth: '0' }, asking('<t:p/>'));
    expect(property(read, 'p')).toBe('404');
  });

  test('of what is replaced give way, also where the successor has none', async () => {
    await start({ 'a.txt': 'a', 'b.txt': 'b' });
    await served.ask('PROPPATCH', '/b.txt', {}, setting('<t:p>b</t:p>'));
    expect(await served.status('COPY', '/a.txt', { destination: '/b.txt' })).toBe(204);
    expect(property(await served.ask('PROPFIND', '/b.txt', { depth: '0' }, asking('<t:p/>')), 'p')).toBe('404');
    expect(served.paths()).toEqual(['a.txt', 'b.txt']);
  });

  test('are set all or none', async () => {
    await start({ 'a.txt': '' });
    const answer = await served.ask('PROPPATCH', '/a.txt', {}, setting('<t:p>1</t:p><D:getetag>x</D:getetag>'));
    expect([property(answer, 'p'), property(answer, 'getetag')]).toEqual(['424', '403']);
    expect(property(await served.ask('PROPFIND', '/a.txt', { depth: '0' }, asking('<t:p/>')), 'p')).toBe('404');
  });

  test('are bounded', async () => {
    await start({ 'a.txt': '' }, { maxPropertyBytes: 1000, maxXmlBytes: 5000 });
    expect(await served.status('PROPPATCH', '/a.txt', {}, setting(`<t:p>${'x'.repeat(1000)}</t:p>`))).toBe(507);
    const long = await served.ask('PROPPATCH', '/a.txt', {}, setting(`<t:p>${'x'.repeat(5000)}</t:p>`));
    expect([long.status, long.text]).toEqual([413, '413 Content Too Large\n']);
    expect(served.paths()).toEqual(['a.txt']);
  });
});

describe('COPY and MOVE', () => {
  test('replace only what they may', async () => {
    await start({ 'a.txt': 'a', 'b.txt': 'b', 'd/x.txt': 'x' });
    expect(await served.status('COPY', '/a.txt', { destination: '/b.txt', overwrite: 'F' })).toBe(412);
    expect(await served.status('MOVE', '/a.txt', { destination: '/d', overwrite: 'T' })).toBe(204);
    expect(await served.status('MOVE', '/b.txt', { destination: '/none/b.txt' })).toBe(409);
    expect(served.paths()).toEqual(['b.txt', 'd']);
    expect(served.read('d')).toBe('a');
  });

  test.each([
    ['no destination', {}, 400],
    ['a destination elsewhere', { destination: 'http://elsewhere.example/b' }, 502],
    ['a destination that is no URL', { destination: 'b' }, 400],
    ['a destination above the root', { destination: '/../b' }, 400],
    ['a destination that is the source', { destination: '/d/' }, 403],
    ['a destination in the source', { destination: '/d/sub/e/' }, 403],
    ['a destination around the source', { destination: '/' }, 403],
    ['a hidden destination', { destination: '/.env' }, 404],
    ['an Overwrite of no meaning', { destination: '/e/', overwrite: 'X' }, 400],
    ['a Depth of no meaning', { destination: '/e/', depth: '2' }, 400],
  ])('refuse %s', async (_, headers, status) => {
    await start({ 'd/sub/x.txt': 'x' });
    for (const method of ['COPY', 'MOVE']) {
      expect(await served.status(method, '/d/', headers as Record<string, string>)).toBe(status);
    }
    expect(served.paths()).toEqual(['d/', 'd/sub/', 'd/sub/x.txt']);
  });

  test('take a collection alone with depth 0', async () => {
    await start({ 'd/x.txt': 'x' });
    expect(await served.status('COPY', '/d/', { destination: '/e/', depth: '0' })).toBe(201);
    expect(served.paths()).toEqual(['d/', 'd/x.txt', 'e/']);
  });

  test('neither take nor show what is hidden', async () => {
    await start({ 'd/.git/config': 'secret', 'd/a.txt': '' });
    expect(await served.status('DELETE', '/d/')).toBe(403);
    expect(await served.status('MOVE', '/d/', { destination: '/e/' })).toBe(403);
    expect(await served.status('COPY', '/d/', { destination: '/e/' })).toBe(201);
    expect(served.paths()).toEqual(['d/', 'd/.git/', 'd/.git/config', 'd/a.txt', 'e/', 'e/a.txt']);
  });

  test('neither take nor replace a file whose name is not UTF-8, which clients do not see', async () => {
    await start({ 'd/sub/a.txt': '', 'e/b.txt': '' });
    const path = Buffer.from(`${served.root}/d/sub/caf\xe9`, 'latin1');
    writeFileSync(path, 'latin');
    expect(await served.status('DELETE', '/d/')).toBe(403);
    expect(await served.status('MOVE', '/d/', { destination: '/f/' })).toBe(403);
    expect(await served.status('COPY', '/e/', { destination: '/d/' })).toBe(403);
    expect(readFileSync(path, 'utf8')).toBe('latin');
    rmSync(path);
    // A name that has the very character is one like others.
    writeFileSync(join(served.root, 'd/sub/caf\ufffd'), '');
    expect(await served.status('DELETE', '/d/')).toBe(204);
  });

  test('take a link away and leave what it leads to', async () => {
    await start({ 'd/a.txt': 'a' });
    symlinkSync('d', join(served.root, 'link'));
    expect(await served.status('COPY', '/link/', { destination: '/copy/' })).toBe(201);
    expect(await served.status('DELETE', '/link')).toBe(204);
    expect(served.paths()).toEqual(['copy/', 'copy/a.txt', 'd/', 'd/a.txt']);
  });

  test('copy no circle of links', async () => {
    await start({ 'd/a.txt': 'a' });
    symlinkSync('..', join(served.root, 'd/up'));
    symlinkSync('.', join(served.root, 'd/here'));
    expect(await served.status('COPY', '/d/', { destination: '/e/' })).toBe(201);
    expect(existsSync(join(served.root, 'e/a.txt'))).toBe(true);
  });

  test('stay within quota and limits, and leave nothing behind', async () => {
    await start({ 'd/a.txt': 'x'.repeat(20_000), 'd/b.txt': '' }, { quotaBytes: 40_000, maxCopyEntries: 2 });
    expect(await served.status('COPY', '/d/a.txt', { destination: '/b.txt' })).toBe(507);
    expect(await served.status('COPY', '/d/', { destination: '/e/' })).toBe(507);
    expect(served.paths().filter((path) => !path.startsWith('.onezero-partial-quota'))).toEqual([
      'd/',
      'd/a.txt',
      'd/b.txt',
    ]);
  });

  test('give back what a replaced or removed tree had of the quota', async () => {
    await start({ 'd/a.txt': 'x'.repeat(20_000), 'd/s/b.txt': '', 'c.txt': '' }, { quotaBytes: 100_000 });
    const used = async (): Promise<string> =>
      property(await served.ask('PROPFIND', '/', { depth: '0' }, asking('<D:quota-used-bytes/>')), 'quota-used-bytes');
    expect(await used()).toBe('200 28192');
    await served.ask('PROPPATCH', '/d/a.txt', {}, setting('<t:p>1</t:p>'));
    expect(await served.status('COPY', '/d/', { destination: '/e/' })).toBe(201);
    expect(await used()).toBe('200 52288');
    expect(await served.status('COPY', '/d/', { destination: '/e/' })).toBe(204);
    expect(await used()).toBe('200 52288');
    expect(await served.status('MOVE', '/d/', { destination: '/c.txt' })).toBe(204);
    expect(await used()).toBe('200 48192');
    expect(await served.status('DELETE', '/e/')).toBe(204);
    expect(await used()).toBe('200 24096');
  });
});

describe('locks', () => {
  test('keep others off, and let their holders write', async () => {
    await start({ 'd/a.txt': 'a' });
    const token = await served.lock('/d/');
    for (const [method, path, headers] of [
      ['PUT', '/d/a.txt', {}],
      ['PUT', '/d/new.txt', {}],
      ['DELETE', '/d/a.txt', {}],
      ['DELETE', '/d/', {}],
      ['MKCOL', '/d/sub', {}],
      ['PROPPATCH', '/d/a.txt', {}],
      ['MOVE', '/d/a.txt', { destination: '/b.txt' }],
      ['COPY', '/d/a.txt', { destination: '/d/b.txt' }],
      ['LOCK', '/d/a.txt', {}],
    ] as const) {
      const content =
        method === 'LOCK'
          ? lockInfo()
          : method === 'PROPPATCH'
            ? setting('<t:p/>')
            : method === 'PUT'
              ? 'x'
              : undefined;
      const answer = await served.ask(method, path, headers, content);
      expect([method, answer.status]).toEqual([method, 423]);
      expect(answer.text).toMatch(method === 'LOCK' ? /no-conflicting-lock/ : /lock-token-submitted/);
    }
    expect(await served.status('COPY', '/d/a.txt', { destination: '/b.txt' })).toBe(201);
    expect(await served.status('PUT', '/d/a.txt', { if: `<${served.url}/d/> (<${token}>)` }, 'x')).toBe(204);
    expect(await served.status('PUT', '/d/new.txt', { if: `(<${token}>)` }, 'x')).toBe(412);
    expect(await served.status('PUT', '/d/new.txt', { if: `<${served.url}/d/> (<${token}>)` }, 'x')).toBe(201);
    expect(await served.status('UNLOCK', '/d/', { 'lock-token': `<${token}>` })).toBe(204);
    expect(await served.status('DELETE', '/d/')).toBe(204);
  });

  test('make an empty file where nothing is, without content refresh, and are found', async () => {
    await start();
    const made = await served.ask('LOCK', '/a.txt', { timeout: 'Second-600' }, lockInfo());
    expect([made.status, served.read('a.txt')]).toEqual([201, '']);
    const token = /<([^>]+)>/.exec(String(made.headers['lock-token']))?.[1] ?? '';
    // What is left of it, on whatever machine.
    expect(made.text).toMatch(/<D:timeout>Second-(?:600|5\d\d)<\/D:timeout>/);
    expect(made.text).toContain('http://example.org/ada');
    const refreshed = await served.ask('LOCK', '/a.txt', {
      if: `(<${token}>)`,
      timeout: 'Infinite, Second-4100000000',
    });
    expect([refreshed.status, refreshed.text]).toEqual([200, expect.stringMatching(/Second-3[56]\d\d</)]);
    expect(refreshed.headers['lock-token']).toBeUndefined();
    const found = await served.ask('PROPFIND', '/a.txt', { depth: '0' }, asking('<D:lockdiscovery/>'));
    expect(found.text).toContain(token);
    expect(await served.status('LOCK', '/a.txt', { if: '(<urn:uuid:none>)' })).toBe(412);
    expect(await served.status('LOCK', '/a.txt')).toBe(400);
    expect(await served.status('LOCK', '/b.txt', { depth: '1' }, lockInfo())).toBe(400);
    expect(await served.status('LOCK', '/none/b.txt', {}, lockInfo())).toBe(409);
  });

  test('that are shared are shared, and neither kind lets the other in', async () => {
    await start({ 'a.txt': '' });
    const first = await served.lock('/a.txt', {}, 'shared');
    const second = await served.lock('/a.txt', {}, 'shared');
    expect(await served.lock('/a.txt')).toBe('no lock: 423');
    expect(await served.status('PUT', '/a.txt', { if: `(<${second}>)` }, '')).toBe(204);
    for (const token of [first, second]) await served.ask('UNLOCK', '/a.txt', { 'lock-token': `<${token}>` });
    await served.lock('/a.txt');
    expect(await served.lock('/a.txt', {}, 'shared')).toBe('no lock: 423');
  });

  test('survive a restart, and end with what they lock', async () => {
    await start({ 'a.txt': '', 'b.txt': '' });
    await served.lock('/a.txt');
    await served.lock('/b.txt');
    await served.ask('PROPPATCH', '/a.txt', {}, setting('<t:p>1</t:p>'));
    const again = new Served(served.root);
    await again.listen();
    expect(await again.status('PUT', '/a.txt', {}, '')).toBe(423);
    rmSync(join(served.root, 'b.txt'));
    expect(await again.status('PUT', '/b.txt', {}, '')).toBe(201);
    expect(await again.status('PUT', '/b.txt', {}, '')).toBe(204);
    await again.close();
  });

  test('on members keep their collection', async () => {
    await start({ 'd/a.txt': '' });
    const token = await served.lock('/d/a.txt');
    const answer = await served.ask('DELETE', '/d/');
    expect([answer.status, hrefs(answer)]).toEqual([207, ['/d/a.txt', '/d/a.txt', '/d/']]);
    expect(await served.status('DELETE', '/d/', { if: `</d/a.txt> (<${token}>)` })).toBe(204);
    expect(served.paths()).toEqual([]);
  });

  test('are bounded', async () => {
    await start({}, { maxLocks: 2 });
    await served.lock('/a');
    await served.lock('/b');
    expect(await served.lock('/c')).toBe('no lock: 507');
    expect(served.paths().filter((path) => !path.startsWith('.'))).toEqual(['a', 'b']);
  });
});

describe('conditions', () => {
  test.each(['DELETE', 'PROPPATCH', 'COPY', 'MOVE', 'LOCK', 'PUT'])('of HTTP and of If hold for %s', async (method) => {
    await start({ 'a.txt': 'a' });
    const content = { PROPPATCH: setting('<t:p/>'), LOCK: lockInfo(), PUT: 'x' }[method];
    for (const headers of [
      { 'if-match': '"other"' },
      { 'if-none-match': '*' },
      { if: '(["other"])' },
      { if: '(<DAV:no-lock>)' },
      { if: '</b.txt> (["other"])' },
    ]) {
      expect(await served.status(method, '/a.txt', { ...(headers as object), destination: '/b.txt' }, content)).toBe(
        412,
      );
    }
    expect(await served.status(method, '/a.txt', { if: 'nonsense', destination: '/b.txt' }, content)).toBe(400);
    const { etag } = (await served.ask('HEAD', '/a.txt')).headers;
    const fine = { 'if-match': String(etag), if: `(Not <DAV:no-lock> [${String(etag)}])`, destination: '/b.txt' };
    const status = await served.status(method, '/a.txt', fine, content);
    expect(status).toBe({ DELETE: 204, PROPPATCH: 207, COPY: 201, MOVE: 201, LOCK: 200, PUT: 204 }[method]);
  });
});

test('conditions count only for what could be done without them', async () => {
  await start({ 'a.txt': '' });
  const conditional = { if: '(<DAV:no-lock>)', depth: '0' };
  for (const [method, path, status] of [
    ['MKCOL', '/a.txt', 405],
    ['MKCOL', '/new', 412],
    ['PROPFIND', '/none', 404],
    ['PROPFIND', '/a.txt', 412],
    ['GET', '/none', 404],
    ['GET', '/a.txt', 412],
  ] as const) {
    expect([method, path, await served.status(method, path, conditional)]).toEqual([method, path, status]);
  }
});

test('nothing is made whose path is too long to be found', async () => {
  await start();
  const name = encodeURIComponent('é'.repeat(100));
  let path = '';
  while ((await served.status('MKCOL', `${path}/${name}/`)) === 201) path += `/${name}`;
  expect(decodeURIComponent(path).length).toBeGreaterThan(1_000);
  expect(await served.status('PROPFIND', `${path}/`, { depth: '0' })).toBe(207);
  expect(await served.status('DELETE', `/${name}/`)).toBe(204);
});

test('what is read is what was put, whatever lies beside it', async () => {
  await start();
  expect(await served.status('PUT', '/data.csv', {}, 'of today')).toBe(201);
  for (const [suffix, code] of [
    ['gz', gzipSync],
    ['br', brotliCompressSync],
  ] as const)
    expect((await served.ask('PUT', `/data.csv.${suffix}`, {}, code('of last month'))).status).toBe(201);
  const { text } = await served.ask('GET', '/data.csv', { 'accept-encoding': 'gzip, br' });
  expect(text).toBe('of today');
});

test('a compressed picture is read as it was put', async () => {
  served = await Served.start();
  const picture = gzipSync('<svg xmlns="http://www.w3.org/2000/svg"/>');
  expect((await served.ask('PUT', '/a.svgz', {}, picture)).status).toBe(201);
  const { headers } = await served.ask('GET', '/a.svgz', { 'accept-encoding': 'gzip' });
  expect(headers['content-encoding']).toBeUndefined();
  expect(headers['content-length']).toBe(String(picture.length));
  const { text } = await served.ask('PROPFIND', '/a.svgz', { depth: '0' }, asking('<D:getetag/>'));
  expect(text.replaceAll('&quot;', '"')).toContain(String(headers.etag));
});

describe('what is left at the start', () => {
  test('is removed, or put back', async () => {
    const root = makeFolder({ 'a.txt': 'a' });
    const dead = '0123.1.999999999.1.0123456789ab-1';
    const folder = join(root, '.onezero-webdav');
    const { livenessOf, ownName } = await import('@onezero/static/tree');
    const gone = ownName().replace(/\.\d+\.\d+\.[0-9a-f]{12}-/, '.999999999.1.0123456789ab-');
    expect([livenessOf(gone), livenessOf(dead)]).toEqual(['dead', 'unknown']);
    mkdirSync(join(folder, `${gone}.del/tree`), { recursive: true });
    mkdirSync(join(folder, `${gone.replace('-', '-9')}.new`), { recursive: true });
    mkdirSync(join(folder, `${gone.replace('-', '-8')}.old/back`), { recursive: true });
    mkdirSync(join(folder, `${gone.replace('-', '-7')}.old/a.txt`), { recursive: true });
    const lock = { token: 'urn:uuid:1', depth: '0', scope: 'exclusive', href: '/', owner: '', timeoutSeconds: 60 };
    const locks = ['/none.txt', '/a.txt'].map((path) => ({ ...lock, path, expiresAtMs: Date.now() + 60_000 }));
    writeFileSync(join(folder, 'locks.json'), JSON.stringify(locks));
    writeFileSync(join(folder, `${'0'.repeat(32)}.json`), '{"name":"none.txt","properties":[]}');
    served = new Served(root);
    await served.listen();
    expect(await served.status('MKCOL', '/first')).toBe(201);
    expect(served.paths()).toEqual(['.onezero-webdav/', '.onezero-webdav/locks.json', 'a.txt', 'back/', 'first/']);
    expect(JSON.parse(served.read('.onezero-webdav/locks.json'))).toMatchObject([{ path: '/a.txt' }]);
    expect(served.read('a.txt')).toBe('a');
  });
});
