// The names of a directory that a request for them would be answered: each policy takes its own out, and people's order holds.

import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { StaticOptions } from '../../src/index.ts';
import { readNames } from '../../src/listing/names.ts';
import { settingsOf } from '../../src/options/settings.ts';

let top: string;
let root: string;

beforeAll(() => {
  top = mkdtempSync(join(tmpdir(), 'onezero-names-'));
});
afterAll(() => rmSync(top, { recursive: true }));

beforeEach(() => {
  rmSync(join(top, 'outside'), { recursive: true, force: true });
  mkdirSync(join(top, 'outside'));
  writeFileSync(join(top, 'outside/file'), '');
  root = mkdtempSync(join(top, 'root-'));
});

/** The names below the root, a slash behind directories. */
async function names(options: StaticOptions = {}, segments: readonly string[] = []): Promise<readonly string[]> {
  const { sorted } = await read(options, segments);
  return sorted.map(({ name, kind }) => (kind === 'directory' ? `${name}/` : name));
}

function read(options: StaticOptions = {}, segments: readonly string[] = []) {
  const place = join(root, ...segments);
  return readNames({ path: place, place }, segments, settingsOf(root, options));
}

function put(...all: readonly string[]): void {
  for (const name of all) {
    if (name.endsWith('/')) mkdirSync(join(root, name), { recursive: true });
    else writeFileSync(join(root, name), '');
  }
}

describe('the order', () => {
  test('is directories first, then as people read capitals, accents and numbers', async () => {
    put(
      'b.txt',
      'A.txt',
      'a10',
      'a9',
      'a1',
      'Zoo/',
      'ape/',
      'été',
      'eta',
      'É2',
      'file10.txt',
      'file9.txt',
      'File9.txt',
    );
    expect(await names()).toEqual([
      'ape/',
      'Zoo/',
      'A.txt',
      'a1',
      'a9',
      'a10',
      'b.txt',
      'É2',
      'eta',
      'été',
      'File9.txt',
      'file9.txt',
      'file10.txt',
    ]);
  });

  test('is the same however the file system has them, names that read alike included', async () => {
    const alike = ['a', 'A', 'á', 'Á', '01', '1', '001', 'ﬁ', 'fi'];
    put(...alike.toReversed());
    const first = await names();
    for (const name of alike) rmSync(join(root, name));
    put(...alike);
    expect(await names()).toEqual(first);
    expect(first).toHaveLength(alike.length);
  });

  test('counts directories, beyond one batch too', async () => {
    put(...Array.from({ length: 600 }, (_, index) => (index % 3 === 0 ? `${index}/` : `${index}`)));
    const { sorted, directories, hasLinks, unreadable } = await read();
    expect([sorted.length, directories, hasLinks, unreadable]).toEqual([600, 200, false, 0]);
    const numbers = sorted.map(({ name }) => Number(name));
    expect(numbers.slice(0, 200)).toEqual(numbers.slice(0, 200).toSorted((a, b) => a - b));
    expect(numbers.slice(200)).toEqual(numbers.slice(200).toSorted((a, b) => a - b));
  });
});

describe('what is left out', () => {
  test.each<readonly [StaticOptions, readonly string[]]>([
    [{}, ['.well-known/', 'folder/', 'a.key', 'a.key.gz', 'a.txt', 'CON']],
    [{ dotfiles: 'allow' }, ['.well-known/', 'folder/', '.env', 'a.key', 'a.key.gz', 'a.txt', 'CON']],
    [{ dotfiles: ['.env'] }, ['.well-known/', 'folder/', '.env', 'a.key', 'a.key.gz', 'a.txt', 'CON']],
    [{ hide: ['*.KEY'] }, ['.well-known/', 'folder/', 'a.txt', 'CON']],
    [{ hide: ['/folder', '*.txt'] }, ['.well-known/', 'a.key', 'a.key.gz', 'CON']],
    [{ windowsNames: 'deny' }, ['.well-known/', 'folder/', 'a.key', 'a.key.gz', 'a.txt']],
  ])('%o', async (options, expected) => {
    put('.well-known/', '.env', '.onezero-partial-x', 'folder/', 'a.txt', 'a.key', 'a.key.gz', 'CON');
    expect(await names(options)).toEqual(expected);
  });

  test('below the top is told by the whole path', async () => {
    put('deep/', 'deep/.well-known/', 'deep/a.txt', 'deep/b.txt', 'a.txt');
    expect(await names({ hide: ['deep/a.txt'] }, ['deep'])).toEqual(['b.txt']);
    expect(await names({ hide: ['deep/a.txt'] })).toEqual(['deep/', 'a.txt']);
    expect(await names({ hide: ['deep'] }, ['deep'])).toEqual([]);
  });

  test('is what may not be had by any name', async () => {
    put('secret', 'open', 'private/', 'private/x');
    symlinkSync('secret', join(root, 'link'));
    symlinkSync('private', join(root, 'away'));
    symlinkSync('private/x', join(root, 'into'));
    const deny = [join(root, 'secret'), join(root, 'private')];
    expect(await names({ deny })).toEqual(['open']);
    linkSync(join(root, 'open'), join(root, 'hard'));
    expect(await names({ deny })).toEqual(['hard', 'open']);
  });

  test('is what is neither file nor directory', async () => {
    put('file');
    execFileSync('mkfifo', [join(root, 'pipe')]);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(join(root, 'socket'), resolve));
    try {
      symlinkSync('pipe', join(root, 'to-pipe'));
      symlinkSync('/dev/null', join(root, 'to-device'));
      expect(await names({ symlinks: 'all' })).toEqual(['file']);
    } finally {
      server.close();
    }
  });
});

describe('links', () => {
  beforeEach(() => {
    put('file', 'folder/', 'folder/deep');
    symlinkSync('file', join(root, 'to-file'));
    symlinkSync('folder', join(root, 'to-folder'));
    symlinkSync('folder/../file', join(root, 'around'));
    symlinkSync(join(top, 'outside'), join(root, 'out'));
    symlinkSync('../outside/file', join(root, 'out-file'));
    symlinkSync('loop', join(root, 'loop'));
    symlinkSync('absent', join(root, 'broken'));
  });

  test.each([
    ['deny', ['folder/', 'file']],
    ['inside', ['folder/', 'to-folder/', 'around', 'file', 'to-file']],
    ['all', ['folder/', 'out/', 'to-folder/', 'around', 'file', 'out-file', 'to-file']],
  ] as const)('stand for what they lead to: %s', async (symlinks, expected) => {
    expect(await names({ symlinks })).toEqual(expected);
    expect((await read({ symlinks })).hasLinks).toBe(true);
  });
});

test('names that no request can name are counted, and names with a replacement character are not among them', async () => {
  put('\ufffd', 'plain', '.\ufffd');
  for (const byte of [0xff, 0xfe, 0x80]) {
    writeFileSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.from([byte])]), '');
  }
  // One that is hidden is not counted either.
  writeFileSync(Buffer.concat([Buffer.from(`${root}/.`), Buffer.from([0xff])]), '');
  const { sorted, unreadable } = await read();
  expect(sorted.map(({ name }) => name).toSorted()).toEqual(['plain', '\ufffd']);
  expect(unreadable).toBe(3);
});

test('a directory that is not there is the file system’s error', async () => {
  await expect(names({}, ['absent'])).rejects.toThrow('ENOENT');
  put('file');
  await expect(names({}, ['file'])).rejects.toThrow('ENOTDIR');
});
