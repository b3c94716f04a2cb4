// One event has one code, whichever package notices it. A code that is new has to be put here, beside those for what is alike.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CgiError, type CgiErrorCode } from '@onezero/cgi-process';
import { PythonError, type PythonErrorCode } from '@onezero/python';
import { describe, expect, test } from 'vitest';

const packages = join(import.meta.dirname, '../..');

/** The members of a union of texts, as its source has them. */
function codesOf(file: string, name: string): readonly string[] {
  const [, union = ''] = new RegExp(`type ${name} =([^;]*);`).exec(readFileSync(join(packages, file), 'utf8')) ?? [];
  return [...union.matchAll(/'([\w-]+)'/g)].map(([, code = '']) => code);
}

const ofScripts = codesOf('cgi-process/src/cgi-error.ts', 'CgiErrorCode') as readonly CgiErrorCode[];
const ofProcesses = codesOf('cgi-process/src/process/process-error.ts', 'ProcessErrorCode');
const ofPython = codesOf('python/src/python-error.ts', 'PythonErrorCode') as readonly PythonErrorCode[];

/** What can happen, in the words of any code for it. */
const EVENTS: Readonly<Record<string, RegExp>> = {
  'client-gone': /client|departed|disconnect/,
  'queue-full': /queue.*full|too-many-wait/,
  'queue-timed-out': /queue.*time/,
  closing: /clos|stopp|shut/,
  'content-cut': /content-(?:cut|incomplete|short)|answer-cut/,
  'content-unstored': /unstored|spool|disk/,
  'content-too-large': /content-too|too-large-content/,
  'timed-out': /^timed-out$|^timeout$|silent/,
  'start-failed': /^start-failed$|^spawn-failed$/,
};

describe('error codes', () => {
  test('are read from the sources', () => {
    expect(ofScripts.length).toBeGreaterThan(15);
    expect(ofProcesses.length).toBeGreaterThan(10);
    expect(ofPython.length).toBeGreaterThan(10);
  });

  test.each(Object.entries(EVENTS))('%s is the one word for it', (code, alike) => {
    const found = [...ofScripts, ...ofPython].filter((one) => alike.test(one));
    expect([...new Set(found)]).toEqual([code]);
  });

  test('that several packages share have one status, but for two', () => {
    const shared = ofScripts.filter((code) => (ofPython as readonly string[]).includes(code));
    expect([...shared].sort()).toEqual([
      'client-gone',
      'closing',
      'content-cut',
      'content-unstored',
      'queue-full',
      'queue-timed-out',
      'start-failed',
      'timed-out',
    ]);
    for (const code of shared) {
      const statuses = [new CgiError(code, '').status, new PythonError(code as PythonErrorCode, '').status];
      // A script that does not start is broken; an application that does not may be on its way. A script or backend that breaks off is
      // behind a gateway; an application in a process of ours is the origin itself.
      const own = { 'start-failed': [500, 503], 'content-cut': [502, 500] }[code as string];
      expect([code, statuses]).toEqual([code, own ?? [statuses[0], statuses[0]]]);
    }
  });

  test('are words in kebab case, and none is in no table of a README', () => {
    const pages = ['cgi-process', 'python'].map((name) => readFileSync(join(packages, name, 'README.md'), 'utf8'));
    for (const code of new Set([...ofScripts, ...ofProcesses, ...ofPython])) {
      expect(code).toMatch(/^[a-z]+(?:-[a-z]+)*$/);
      expect([code, pages.some((page) => page.includes(`\`${code}\``))]).toEqual([code, true]);
    }
  });
});
