import { closeSync, constants, existsSync, fstatSync, openSync, readlinkSync, readSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SpoolBudget, SpoolFile } from '../../src/spool/spool-file.ts';
import { openDescriptors } from '../mount.ts';

const unlimited = Number.POSITIVE_INFINITY;

/** A file that takes bytes and then fails as a full disk does: what it stands on is `/dev/full`. */
function onFullDisk(file: SpoolFile): SpoolFile {
  const full = openSync('/dev/full', constants.O_RDWR);
  closeSync(file.descriptor);
  Object.defineProperty(file, 'descriptor', { value: full });
  return file;
}

async function all(file: SpoolFile, most = 1000): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for (let position = 0; position < file.length;) {
    const piece = await file.read(position, most);
    pieces.push(piece);
    position += piece.length;
  }
  return Buffer.concat(pieces);
}

describe('SpoolBudget', () => {
  test.each<[number, readonly number[], readonly boolean[]]>([
    [10, [10, 1, 0], [true, false, true]],
    [10, [11, 10], [false, true]],
    [0, [0, 1], [true, false]],
    [unlimited, [1e15, 1e15, unlimited], [true, true, true]],
  ])('of %i gives %j as %j', (total, asked, given) => {
    const budget = new SpoolBudget(total);
    expect(asked.map((bytes) => budget.take(bytes))).toEqual(given);
  });

  test('gives again what came back, and no more', () => {
    const budget = new SpoolBudget(10);
    budget.take(6);
    budget.give(2);
    expect([budget.take(7), budget.take(6), budget.take(1)]).toEqual([false, true, false]);
  });
});

