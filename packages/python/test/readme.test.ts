import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { appTable, limitsTable } from '../src/options.ts';

const here = join(import.meta.dirname, '..');
const readme = readFileSync(join(here, 'README.md'), 'utf8');
/** The rows of the table that begins with this heading. */
function rows(heading: string): string[][] {
  const from = readme.indexOf(`| ${heading} |`);
  const lines = readme.slice(from, readme.indexOf('\n\n', from)).split('\n').slice(2);
  return lines.map((line) => line.split('|').map((cell) => cell.trim().replaceAll('`', '')));
}

test('the first example of the README is the program in examples, and prints what it says', () => {
  const program = readFileSync(join(here, 'examples/first.mjs'), 'utf8');
  expect(/<!-- examples\/first\.mjs -->\n\n```js\n([^]*?)```/.exec(readme)?.[1]).toBe(program);
  const printed = execFileSync(process.execPath, [join(here, 'examples/first.mjs')], { encoding: 'utf8' });
  expect(/```text\n([^]*?)```/.exec(readme)?.[1]).toBe(printed);
});

test('the tables of options and limits name every one, in order', () => {
  // A member of an option has a row of its own, as in `concurrency.max`.
  const names = rows('option').map(([, name = '']) => name.split('.')[0]);
  expect([...new Set(names)]).toEqual(Object.keys(appTable));
  expect(rows('limit').map(([, name]) => name)).toEqual(Object.keys(limitsTable));
});

test('the defaults of the limits are those that hold', () => {
  for (const [, name, value] of rows('limit')) {
    const limit = limitsTable[name as keyof typeof limitsTable].default;
    expect(value).toBe(limit === Infinity ? 'none' : limit!.toLocaleString('en-US').replace(/^1,024$/, '1024'));
  }
});

test('the table of errors names every code', () => {
  const codes = readFileSync(join(here, 'src/python-error.ts'), 'utf8').matchAll(/^ {2}\| '([a-z-]+)'/gm);
  for (const [, code] of codes) expect(readme).toContain(`\`${code}\``);
});
