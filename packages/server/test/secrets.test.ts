import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { ServerOptions } from '@onezero/server';
import { secretsOf } from '../src/secrets.ts';
import { parse, start, type Running } from './exchange.ts';

const script = '#!/bin/sh\necho Content-Type: text/plain\necho\necho "ran"\n';

function folder(files: Readonly<Record<string, string>>): string {
  const place = mkdtempSync(join(tmpdir(), 'onezero-secrets-'));
  onTestFinished(() => rmSync(place, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(place, name)), { recursive: true });
    writeFileSync(join(place, name), content);
    if (/\.(?:sh|cgi)$/.test(name)) chmodSync(join(place, name), 0o755);
  }
  return place;
}

async function serve(options: ServerOptions): Promise<Running> {
  const running = await start(options);
  onTestFinished(() => running.close());
  return running;
}

const ask = async ({ exchange }: Running, path: string, method = 'GET'): Promise<ReturnType<typeof parse>> =>
  parse(await exchange(`${method} ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n`));

describe('the source of a script is never sent', () => {
  const names = {
    'a.sh': script,
    '.well-known/w.sh': script,
    '.priv/p.sh': script,
    'page.html': 'page',
    'a.sh.gz': 'zipped',
    'a.sh~': script,
    'a.sh.bak': script,
  };

  test.each([
    ['/.well-known/w.sh', {}, {}],
    ['/A.SH', {}, {}],
    ['/a.sh', { methods: ['POST'] }, {}],
    ['/.priv/p.sh', {}, { dotfiles: 'allow' as const }],
    ['/a.sh.gz', {}, {}],
    ['/link', {}, {}],
    ['/linked/a.sh', {}, {}],
    ['/hard.html', {}, {}],
    ['/a.sh~', {}, {}],
    ['/a.sh.bak', {}, {}],
    ['/out.txt', {}, { symlinks: 'all' as const }],
    ['/out/b.sh', {}, { symlinks: 'all' as const }],
    ['/out/b.sh', { symlinks: 'all' as const }, { symlinks: 'all' as const }],
  ])('for %s with %j, %j', async (path, mount, files) => {
    const root = folder(names);
    writeFileSync(join(root, 'A.SH'), script);
    symlinkSync('a.sh', join(root, 'link'));
    symlinkSync('.', join(root, 'linked'));
    const outside = folder({ 'b.sh': script });
    symlinkSync(join(outside, 'b.sh'), join(root, 'out.txt'));
    symlinkSync(outside, join(root, 'out'));
    const running = await serve({ root, static: files, cgi: { extensions: { '.sh': null }, root, ...mount } });
    if (path === '/hard.html') return expect((await ask(running, '/page.html')).content).toBe('page');
    for (const method of ['GET', 'HEAD']) {
      const answer = await ask(running, path, method);
      expect(answer.content).not.toContain('#!');
      expect(answer.fields.get('content-length')).not.toBe(String(script.length));
    }
    return expect((await ask(running, '/page.html')).content).toBe('page');
  });

  test('from a directory of scripts below the root, by a link or a hard link, and through a linked root', async () => {
    const place = folder({ 'real/cgi/x.cgi': script, 'real/a.txt': 'a' });
    symlinkSync('real', join(place, 'www'));
    symlinkSync('cgi', join(place, 'real/scripts'));
    linkSync(join(place, 'real/cgi/x.cgi'), join(place, 'real/hard.txt'));
    for (const root of [join(place, 'www'), join(place, 'real')]) {
      const running = await serve({ root, cgi: { directory: join(place, 'real/cgi'), path: '/run' } });
      expect((await ask(running, '/run/x.cgi')).content).toContain('ran');
      for (const path of ['/cgi/x.cgi', '/scripts/x.cgi', '/CGI/x.cgi'])
        expect((await ask(running, path)).status).toBe(404);
      expect((await ask(running, '/a.txt')).content).toBe('a');
    }
  });

  test('below a root that a link leads to now', async () => {
    const place = folder({ 'releases/1/a.sh': script, 'releases/2/b.sh': script, 'releases/2/page.html': 'page' });
    const current = join(place, 'current');
    symlinkSync('releases/1', current);
    const cgi = { extensions: { '.sh': null }, root: current, path: '/run' };
    const running = await serve({ root: place, cgi });
    expect((await ask(running, '/run/a.sh')).content).toContain('ran');
    rmSync(current);
    symlinkSync('releases/2', current);
    expect((await ask(running, '/run/b.sh')).content).toContain('ran');
    expect((await ask(running, '/releases/2/b.sh')).status).toBe(404);
    expect((await ask(running, '/releases/2/page.html')).content).toBe('page');
  });

  test('and files beside it are, where one directory has both', async () => {
    const root = folder({ 'x.cgi': script, 'a.txt': 'a' });
    const running = await serve({ root, cgi: { directory: root, path: '/run' } });
    expect((await ask(running, '/a.txt')).content).toBe('a');
    expect((await ask(running, '/x.cgi')).status).toBe(404);
  });

  test('nor can one be put there', async () => {
    const root = folder({ 'a.txt': 'a' });
    const running = await serve({ root, static: { writable: true }, cgi: { extensions: { '.sh': '/bin/sh' }, root } });
    expect((await ask(running, '/new.sh', 'PUT')).status).not.toBe(201);
    expect((await ask(running, '/new.txt', 'PUT')).status).toBe(201);
  });
});

