// Repr-Digest and Content-Digest of responses, against what the client can compute itself.

import { createHash } from 'node:crypto';
import { statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as passed } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { wantedDigests } from '../src/http/want-digest.ts';
import { serveStatic, type StaticResponder, type StaticResponse } from '../src/index.ts';
import { makeSite, type Site } from './site.ts';

let site: Site;
const text = Buffer.from('compressible text '.repeat(500));
const large = Buffer.alloc(5_000_000, 'large and larger ');
const HUGE = 200 * 1024 * 1024;

beforeAll(async () => {
  site = makeSite();
  writeFileSync(join(site.root, 'text.txt'), text);
  writeFileSync(join(site.root, 'large.bin'), large);
  writeFileSync(join(site.root, 'stored.js'), text);
  writeFileSync(join(site.root, 'stored.js.gz'), gzipSync(text));
  writeFileSync(join(site.root, 'huge.bin'), '');
  truncateSync(join(site.root, 'huge.bin'), HUGE);
  while (Date.now() - statSync(join(site.root, 'huge.bin')).ctimeMs < 40) await passed(5);
});
afterAll(() => site.remove());

const digest = (bytes: Uint8Array, name = 'sha-256'): string =>
  `${name}=:${createHash(name.replace('-', '')).update(bytes).digest('base64')}:`;

async function contentOf({ content }: StaticResponse): Promise<Buffer> {
  if (content === undefined) return Buffer.alloc(0);
  if (content instanceof Uint8Array) return Buffer.from(content);
  const pieces: Buffer[] = [];
  for await (const piece of content) pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces);
}

interface Seen {
  readonly status: number;
  readonly repr: string | undefined;
  readonly content: string | undefined;
  readonly bytes: Buffer;
}

async function ask(
  respond: StaticResponder,
  pathInfo: string,
  fields: Readonly<Record<string, string>>,
  method = 'GET',
): Promise<Seen> {
  const response = await respond({ method, pathInfo, fields: Object.entries(fields) });
  const field = (wanted: string): string | undefined => response.fields.find(([name]) => name === wanted)?.[1];
  const [repr, content] = [field('repr-digest'), field('content-digest')];
  return { status: response.status, repr, content, bytes: await contentOf(response) };
}

const both = { 'want-repr-digest': 'sha-256=1', 'want-content-digest': 'sha-256=1' };

describe('what a client wants', () => {
  test.each([
    ['sha-256=1', ['sha-256']],
    ['sha-512=3, sha-256=10, unixsum=0', ['sha-256', 'sha-512']],
    ['sha-512=10,sha-256=10', ['sha-256', 'sha-512']],
    ['sha-512=10 , sha-256=0', ['sha-512']],
    ['sha-256=1;q=1', ['sha-256']],
    ['sha-256=0, sha-256=2', ['sha-256']],
    ['md5=10', []],
    ['sha-256=11', []],
    ['sha-256=-1', []],
    ['sha-256', []],
    ['sha-256=1.5', []],
    ['sha-256=1,', []],
    ['SHA-256=1', []],
    ['constructor=5', []],
    ['', []],
  ])('%s', (value, expected) => {
    expect(wantedDigests(value)).toEqual(expected);
  });
});

describe('digests of a response', () => {
  test('are there only if they are wanted', async () => {
    const respond = serveStatic(site.root);
    expect(await ask(respond, '/text.txt', {})).toMatchObject({ repr: undefined, content: undefined });
    expect(await ask(respond, '/text.txt', { 'want-repr-digest': 'sha-512=1' })).toMatchObject({
      repr: digest(text, 'sha-512'),
      content: undefined,
    });
    const plain = await respond({ method: 'GET', pathInfo: '/text.txt', fields: [] });
    expect(plain.fields.map(([name]) => name)).not.toContain('repr-digest');
  });

  test.each(['/text.txt', '/large.bin'])('are of the whole, and of what is sent: %s', async (path) => {
    const whole = path === '/text.txt' ? text : large;
    const respond = serveStatic(site.root);
    expect(await ask(respond, path, both)).toMatchObject({ repr: digest(whole), content: digest(whole) });
    expect(await ask(respond, path, both, 'HEAD')).toMatchObject({ repr: digest(whole), content: undefined });
    for (const range of ['bytes=0-9', 'bytes=-100', 'bytes=5-20,100-200', 'bytes=7-']) {
      const part = await ask(respond, path, { ...both, range });
      expect(part).toMatchObject({ status: 206, repr: digest(whole) });
      // Of a part that is not read in one piece nobody knows the digest beforehand.
      expect(part.content).toBe(part.bytes.length > 1024 * 1024 ? undefined : digest(part.bytes));
    }
  });

  test.each(['/text.txt', '/stored.js'])('are of the coding that is sent: %s', async (path) => {
    const respond = serveStatic(site.root);
    const coded = await ask(respond, path, { ...both, 'accept-encoding': 'gzip' });
    expect(coded.bytes.length).toBeLessThan(text.length);
    expect(coded).toMatchObject({ repr: digest(coded.bytes), content: digest(coded.bytes) });
  });

  test('are not in what is no representation of the file', async () => {
    const respond = serveStatic(site.root);
    for (const fields of [{ 'if-none-match': '*' }, { 'if-match': '"x"' }, { range: 'bytes=9999999-' }]) {
      const { status, repr, content } = await ask(respond, '/text.txt', { ...both, ...fields });
      expect([304, 412, 416]).toContain(status);
      expect([repr, content]).toEqual([undefined, undefined]);
    }
  });

  test('never delay the first byte of a very large file, and come once it has passed', async () => {
    const respond = serveStatic(site.root);
    const first = await ask(respond, '/huge.bin', both);
    expect(first).toMatchObject({ status: 200, repr: undefined });
    expect(await ask(respond, '/huge.bin', { ...both, range: 'bytes=0-0' })).toMatchObject({
      repr: digest(first.bytes),
      content: digest(Buffer.alloc(1)),
    });
    // HEAD has no first byte.
    expect((await ask(serveStatic(site.root), '/huge.bin', both, 'HEAD')).repr).toBe(digest(first.bytes));
  });

  test('follow a file that changes', async () => {
    const path = join(site.root, 'changing.bin');
    const respond = serveStatic(site.root);
    for (const letter of ['a', 'b', 'c']) {
      const bytes = Buffer.alloc(3_000_000, letter);
      writeFileSync(path, bytes);
      while (Date.now() - statSync(path).ctimeMs < 40) await passed(5);
      expect(await ask(respond, '/changing.bin', both)).toMatchObject({ repr: digest(bytes), content: digest(bytes) });
    }
  });
});
