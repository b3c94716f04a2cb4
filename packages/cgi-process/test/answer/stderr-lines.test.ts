// A script's standard error: whole lines whatever the pieces, within limits.

import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { StderrLines } from '../../src/answer/stderr-lines.ts';

function linesOf(pieces: readonly Buffer[], maxBytes = 1_000_000): { lines: readonly string[]; tail: string } {
  const lines: string[] = [];
  const reader = new StderrLines(maxBytes, (line) => void lines.push(line));
  for (const piece of pieces) reader.add(piece);
  reader.end();
  return { lines, tail: reader.tail };
}

const texts = fc.string({ maxLength: 60, unit: fc.constantFrom('a', 'b', '\n', '\r', 'é', '😀', ' ') });

describe('StderrLines', () => {
  test('are the same however a text is cut, also within a character', () => {
    fc.assert(
      fc.property(texts, fc.array(fc.nat(200), { maxLength: 6 }), (text, places) => {
        const bytes = Buffer.from(text);
        const edges = [
          0,
          ...places.map((place) => Math.min(place, bytes.length)).toSorted((a, b) => a - b),
          bytes.length,
        ];
        const pieces = edges.slice(1).map((end, index) => bytes.subarray(edges[index], end));
        const expected = text.endsWith('\n') ? text.slice(0, -1).split('\n') : text.split('\n');
        expect(linesOf(pieces).lines).toEqual(text === '' ? [] : expected);
      }),
      { numRuns: 500 },
    );
  });

  test('breaks a line that goes on for ever', () => {
    const { lines } = linesOf([Buffer.alloc(100_000, 'x')]);
    expect(lines.join('')).toBe('x'.repeat(100_000));
    const small = linesOf(Array.from({ length: 100 }, () => Buffer.alloc(1000, 'x'))).lines;
    expect(Math.max(...small.map(({ length }) => length))).toBeLessThan(10_000);
    expect(small.join('')).toBe('x'.repeat(100_000));
  });

  test('says once that there is more than is shown', () => {
    const { lines, tail } = linesOf(
      ['one\n', 'two\nth', 'ree\n', 'four\n'].map((text) => Buffer.from(text)),
      10,
    );
    expect(lines).toEqual(['one', 'two', 'th', '(more on standard error is not shown)']);
    expect(tail).toContain('(more on standard error is not shown)');
  });

  test('keeps the end for the report, with the line that is not whole yet', () => {
    const reader = new StderrLines(1_000_000, () => {});
    reader.add(Buffer.from(`${'long\n'.repeat(1000)}the reason`));
    expect(reader.tail.endsWith('long\nthe reason')).toBe(true);
    expect(reader.tail.length).toBeLessThanOrEqual(2048);
  });

  test('resolves when the stream has closed, also when it broke', async () => {
    const lines: string[] = [];
    const whole = new PassThrough();
    const reading = new StderrLines(1000, (line) => void lines.push(line)).read(whole);
    whole.end('first\nsecond');
    await reading;
    const broken = new PassThrough();
    const other = new StderrLines(1000, (line) => void lines.push(line)).read(broken);
    broken.write('third');
    await new Promise((resolve) => setImmediate(resolve));
    broken.destroy(new Error('EIO'));
    await other;
    expect(lines).toEqual(['first', 'second', 'third']);
  });

  test.each([
    ['exactly what may be shown', ['four\n', 'five\n'], ['four', 'five']],
    [
      'one byte more, in the same piece',
      ['four\n', 'five\nx'],
      ['four', 'five', '(more on standard error is not shown)'],
    ],
    ['one byte more, later', ['four\n', 'five\n', 'x'], ['four', 'five', '(more on standard error is not shown)']],
    ['much more, later', ['four\n', 'five\n', 'x', 'y\n'], ['four', 'five', '(more on standard error is not shown)']],
    [
      'a cut at the limit within a character',
      ['four\nfourü'],
      ['four', 'four', '(more on standard error is not shown)'],
    ],
  ])('says that there is more only where there is: %s', (_, pieces, lines) => {
    expect(
      linesOf(
        pieces.map((piece) => Buffer.from(piece)),
        10,
      ).lines,
    ).toEqual(lines);
  });

  test('shows nothing where nothing may be shown', () => {
    expect(linesOf([Buffer.from('one\n')], 0)).toEqual({ lines: [], tail: '' });
  });

  test.each([
    ['a lone byte of Latin-1', 'caf\xe9\n', ['caf\ufffd']],
    ['half a character at the end of a line', 'a\xc3\nb\n', ['a\ufffd', 'b']],
    ['half a character at the end of all', 'a\xc3', ['a\ufffd']],
    ['three quarters of one at the end of all', 'a\xf0\x9f\x98', ['a\ufffd']],
    ['a continuation that continues nothing', '\x80\x80\n', ['\ufffd\ufffd']],
    ['a surrogate in three bytes', '\xed\xa0\x80\n', ['\ufffd\ufffd\ufffd']],
    ['NUL and other controls, which the sink escapes', 'a\0\x1bb\n', ['a\0\x1bb']],
  ])('loses nothing of bytes that are no UTF-8: %s', (_, text, lines) => {
    const bytes = Buffer.from(text, 'latin1');
    expect(linesOf([bytes]).lines).toEqual(lines);
    expect(linesOf(Array.from(bytes, (byte) => Buffer.from([byte]))).lines).toEqual(lines);
  });
});
