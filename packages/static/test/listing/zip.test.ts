// The zip archive of a folder, read by unzip and by Python's zipfile.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { zipOf } from '../../src/listing/zip.ts';
import type { Member } from '../../src/listing/members.ts';
import { serveStatic } from '../../src/serve-static.ts';

const hasPython = spawnSync('python3', ['--version'], { stdio: 'ignore' }).error === undefined;
const hasUnzip = spawnSync('unzip', ['-v'], { stdio: 'ignore' }).error === undefined;
const isCi = process.env['CI'] !== undefined;

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'onezero-zip-test-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

async function collect(content: unknown): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of content as AsyncIterable<Uint8Array>) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

const LIST = `
import json, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as archive:
    assert archive.testzip() is None
    print(json.dumps([[info.filename, info.file_size, list(info.date_time)] for info in archive.infolist()]))
`;

function listed(bytes: Buffer): readonly (readonly [name: string, bytes: number, time: readonly number[]])[] {
  const file = join(folder(), 'a.zip');
  writeFileSync(file, bytes);
  return JSON.parse(execFileSync('python3', ['-c', LIST, file], { encoding: 'utf8' })) as never;
}

test.skipIf(!hasPython && !isCi)('a name with a backslash gets one that none of its neighbours has', async () => {
  const root = folder();
  for (const name of ['a\\b', 'a_b', '_a_b', 'd\\e/a\\b', 'd_e/f']) {
    mkdirSync(join(root, 'share', name, '..'), { recursive: true });
    writeFileSync(join(root, 'share', name), name);
  }
  const respond = serveStatic(root, { listing: { archives: true } });
  const { content } = await respond({ method: 'GET', pathInfo: '/share/', query: 'format=zip', fields: [] });
  const names = listed(await collect(content)).map(([name]) => name);
  expect(names.toSorted()).toEqual([
    'share/',
    'share/__a_b',
    'share/_a_b',
    'share/_d_e/',
    'share/_d_e/a_b',
    'share/a_b',
    'share/d_e/',
    'share/d_e/f',
  ]);
});

const NAMES = [
  'a.txt',
  'naïve – 日本 😀.txt',
  'with space/deep/b.bin',
  "quote's.txt",
  `${'long'.repeat(60)}.txt`,
  'photo.jpg',
];

function tree(): string {
  const root = folder();
  for (const [index, name] of NAMES.entries()) {
    mkdirSync(join(root, 'share', name, '..'), { recursive: true });
    writeFileSync(join(root, 'share', name), Buffer.alloc(index * 100_000, `${name} `));
    utimesSync(join(root, 'share', name), 1_700_000_000, 1_700_000_000);
  }
  writeFileSync(join(root, 'share/.hidden'), 'x');
  writeFileSync(join(root, 'share/secret.key'), 'x');
  writeFileSync(join(root, 'outside.txt'), 'x');
  symlinkSync('/etc', join(root, 'share/link'));
  return root;
}

describe.skipIf(!hasPython && !isCi)('the zip archive of a folder', () => {
  test('holds what visitors can get, by its names, times and bytes', async () => {
    const root = tree();
    const respond = serveStatic(root, { listing: { archives: true }, hide: ['*.key'] });
    const { status, fields, content } = await respond({
      method: 'GET',
      pathInfo: '/share/',
      query: 'format=zip',
      fields: [],
    });
    expect(status).toBe(200);
    expect(fields).toContainEqual(['content-type', 'application/zip']);
    expect(fields).toContainEqual(['content-disposition', "attachment; filename*=UTF-8''share.zip"]);
    const bytes = await collect(content);
    const files = listed(bytes).filter(([name]) => !name.endsWith('/'));
    expect(files.map(([name]) => name).toSorted()).toEqual(NAMES.map((name) => `share/${name}`).toSorted());
    for (const [name, length, time] of files) {
      expect(length).toBe(NAMES.indexOf(name.slice('share/'.length)) * 100_000);
      expect(time).toEqual([2023, 11, 14, 22, 13, 20]);
    }
  });

  test.skipIf(!hasUnzip && !isCi)('is unpacked by unzip to the same files', async () => {
    const root = tree();
    const respond = serveStatic(root, { listing: { archives: true }, hide: ['*.key'] });
    const { content } = await respond({ method: 'GET', pathInfo: '/share/', query: 'format=zip', fields: [] });
    const to = folder();
    writeFileSync(join(to, 'a.zip'), await collect(content));
    execFileSync('unzip', ['-q', 'a.zip'], { cwd: to, env: { ...process.env, LC_ALL: 'C.UTF-8' } });
    const different = spawnSync('diff', ['-rq', join(root, 'share'), join(to, 'share')], { encoding: 'utf8' }).stdout;
    expect(different.split('\n').filter((line) => !/\.hidden|secret\.key|link|^$/.test(line))).toEqual([]);
  });

  test('has more than 65,535 members where a folder has', async () => {
    async function* many(): AsyncGenerator<Member> {
      for (let index = 0; index < 66_000; index++) yield { kind: 'directory', path: `${index}/`, modifiedMs: 0 };
    }
    const file = join(folder(), 'a.zip');
    writeFileSync(file, await collect(zipOf(many())));
    const count = 'import sys, zipfile; print(len(zipfile.ZipFile(sys.argv[1]).infolist()))';
    expect(execFileSync('python3', ['-c', count, file], { encoding: 'utf8' })).toBe('66000\n');
  });

  test('keeps to its own folder on Windows too', async () => {
    async function* odd(): AsyncGenerator<Member> {
      yield { kind: 'file', path: 'share/..\\..\\x', modifiedMs: 0, bytes: 0, content: (async function* () {})() };
    }
    expect(listed(await collect(zipOf(odd())))[0]?.[0]).toBe('share/.._.._x');
  });

  test('breaks off where reading a file does', async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('a');
      throw new Error('disk');
    }
    async function* one(): AsyncGenerator<Member> {
      yield { kind: 'file', path: 'a', modifiedMs: 0, bytes: 2, content: broken() };
    }
    await expect(collect(zipOf(one()))).rejects.toThrow('disk');
  });
});
