import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { HttpParseError } from '../src/index.ts';
import { PARSE_ERROR_STATUS } from '../src/parse-error.ts';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const codeBlock = (language: string, after: string): string =>
  (readme.split(after)[1] as string).split(`\`\`\`${language}\n`)[1]?.split('```')[0] as string;

describe('README', () => {
  test('shows the first example and what it prints', () => {
    const example = new URL('../examples/first.mjs', import.meta.url);
    expect(codeBlock('js', '<!-- examples/first.mjs -->')).toBe(readFileSync(example, 'utf8'));
    const output = execFileSync(process.execPath, [fileURLToPath(example)], { encoding: 'utf8' });
    expect(codeBlock('text', 'It prints:')).toBe(output.replaceAll('\r', ''));
  });

  test('lists every error code with its status', () => {
    const rows = (readme.split('<!-- errors -->')[1] as string).matchAll(/^\| `([a-z-]+)` \| ([0-9]+) \|/gm);
    const listed = Array.from(rows, ([, code, status]) => [code, Number(status)]);
    expect(Object.fromEntries(listed)).toEqual(PARSE_ERROR_STATUS);
  });
});

describe('HttpParseError', () => {
  test('says code, status and place', () => {
    const error = new HttpParseError('bad-host', 7);
    expect(error).toMatchObject({ name: 'HttpParseError', code: 'bad-host', status: 400, offset: 7 });
    expect(error.message).toContain('octet 7');
  });
});
