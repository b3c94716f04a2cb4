import { describe, expect, test } from 'vitest';
import { CgiError } from '../src/index.ts';
import type { CgiErrorCode } from '../src/cgi-error.ts';

/** By RFC 9110 §15.5 and §15.6: whose fault it is decides about the hundreds, what would help about the rest. */
const statuses: readonly (readonly [CgiErrorCode, number])[] = [
  ['script-not-found', 404],
  ['script-forbidden', 403],
  ['method-not-allowed', 405],
  ['type-repeated', 400],
  ['length-required', 411],
  ['content-too-large', 413],
  ['content-broken', 400],
  ['fields-too-large', 431],
  ['content-unstored', 507],
  ['start-failed', 500],
  ['no-output', 502],
  ['bad-header', 502],
  ['content-cut', 502],
  ['killed', 502],
  ['backend-gone', 502],
  ['timed-out', 504],
  ['busy', 503],
  ['queue-full', 503],
  ['queue-timed-out', 503],
  ['closing', 503],
  ['client-gone', 400],
];

describe('CgiError', () => {
  test.each(statuses)('gives %s the status %i', (code, status) => {
    expect(new CgiError(code, 'why')).toMatchObject({ name: 'CgiError', code, status, message: 'why' });
  });

  test('holds what is known of the script, and its cause', () => {
    const cause = new Error('EMFILE');
    const error = new CgiError('busy', 'why', { script: '/a.cgi', stderr: 'last\n', cause });
    expect(error).toMatchObject({ script: '/a.cgi', stderr: 'last\n', cause });
    expect(error).toBeInstanceOf(Error);
  });

  test('has no cause at all where none is given', () => {
    expect('cause' in new CgiError('busy', 'why', { script: '/a.cgi' })).toBe(false);
    expect(new CgiError('busy', 'why').script).toBeUndefined();
  });
});
