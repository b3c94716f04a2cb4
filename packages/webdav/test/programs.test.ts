// Clients that people use, unmodified.

import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from 'webdav';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Served } from './served.ts';

function isInstalled(program: string): boolean {
  const isThere = spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
  if (!isThere && process.env['CI'] !== undefined) throw new Error(`${program} is not installed`);
  return isThere;
}

interface Output {
  readonly code: number | null;
  readonly text: string;
}

let served: Served;
let home: string;

beforeEach(async () => {
  served = await Served.start({}, { path: '/dav' });
  home = mkdtempSync(join(tmpdir(), 'onezero-webdav-home-'));
});

afterEach(async () => {
  await served.close();
  rmSync(home, { recursive: true, force: true });
});

function run(program: string, args: readonly string[], { input = '', env = {} } = {}): Promise<Output> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: home, env: { ...process.env, HOME: home, ...env } });
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, text }));
    // Some read nothing, and have ended before this gets there.
    child.stdin.on('error', () => undefined).end(input);
  });
}

describe.skipIf(!isInstalled('litmus'))('litmus', () => {
  test.each([
    ['basic', 16],
    ['copymove', 13],
    ['props', 30],
    ['locks', 41],
    ['http', 4],
  ])('has nothing to object to in its suite %s', async (suite, count) => {
    const { text } = await run('litmus', ['-k', `${served.url}/dav/`], { env: { TESTS: suite } });
    expect(text).toContain(`of ${count} tests run: ${count} passed, 0 failed`);
    expect(text).not.toMatch(/WARNING|FAIL|SKIPPED/);
  });
});

describe.skipIf(!isInstalled('cadaver'))('cadaver', () => {
  test('makes, moves, locks, edits properties, and removes', async () => {
    writeFileSync(join(home, 'up.txt'), 'up and away');
    const input = [
      'mkcol papers',
      'cd papers',
      'put up.txt',
      'copy up.txt copy.txt',
      'move copy.txt moved.txt',
      'propset moved.txt colour blue',
      'propget moved.txt colour',
      'lock up.txt',
      'discover up.txt',
      'put up.txt up.txt',
      'unlock up.txt',
      'get moved.txt down.txt',
      'ls',
      'cd ..',
      'mkcol empty',
      'rmcol empty',
      'quit',
      '',
    ].join('\n');
    const { text } = await run('cadaver', [`${served.url}/dav/`], { input });
    expect(text).not.toContain('failed');
    expect(text).toContain('blue');
    expect(readFileSync(join(home, 'down.txt'), 'utf8')).toBe('up and away');
    expect(served.paths().filter((path) => !path.includes('.onezero'))).toEqual([
      'papers/',
      'papers/moved.txt',
      'papers/up.txt',
    ]);
  });
});

test("npm's webdav client reads, writes, moves, locks and lists", async () => {
  const client = createClient(`${served.url}/dav`);
  await client.createDirectory('/papers');
  expect(await client.putFileContents('/papers/a b.txt', 'text')).toBe(true);
  expect(await client.getFileContents('/papers/a b.txt', { format: 'text' })).toBe('text');
  await client.moveFile('/papers/a b.txt', '/papers/ü.txt');
  await client.copyFile('/papers/ü.txt', '/papers/copy.txt');
  const lock = await client.lock('/papers/copy.txt');
  await expect(client.deleteFile('/papers/copy.txt')).rejects.toThrow('423');
  await client.unlock('/papers/copy.txt', lock.token);
  await client.deleteFile('/papers/copy.txt');
  expect(await client.getDirectoryContents('/papers')).toMatchObject([{ basename: 'ü.txt', size: 4, type: 'file' }]);
  expect(await client.exists('/papers/a b.txt')).toBe(false);
});

describe.skipIf(!isInstalled('rclone'))('rclone', () => {
  test('copies a tree there, checks it, and brings it back', async () => {
    mkdirSync(join(home, 'up/sub'), { recursive: true });
    for (const [name, text] of [
      ['a.txt', 'one'],
      ['sub/ü b.txt', 'two'],
      ['sub/empty', ''],
    ] as const)
      writeFileSync(join(home, 'up', name), text);
    const remote = `:webdav,url='${served.url}/dav':`;
    for (const words of [
      ['copy', 'up', `${remote}tree`],
      ['check', 'up', `${remote}tree`],
      ['move', `${remote}tree/sub`, `${remote}moved`],
      ['copy', `${remote}moved`, 'down'],
      ['purge', `${remote}tree`],
    ]) {
      const { code } = await run('rclone', ['--config', '/dev/null', ...words]);
      expect([words[0], code]).toEqual([words[0], 0]);
    }
    expect(readFileSync(join(home, 'down/ü b.txt'), 'utf8')).toBe('two');
    expect(served.paths().filter((path) => !path.includes('.onezero'))).toEqual([
      'moved/',
      'moved/empty',
      'moved/ü b.txt',
    ]);
  });
});

/** Why nothing can be mounted here; undefined where it can. */
function whyNoMount(): string | undefined {
  if (process.getuid?.() !== 0) return 'mounting needs root';
  return existsSync('/dev/fuse') ? undefined : 'there is no /dev/fuse';
}

