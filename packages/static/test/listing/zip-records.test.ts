// The records of an archive at the boundaries of 16 and 32 bits, read by Python's zipfile from a file that is nearly all hole.

import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32, deflateRawSync } from 'node:zlib';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  centralHeader,
  dataDescriptor,
  endRecords,
  isLargeFile,
  localHeader,
  type Written,
} from '../../src/listing/zip-records.ts';

/** Without Python tests are skipped; with `CI` set it has to be there. */
const lacksPython = process.env['CI'] === undefined && spawnSync('python3', ['--version']).status !== 0;

const MODIFIED_MS = Date.UTC(2024, 1, 29, 23, 59, 58);
const CONTENT = Buffer.from('what is in the file, and again what is in the file');

interface Piece {
  readonly at: number;
  readonly bytes: Uint8Array;
}

/** A file with these pieces at their places and holes in between. */
function sparseFile(pieces: readonly Piece[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'onezero-zip-records-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'a.zip');
  const file = openSync(path, 'w');
  for (const { at, bytes } of pieces) writeSync(file, bytes, 0, bytes.length, at);
  closeSync(file);
  return path;
}

const LIST = `
import json, sys, zipfile
def listed(path):
    with zipfile.ZipFile(path) as archive:
        return [[i.filename, i.file_size, i.compress_size, i.header_offset, i.CRC, i.extract_version, i.external_attr >> 16,
            list(i.date_time), archive.read(i).decode() if i.file_size < 1000 else None] for i in archive.infolist()]
print(json.dumps([listed(path) for path in sys.argv[1:]]))
`;

/** The members of each archive: name, sizes, place, sum, version, mode, time, and the content of a small one. */
function listed(...paths: readonly string[]): readonly (readonly (readonly unknown[])[])[] {
  return JSON.parse(execFileSync('python3', ['-c', LIST, ...paths], { encoding: 'utf8' })) as never;
}

/** The pieces of one small file whose record stands at an offset. */
function smallFile(name: string, offset: number): { pieces: readonly Piece[]; written: Written; end: number } {
  const packed = deflateRawSync(CONTENT);
  const sums = { crc: crc32(CONTENT), bytes: CONTENT.length, packedBytes: packed.length };
  const head = { name: Buffer.from(name), isDirectory: false, modifiedMs: MODIFIED_MS };
  const bytes = Buffer.concat([localHeader({ ...head, isLarge: false }), packed, dataDescriptor(sums, false)]);
  return { pieces: [{ at: offset, bytes }], written: { ...head, ...sums, offset }, end: offset + bytes.length };
}

/** The directory of these members at an offset, and what follows it. */
function ending(members: readonly Written[], at: number): Piece {
  const directory = Buffer.concat(members.map(centralHeader));
  return { at, bytes: Buffer.concat([directory, endRecords(members.length, directory.length, at)]) };
}

describe.skipIf(lacksPython)('a member', () => {
  test('is found and read wherever it stands', () => {
    const offsets = [0, 0xffff_fffe, 0xffff_ffff, 0x1_0000_0000, 5_000_000_000];
    const files = offsets.map((offset) => smallFile('a/ü.txt', offset));
    const paths = files.map(({ pieces, written, end }) => sparseFile([...pieces, ending([written], end)]));
    const time = [2024, 2, 29, 23, 59, 58];
    expect(listed(...paths)).toEqual(
      files.map(({ written: { crc, packedBytes, offset } }) => {
        const version = offset >= 0xffff_ffff ? 45 : 20;
        return [['a/ü.txt', 50, packedBytes, offset, crc, version, 0o100644, time, CONTENT.toString()]];
      }),
    );
  });

  test('says how long it is, however long', () => {
    const sizes = [
      [4_000_000_000, 3_999_000_000],
      [4_000_000_001, 4_001_000_000],
      [0xffff_ffff, 0xffff_ffff],
      [0x1_0000_0000, 12],
      [7_000_000_000_000, 6_000_000_000_000],
    ] as const;
    const members = [0, 5_000_000_000].flatMap((offset) =>
      sizes.map(([bytes, packedBytes]) => {
        const head = { name: Buffer.from('large.bin'), isDirectory: false, modifiedMs: MODIFIED_MS };
        return { ...head, offset, crc: 1, bytes, packedBytes };
      }),
    );
    const paths = members.map((member) => {
      const local = localHeader({ ...member, isLarge: isLargeFile(member.bytes) });
      return sparseFile([{ at: member.offset, bytes: local }, ending([member], member.offset + 100)]);
    });
    expect(listed(...paths).map((all) => all[0]?.slice(0, 4))).toEqual(
      members.map(({ bytes, packedBytes, offset }) => ['large.bin', bytes, packedBytes, offset]),
    );
  });

  test('that is a folder is one to every system', () => {
    const head = { name: Buffer.from('folder/'), isDirectory: true, modifiedMs: MODIFIED_MS };
    const written = { ...head, offset: 0, crc: 0, bytes: 0, packedBytes: 0 };
    const local = localHeader({ ...head, isLarge: false });
    const path = sparseFile([{ at: 0, bytes: local }, ending([written], local.length)]);
    expect(listed(path)[0]).toEqual([['folder/', 0, 0, 0, 0, 20, 0o40755, [2024, 2, 29, 23, 59, 58], '']]);
    // The mark of a folder for DOS.
    expect(centralHeader(written).readUInt8(38) & 0x10).toBe(0x10);
  });

  test('that is large has descriptor and local sizes of 64 bits', () => {
    const sums = { crc: 0xdead_beef, bytes: 0x1_2345_6789, packedBytes: 0x1_0000_0001 };
    const wide = dataDescriptor(sums, true);
    expect([wide.length, wide.readUInt32LE(4)]).toEqual([24, 0xdead_beef]);
    expect([wide.readBigUInt64LE(8), wide.readBigUInt64LE(16)]).toEqual([0x1_0000_0001n, 0x1_2345_6789n]);
    expect(dataDescriptor({ crc: 1, bytes: 2, packedBytes: 3 }, false)).toHaveLength(16);
    const local = localHeader({ name: Buffer.from('n'), isDirectory: false, modifiedMs: 0, isLarge: true });
    expect([local.readUInt16LE(4), local.readUInt32LE(18), local.readUInt32LE(22)]).toEqual([
      45, 0xffff_ffff, 0xffff_ffff,
    ]);
  });
});

describe.skipIf(lacksPython)('a time', () => {
  test('is that of the file in steps of two seconds, as far as DOS can say it', () => {
    const times: readonly (readonly [modifiedMs: number, date: readonly number[]])[] = [
      [Date.UTC(1980, 0, 1), [1980, 1, 1, 0, 0, 0]],
      [Date.UTC(1975, 5, 5), [1980, 1, 1, 0, 0, 0]],
      [-1, [1980, 1, 1, 0, 0, 0]],
      [Date.UTC(2001, 11, 31, 12, 34, 57, 999), [2001, 12, 31, 12, 34, 56]],
      [Date.UTC(2040, 6, 7, 8, 9, 10), [2040, 7, 7, 8, 9, 10]],
      [Date.UTC(2107, 11, 31, 23, 59, 58), [2107, 12, 31, 23, 59, 58]],
    ];
    const members: Written[] = [];
    const locals: Piece[] = [];
    let at = 0;
    for (const [modifiedMs] of times) {
      const head = { name: Buffer.from('n/'), isDirectory: true, modifiedMs };
      const bytes = localHeader({ ...head, isLarge: false });
      members.push({ ...head, offset: at, crc: 0, bytes: 0, packedBytes: 0 });
      locals.push({ at, bytes });
      at += bytes.length;
    }
    expect(listed(sparseFile([...locals, ending(members, at)]))[0]?.map((one) => one[7])).toEqual(
      times.map(([, date]) => date),
    );
  });

  test('is there as Unix has it, where Unix has 32 bits for it', () => {
    const extraOf = (modifiedMs: number): Buffer => {
      const head = localHeader({ name: Buffer.from('n'), isDirectory: false, modifiedMs, isLarge: false });
      return head.subarray(31);
    };
    for (const seconds of [0, 1, 1_700_000_001, 0x7fff_ffff]) {
      expect(extraOf(seconds * 1000 + 999).readInt32LE(5)).toBe(seconds);
    }
    // A time beyond is left to DOS: readers would put the Unix one above it.
    expect(extraOf(Date.UTC(2040, 0, 1))).toHaveLength(0);
    expect(extraOf(-1000).readInt32LE(5)).toBe(-1);
  });
});

describe.skipIf(lacksPython)('the end of an archive', () => {
  test.each([
    [0, 0, 0, false],
    [65_534, 1000, 1000, false],
    [65_535, 1000, 1000, true],
    [70_000, 1000, 1000, true],
    [1, 0xffff_fffe, 0, false],
    [1, 0xffff_ffff, 0, true],
    [1, 10, 0xffff_fffe, false],
    [1, 10, 0xffff_ffff, true],
  ])('with %i members, %i bytes of directory at %i, is of 64 bits: %s', (count, bytes, at, isWide) => {
    const end = endRecords(count, bytes, at);
    expect(end.length).toBe(isWide ? 56 + 20 + 22 : 22);
    const last = end.subarray(-22);
    expect(last.readUInt16LE(10)).toBe(Math.min(count, 0xffff));
    expect([last.readUInt32LE(12), last.readUInt32LE(16)]).toEqual([
      Math.min(bytes, 0xffff_ffff),
      Math.min(at, 0xffff_ffff),
    ]);
    if (!isWide) return;
    expect([end.readBigUInt64LE(32), end.readBigUInt64LE(40), end.readBigUInt64LE(48)]).toEqual(
      [count, bytes, at].map(BigInt),
    );
    // The locator points at the record, which follows the directory.
    expect(end.readBigUInt64LE(56 + 8)).toBe(BigInt(at + bytes));
  });

  test('of nothing is an archive too', () => {
    expect(listed(sparseFile([ending([], 0)]))).toEqual([[]]);
  });

  test('lists several members in their order, near and far', () => {
    const members = [smallFile('near', 0), smallFile('far', 4_294_967_400), smallFile('farther', 6_000_000_000)];
    const end = members.at(-1)?.end ?? 0;
    const path = sparseFile([
      ...members.flatMap(({ pieces }) => pieces),
      ending(
        members.map(({ written }) => written),
        end,
      ),
    ]);
    expect(listed(path)[0]?.map(([name, , , , , , , , content]) => [name, content])).toEqual(
      ['near', 'far', 'farther'].map((name) => [name, CONTENT.toString()]),
    );
  });
});
