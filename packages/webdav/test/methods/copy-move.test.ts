// COPY and MOVE, and what they do to locks (RFC 4918 §7.5, §9.8, §9.9).

import {
  chmodSync,
  linkSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { SiteTree } from '@onezero/static/tree';
import { afterEach, describe, expect, test } from 'vitest';
import { asking, lockInfo, Served, setting } from '../served.ts';

let served: Served;
const start = async (files: Readonly<Record<string, string>>): Promise<void> => {
  served = await Served.start(files);
};
afterEach(() => served.close());

const locksOf = async (path: string): Promise<readonly string[]> => {
  const { text } = await served.ask('PROPFIND', path, { depth: '0' }, asking('<D:lockdiscovery/>'));
  return [...text.matchAll(/<D:lockroot><D:href>([^<]*)</g)].map(([, root]) => root ?? '');
};

type Headers = Readonly<Record<string, string>>;

test('into a collection that gave way meanwhile, nothing of what was replaced stays', async () => {
  await start({ 'x/a': 'a', 'd/e/b': 'b' });
  const others = new SiteTree(served.root, { writable: { fsync: false } });
  let moved = Promise.resolve(0);
  await others.inTurn('webdav', async () => {
    moved = served.status('MOVE', '/x/', { destination: '/d/e/' });
    // It has looked at both ends by then, and waits for its turn.
    await delay(200);
    renameSync(join(served.root, 'd'), join(served.root, 'f'));
    mkdirSync(join(served.root, 'd/e'), { recursive: true });
  });
  expect(await moved).toBe(204);
  const names = readdirSync(served.root, { recursive: true, encoding: 'utf8' }).toSorted();
  // The turn is kept for a moment.
  expect(names.filter((name) => !name.startsWith('.onezero-partial-webdav'))).toEqual([
    'd',
    'd/e',
    'd/e/a',
    'f',
    'f/e',
    'f/e/b',
  ]);
});

test.each(['MOVE', 'COPY'])('%s makes no tree so deep that nothing could remove it', async (method) => {
  await start({});
  const [tall, taller] = [100, 200].map((levels) => '/d'.repeat(levels)) as [string, string];
  for (const path of [`a${taller}`, `b${tall}`]) mkdirSync(join(served.root, path), { recursive: true });
  expect(await served.status(method, '/a/', { destination: `/b${tall}/a/` })).toBe(403);
  expect(readdirSync(join(served.root, `b${tall}`))).toEqual([]);
  expect(await served.status(method, `/a${tall}/`, { destination: `/b${tall}/a/` })).toBe(201);
  expect(await served.status('DELETE', '/b/')).toBe(204);
});

test('nor one in which a policy would hide what is in it', async () => {
  served = await Served.start({ 'a/private/k': 'k', 'a/b': 'b' }, { files: { hide: ['/c/private'] } });
  const before = served.paths();
  for (const method of ['MOVE', 'COPY']) {
    expect(await served.status(method, '/a/', { destination: '/c/' })).toBe(403);
    expect(served.paths()).toEqual(before);
  }
});

test('a copy gives what comes into it the group of its directory where what is made there does', async () => {
  await start({ 'team/a/in/x': 'x', 'team/a/closed/': '' });
  chmodSync(join(served.root, 'team'), 0o2775);
  for (const name of ['team/a/closed', 'team/a/in']) chmodSync(join(served.root, name), 0o555);
  expect(await served.status('COPY', '/team/a/', { destination: '/team/b/' })).toBe(201);
  expect(await served.status('COPY', '/team/a/in/', { destination: '/team/in/' })).toBe(201);
  expect(await served.status('MKCOL', '/team/new/')).toBe(201);
  const modeOf = (name: string): number => statSync(join(served.root, 'team', name)).mode & 0o7777;
  const bit = modeOf('new') & 0o2000;
  expect(['b', 'b/in', 'in'].map(modeOf)).toEqual([(modeOf('a') & 0o777) | bit, 0o555 | bit, 0o555 | bit]);
  for (const name of ['a/in', 'b/in', 'in']) chmodSync(join(served.root, 'team', name), 0o755);
});

test('what comes into a tree while it waits for its turn is not brought to where it is run', async () => {
  const isSource = (path: string): boolean => /\/public\/.*\.sh$/.test(path);
  served = await Served.start({ 'stuff/in/a.txt': 'a', 'public/': '' }, { files: { isSource } });
  const others = new SiteTree(served.root, { writable: { fsync: false } });
  let moved = Promise.resolve(0);
  await others.inTurn('webdav', async () => {
    moved = served.status('MOVE', '/stuff/', { destination: '/public/stuff/' });
    // It has looked through the tree by then, and waits for its turn.
    await delay(200);
    writeFileSync(join(served.root, 'stuff/in/late.sh'), '');
  });
  expect(await moved).toBe(403);
  expect(readdirSync(join(served.root, 'public'))).toEqual([]);
});

describe('onto', () => {
  test.each<[string, string, string, Headers, number, number]>([
    ['nothing', '/a.txt', '/new.txt', {}, 201, 201],
    ['a file', '/a.txt', '/b.txt', {}, 204, 204],
    ['a file that may not be replaced', '/a.txt', '/b.txt', { overwrite: 'F' }, 412, 412],
    ['nothing, where nothing may be replaced', '/a.txt', '/new.txt', { overwrite: 'F' }, 201, 201],
    ['a collection by a file', '/a.txt', '/d/', {}, 204, 204],
    ['a file by a collection', '/d/', '/a.txt', {}, 204, 204],
    ['a file with a slash', '/d/', '/a.txt/', {}, 409, 409],
    ['a collection by a collection', '/d/', '/e/', {}, 204, 204],
    ['a collection without its slash', '/d', '/e', {}, 204, 204],
    ['itself', '/a.txt', '/a.txt', {}, 403, 403],
    ['itself, a collection', '/d/', '/d/', {}, 403, 403],
    ['itself, by another spelling', '/d/', '/d', {}, 403, 403],
    ['itself, encoded', '/a.txt', '/%61.txt', {}, 403, 403],
    ['itself, where nothing may be replaced', '/a.txt', '/a.txt', { overwrite: 'F' }, 403, 403],
    ['a member of itself', '/d/', '/d/sub/new/', {}, 403, 403],
    ['a member of itself that is there', '/d/', '/d/sub/', {}, 403, 403],
    ['what it is in', '/d/sub/', '/d/', {}, 403, 403],
    ['what it is in, far above', '/d/sub/x.txt', '/', {}, 403, 403],
    ['a name that begins like its own', '/d/', '/dd/', {}, 201, 201],
    ['a collection that is not there', '/a.txt', '/none/b.txt', {}, 409, 409],
    ['a member of a file', '/a.txt', '/b.txt/c.txt', {}, 409, 409],
    ['from nothing', '/none', '/new', {}, 404, 404],
    ['from a file with a slash', '/a.txt/', '/new', {}, 404, 404],
    ['another server', '/a.txt', 'http://other.example/a.txt', {}, 502, 502],
    ['another server’s port', '/a.txt', 'http://127.0.0.1:1/a.txt', {}, 502, 502],
    ['a hidden name', '/a.txt', '/.env', {}, 404, 404],
    ['a name of ours', '/a.txt', '/.onezero-webdav', {}, 404, 404],
    ['a name that is too long', '/a.txt', `/${'n'.repeat(256)}`, {}, 404, 404],
    ['a name with a line feed', '/a.txt', '/a%0Ab', {}, 201, 201],
    ['a name with a percent sign', '/a.txt', '/100%25', {}, 201, 201],
    ['depth 0 of a file', '/a.txt', '/new.txt', { depth: '0' }, 201, 201],
    ['depth 1', '/d/', '/new/', { depth: '1' }, 400, 400],
    ['depth 0 of a collection', '/d/', '/new/', { depth: '0' }, 201, 400],
  ])('%s', async (_, source, destination, headers, copied, moved) => {
    for (const [method, status] of [
      ['COPY', copied],
      ['MOVE', moved],
    ] as const) {
      await start({ 'a.txt': 'a', 'b.txt': 'b', 'd/x.txt': 'x', 'd/sub/x.txt': 'y', 'e/z.txt': 'z' });
      const before = served.paths();
      expect([method, await served.status(method, source, { ...headers, destination })]).toEqual([method, status]);
      if (status >= 400) expect(served.paths()).toEqual(before);
      if (status < 400 && method === 'COPY')
        expect(served.paths()).toEqual(
          expect.arrayContaining(
            ['a.txt', 'd/x.txt'].filter((path) => !destination.startsWith(`/${path.split('/')[0]}`)),
          ),
        );
      await served.close();
    }
    await start({});
  });

  test('a collection, nothing of what was there stays', async () => {
    await start({ 'd/x.txt': 'new', 'e/x.txt': 'old', 'e/y.txt': 'old', 'e/sub/z.txt': 'old' });
    await served.ask('PROPPATCH', '/e/', {}, setting('<t:p>old</t:p>'));
    await served.ask('PROPPATCH', '/e/x.txt', {}, setting('<t:p>old</t:p>'));
    expect(await served.status('COPY', '/d/', { destination: '/e/' })).toBe(204);
    expect(served.paths()).toEqual(['d/', 'd/x.txt', 'e/', 'e/x.txt']);
    expect(served.read('e/x.txt')).toBe('new');
    expect((await served.ask('PROPFIND', '/e/', { depth: '1' }, asking('<t:p/>'))).text).not.toContain('old');
  });

  test('a collection alone, its members go too', async () => {
    await start({ 'd/x.txt': 'x', 'e/y.txt': 'y' });
    await served.ask('PROPPATCH', '/d/', {}, setting('<t:p>of d</t:p>'));
    expect(await served.status('COPY', '/d/', { destination: '/e/', depth: '0' })).toBe(204);
    expect(served.paths().filter((path) => !path.includes('.onezero'))).toEqual(['d/', 'd/x.txt', 'e/']);
    expect((await served.ask('PROPFIND', '/e/', { depth: '0' }, asking('<t:p/>'))).text).toContain('of d');
  });

  test('a link, the link gives way and what it leads to stays', async () => {
    await start({ 'a.txt': 'a', 'd/x.txt': 'x' });
    symlinkSync('d/x.txt', join(served.root, 'link'));
    expect(await served.status('COPY', '/a.txt', { destination: '/link' })).toBe(204);
    expect([served.read('link'), served.read('d/x.txt')]).toEqual(['a', 'x']);
    rmSync(join(served.root, 'link'));
    symlinkSync('/etc/hostname', join(served.root, 'link'));
    expect(await served.status('COPY', '/a.txt', { destination: '/link' })).toBe(403);
    expect(await served.status('COPY', '/link', { destination: '/b.txt' })).toBe(404);
    expect(await served.status('MOVE', '/link', { destination: '/b.txt' })).toBe(404);
  });

  test('another name of the very file, its own name goes as from any other, and its properties stay with it', async () => {
    await start({ 'a.txt': 'a' });
    linkSync(join(served.root, 'a.txt'), join(served.root, 'b.txt'));
    await served.ask('PROPPATCH', '/a.txt', {}, setting('<t:p>of a</t:p>'));
    expect(await served.status('MOVE', '/a.txt', { destination: '/b.txt' })).toBe(204);
    expect(served.paths().filter((path) => !path.includes('.onezero'))).toEqual(['b.txt']);
    expect((await served.ask('PROPFIND', '/b.txt', { depth: '0' }, asking('<t:p/>'))).text).toContain('of a');
  });
});

describe('locks', () => {
  test('do not go with what is moved or copied', async () => {
    await start({ 'a.txt': 'a' });
    const token = await served.lock('/a.txt');
    expect(await served.status('COPY', '/a.txt', { destination: '/copy.txt' })).toBe(201);
    expect(await locksOf('/copy.txt')).toEqual([]);
    expect(await served.status('MOVE', '/a.txt', { destination: '/b.txt' })).toBe(423);
    expect(await served.status('MOVE', '/a.txt', { destination: '/b.txt', if: `(<${token}>)` })).toBe(201);
    expect(await locksOf('/b.txt')).toEqual([]);
    expect(await served.status('PUT', '/a.txt', {}, 'free again')).toBe(201);
  });

  test('of a collection cover what comes into it, and not what leaves it', async () => {
    await start({ 'd/x.txt': 'x', 'a.txt': 'a' });
    const token = await served.lock('/d/');
    const held = { if: `<${served.url}/d/> (<${token}>)` };
    expect(await served.status('MOVE', '/a.txt', { destination: '/d/a.txt' })).toBe(423);
    expect(await served.status('MOVE', '/a.txt', { destination: '/d/a.txt', ...held })).toBe(201);
    expect(await locksOf('/d/a.txt')).toEqual(['/d/']);
    expect(await served.status('PUT', '/d/a.txt', {}, 'x')).toBe(423);
    expect(await served.status('MOVE', '/d/x.txt', { destination: '/x.txt', ...held })).toBe(201);
    expect(await locksOf('/x.txt')).toEqual([]);
    expect(await served.status('PUT', '/x.txt', {}, 'free')).toBe(204);
  });

  test('on what is replaced stay with the name, and those below it end', async () => {
    await start({ 'a.txt': 'a', 'b.txt': 'b', 'd/x.txt': 'x', 'e/y.txt': 'y' });
    const token = await served.lock('/b.txt');
    expect(await served.status('COPY', '/a.txt', { destination: '/b.txt' })).toBe(423);
    expect(await served.status('COPY', '/a.txt', { destination: '/b.txt', if: `</b.txt> (<${token}>)` })).toBe(204);
    expect(await locksOf('/b.txt')).toEqual(['/b.txt']);
    const inner = await served.lock('/e/y.txt');
    expect(await served.status('COPY', '/d/', { destination: '/e/', if: `</e/y.txt> (<${inner}>)` })).toBe(204);
    expect(await served.status('PUT', '/e/y.txt', {}, 'free')).toBe(201);
  });

  test('with depth 0 on a collection keep its list of members, not their content', async () => {
    await start({ 'd/x.txt': 'x', 'd/sub/': '' });
    const token = await served.lock('/d/', { depth: '0' });
    const held = { if: `</d/> (<${token}>)` };
    expect(await served.status('PUT', '/d/x.txt', {}, 'changed')).toBe(204);
    expect(await served.status('PUT', '/d/sub/new.txt', {}, 'new')).toBe(201);
    for (const [method, path, headers] of [
      ['PUT', '/d/new.txt', {}],
      ['DELETE', '/d/x.txt', {}],
      ['MKCOL', '/d/new', {}],
      ['MOVE', '/d/x.txt', { destination: '/x.txt' }],
      ['COPY', '/d/x.txt', { destination: '/d/y.txt' }],
      ['LOCK', '/d/new.txt', {}],
    ] as const) {
      const content = method === 'LOCK' ? lockInfo() : undefined;
      expect([method, await served.status(method, path, headers, content)]).toEqual([method, 423]);
      expect(await served.status(method, path, { ...headers, ...held }, content)).toBeLessThan(300);
      await served.ask('PUT', '/d/x.txt', held, 'x');
      for (const made of ['/d/new.txt', '/d/new', '/d/y.txt', '/x.txt'])
        rmSync(join(served.root, made), { recursive: true, force: true });
    }
  });

  test('of several shared holders: one token is enough to write, each ends its own', async () => {
    await start({ 'a.txt': 'a' });
    const tokens = [
      await served.lock('/a.txt', {}, 'shared'),
      await served.lock('/a.txt', {}, 'shared'),
      await served.lock('/a.txt', {}, 'shared'),
    ];
    expect(await locksOf('/a.txt')).toHaveLength(3);
    for (const token of tokens) expect(await served.status('PUT', '/a.txt', { if: `(<${token}>)` }, token)).toBe(204);
    expect(await served.status('UNLOCK', '/a.txt', { 'lock-token': `<${tokens[1]}>` })).toBe(204);
    expect(await served.status('PUT', '/a.txt', { if: `(<${tokens[1]}>)` }, 'x')).toBe(412);
    expect(await served.status('PUT', '/a.txt', { if: `(<${tokens[2]}>)` }, 'x')).toBe(204);
    expect(await served.status('UNLOCK', '/a.txt', { 'lock-token': `<${tokens[1]}>` })).toBe(409);
  });

  test('are refreshed by any of their tokens, below their root too, and by nobody else’s', async () => {
    await start({ 'd/x.txt': 'x', 'a.txt': '' });
    const token = await served.lock('/d/', { timeout: 'Second-300' });
    const refreshed = await served.ask('LOCK', '/d/x.txt', { if: `(<${token}>)`, timeout: 'Second-1000' });
    expect([refreshed.status, refreshed.text]).toEqual([200, expect.stringMatching(/Second-(?:1000|9\d\d)</)]);
    expect(await locksOf('/d/x.txt')).toEqual(['/d/']);
    expect(await served.status('LOCK', '/a.txt', { if: `(<${token}>)` })).toBe(412);
    expect(await served.status('LOCK', '/none.txt', { if: `(<${token}>)` })).toBe(404);
    expect(await served.status('LOCK', '/a.txt', { depth: '0' })).toBe(400);
  });

  test('on a URL where nothing is make an empty resource that is there for all', async () => {
    await start({});
    const token = await served.lock('/new.txt');
    const found = await served.ask('PROPFIND', '/', { depth: '1' }, asking('<D:resourcetype/><D:getcontentlength/>'));
    expect(found.text).toMatch(/\/new\.txt[^]*<D:getcontentlength>0</);
    expect((await served.ask('GET', '/new.txt')).text).toBe('');
    expect(await served.status('UNLOCK', '/new.txt', { 'lock-token': `<${token}>` })).toBe(204);
    expect(served.paths()).toEqual(['new.txt']);
    expect(await served.status('LOCK', '/col/', {}, lockInfo())).toBe(409);
    expect(await served.status('LOCK', '/.hidden-file', {}, lockInfo())).toBe(404);
  });
});

describe('If', () => {
  test.each<[string, string, number]>([
    ['the token', '(<TOKEN>)', 204],
    ['the token and the tag', '(<TOKEN> [TAG])', 204],
    ['the token and another tag', '(<TOKEN> ["other"])', 412],
    ['the token or another tag', '(["other"]) (<TOKEN>)', 204],
    ['the tag alone, of a locked file', '([TAG])', 423],
    ['not another token', '(Not <urn:uuid:none>)', 423],
    ['not another token, and the token where it does not hold', '(Not <urn:uuid:none>) (<TOKEN> ["other"])', 204],
    ['not the token', '(Not <TOKEN>)', 412],
    ['not no lock, and the token', '(Not <DAV:no-lock> <TOKEN>)', 204],
    ['the known trick of Not no-lock', '(<TOKEN>) (Not <DAV:no-lock>)', 204],
    ['no lock', '(<DAV:no-lock>)', 412],
    ['the token of the resource by name', '<URL/a.txt> (<TOKEN>)', 204],
    ['the token of the resource by path', '</a.txt> (<TOKEN>)', 204],
    ['the token of another resource', '</b.txt> (<TOKEN>)', 412],
    ['another resource’s tag, and the token', '</b.txt> (["other"]) </a.txt> (<TOKEN>)', 204],
    ['what does not hold of a resource elsewhere', '<http://elsewhere.example/a.txt> (<TOKEN>)', 412],
    ['what is not so of a resource elsewhere', '<http://elsewhere.example/a.txt> (Not <TOKEN>)', 204],
    ['what is not so of nothing', '</none> (Not <TOKEN>)', 204],
    ['a weak form of the tag', '(<TOKEN> [W/TAG])', 204],
    ['nothing in parentheses', '()', 400],
    ['both kinds of lists', '(<TOKEN>) </a.txt> (<TOKEN>)', 400],
    ['a tag without quotes', '(<TOKEN> [other])', 400],
  ])('with %s', async (_, field, status) => {
    await start({ 'a.txt': 'a', 'b.txt': 'b' });
    const token = await served.lock('/a.txt');
    const etag = String((await served.ask('HEAD', '/a.txt')).headers['etag']);
    const value = field.replaceAll('TOKEN', token).replaceAll('TAG', etag).replaceAll('URL', served.url);
    expect(await served.status('PUT', '/a.txt', { if: value }, 'x')).toBe(status);
    expect(served.read('a.txt')).toBe(status < 300 ? 'x' : 'a');
  });
});

describe('by way of a link', () => {
  test.each([
    ['onto itself', '/a/f', '/link/f'],
    ['onto itself, a collection', '/a/b/', '/link/b/'],
    ['into itself', '/a/b/', '/link/b/new/'],
    ['onto what it is in', '/a/b/x', '/link/b/'],
    ['from the link onto what it leads to', '/link', '/a/'],
    ['from a link onto what holds its goal', '/deep', '/a/'],
  ])('%s', async (_, source, destination) => {
    await start({ 'a/f': 'f', 'a/b/x': 'x', 'a/b/y': 'y' });
    symlinkSync('a', join(served.root, 'link'));
    symlinkSync('a/b', join(served.root, 'deep'));
    for (const path of ['/a/f', '/a/b/']) await served.ask('PROPPATCH', path, {}, setting(`<t:p>of ${path}</t:p>`));
    const before = served.paths();
    for (const method of ['COPY', 'MOVE'])
      expect([method, await served.status(method, source, { destination })]).toEqual([method, 403]);
    expect(served.paths()).toEqual(before);
    for (const path of ['/a/f', '/a/b/'])
      expect((await served.ask('PROPFIND', path, { depth: '0' }, asking('<t:p/>'))).text).toContain(`of ${path}`);
  });
});
