// Which file is read, and what is said of one that cannot be.

import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readConfigurationFile } from '../../../src/command-line/configuration/config-file.ts';
import { foreignFiles } from '../../../src/command-line/configuration/foreign-files.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'onezero-config-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);

describe('the file', () => {
  test('is looked for in the working directory and nowhere else', () => {
    mkdirSync(join(folder, 'below'));
    expect(readConfigurationFile(undefined, folder)).toBeUndefined();
    write('below/onezero.config.json', '{}');
    expect(readConfigurationFile(undefined, folder)).toBeUndefined();
    write('onezero.config.json', '{ "port": 1 }');
    expect(readConfigurationFile(undefined, join(folder, 'below'))?.value).toEqual({});
    expect(readConfigurationFile(undefined, folder)?.value).toEqual({ port: 1 });
  });

  test.each(['onezero.config.json', 'onezero.config.jsonc'])('may be called %s', (name) => {
    write(name, '// comment\n{ "port": 1, }');
    expect(readConfigurationFile(undefined, folder)).toMatchObject({
      value: { port: 1 },
      path: join(folder, name),
      shownPath: name,
    });
  });

  test.each([
    ['in UTF-16 of Windows', Buffer.from('\ufeff{ "port": 1 }', 'utf16le'), 'UTF-8 but in UTF-16'],
    ['in UTF-16 without a mark', Buffer.from('{ "port": 1 }', 'utf16le'), 'UTF-8 but in UTF-16'],
    ['in Latin-1', Buffer.from('{ "root": "größe" }', 'latin1'), 'UTF-8'],
  ])('is refused %s', (_, bytes, reason) => {
    writeFileSync(join(folder, 'onezero.config.json'), bytes);
    expect(() => readConfigurationFile(undefined, folder)).toThrow(
      `the configuration file onezero.config.json is not in ${reason}; save it as UTF-8`,
    );
  });

  test('that is a link to nowhere is missed', () => {
    symlinkSync('/nonexistent/onezero.json', join(folder, 'onezero.config.json'));
    expect(() => readConfigurationFile(undefined, folder)).toThrow(
      'the configuration file onezero.config.json does not exist',
    );
  });

  test('is one: of two somebody has to choose', () => {
    write('onezero.config.json', '{}');
    write('onezero.config.jsonc', '{ "port": 1 }');
    expect(() => readConfigurationFile(undefined, folder)).toThrow(
      'both onezero.config.json and onezero.config.jsonc exist; keep one, or name one with --config',
    );
    expect(readConfigurationFile('onezero.config.jsonc', folder)?.value).toEqual({ port: 1 });
  });

  test('that is named has any name, and is shown from here where it lies below', () => {
    mkdirSync(join(folder, 'below'));
    write('below/x', '{}');
    expect(readConfigurationFile('below/x', folder)).toMatchObject({
      path: join(folder, 'below/x'),
      shownPath: 'below/x',
    });
    write('y', '{}');
    expect(readConfigurationFile('../y', join(folder, 'below'))?.shownPath).toBe(join(folder, 'y'));
  });

  test.each([
    ['', 'the configuration file c.json is empty; {} stands for no options'],
    [' \n\t', 'the configuration file c.json is empty; {} stands for no options'],
    ['{', 'expected a string in double quotes (c.json:1:2)'],
    ['{\n  "a": 1\n  "b": 2\n}', 'expected "," or "}" (c.json:3:3)'],
    ['{}\n}', 'expected the end of the file (c.json:2:1)'],
  ])('with the text %j is refused in one line', (text, message) => {
    write('c.json', text);
    expect(() => readConfigurationFile('c.json', folder)).toThrow(new Error(message));
  });

  test('that is not there, a directory, or too long is refused', () => {
    const read = (name: string) => () => readConfigurationFile(name, folder);
    expect(read('absent.json')).toThrow('the configuration file absent.json does not exist');
    expect(read('-1')).toThrow('the configuration file -1 does not exist; files are revalidated each time already');
    expect(read('.')).toThrow(/cannot be read: EISDIR/);
    write('long.json', `{}${' '.repeat(4 * 1024 * 1024)}`);
    expect(read('long.json')).toThrow('the configuration file long.json is larger than 4194304 bytes');
    write('limit.json', `{}${' '.repeat(4 * 1024 * 1024 - 2)}`);
    expect(read('limit.json')()?.value).toEqual({});
    write('closed.json', '{}');
    chmodSync(join(folder, 'closed.json'), 0);
    if (process.getuid?.() !== 0) expect(read('closed.json')).toThrow(/cannot be read: EACCES/);
  });
});

describe('files of other servers', () => {
  test.each([
    'serve.json',
    'vercel.json',
    'netlify.toml',
    '_headers',
    '_redirects',
    '.htaccess',
    '.htpasswd',
    'web.config',
    'Caddyfile',
  ])('%s is not read, which is said with what does the same', (name) => {
    expect(foreignFiles(folder, new Set())).toEqual([]);
    write(name, '');
    const path = join(folder, name);
    expect(foreignFiles(folder, new Set())).toEqual([
      expect.stringMatching(/^\S+ is not read: .*(?:onezero\.config\.json|--auth-file)/),
    ]);
    expect(foreignFiles(folder, new Set())[0]?.startsWith(`${path} is not read`)).toBe(true);
    // One that is named is read.
    expect(foreignFiles(folder, new Set([path]))).toEqual([]);
  });

  test('are told of each', () => {
    for (const name of ['_headers', '_redirects', 'serve.json']) write(name, '');
    expect(foreignFiles(folder, new Set())).toHaveLength(3);
    expect(foreignFiles(join(folder, 'absent'), new Set())).toEqual([]);
  });
});
