// What an archive holds is what a visitor could get file by file; nothing stays open, whatever becomes of the reader.

import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeStorage } from '../../src/files/storage.ts';
import { serveStatic, type StaticOptions } from '../../src/index.ts';
import { Folders } from '../../src/listing/folders.ts';
import { type Member, membersOf } from '../../src/listing/members.ts';
import { settingsOf } from '../../src/options/settings.ts';

let top: string;
let root: string;

beforeAll(() => {
  top = mkdtempSync(join(tmpdir(), 'onezero-members-'));
  root = join(top, 'root');
  for (const folder of ['share/deep/deeper', 'share/empty', 'share/private', 'other']) {
    mkdirSync(join(root, folder), { recursive: true });
  }
  writeFileSync(join(top, 'outside'), 'outside');
  for (const name of ['a', 'b.key', '.env', 'deep/c', 'deep/.d', 'deep/deeper/e', 'private/f']) {
    writeFileSync(join(root, 'share', name), name);
    utimesSync(join(root, 'share', name), 1_600_000_000, 1_600_000_000);
  }
  writeFileSync(join(root, 'share/zero'), '');
  symlinkSync('a', join(root, 'share/link'));
  symlinkSync('../../outside', join(root, 'share/out'));
  symlinkSync('deep', join(root, 'share/to-deep'));
  symlinkSync('..', join(root, 'share/up'));
});
afterAll(() => rmSync(top, { recursive: true }));

function members(options: StaticOptions = {}, segments: readonly string[] = ['share']): AsyncGenerator<Member, void> {
  const settings = settingsOf(root, options);
  return membersOf(segments, 'name', new Folders(settings), makeStorage(settings));
}

async function textOf(content: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const part of content) parts.push(Uint8Array.from(part));
  return Buffer.concat(parts).toString();
}

/** Paths with their content; folders end with a slash. */
async function gathered(options: StaticOptions = {}, segments?: readonly string[]): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for await (const member of members(options, segments)) {
    found.set(member.path, member.kind === 'file' ? await textOf(member.content) : '');
  }
  return found;
}

/** Open files below the folder of this test. */
function openFiles(): number {
  const targets = readdirSync('/proc/self/fd').map((descriptor) => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`);
    } catch (error) {
      // The descriptor that listed the directory is closed by now.
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
      throw error;
    }
  });
  return targets.filter((target) => target.startsWith(top)).length;
}

describe('the members of a folder', () => {
  test.each<StaticOptions>([
    {},
    { dotfiles: 'allow' },
    { hide: ['*.key', 'deeper'] },
    { symlinks: 'deny' },
    { symlinks: 'all' },
    { isSource: (path) => path.endsWith('/c') },
  ])('are the files that requests would be answered: %o', async (options) => {
    const respond = serveStatic(root, options);
    const found = await gathered(options);
    const all = readdirSync(join(root, 'share'), { recursive: true, encoding: 'utf8' });
    for (const name of all) {
      // What lies behind a link to a folder is left out: it lies elsewhere, or above.
      if (/^(?:to-deep|up)(?:\/|$)/.test(name)) {
        expect([...found.keys()].filter((path) => path.startsWith(`name/${name}`))).toEqual([]);
        continue;
      }
      const { status } = await respond({ method: 'GET', pathInfo: `/share/${name}`, fields: [] });
      expect([name, found.has(`name/${name}`)]).toEqual([name, status === 200]);
    }
    expect(found.get('name/a')).toBe('a');
    expect(found.get('name/zero')).toBe('');
  });

  test('begin with the folder itself, and each folder stands before what is in it', async () => {
    const paths = [...(await gathered()).keys()];
    expect(paths[0]).toBe('name/');
    for (const [index, path] of paths.entries()) {
      const parent = path.replace(/[^/]+\/?$/, '');
      if (parent !== '') expect(paths.indexOf(parent)).toBeLessThan(index);
    }
    expect(paths).toContain('name/empty/');
  });

  test('have lengths and times', async () => {
    for await (const member of members()) {
      if (member.path !== 'name/deep/c') continue;
      expect(member).toMatchObject({ kind: 'file', bytes: 6, modifiedMs: 1_600_000_000_000 });
    }
  });

  test('of a folder that is not there, or leads outside, are none', async () => {
    expect(await gathered({}, ['absent'])).toEqual(new Map());
    expect(await gathered({}, ['share', 'out'])).toEqual(new Map());
    expect(await gathered({ deny: [join(root, 'share')] })).toEqual(new Map());
  });

  test('leave out what is denied, folder or file', async () => {
    const found = await gathered({ deny: [join(root, 'share/private'), join(root, 'share/a')] });
    expect([...found.keys()].filter((path) => /private|\/a$|link/.test(path))).toEqual([]);
    expect(found.has('name/deep/c')).toBe(true);
  });
});

describe('descriptors', () => {
  test('are closed when a member is passed over, read in part, or is the last', async () => {
    for await (const member of members()) {
      if (member.kind !== 'file' || member.path.endsWith('c')) continue;
      await member.content[Symbol.asyncIterator]().next();
    }
    await expect.poll(openFiles).toBe(0);
  });

  test('are closed when the reader leaves', async () => {
    const reader = members();
    for (let next = await reader.next(); next.done !== true; next = await reader.next()) {
      if (next.value.kind === 'file') break;
    }
    expect(openFiles()).toBe(1);
    await reader.return();
    await expect.poll(openFiles).toBe(0);
  });

  test('are none before the first member is asked for', async () => {
    const unread = members();
    expect(openFiles()).toBe(0);
    await unread.return();
  });
});
