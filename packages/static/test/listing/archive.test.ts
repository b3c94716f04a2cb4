// The tar archive of a folder, read by tar and by Python's tarfile.

import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { serveStatic, type StaticOptions } from '../../src/index.ts';

let top: string;
let root: string;

beforeAll(() => {
  top = mkdtempSync(join(tmpdir(), 'onezero-archive-test-'));
  root = join(top, 'root');
  mkdirSync(join(root, 'folder/deep'), { recursive: true });
  mkdirSync(join(root, 'folder/empty'));
  writeFileSync(join(top, 'outside.txt'), 'OUTSIDE');
  const files: Readonly<Record<string, string>> = {
    'a.txt': 'a',
    'empty.bin': '',
    exactly512: 'x'.repeat(512),
    'one-more': 'y'.repeat(513),
    'deep/ä ö.txt': 'umlauts',
    'deep/new\nline': 'a line feed',
    [`deep/${'long'.repeat(50)}`]: 'a long name',
    '.hidden': 'HIDDEN',
    'secret.key': 'SECRET',
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(root, 'folder', name), text);
  utimesSync(join(root, 'folder/a.txt'), 1_600_000_000, 1_600_000_000);
  symlinkSync('a.txt', join(root, 'folder/link'));
  symlinkSync('..', join(root, 'folder/up'));
  symlinkSync('../../outside.txt', join(root, 'folder/out'));
});

afterAll(() => rmSync(top, { recursive: true }));

async function archive(options: StaticOptions = {}, pathInfo = '/folder/'): Promise<Buffer> {
  const respond = serveStatic(root, { listing: { archives: true }, ...options });
  const response = await respond({ method: 'GET', pathInfo, query: 'format=tar', fields: [] });
  expect(response.status).toBe(200);
  const chunks: Uint8Array[] = [];
  for await (const chunk of response.content as AsyncIterable<Uint8Array>) chunks.push(Uint8Array.from(chunk));
  return Buffer.concat(chunks);
}

function unpack(bytes: Buffer): string {
  const to = mkdtempSync(join(top, 'unpacked-'));
  writeFileSync(join(to, 'archive.tar'), bytes);
  execFileSync('tar', ['-xf', 'archive.tar'], { cwd: to, stdio: ['ignore', 'pipe', 'pipe'] });
  return to;
}

/** Without Python one test is skipped; with `CI` set it has to be there. */
const lacksPython = process.env['CI'] === undefined && spawnSync('python3', ['--version']).status !== 0;

const PYTHON = `
import json, sys, tarfile
with tarfile.open(sys.argv[1]) as archive:
    print(json.dumps([[member.name, member.size, int(member.mtime), member.type.decode()] for member in archive]))
`;

describe('the archive of a folder', () => {
  test('holds what a visitor gets file by file, and ends as tar wants it', async () => {
    const bytes = await archive({ deny: [join(root, 'folder/secret.key')] });
    expect(bytes.length % 512).toBe(0);
    expect(bytes.subarray(-1024).every((byte) => byte === 0)).toBe(true);
    const to = unpack(bytes);
    const read = (name: string): string => readFileSync(join(to, 'folder', name), 'utf8');
    expect(read('a.txt')).toBe('a');
    expect(read('empty.bin')).toBe('');
    expect(read('exactly512')).toBe('x'.repeat(512));
    expect(read('one-more')).toBe('y'.repeat(513));
    expect(read('deep/ä ö.txt')).toBe('umlauts');
    expect(read('deep/new\nline')).toBe('a line feed');
    expect(read(`deep/${'long'.repeat(50)}`)).toBe('a long name');
    expect(read('link')).toBe('a');
    expect(bytes.includes('HIDDEN') || bytes.includes('SECRET') || bytes.includes('OUTSIDE')).toBe(false);
  });

  test.skipIf(lacksPython)('says names, lengths and times to other readers too', async () => {
    const to = mkdtempSync(join(top, 'python-'));
    writeFileSync(join(to, 'a.tar'), await archive());
    const members: unknown = JSON.parse(
      execFileSync('python3', ['-c', PYTHON, join(to, 'a.tar')], { encoding: 'utf8' }),
    );
    expect(members).toContainEqual(['folder', 0, expect.any(Number), '5']);
    expect(members).toContainEqual(['folder/empty', 0, expect.any(Number), '5']);
    expect(members).toContainEqual(['folder/a.txt', 1, 1_600_000_000, '0']);
    expect(members).toContainEqual(['folder/deep/ä ö.txt', 7, expect.any(Number), '0']);
  });

  test('of the root has a name as well', async () => {
    const bytes = await archive({}, '/');
    const names = execFileSync('tar', ['-tf', '-'], { input: bytes, encoding: 'utf8' }).split('\n');
    expect(names.every((name) => !name.startsWith('/') && !name.includes('..'))).toBe(true);
    expect(names.some((name) => name.endsWith('/folder/a.txt'))).toBe(true);
  });

  test('leaves out what may not be read, and goes on', async () => {
    const locked = join(root, 'locked');
    mkdirSync(join(locked, 'inner'), { recursive: true });
    writeFileSync(join(locked, 'first'), 'first');
    writeFileSync(join(locked, 'second'), 'second');
    chmodSync(join(locked, 'first'), 0);
    const to = unpack(await archive({}, '/locked/'));
    expect(readFileSync(join(to, 'locked/second'), 'utf8')).toBe('second');
  });

  test('keeps any bytes of any name', async () => {
    const names = fc.uniqueArray(
      fc.string({ minLength: 1, maxLength: 40, unit: 'grapheme' }).filter((name) => /^[^/\0.]+$/.test(name)),
      { minLength: 1, maxLength: 6, selector: (name) => name.normalize() },
    );
    await fc.assert(
      fc.asyncProperty(names, fc.uint8Array({ maxLength: 1200 }), async (all, content) => {
        const folder = mkdtempSync(join(root, 'random-'));
        try {
          const usable = all.filter((name) => Buffer.byteLength(name) <= 255);
          for (const name of usable) writeFileSync(join(folder, name), content);
          const to = unpack(await archive({ dotfiles: 'allow' }, `${folder.slice(root.length)}/`));
          for (const name of usable) {
            expect(readFileSync(join(to, folder.slice(root.length), name)).equals(Buffer.from(content))).toBe(true);
          }
        } finally {
          rmSync(folder, { recursive: true });
        }
      }),
      { numRuns: 12 },
    );
  });
});