describe('SpoolFile', () => {
  test('has no name, and is readable by nobody else', () => {
    const file = new SpoolFile(new SpoolBudget(unlimited));
    const { nlink, mode, size } = fstatSync(file.descriptor);
    expect({ nlink, mode: mode & 0o777, size }).toEqual({ nlink: 0, mode: 0o600, size: 0 });
    // The name that it had is the system's to tell: the directory itself is full of those of others.
    const name = readlinkSync(`/proc/self/fd/${file.descriptor}`);
    expect(name).toMatch(/onezero-content-\S+ \(deleted\)$/);
    expect(existsSync(name.replace(' (deleted)', ''))).toBe(false);
    file.close();
  });

  test('throws where there is no directory for it, and leaves no descriptor', () => {
    const { TMPDIR } = process.env;
    const before = openDescriptors();
    process.env['TMPDIR'] = '/no/such/directory';
    try {
      expect(() => new SpoolFile(new SpoolBudget(1))).toThrow(expect.objectContaining({ code: 'ENOENT' }));
    } finally {
      if (TMPDIR === undefined) delete process.env['TMPDIR'];
      else process.env['TMPDIR'] = TMPDIR;
    }
    expect(openDescriptors()).toBeLessThanOrEqual(before);
  });

  test('gives back what was appended, from every position', async () => {
    const file = new SpoolFile(new SpoolBudget(unlimited));
    await file.append([Buffer.from('one'), Buffer.from(''), Buffer.from('two')]);
    file.appendNow([Buffer.from('three')]);
    const text = 'onetwothree';
    expect(file.length).toBe(text.length);
    for (let position = 0; position <= text.length; position++) {
      for (const most of [1, 4, 100]) {
        const piece = Buffer.from(await file.read(position, most));
        expect(piece.toString()).toBe(text.slice(position, position + most));
      }
    }
    file.close();
  });

  test('leaves its own offset at the start, for the program that gets it as input', async () => {
    const file = new SpoolFile(new SpoolBudget(unlimited));
    await file.append([Buffer.from('content')]);
    file.appendNow([Buffer.from(' more')]);
    await file.read(3, 2);
    const bytes = Buffer.alloc(20);
    expect(bytes.toString('latin1', 0, readSync(file.descriptor, bytes))).toBe('content more');
    file.close();
  });

  test('takes more pieces at once than the kernel takes in one call', async () => {
    const pieces = Array.from({ length: 3000 }, (_, index) => Buffer.from(`${index},`));
    const expected = Buffer.concat(pieces);
    const file = new SpoolFile(new SpoolBudget(unlimited));
    await file.append(pieces);
    expect((await all(file, 7000)).equals(expected)).toBe(true);
    file.rewind();
    file.appendNow(pieces);
    expect((await all(file, 7000)).equals(expected)).toBe(true);
    file.close();
  });

  test('starts anew after rewind, in the room it has', async () => {
    const budget = new SpoolBudget(10);
    const file = new SpoolFile(budget);
    expect(file.reserve(8)).toBe(true);
    await file.append([Buffer.from('12345678')]);
    file.rewind();
    expect(file.length).toBe(0);
    expect([file.reserve(8), budget.take(3)]).toEqual([true, false]);
    await file.append([Buffer.from('ab')]);
    expect((await all(file)).toString()).toBe('ab');
    expect(file.reserve(8)).toBe(true);
    expect(file.reserve(9)).toBe(false);
    file.close();
    expect(budget.take(10)).toBe(true);
  });

  test('gives its room back once', () => {
    const budget = new SpoolBudget(10);
    const file = new SpoolFile(budget);
    file.reserve(10);
    file.close();
    file.close();
    expect([budget.take(11), budget.take(10)]).toEqual([false, true]);
  });

  test('is empty to read after close', async () => {
    const file = new SpoolFile(new SpoolBudget(unlimited));
    await file.append([Buffer.from('x')]);
    file.close();
    expect(await file.read(0, 10)).toHaveLength(0);
  });

  test('outlives what is under way when it is closed, and goes then', async () => {
    const before = openDescriptors();
    const file = new SpoolFile(new SpoolBudget(unlimited));
    const writing = file.append([Buffer.alloc(1_000_000, 'x')]);
    file.close();
    await writing;
    const other = new SpoolFile(new SpoolBudget(unlimited));
    await other.append([Buffer.from('12345')]);
    const reading = other.read(0, 5);
    other.close();
    expect(Buffer.from(await reading).toString()).toBe('12345');
    await expect.poll(openDescriptors).toBe(before);
  });

  test('keeps its length where the disk is full', async () => {
    const file = onFullDisk(new SpoolFile(new SpoolBudget(unlimited)));
    await expect(file.append([Buffer.from('abc')])).rejects.toMatchObject({ code: 'ENOSPC' });
    expect(() => file.appendNow([Buffer.from('abc')])).toThrow(expect.objectContaining({ code: 'ENOSPC' }));
    expect(file.length).toBe(0);
    file.close();
  });

  test('closes a descriptor once also where a write has failed', async () => {
    const before = openDescriptors();
    const file = onFullDisk(new SpoolFile(new SpoolBudget(unlimited)));
    const failing = file.append([Buffer.from('abc')]);
    file.close();
    await expect(failing).rejects.toMatchObject({ code: 'ENOSPC' });
    await expect.poll(openDescriptors).toBe(before);
  });

  test('is a queue of bytes, whatever is appended, read and rewound', async () => {
    const action = fc.oneof(
      fc
        .array(fc.uint8Array({ maxLength: 20 }), { maxLength: 4 })
        .map((pieces) => ({ kind: 'append', pieces }) as const),
      fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 4 }).map((pieces) => ({ kind: 'now', pieces }) as const),
      fc.constant({ kind: 'rewind' } as const),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 12 }), async (actions) => {
        const budget = new SpoolBudget(100);
        const file = new SpoolFile(budget);
        let model = Buffer.alloc(0);
        let most = 0;
        for (const step of actions) {
          if (step.kind === 'rewind') {
            file.rewind();
            model = Buffer.alloc(0);
            continue;
          }
          const bytes = step.pieces.reduce((sum, { length }) => sum + length, 0);
          const fits = Math.max(most, model.length + bytes) <= 100;
          expect(file.reserve(bytes)).toBe(fits);
          if (!fits) continue;
          if (step.kind === 'append') await file.append(step.pieces);
          else file.appendNow(step.pieces);
          model = Buffer.concat([model, ...step.pieces]);
          most = Math.max(most, model.length);
          expect((await all(file, 13)).equals(model)).toBe(true);
        }
        file.close();
        expect(budget.take(100)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });
});
