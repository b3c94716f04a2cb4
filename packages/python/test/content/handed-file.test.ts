import { closeSync, fstatSync, ftruncateSync, mkdtempSync, openSync, readdirSync, rmSync, statSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs'; // prettier-ignore
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { MAX_REMEMBERED_BYTES, recall, remember } from '../../src/content/file-memory.ts';
import { HandedFile, takeFile } from '../../src/content/handed-file.ts';
import type { FileOffer } from '../../src/content/handed-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'onezero-handed-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const openDescriptors = (): number => readdirSync('/proc/self/fd').length;
let made = 0;

interface Made {
  readonly descriptor: number;
  readonly bytes: Buffer;
  readonly offer: (changes?: Partial<FileOffer>) => FileOffer;
}

/** A file that this process has open, as a worker would, and offers of it. It has rested since 1970 unless said otherwise. */
function make(length: number, changed = 0n): Made {
  const name = join(folder, String(made++));
  const bytes = Buffer.alloc(
    length,
    `${made} bytes that say where they belong; 251 is no power of two`.padEnd(251, '.'),
  );
  writeFileSync(name, bytes);
  const descriptor = openSync(name, 'r+');
  const key = name;
  const state = fstatSync(descriptor, { bigint: true });
  const offer: Made['offer'] = (changes = {}) => ({
    descriptor,
    offset: 0,
    length,
    size: length,
    changed,
    inode: state.ino,
    device: state.dev,
    key,
    ...changes,
  });
  return { descriptor, bytes, offer };
}

async function read(file: HandedFile): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for (let piece = await file.next(); piece !== undefined; piece = await file.next()) pieces.push(Buffer.from(piece));
  file.close(true);
  return Buffer.concat(pieces);
}

describe('HandedFile', () => {
  test.each([
    [0, 0],
    [0, 1],
    [5, 10],
    [0, 0x40000],
    [1, 0x40000],
    [0, 0x40001],
    [0, 0x100000],
    [7, 0x100000],
    [0, 0x100001],
    [0x100001, 0x200000],
  ])('gives the bytes from %i on, %i of them', async (offset, length) => {
    const { descriptor, bytes, offer } = make(offset + length + 3);
    const file = HandedFile.open(process.pid, offer({ offset, length })) as HandedFile;
    // The worker closes its own when it likes.
    closeSync(descriptor);
    expect((await read(file)).equals(bytes.subarray(offset, offset + length))).toBe(true);
  });

  test('reads a file that has no name any more', async () => {
    const { descriptor, bytes, offer } = make(100);
    unlinkSync(offer().key);
    const file = HandedFile.open(process.pid, offer()) as HandedFile;
    expect((await read(file)).equals(bytes)).toBe(true);
    closeSync(descriptor);
  });

  test('fails where the file became shorter', async () => {
    const { descriptor, offer } = make(100);
    const file = HandedFile.open(process.pid, offer({ size: 200, length: 200 })) as HandedFile;
    ftruncateSync(descriptor, 50);
    expect((await file.next())?.length).toBe(50);
    await expect(file.next()).rejects.toThrow('became shorter');
    file.close();
    closeSync(descriptor);
  });

  test.each([
    ['no such descriptor', process.pid, 9999],
    ['no such process', 2 ** 30, 0],
  ])('is not there for %s', (_, pid, descriptor) => {
    expect(HandedFile.open(pid, make(1).offer({ descriptor }))).toBeUndefined();
  });

  test.each(['/dev/null', '/proc/self', tmpdir()])('is not there for %s, which is no regular file', (path) => {
    const descriptor = openSync(path, 'r');
    const before = openDescriptors();
    expect(HandedFile.open(process.pid, make(0).offer({ descriptor }))).toBeUndefined();
    // `make` has opened one of its own.
    expect(openDescriptors()).toBe(before + 1);
    closeSync(descriptor);
  });

  test('is not there for another file than the one that is offered', () => {
    const [one, other] = [make(100), make(100)];
    const before = openDescriptors();
    expect(HandedFile.open(process.pid, one.offer({ descriptor: other.descriptor }))).toBeUndefined();
    expect(openDescriptors()).toBe(before);
    for (const { descriptor } of [one, other]) closeSync(descriptor);
  });

  test('closes once, also while it is read, and is at its end then', async () => {
    const { descriptor, offer } = make(3_000_000);
    const before = openDescriptors();
    const file = HandedFile.open(process.pid, offer()) as HandedFile;
    const reading = file.next();
    file.close();
    file.close();
    expect((await reading)?.length).toBeGreaterThan(0);
    expect(await file.next()).toBeUndefined();
    expect(openDescriptors()).toBeLessThanOrEqual(before);
    closeSync(descriptor);
  });

  test('keeps what each of many readers got apart', async () => {
    const files = Array.from({ length: 20 }, () => make(1_200_000));
    const handed = files.map(({ offer }) => HandedFile.open(process.pid, offer()) as HandedFile);
    const contents = await Promise.all(handed.map(read));
    for (const [index, content] of contents.entries()) expect(content.equals((files[index] as Made).bytes)).toBe(true);
    for (const { descriptor } of files) closeSync(descriptor);
  });
});

