import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { staticTable } from '../src/options.ts';
import { settingsOf } from '../src/options/settings.ts';

const here = join(import.meta.dirname, '..');
const readme = readFileSync(join(here, 'README.md'), 'utf8');

test('the first example of the README is the program in examples, and prints what it says', () => {
  const program = readFileSync(join(here, 'examples/first.mjs'), 'utf8');
  expect(/<!-- examples\/first\.mjs -->\n\n```js\n([^]*?)```/.exec(readme)?.[1]).toBe(program);
  const printed = execFileSync(process.execPath, [join(here, 'examples/first.mjs')], { encoding: 'utf8' });
  expect(/It prints:\n\n```\n([^]*?)```/.exec(readme)?.[1]).toBe(printed);
});

test('the table of options names every option, and no other', () => {
  const rows = [
    ...readme.slice(readme.indexOf('### Options'), readme.indexOf('## Behaviour')).matchAll(/^\| `(\w+)`/gm),
  ];
  expect(rows.map(([, name]) => name)).toEqual(Object.keys(staticTable));
});

test('the defaults in it are those that hold', () => {
  const settings = settingsOf(here, {});
  expect(settings).toMatchObject({
    index: ['index.html'],
    listing: undefined,

    symlinks: 'inside',
    defaultType: 'application/octet-stream',
    charset: 'utf-8',
    etag: 'strong',
    precompressed: true,
    cleanUrls: 'off',
    extensions: ['html'],
    cacheMemoryBytes: 64 * 1024 * 1024,
    maxCachedFileBytes: 1024 * 1024,
    write: undefined,
  });
  expect(settings.allowsDotfile('.env')).toBe(false);
  expect(settings.cacheControlOf('a.txt')).toBe('no-cache');
  expect(settings.compression).toMatchObject({ minBytes: 1024, maxBytes: 16 * 1024 * 1024 });
});
