import { chmodSync, mkdirSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import type { CgiOptions } from '../../src/index.ts';
import { cgi, CgiError } from '../../src/index.ts';
import { scriptFinder } from '../../src/request/find-script.ts';
import { request, Scripts } from '../mount.ts';

const outside = new Scripts({ 'secret.cgi': '#!/bin/sh\n', 'a.cgi': '#!/bin/sh\n' });
const scripts = new Scripts({
  'a.cgi': '#!/bin/sh\n',
  'sub/b.cgi': '#!/bin/sh\n',
  'sub/index.cgi': '#!/bin/sh\n',
  'ü b.cgi': '#!/bin/sh\n',
  'a: ü/index.cgi': '#!/bin/sh\n',
  'pages/index.html': '<p>',
  'pages/index.cgi': '#!/bin/sh\n',
  'not-executable.cgi': '#!/bin/sh\n',
  'page.php': '<?php',
  'page.html': '<p>',
  '.git/hook': '#!/bin/sh\n',
});
chmodSync(join(scripts.path, 'not-executable.cgi'), 0o644);
symlinkSync(join(outside.path, 'secret.cgi'), join(scripts.path, 'leads-out.cgi'));
symlinkSync(outside.path, join(scripts.path, 'directory-out'));
symlinkSync('a.cgi', join(scripts.path, 'stays-in.cgi'));
symlinkSync('nowhere', join(scripts.path, 'dangling.cgi'));
symlinkSync('loop.cgi', join(scripts.path, 'loop.cgi'));
symlinkSync('.', join(scripts.path, 'itself'));
afterAll(() => {
  scripts.remove();
  outside.remove();
});

const byExtension: CgiOptions = {
  root: scripts.path,
  extensions: { '.cgi': null, '.php': '/bin/cat' },
  index: ['index.html', 'index.cgi'],
};

function found(options: CgiOptions, pathInfo: string): object | string {
  try {
    return scriptFinder(options)(pathInfo);
  } catch (error) {
    if (error instanceof CgiError) return error.code;
    throw error;
  }
}

describe('scriptFinder', () => {
  test.each([
    ['/a.cgi', 'a.cgi', '/a.cgi', ''],
    ['/a.cgi/', 'a.cgi', '/a.cgi', '/'],
    ['/a.cgi/b/../c//', 'a.cgi', '/a.cgi', '/b/../c//'],
    ['//sub///b.cgi//x', 'sub/b.cgi', '/sub/b.cgi', '//x'],
    ['/ü b.cgi/ü', 'ü b.cgi', '/ü b.cgi', '/ü'],
    ['/stays-in.cgi', 'stays-in.cgi', '/stays-in.cgi', ''],
    ['/itself/sub/b.cgi', 'itself/sub/b.cgi', '/itself/sub/b.cgi', ''],
  ])('walks %s', (path, file, scriptName, pathInfo) => {
    expect(found({ directory: scripts.path }, path)).toMatchObject({
      file: join(scripts.path, file),
      scriptName,
      pathInfo,
    });
  });

  test.each([
    ['/no.cgi', 'script-not-found'],
    ['/dangling.cgi', 'script-not-found'],
    ['/loop.cgi', 'script-not-found'],
    ['/.git/hook', 'script-not-found'],
    ['/sub/../a.cgi', 'script-not-found'],
    ['/./a.cgi', 'script-not-found'],
    ['/a.cgi\0', 'script-not-found'],
    ['/A.CGI', 'script-not-found'],
    [`/${'x'.repeat(5000)}`, 'script-not-found'],
    ['/leads-out.cgi', 'script-forbidden'],
    ['/directory-out/secret.cgi', 'script-forbidden'],
    ['/sub', 'script-forbidden'],
  ])('refuses %j', (path, code) => {
    expect(found({ directory: scripts.path }, path)).toBe(code);
  });

  test('follows links that lead out when told to', () => {
    const options = { directory: scripts.path, symlinks: 'all' as const };
    expect(found(options, '/leads-out.cgi')).toMatchObject({ kind: 'script' });
    expect(found(options, '/directory-out/secret.cgi')).toMatchObject({ kind: 'script' });
  });

  test.each([
    ['/page.php/x', { interpreter: '/bin/cat', scriptName: '/page.php', pathInfo: '/x' }],
    ['/a.cgi', { interpreter: undefined, scriptName: '/a.cgi' }],
    ['/sub/', { scriptName: '/sub/index.cgi', pathInfo: '' }],
    ['/sub', { kind: 'missing-slash' }],
  ])('goes by extension at %s', (path, expected) => {
    expect(found(byExtension, path)).toMatchObject(expected);
  });

  test.each([
    ['/page.html', 'script-not-found'],
    ['/page.html/x.php', 'script-not-found'],
    ['/', 'script-not-found'],
    ['/pages/', 'script-not-found'],
    ['/not-executable.cgi', 'script-forbidden'],
    ['/directory-out/page.html', 'script-not-found'],
    ['/leads-out.cgi', 'script-forbidden'],
  ])('finds nothing to run at %s', (path, code) => {
    expect(found(byExtension, path)).toBe(code);
  });

  // As of a folder that may not be entered, which root may enter.
  test('takes an index that cannot be looked at for one that is not there', () => {
    expect(found({ ...byExtension, index: ['x'.repeat(300)] }, '/sub/')).toBe('script-not-found');
    expect(found({ ...byExtension, index: ['x'.repeat(300), 'index.cgi'] }, '/sub/')).toMatchObject({ kind: 'script' });
  });

  test('gives every path to a single script', () => {
    const script = join(scripts.path, 'stays-in.cgi');
    expect(found({ script }, '/a/../b')).toMatchObject({ file: script, scriptName: '', pathInfo: '/a/../b' });
  });

  test('sends a client to the slash, never to another host', async () => {
    const respond = cgi(byExtension);
    const answer = async (scriptName: string, pathInfo: string, query?: string): Promise<unknown> =>
      (await respond(request(pathInfo, { scriptName, query }))).fields;
    expect(await answer('', '/sub', 'a=b')).toEqual([['location', 'sub/?a=b']]);
    expect(await answer('/ü', '/sub')).toEqual([['location', 'sub/']]);
    expect(await answer('/ü', '/a: ü')).toEqual([['location', './a%3A%20%C3%BC/']]);
    expect(await answer('', '//sub')).toEqual([['location', 'sub/']]);
    await respond.close();
  });
});

describe('a script that was found before', () => {
  type Change = (file: string, folder: string) => void;
  const swapFor = (path: string, target: string): void => {
    rmSync(path, { recursive: true });
    symlinkSync(target, path);
  };

  test.each<[string, Change, string]>([
    ['is as before', () => {}, 'a.cgi'],
    ['is gone', (file) => rmSync(file), 'script-not-found'],
    ['is not executable any more', (file) => chmodSync(file, 0o644), 'script-forbidden'],
    ['is a link that leads out', (file) => swapFor(file, join(outside.path, 'secret.cgi')), 'script-forbidden'],
    ['is in a folder that is one', (_, folder) => swapFor(folder, outside.path), 'script-not-found'],
    ['is in a folder that is gone', (_, folder) => rmSync(folder, { recursive: true }), 'script-not-found'],
    ['is a folder', (file) => (rmSync(file), mkdirSync(file)), 'script-not-found'],
  ])('%s in the next turn', async (_, change, expected) => {
    const site = new Scripts({ 'sub/deep/a.cgi': '#!/bin/sh\n' });
    onTestFinished(() => site.remove());
    const find = scriptFinder({ ...byExtension, root: site.path });
    const look = (): string => {
      try {
        const script = find('/sub//deep/a.cgi/more');
        return script.kind === 'script'
          ? `${basename(script.file)}${script.scriptName}${script.pathInfo}`
          : script.kind;
      } catch (error) {
        return error instanceof CgiError ? error.code : String(error);
      }
    };
    const before = 'a.cgi/sub/deep/a.cgi/more';
    for (let times = 0; times < 3; times++) {
      expect(look()).toBe(before);
      await turn();
    }
    change(join(site.path, 'sub/deep/a.cgi'), join(site.path, 'sub/deep'));
    expect(look()).toBe(expected === 'a.cgi' ? before : expected);
  });
});

describe.each<[string, (root: string) => CgiOptions]>([
  ['directory', (directory) => ({ directory })],
  ['root', (root) => ({ ...byExtension, root })],
])('a %s behind a link', (_, optionsFor) => {
  test('is where the link leads now: a deployment shows without a restart', async () => {
    const site = new Scripts({
      '1/public/a.cgi': '#!/bin/sh\n',
      '2/public/a.cgi': '#!/bin/sh\n',
      '2/public/new.cgi': '#!/bin/sh\n',
    });
    onTestFinished(() => site.remove());
    const current = join(site.path, 'current');
    const place = (release: string): string => join(realpathSync(site.path), release, 'public');
    symlinkSync('1', current);
    const find = scriptFinder(optionsFor(join(current, 'public')));
    expect(find('/a.cgi')).toMatchObject({ root: place('1'), file: join(place('1'), 'a.cgi') });
    rmSync(current);
    await turn();
    expect(find('/a.cgi')).toMatchObject({ root: place('1') });
    symlinkSync('2', current);
    await turn();
    expect(find('/a.cgi')).toMatchObject({ root: place('2'), file: join(place('2'), 'a.cgi') });
    expect(find('/new.cgi')).toMatchObject({ file: join(place('2'), 'new.cgi') });
  });
});
