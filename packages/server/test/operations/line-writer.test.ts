// Lines to descriptors that take some of them, or none: what is written is whole lines, and what is lost is counted.

import { execFileSync } from 'node:child_process';
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { descriptorLineWriter, fileLineWriter } from '../../src/operations/line-writer.ts';

const folder = mkdtempSync(join(tmpdir(), 'onezero-lines-'));
afterAll(() => rmSync(folder, { recursive: true }));

const noError = (error: Error): void => {
  throw error;
};

let pipes = 0;

/** A pipe with a name, and its reading end. */
function pipe(): { readonly path: string; openReader(): { read(): string; close(): void } } {
  const path = join(folder, `pipe-${++pipes}`);
  execFileSync('mkfifo', [path]);
  return {
    path,
    openReader() {
      const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
      return { read: () => readAvailable(descriptor), close: () => closeSync(descriptor) };
    },
  };
}

function readAvailable(descriptor: number): string {
  const buffer = Buffer.alloc(65_536);
  try {
    return buffer.toString('latin1', 0, readSync(descriptor, buffer));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return '';
    throw error;
  }
}

describe('a line', () => {
  test('is written in its order, among any others, whenever the file is moved away', async () => {
    const steps = fc.array(fc.oneof(fc.string({ unit: 'grapheme-ascii', maxLength: 40 }), fc.constant(undefined)), {
      maxLength: 30,
    });
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(steps, async (given) => {
        const name = join(folder, `rotated-${++runs}`);
        const writer = fileLineWriter(name, noError);
        const parts = [name];
        for (const step of given) {
          if (step === undefined) {
            const old = `${name}.${parts.length}`;
            renameSync(name, old);
            parts.splice(-1, 1, old);
            parts.push(name);
            writer.reopen();
          } else {
            writer.write(step);
          }
        }
        await writer.close();
        const text = parts.map((part) => readFileSync(part, 'latin1')).join('');
        const lines = given.filter((step) => step !== undefined);
        expect(text).toBe(lines.map((line) => `${line}\n`).join(''));
      }),
      { numRuns: 15 },
    );
  });

  test('of a closed writer is dropped, and closing twice closes once', async () => {
    const path = join(folder, 'closed');
    const writer = fileLineWriter(path, noError);
    writer.write('one');
    await Promise.all([writer.close(), writer.close()]);
    writer.write('two');
    await writer.close();
    expect(readFileSync(path, 'utf8')).toBe('one\n');
  });
});

