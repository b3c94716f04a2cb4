// A mount that shares its root with the files there: what it has, what it leaves to others, and what must not be sent.

import { linkSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { cgi } from '../src/index.ts';
import { field, plain, request, Scripts, text } from './mount.ts';

const scripts = new Scripts({
  'a.sh': plain('echo "$REQUEST_METHOD"'),
  'gone.sh': '#!/bin/sh\necho Status: 404 Not Found\necho\n',
  'refused.sh': '#!/bin/sh\necho Status: 405 Method Not Allowed\necho Allow: GET\necho\n',
  'page.html': '<p>',
  'app/index.sh': plain('echo index'),
  'no-x.txt': '',
});
mkdirSync(join(scripts.path, 'empty'));
symlinkSync('page.html', join(scripts.path, 'link.sh'));
const outside = new Scripts({ 'site/x.txt': '' });
symlinkSync(scripts.path, join(outside.path, 'root'));
linkSync(join(scripts.path, 'page.html'), join(scripts.path, 'plain.txt'));
const mount = { root: join(outside.path, 'root'), extensions: { '.sh': '/bin/sh' } };
const respond = cgi(mount);
const restricted = cgi({ ...mount, methods: ['GET'] });
afterAll(async () => {
  await Promise.all([respond.close(), restricted.close()]);
  scripts.remove();
  outside.remove();
});

describe('cgi by extension', () => {
  test.each(['/', '/empty', '/empty/', '/page.html', '/page.html/x', '/nowhere', '/.well-known/a.sh', '/A.SH'])(
    'has nothing at %s',
    async (path) => {
      const answer = await respond(request(path));
      expect(answer).toMatchObject({ status: 404, isNothing: true });
      expect(answer.content).toBeUndefined();
    },
  );

  test('answers for a directory with an index script', async () => {
    expect(await text(await respond(request('/app/')))).toBe('index\n');
    expect(await respond(request('/app'))).toMatchObject({ status: 301, fields: [['location', 'app/']] });
  });

  test.each(['/gone.sh', '/refused.sh'])('answers HEAD of %s as the script does', async (path) => {
    const head = await respond(request(path, { method: 'HEAD' }));
    const get = await respond(request(path));
    expect(head.status).toBe(get.status);
    expect(head.content).toBeDefined();
    expect([get.isNothing, head.isNothing]).not.toContain(true);
    expect(await text(head)).toBe('');
  });

  test.each(['POST', 'DELETE', 'QUERY', 'PROPFIND'])(
    'refuses %s where the mount does, for scripts alone',
    async (method) => {
      const refused = await restricted(request('/a.sh', { method }));
      expect(refused).toMatchObject({ status: 405, isNothing: false });
      expect(field(refused, 'allow')).toBe('GET, HEAD');
      expect(await restricted(request('/page.html', { method }))).toMatchObject({ status: 404, isNothing: true });
    },
  );

  test.each(['GET', 'HEAD'])('takes %s where GET is taken', async (method) => {
    expect(await restricted(request('/a.sh', { method }))).toMatchObject({ status: 200 });
  });

  test.each(['PROPFIND', 'MKCALENDAR', 'QUERY', 'x!#$%&-'])('passes %s to scripts', async (method) => {
    expect(await text(await respond(request('/a.sh', { method })))).toBe(`${method}\n`);
  });
});

describe('isSource', () => {
  test.each([
    ['a.sh', true],
    ['A.SH', true],
    ['.well-known/x.sH', true],
    ['app/index.sh', true],
    ['link.sh', true],
    ['page.html', false],
    ['a.sh.txt', false],
    ['sh', false],
  ])('knows scripts by extension: %s', (name, expected) => {
    expect(respond.isSource(join(mount.root, name))).toBe(expected);
    expect(respond.isSource(join(scripts.path, name))).toBe(expected);
    expect(respond.isSource(join('/elsewhere', name))).toBe(false);
  });

  test('knows all that is in a directory of scripts', async () => {
    const directory = cgi({ directory: mount.root });
    expect(directory.sources).toEqual([mount.root]);
    expect(directory.isSource(join(scripts.path, 'no-x.txt'))).toBe(true);
    expect(directory.isSource(join(mount.root, 'app/data'))).toBe(true);
    expect(directory.isSource(`${scripts.path}-other/a.sh`)).toBe(false);
    await directory.close();
  });

  test('knows a single script', async () => {
    const script = cgi({ script: join(mount.root, 'a.sh') });
    expect(script.sources).toEqual([join(mount.root, 'a.sh')]);
    expect(script.isSource(join(scripts.path, 'a.sh'))).toBe(true);
    expect(script.isSource(join(scripts.path, 'page.html'))).toBe(false);
    await script.close();
  });
});

describe('explain', () => {
  test.each<[string, object]>([
    ['/a.sh/x', { outcome: 'run', interpreter: '/bin/sh', scriptName: '/a.sh', pathInfo: '/x' }],
    ['/app', { outcome: 'redirect', status: 301 }],
    ['/app/', { outcome: 'run', scriptName: '/app/index.sh' }],
    ['/', { outcome: 'nothing', status: 404, reason: expect.stringContaining('without an index script') }],
    ['/page.html', { outcome: 'nothing', reason: expect.stringContaining('no extension that is run') }],
    ['/.hidden.sh', { outcome: 'nothing', reason: expect.stringContaining('begins with a dot') }],
    ['/nowhere', { outcome: 'nothing', reason: expect.stringContaining('does not exist') }],
  ])('says what %s comes to', (path, expected) => {
    expect(respond.explain(path)).toMatchObject(expected);
  });

  test('says why a script is not run', async () => {
    const files = new Scripts({ dos: '#!/bin/sh\r\n', 'no-x.txt': '' });
    symlinkSync(join(scripts.path, 'a.sh'), join(files.path, 'out'));
    const directory = cgi({ directory: files.path });
    const reasonOf = (path: string): string => `${directory.explain(path).outcome}: ${directory.explain(path).reason}`;
    expect(reasonOf('/no-x.txt')).toMatch(/^refused: .*is not executable \(chmod \+x\)/);
    expect(reasonOf('/out')).toMatch(/^refused: .*leads out of/);
    expect(reasonOf('/dos')).toMatch(/^refused: .*carriage return/);
    expect(reasonOf('/')).toMatch(/^refused: .*is a directory/);
    expect((await directory(request('/no-x.txt'))).cause).toMatchObject({
      message: directory.explain('/no-x.txt').reason,
    });
    await directory.close();
    files.remove();
  });
});