describe.skipIf(!isInstalled('mount.davfs'))('davfs2', () => {
  test('mounts the folder; files and folders made there are here, and the other way round', async ({ skip }) => {
    const reason = whyNoMount();
    if (reason !== undefined) skip(reason);
    const place = join(home, 'mount');
    mkdirSync(place);
    // It keeps its cache as a user of its own.
    mkdirSync(join(home, 'cache'));
    for (const path of [home, join(home, 'cache')]) chmodSync(path, 0o777);
    const words = ['ask_auth 0', 'use_locks 1', 'delay_upload 0', `cache_dir ${home}/cache`];
    writeFileSync(join(home, 'davfs.conf'), `${words.join('\n')}\n`);
    mkdirSync(join(served.root, 'old'));
    writeFileSync(join(served.root, 'old/there before.txt'), 'before');
    const options = ['-t', 'davfs', '-o', `conf=${home}/davfs.conf`, `${served.url}/dav/`, place];
    const mounted = await run('mount', options);
    if (mounted.code !== 0) skip(`mounting is refused: ${mounted.text}`);
    try {
      const script = [
        'test "$(cat "old/there before.txt")" = before',
        'mkdir papers',
        'echo first > "papers/a ü.txt"',
        'echo second >> "papers/a ü.txt"',
        'cp "papers/a ü.txt" papers/copy.txt',
        'mv papers/copy.txt old/moved.txt',
        'rm "old/there before.txt"',
        'head -c 300000 /dev/zero > papers/large.bin',
        'mkdir gone && rmdir gone',
      ];
      const { code, text } = await run('sh', ['-ec', `cd '${place}'\n${script.join('\n')}`]);
      expect([code, text]).toEqual([0, '']);
    } finally {
      // What is still to be sent is sent before it returns.
      await run('umount', [place]);
    }
    const kept = served.paths().filter((path) => !path.includes('.onezero') && path !== 'lost+found/');
    expect(kept).toEqual(['old/', 'old/moved.txt', 'papers/', 'papers/a ü.txt', 'papers/large.bin']);
    expect(served.read('old/moved.txt')).toBe('first\nsecond\n');
    expect(served.read('papers/large.bin')).toHaveLength(300_000);
    // No lock is left, and nothing is in the way of others.
    expect(await served.status('DELETE', '/dav/papers/')).toBe(204);
  });
});

describe.skipIf(!isInstalled('fusermount3') || !isInstalled('rclone'))('rclone mount', () => {
  test('writes, moves and removes as a folder does', async ({ skip }) => {
    const reason = whyNoMount();
    if (reason !== undefined) skip(reason);
    const place = join(home, 'mount');
    mkdirSync(place);
    const remote = `:webdav,url='${served.url}/dav':`;
    const cache = ['--cache-dir', join(home, 'cache'), '--vfs-cache-mode', 'writes', '--vfs-write-back', '0s'];
    const words = ['--config', '/dev/null', 'mount', remote, place, '--daemon', '--daemon-wait', '20s', ...cache];
    const mounted = await run('rclone', words);
    if (mounted.code !== 0) skip(`mounting is refused: ${mounted.text}`);
    try {
      const script = ['mkdir d', 'echo hallo > "d/a ü.txt"', 'cp "d/a ü.txt" b.txt', 'test "$(cat b.txt)" = hallo'];
      const { code, text } = await run('sh', ['-ec', `cd '${place}'\n${script.join('\n')}`]);
      expect([code, text]).toEqual([0, '']);
      // It sends what was written a moment after it was closed.
      await expect.poll(() => own(served.paths())).toEqual(['b.txt', 'd/', 'd/a ü.txt']);
      expect((await run('sh', ['-ec', `cd '${place}'; mv b.txt d/c.txt; rm "d/a ü.txt"`])).text).toBe('');
      await expect.poll(() => own(served.paths())).toEqual(['d/', 'd/c.txt']);
      expect(served.read('d/c.txt')).toBe('hallo\n');
    } finally {
      await run('fusermount3', ['-u', '-z', place]);
    }
  });
});

/** Paths without those of the server itself. */
const own = (paths: readonly string[]): string[] => paths.filter((path) => !path.includes('.onezero'));

/** GNOME Files stands on this. */
const hasGvfs = isInstalled('gio') && isInstalled('dbus-run-session') && existsSync('/usr/share/gvfs/mounts/dav.mount');

describe.skipIf(!hasGvfs)('gvfs', () => {
  test('mounts, copies, renames, lists and removes', async () => {
    const url = `${served.url.replace('http:', 'dav:')}/dav`;
    writeFileSync(join(home, 'note.txt'), 'a note');
    const script = [
      `gio mount ${url}/`,
      `gio list ${url}/`,
      `gio mkdir ${url}/new`,
      `gio copy note.txt ${url}/n.txt`,
      `gio rename ${url}/n.txt 'ü m.txt'`,
      `gio move ${url}/%C3%BC%20m.txt ${url}/new/k.txt`,
      `gio cat ${url}/new/k.txt`,
      `gio copy note.txt ${url}/gone.txt`,
      `gio remove ${url}/gone.txt`,
      `gio mount -u ${url}/`,
    ];
    const env = { XDG_RUNTIME_DIR: home, GVFS_DISABLE_FUSE: '1', LC_ALL: 'C.UTF-8' };
    const { code, text } = await run('dbus-run-session', ['--', 'sh', '-ec', script.join('\n')], { env });
    expect([code, text]).toEqual([0, expect.stringContaining('a note')]);
    expect(own(served.paths())).toEqual(['new/', 'new/k.txt']);
    expect(served.read('new/k.txt')).toBe('a note');
  });
});
