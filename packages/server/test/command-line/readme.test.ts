// What the README says is what happens, and the schema that ships is that of the table of options.

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { helpText } from '../../src/command-line/commands/help.ts';
import { configurationSchema } from '../../src/command-line/options/json-schema.ts';
import { optionEntries } from '../../src/command-line/options/table.ts';

const folder = new URL('../../', import.meta.url);
const readme = new URL('README.md', folder);
const schemaFile = new URL('onezero.schema.json', folder);
describe('the README', () => {
  test('begins with examples/first.mjs, which runs and prints what it says', async () => {
    const example = new URL('examples/first.mjs', folder);
    const [, code, , output] = /```js\n(.*?)```(.*?)```text\n(.*?)```/s.exec(readFileSync(readme, 'utf8')) ?? [];
    expect(code).toBe(readFileSync(example, 'utf8'));
    const child = spawn(process.execPath, [fileURLToPath(example)], { cwd: fileURLToPath(folder) });
    let printed = '';
    for await (const chunk of child.stdout) printed += String(chunk);
    expect(printed).toBe(output);
  });

  test('shows what explain says', async () => {
    const [, words, output] = /```text\n\$ onezero (explain .*)\n([^]*?)```/.exec(readFileSync(readme, 'utf8')) ?? [];
    const bin = fileURLToPath(new URL('bin/onezero.js', folder));
    const child = spawn(process.execPath, [bin, ...(words ?? '').split(' ')], {
      cwd: fileURLToPath(new URL('examples/', folder)),
    });
    let printed = '';
    for await (const chunk of child.stdout) printed += String(chunk);
    // Which depend on the machine: where the files are, and when they were written.
    const settle = (text: string | undefined): string =>
      (text ?? '').replaceAll(/ \/\S*(?=\/site)/g, ' …').replaceAll(/(last-modified|etag): .*/g, '$1: …');
    expect(settle(printed)).toBe(settle(output));
  });
});

describe('helpText', () => {
  test('names every flag and fits into a window', () => {
    const text = helpText();
    for (const [, option] of optionEntries)
      if (option.only !== 'file') expect(text.replaceAll(/\s+/g, ' ')).toContain(option.summary);
    expect(text.split('\n').filter((line) => line.length > 112)).toEqual([]);
  });
});

describe('onezero.schema.json', () => {
  // `node docs/api.mjs` writes it anew.
  test('is the schema of the table of options', () => {
    expect(JSON.parse(readFileSync(schemaFile, 'utf8'))).toEqual(configurationSchema());
  });
});