describe('what cannot be written', () => {
  test.skipIf(!existsSync('/dev/full'))('is told once until lines get through again', async () => {
    const path = '/dev/full';
    const errors: string[] = [];
    const writer = fileLineWriter(path, ({ message }) => errors.push(message));
    writer.write('one');
    await expect.poll(() => errors).toHaveLength(1);
    writer.write('two');
    await writer.close();
    expect(errors).toEqual([expect.stringMatching(/^lines for the log file \/dev\/full are lost: ENOSPC/)]);
  });

  test('is a file that is not there', () => {
    expect(() => fileLineWriter(join(folder, 'none', 'file'), noError)).toThrow(
      /^the log file .*none\/file cannot be opened: ENOENT/,
    );
  });

  test('is counted to the line, and what was cut off does not run into the next', async () => {
    const { path, openReader } = pipe();
    const first = openReader();
    const errors: string[] = [];
    const writer = fileLineWriter(path, ({ message }) => errors.push(message));
    // More than a pipe holds, so that the writer waits in the middle of it when its reader leaves.
    const lines = Array.from({ length: 3000 }, (_, index) => `line ${index} ${'x'.repeat(index % 97)}`);
    for (const line of lines) writer.write(line);
    let text = '';
    await expect.poll(() => (text += first.read()).length).toBeGreaterThan(1000);
    first.close();
    await expect.poll(() => errors).toHaveLength(1);
    const second = openReader();
    writer.write('the next');
    await expect.poll(() => (text += second.read())).toMatch(/the next\n$/);
    await writer.close();
    second.close();
    const written = text.split('\n').slice(0, -1);
    const whole = written.filter((line) => lines.includes(line));
    expect(whole).toEqual(lines.slice(0, whole.length));
    // At most one line in part, then the note, then the next.
    const rest = written.slice(whole.length);
    const note = `# ${lines.length - whole.length} lines could not be written`;
    expect(rest.slice(-2)).toEqual([note, 'the next']);
    expect(rest.length).toBeLessThanOrEqual(3);
    if (rest.length === 3) expect(lines[whole.length]?.startsWith(rest[0] ?? '?')).toBe(true);
  });

  test('is no concern of a file that was opened anew', async () => {
    const { path, openReader } = pipe();
    const first = openReader();
    const errors: string[] = [];
    const writer = fileLineWriter(path, ({ message }) => errors.push(message));
    for (let count = 0; count < 2000; count++) writer.write('y'.repeat(99));
    await expect.poll(() => first.read().length).toBeGreaterThan(100);
    first.close();
    await expect.poll(() => errors).toHaveLength(1);
    renameSync(path, `${path}.old`);
    writer.reopen();
    writer.write('fresh');
    await writer.close();
    expect(readFileSync(path, 'utf8')).toMatch(/^# \d+ lines could not be written\nfresh\n$/);
  });
});

describe('a pipe that nobody reads yet', () => {
  test('is opened all the same, and has what was written when its reader comes', async () => {
    const { path, openReader } = pipe();
    const other = join(folder, 'not-yet-a-pipe');
    const writer = fileLineWriter(other, noError);
    renameSync(path, other);
    writer.reopen();
    writer.write('one');
    renameSync(other, path);
    const reader = openReader();
    let text = '';
    await expect.poll(() => (text += reader.read())).toBe('one\n');
    await writer.close();
    reader.close();
  });
});

test('a pipe that is full gives way to the file that is opened after it', async () => {
  const { path, openReader } = pipe();
  const reader = openReader();
  const errors: string[] = [];
  const writer = fileLineWriter(path, ({ message }) => errors.push(message));
  for (let count = 0; count < 2000; count++) writer.write('y'.repeat(99));
  await expect.poll(() => reader.read().length).toBeGreaterThan(100);
  renameSync(path, `${path}.old`);
  writer.reopen();
  writer.write('fresh');
  await expect
    .poll(() => (existsSync(path) ? readFileSync(path, 'utf8') : ''))
    .toMatch(/could not be written\nfresh\n$/);
  expect(errors).toEqual([expect.stringMatching(/EAGAIN/)]);
  await writer.close();
  reader.close();
});

test.each([1, 98, 4094])(
  'a pipe, which others may write to as well, never ends within a line of %d bytes',
  async (size) => {
    const { path, openReader } = pipe();
    const reader = openReader();
    const writer = fileLineWriter(path, noError);
    // More than a pipe holds.
    const count = Math.ceil(150_000 / (size + 1));
    for (let index = 0; index < count; index++) writer.write('y'.repeat(size));
    let left = count * (size + 1);
    const ends = new Set<string | undefined>();
    const readAll = (): number => {
      const text = reader.read();
      if (text !== '') ends.add(text.at(-1));
      return (left -= text.length);
    };
    await expect.poll(readAll, { interval: 5 }).toBe(0);
    await writer.close();
    reader.close();
    expect([...ends]).toEqual(['\n']);
  },
);

describe('closing', () => {
  test('writes what came during the last write', async () => {
    const { path, openReader } = pipe();
    const reader = openReader();
    const writer = fileLineWriter(path, noError);
    writer.write('a'.repeat(100_000));
    let text = '';
    // The first write is under way.
    await expect.poll(() => (text += reader.read()).length).toBeGreaterThan(0);
    writer.write('b');
    const closed = writer.close();
    await expect.poll(() => (text += reader.read())).toBe(`${'a'.repeat(100_000)}\nb\n`);
    await closed;
    reader.close();
  });

  test('leaves a descriptor of others open', async () => {
    const path = join(folder, 'others');
    const descriptor = openSync(path, 'a');
    const writer = descriptorLineWriter(descriptor, noError);
    writer.write('one');
    writer.reopen();
    await writer.close();
    expect(fstatSync(descriptor).size).toBe(4);
    closeSync(descriptor);
  });
});
