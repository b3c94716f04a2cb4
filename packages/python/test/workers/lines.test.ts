import fc from 'fast-check';
import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { readLines } from '../../src/workers/lines.ts';

/** The lines of chunks. */
async function linesOf(chunks: readonly Uint8Array[]): Promise<string[]> {
  const stream = new PassThrough();
  const lines: string[] = [];
  readLines(stream, (line) => lines.push(line));
  const ended = new Promise((resolve) => stream.once('end', resolve));
  for (const chunk of chunks) stream.write(chunk);
  stream.end();
  await ended;
  return lines;
}

describe('readLines', () => {
  test('gives the same lines however they are cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.stringMatching(/^[aä€🙂\u2028 ]{0,8}$/u), { maxLength: 6 }),
        fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 10 }),
        async (lines, cuts) => {
          const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
          const at = [0, ...cuts.toSorted((a, b) => a - b).filter((cut) => cut < bytes.length), bytes.length];
          const chunks = at.slice(1).map((cut, index) => bytes.subarray(at[index], cut));
          expect(await linesOf(chunks)).toEqual(lines);
        },
      ),
    );
  });

  test('ends lines with LF alone, takes a CR before it away, and gives a last line without an end', async () => {
    expect(await linesOf([Buffer.from('a\r\nb\rc\u2028d\n\nlast')])).toEqual(['a', 'b\rc\u2028d', '', 'last']);
  });

  test.each([
    ['a byte of Latin-1', 'caf\xe9\nx\n', ['caf\ufffd', 'x']],
    ['a character that is cut at the end of a line', 'a\xe2\x82\nb\n', ['a\ufffd', 'b']],
    ['a character that is cut at the end of all', 'a\xe2\x82', ['a\ufffd']],
    ['a byte order mark, which stays', '\xef\xbb\xbfa\n', ['\ufeffa']],
  ])('loses no byte of what is no UTF-8: %s', async (_, text, lines) => {
    const bytes = Buffer.from(text, 'latin1');
    expect(await linesOf([bytes])).toEqual(lines);
    expect(await linesOf(Array.from(bytes, (byte) => Buffer.from([byte])))).toEqual(lines);
  });

  test('cuts a line that does not end', async () => {
    const piece = Buffer.alloc(0x80001, 'x');
    const lines = await linesOf([piece, piece, Buffer.from('y\n')]);
    expect(lines.map(({ length }) => length)).toEqual([0x100002, 1]);
  });
});
