import { describe, expect, test } from 'vitest';
import { lineReporter, visible } from '../src/standard-error.ts';

describe('visible', () => {
  test.each([
    ['a plain line, äöü 日本', 'a plain line, äöü 日本'],
    ['a\ttab stays', 'a\ttab stays'],
    ['\u001b[31mred', String.raw`\u001b[31mred`],
    ['two\nlines\r', String.raw`two\nlines\r`],
    ['\u009b31m and \u202eback', String.raw`\u009b31m and \u202eback`],
    ['\0\u007f\u2028', String.raw`\0\u007f\u2028`],
  ])('%j → %s', (line, shown) => {
    expect(visible(line)).toBe(shown);
  });

  test('leaves nothing that a terminal would obey', () => {
    const every = Array.from({ length: 0x1_0000 }, (_, code) => String.fromCharCode(code)).join('');
    expect(visible(every)).not.toMatch(/[\0-\b\n-\u001f\u007f-\u009f]/);
  });
});

describe('lineReporter', () => {
  test('drops and counts what waits for a reader that does not read', () => {
    const output = {
      writableLength: 0,
      written: [] as string[],
      write(text: string): void {
        this.written.push(text);
        this.writableLength += text.length;
      },
    };
    const report = lineReporter(output, 20);
    for (let count = 0; count < 100; count++) report(`line ${count}`);
    expect(output.written).toEqual(['line 0\n', 'line 1\n', 'line 2\n']);
    output.writableLength = 0;
    report('again');
    expect(output.written[3]).toBe('# 97 lines could not be written\nagain\n');
    output.writableLength = 0;
    report('more');
    expect(output.written[4]).toBe('more\n');
  });
});