describe('takeFile', () => {
  test('has a whole file that has rested in memory the second time', async () => {
    const { descriptor, bytes, offer } = make(1000);
    expect((await read(takeFile(process.pid, offer()) as HandedFile)).equals(bytes)).toBe(true);
    closeSync(descriptor);
    expect(takeFile(process.pid, offer())).toEqual(bytes);
    expect(takeFile(process.pid, offer({ length: 999 }))).toBeUndefined();
    expect(takeFile(process.pid, offer({ key: 'another state' }))).toBeUndefined();
  });

  test('keeps no part of a file', async () => {
    const { descriptor, offer } = make(1000);
    await read(takeFile(process.pid, offer({ length: 500 })) as HandedFile);
    await read(takeFile(process.pid, offer({ offset: 500, length: 500 })) as HandedFile);
    expect(takeFile(process.pid, offer())).toBeInstanceOf(HandedFile);
    closeSync(descriptor);
  });

  test('keeps no file that changed a moment ago, which may change again without a new time', async () => {
    const { descriptor, offer } = make(1000, BigInt(Date.now()) * 1_000_000n);
    await read(takeFile(process.pid, offer()) as HandedFile);
    expect(recall(offer().key)).toBeUndefined();
    closeSync(descriptor);
  });

  test('keeps no file that is long', async () => {
    const { descriptor, offer } = make(MAX_REMEMBERED_BYTES + 1);
    await read(takeFile(process.pid, offer()) as HandedFile);
    expect(recall(offer().key)).toBeUndefined();
    closeSync(descriptor);
    utimesSync(offer().key, 1, 1);
    expect(statSync(offer().key).size).toBe(MAX_REMEMBERED_BYTES + 1);
  });
});

describe('remember', () => {
  const file = (key: string, size: number): Parameters<typeof remember>[0] => ({ key, size, changed: 0n });

  test('takes only what is as long as it should be', () => {
    remember(file('short', 5), Buffer.from('1234'));
    remember(file('exact', 4), Buffer.from('1234'));
    expect([recall('short'), recall('exact')]).toEqual([undefined, Buffer.from('1234')]);
  });

  test('keeps the first of two', () => {
    remember(file('twice', 3), Buffer.from('one'));
    remember(file('twice', 3), Buffer.from('two'));
    expect(recall('twice')?.toString()).toBe('one');
  });

  test('forgets what was used longest ago beyond 32 MiB', () => {
    const mebibyte = Buffer.alloc(MAX_REMEMBERED_BYTES);
    for (let index = 0; index < 32; index++) remember(file(`large ${index}`, mebibyte.length), mebibyte);
    expect(recall('large 0')).toBe(mebibyte);
    remember(file('one more', mebibyte.length), mebibyte);
    // By identity: comparing their bytes would take seconds.
    const isKept = (key: string): boolean => recall(key) === mebibyte;
    expect(['large 0', 'large 1', 'one more'].map(isKept)).toEqual([true, false, true]);
    const kept = Array.from({ length: 32 }, (_, index) => recall(`large ${index}`)).filter(
      (bytes) => bytes !== undefined,
    );
    expect(kept).toHaveLength(31);
  });
});
