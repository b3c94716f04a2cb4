import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { CgiError } from '../src/index.ts';
import type { CgiErrorCode } from '../src/index.ts';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const block = (language: string): string => readme.split(`\`\`\`${language}\n`)[1]?.split('```')[0] as string;

describe('README', () => {
  test('shows the first example and what it prints', () => {
    const example = new URL('../examples/first.mjs', import.meta.url);
    expect(block('js')).toBe(readFileSync(example, 'utf8'));
    expect(block('text')).toBe(execFileSync(process.execPath, [fileURLToPath(example)], { encoding: 'utf8' }));
  });

  test.each(
    [...readme.matchAll(/^\| ((?:`[a-z-]+`(?:, )?)+) \| ([0-9, ]+) \|/gm)].map(([, codes, statuses]) => [
      codes,
      statuses,
    ]),
  )('gives the right status for %s', (codes, statuses) => {
    const names = [...(codes as string).matchAll(/[a-z-]+/g)].map(([name]) => name as CgiErrorCode);
    const numbers = (statuses as string).split(',').map(Number);
    for (const [index, name] of names.entries()) {
      expect(new CgiError(name, '').status).toBe(numbers[index] ?? numbers.at(-1));
    }
  });
});