test('what is never sent is not replaced or removed either', async () => {
  const root = folder({ users: 'ann:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n', 'cgi/x.cgi': script });
  const auth = [{ path: '/private', users: { file: join(root, 'users') } }];
  const running = await serve({
    root,
    auth,
    static: { writable: true },
    cgi: { directory: join(root, 'cgi'), path: '/run' },
  });
  symlinkSync('users', join(root, 'alias'));
  symlinkSync('cgi', join(root, 'folder'));
  linkSync(join(root, 'users'), join(root, 'hard'));
  for (const path of ['/users', '/cgi/x.cgi', '/cgi/new.cgi', '/alias', '/folder/new.cgi', '/hard']) {
    for (const method of ['PUT', 'DELETE'])
      expect((await ask(running, path, method)).status).toBeGreaterThanOrEqual(400);
  }
  expect(readFileSync(join(root, 'users'), 'utf8')).toContain('ann');
  expect(existsSync(join(root, 'cgi/new.cgi'))).toBe(false);
});

describe('a password file is never sent', () => {
  test('by its name, a link, or a root that is a link', async () => {
    const place = folder({ 'real/users': 'ann:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n', 'real/a.txt': 'a' });
    symlinkSync('real', join(place, 'www'));
    symlinkSync('users', join(place, 'real/alias'));
    const auth = [{ path: '/private', users: { file: join(place, 'real/users') } }];
    for (const root of [join(place, 'www'), join(place, 'real')]) {
      const running = await serve({ root, auth });
      for (const path of ['/users', '/alias']) expect((await ask(running, path)).status).toBe(404);
      expect((await ask(running, '/a.txt')).content).toBe('a');
    }
  });
});

describe('secretsOf', () => {
  test('knows the sources and databases of applications, in their folders and nowhere else', () => {
    const { isSource, deny } = secretsOf({
      wsgi: [{ application: 'shop/wsgi.py:app', cwd: '/srv/shop' }],
      app: { application: 'blog', cwd: '/srv/blog', virtualenv: '/srv/env' },
    });
    for (const path of ['/srv/shop/settings.py', '/srv/shop/db.sqlite3', '/srv/shop/x/y.PYC', '/srv/blog/a.db-wal'])
      expect(isSource(path)).toBe(true);
    for (const path of ['/srv/shop/logo.png', '/srv/other/a.py', '/srv/shopping/a.py'])
      expect(isSource(path)).toBe(false);
    expect(deny).toEqual(['/srv/shop/venv', '/srv/blog/venv', '/srv/env']);
  });
});
