import { afterEach, describe, expect, test, vi } from 'vitest';
import { safeLog } from '../src/log.ts';
import { PythonError } from '../src/python-error.ts';
import type { PythonErrorCode } from '../src/python-error.ts';

afterEach(() => vi.restoreAllMocks());

const entry = { worker: 1, pid: 42, request: undefined, line: 'text' };

/** What is written to standard error meanwhile. */
function spied(): string[] {
  const written: string[] = [];
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    written.push(String(text));
    return true;
  });
  return written;
}

describe('safeLog', () => {
  test.each([
    ['plain text and tabs', 'a\tb ü €', 'a\tb ü €'],
    ['commands to a terminal', '\u001b[31mred\u001b[0m', '\\u001b[31mred\\u001b[0m'],
    ['another line', 'a\nFORGED', 'a\\u000aFORGED'],
    ['a return to its start', 'a\rFORGED', 'a\\u000dFORGED'],
    ['DEL and C1', 'a\u007f\u009bb', 'a\\u007f\\u009bb'],
    ['other ends of lines', 'a\u2028b\u2029c\u0085d', 'a\\u2028b\\u2029c\\u0085d'],
    ['NUL', '\0', '\\u0000'],
  ])('hands on %s', (_, line, safe) => {
    const lines: string[] = [];
    safeLog((given) => lines.push(given.line))({ ...entry, line });
    expect(lines).toEqual([safe]);
  });

  test('writes to standard error by itself, with the worker and the request', () => {
    const written = spied();
    const log = safeLog(undefined);
    log({ ...entry, line: 'a\u001bb' });
    log({ ...entry, request: 'r1' });
    expect(written).toEqual(['[python 1/42] a\\u001bb\n', '[python 1/42 r1] text\n']);
  });

  test('says the same of a log that is an async function and rejects', async () => {
    const written = spied();
    safeLog(vi.fn().mockRejectedValue(new Error('full')))(entry);
    await vi.waitFor(() =>
      expect(written).toEqual(['[python 1/42] text\n', '[python 1/42] the log failed: Error: full\n']),
    );
  });

  test('says on standard error what a log that throws did not take, and why, escaped', () => {
    const written = spied();
    const log = safeLog(() => {
      throw new Error('disk\nfull');
    });
    expect(() => log(entry)).not.toThrow();
    expect(written).toEqual(['[python 1/42] text\n', '[python 1/42] the log failed: Error: disk\\u000afull\n']);
  });

  test('drops lines where nothing reads standard error', () => {
    const written = spied();
    vi.spyOn(process.stderr, 'writableLength', 'get').mockReturnValue(16 * 1024 * 1024 + 1);
    safeLog(undefined)(entry);
    expect(written).toEqual([]);
  });
});

describe('PythonError', () => {
  test.each<[PythonErrorCode, number]>([
    ['start-failed', 503],
    ['start-timed-out', 503],
    ['no-worker', 503],
    ['queue-full', 503],
    ['queue-timed-out', 503],
    ['closing', 503],
    ['application-failed', 500],
    ['content-cut', 500],
    ['worker-died', 502],
    ['bad-worker', 502],
    ['timed-out', 504],
    ['client-gone', 400],
    ['content-unstored', 507],
  ])('answers %s with %i, and suggests to try again where that helps', (code, status) => {
    const error = new PythonError(code, 'why', 'Traceback');
    expect(error).toMatchObject({ name: 'PythonError', code, status, message: 'why', detail: 'Traceback' });
    expect(error.response()).toEqual({ status, fields: status === 503 ? [['retry-after', '2']] : [], cause: error });
  });

  test('tells nothing of Python in its answer', () => {
    const { status, fields, content } = new PythonError('application-failed', 'secret', 'secret').response();
    expect(JSON.stringify([status, fields, content])).not.toContain('secret');
  });
});
