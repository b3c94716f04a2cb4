import { describe, expect, test } from 'vitest';
import { matches, readPage } from './page.ts';

describe('readPage', () => {
  test('finds files, servers, commands with their output, sections and needs', () => {
    const page = readPage(
      '# A title\n\nNeeds: curl, git.\n\n```js a.mjs\nx;\n```\n## One\n```sh background\nserve\n```\n```sh\ncurl\n```\n\n```text\nhi\n```\n```json\n{}\n```\n',
    );
    expect(page.title).toBe('A title');
    expect(page.needs).toEqual(['curl', 'git']);
    expect(page.steps).toEqual([
      { kind: 'file', name: 'a.mjs', text: 'x;\n' },
      { kind: 'section', title: 'One' },
      { kind: 'background', text: 'serve\n' },
      { kind: 'commands', text: 'curl\n', output: 'hi\n' },
    ]);
  });

  test('refuses a block that is not closed', () => {
    expect(() => readPage('```sh\nls\n')).toThrow('line 1');
  });

  test('refuses an output without commands', () => {
    expect(() => readPage('```text\nhi\n```\n')).toThrow('no commands');
  });
});

describe('matches', () => {
  test.each([
    ['plain text', 'hi\n', 'hi', true],
    ['another text', 'hi\n', 'ho', false],
    ['a prefix only', 'hi\n', 'hi there', false],
    ['any text in a line', 'date: …\nend\n', 'date: Mon (1)\nend\n', true],
    ['never beyond the line', 'date: …\n', 'date: a\nb\n', false],
    ['any lines', 'a\n…\nz\n', 'a\nb\nc\nz\n', true],
    ['the carriage returns of HTTP', 'HTTP/1.1 200 OK\n', 'HTTP/1.1 200 OK\r\n', true],
    ['special characters as themselves', 'a.b (c)\n', 'axb (c)\n', false],
  ])('%s', (_, expected, printed, result) => {
    expect(matches(expected, printed)).toBe(result);
  });
});
