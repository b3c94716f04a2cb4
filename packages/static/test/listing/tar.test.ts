// The records of a tar archive, read by GNU tar and by Python's tarfile: names and sizes at the boundaries of their fields.

import { execFileSync, spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Member } from '../../src/listing/members.ts';
import { tarOf } from '../../src/listing/tar.ts';

/** Without Python tests are skipped; with `CI` set it has to be there. */
const lacksPython = process.env['CI'] === undefined && spawnSync('python3', ['--version']).status !== 0;

async function* chunks(...parts: readonly string[]): AsyncGenerator<Uint8Array, void> {
  for (const part of parts) yield Buffer.from(part);
}

const file = (path: string, text = '', modifiedMs = 1_700_000_000_000): Member => ({
  kind: 'file',
  path,
  modifiedMs,
  bytes: Buffer.byteLength(text),
  content: chunks(text),
});

async function archive(...members: readonly Member[]): Promise<Buffer> {
  async function* all(): AsyncGenerator<Member, void> {
    yield* members;
  }
  const parts: Uint8Array[] = [];
  for await (const part of tarOf(all())) parts.push(part);
  return Buffer.concat(parts);
}

const PYTHON = `
import io, json, sys, tarfile
with tarfile.open(fileobj=io.BytesIO(sys.stdin.buffer.read())) as archive:
    print(json.dumps([[m.name, m.size, m.mtime, m.mode, m.type.decode(), archive.extractfile(m).read().decode() if m.isfile() else None] for m in archive]))
`;

/** Name, size, time, mode, type and content of each member. */
function members(bytes: Buffer): readonly (readonly unknown[])[] {
  return JSON.parse(execFileSync('python3', ['-c', PYTHON], { input: bytes, encoding: 'utf8' })) as never;
}

describe.skipIf(lacksPython)('a member', () => {
  test('has the name that it was given, however long and whatever is in it', async () => {
    const lengths = [1, 99, 100, 101, 155, 156, 255, 256, 257, 1000, 4000];
    // The length of a pax record counts itself: with these it grows by a digit.
    const around = Array.from({ length: 12 }, (_, extra) => 80 + extra).concat([980, 985, 986, 987, 990, 991, 992]);
    const names = [
      ...lengths.map((length) => 'n'.repeat(length)),
      ...around.map((length) => `ü${'u'.repeat(length)}`),
      'a/b/c',
      'with\nline',
      'a=b',
      '100 path=x\n',
      'ö'.repeat(50),
      '日本/語',
      '😀',
      ' leading and trailing ',
      'del\x7f',
    ];
    const bytes = await archive(...names.map((name) => file(name, name.slice(0, 3))));
    expect(members(bytes).map(([name, , , , , content]) => [name, content])).toEqual(
      names.map((name) => [name, name.slice(0, 3)]),
    );
  });

  test('has its time in whole seconds, none before 1970', async () => {
    const times = [0, 999, 1000, 1_700_000_000_999, -1, -5_000_000, 4_102_444_800_000, 8 ** 11 * 1000];
    const found = members(await archive(...times.map((time, index) => file(`f${index}`, '', time))));
    const expected = times.map((time) => Math.min(Math.max(0, Math.floor(time / 1000)), 8 ** 11 - 1));
    expect(found.map((one) => one[2])).toEqual(expected);
  });

  test('is a folder or a file with the usual rights', async () => {
    const folder: Member = { kind: 'directory', path: 'f/', modifiedMs: 1_000_000 };
    const deep: Member = { kind: 'directory', path: `${'d'.repeat(150)}/`, modifiedMs: 1_000_000 };
    expect(members(await archive(folder, file('f/a', 'text'), deep))).toEqual([
      ['f', 0, 1000, 0o755, '5', null],
      ['f/a', 4, 1_700_000_000, 0o644, '0', 'text'],
      ['d'.repeat(150), 0, 1000, 0o755, '5', null],
    ]);
  });

  test('is followed by the next at a multiple of 512 bytes, whatever its length', async () => {
    const lengths = [0, 1, 511, 512, 513, 1023, 1024, 1025];
    const bytes = await archive(...lengths.map((length, index) => file(`f${index}`, 'x'.repeat(length))), file('end'));
    expect(bytes.length % 512).toBe(0);
    expect(members(bytes).map((one) => one[1])).toEqual([...lengths, 0]);
  });

  test('is one whose content comes in several pieces', async () => {
    const pieces = ['one ', '', 'two ', 'x'.repeat(700)];
    const bytes = await archive({
      kind: 'file',
      path: 'a',
      modifiedMs: 0,
      bytes: Buffer.byteLength(pieces.join('')),
      content: chunks(...pieces),
    });
    expect(members(bytes)[0]?.[5]).toBe(pieces.join(''));
  });
});

