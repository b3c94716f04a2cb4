import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inspectByExtension, inspectScripts } from '../../../src/command-line/configuration/script-inspection.ts';

const top = mkdtempSync(join(tmpdir(), 'onezero-inspection-'));
const scripts = join(top, 'scripts');

beforeAll(() => {
  mkdirSync(join(scripts, 'deep/er'), { recursive: true });
  mkdirSync(join(top, 'outside'));
  writeFileSync(join(top, 'outside/other.sh'), '#!/bin/sh\n', { mode: 0o644 });
  writeFileSync(join(scripts, 'deep/er/a.sh'), '#!/bin/sh\n', { mode: 0o644 });
  // A circle, everything, and what is beside.
  symlinkSync('..', join(scripts, 'deep/up'));
  symlinkSync('/', join(scripts, 'all'));
  symlinkSync('../outside', join(scripts, 'beside'));
});

afterAll(() => rmSync(top, { recursive: true }));

describe('a directory of scripts', () => {
  const own = [`${join(scripts, 'deep/er/a.sh')} is not executable: chmod +x`];

  test('is looked through without its links, which may lead anywhere', () => {
    const warnings: string[] = [];
    inspectScripts(scripts, 33, warnings);
    expect(warnings).toEqual(own);
  });

  test('is so where scripts are told by their extension', () => {
    const warnings: string[] = [];
    inspectByExtension(scripts, { '.sh': null }, warnings);
    expect(warnings).toEqual(own);
  });
});