/** The value of a field of the first block that has a type. */
function headOf(bytes: Buffer, type: string): { readonly at: number; field(start: number, length: number): string } {
  let at = 0;
  while (String.fromCodePoint(bytes[at + 156] ?? 0) !== type) at += 512;
  return { at, field: (start, length) => bytes.toString('latin1', at + start, at + start + length) };
}

describe('a file of more than eight gigabytes', () => {
  /** Only the head of such a member; its content would follow. */
  async function head(bytes: number): Promise<Buffer> {
    async function* one(): AsyncGenerator<Member, void> {
      yield { kind: 'file', path: 'large', modifiedMs: 0, bytes, content: chunks() };
    }
    const { value } = await tarOf(one()).next();
    return Buffer.from(value as Uint8Array);
  }

  test.each([0, 1, 8 ** 11 - 1])('of less has %i in octal digits', async (bytes) => {
    const made = await head(bytes);
    expect(made).toHaveLength(512);
    expect(Number.parseInt(headOf(made, '0').field(124, 11), 8)).toBe(bytes);
  });

  test.each([8 ** 11, 8 ** 11 + 1, 10 ** 13, Number.MAX_SAFE_INTEGER])(
    'has %i in a record of its own',
    async (bytes) => {
      const made = await head(bytes);
      const pax = headOf(made, 'x');
      const length = Number.parseInt(pax.field(124, 11), 8);
      const record = made.toString('utf8', pax.at + 512, pax.at + 512 + length);
      expect(record).toBe(`${record.length} size=${bytes}\n`);
    },
  );

  test.skipIf(lacksPython)('is one to others', async () => {
    const script =
      'import io, sys, tarfile; print(next(iter(tarfile.open(fileobj=io.BytesIO(sys.stdin.buffer.read())))).size)';
    for (const bytes of [8 ** 11 - 1, 8 ** 11, 10 ** 13]) {
      const size = execFileSync('python3', ['-c', script], { input: await head(bytes), encoding: 'utf8' });
      expect(size).toBe(`${bytes}\n`);
    }
  });
});

test('sums are those that tar checks, for any name', async () => {
  const names = fc.uniqueArray(
    fc.string({ minLength: 1, maxLength: 120 }).filter((name) => /^[^/\0\\]+$/.test(name)),
    {
      minLength: 1,
      maxLength: 40,
    },
  );
  await fc.assert(
    fc.asyncProperty(names, async (all) => {
      const bytes = await archive(...all.map((name) => file(name)));
      const listed = execFileSync('tar', ['--list', '--null', '--quoting-style=literal', '-f', '-'], {
        input: bytes,
        encoding: 'utf8',
      });
      expect(listed.split('\n').slice(0, -1).join('\n')).toBe(all.join('\n'));
    }),
    { numRuns: 5 },
  );
});

test('an archive of nothing is two empty blocks', async () => {
  expect((await archive()).equals(Buffer.alloc(1024))).toBe(true);
});

test('content that breaks off breaks the archive off', async () => {
  async function* broken(): AsyncGenerator<Uint8Array, void> {
    yield Buffer.from('a');
    throw new Error('disk');
  }
  const member: Member = { kind: 'file', path: 'a', modifiedMs: 0, bytes: 2, content: broken() };
  await expect(archive(member)).rejects.toThrow('disk');
});
