import { describe, expect, test } from 'vitest';
import { notModified } from '../../src/answer/not-modified.ts';
import type { ScriptHead } from '../../src/answer/script-header.ts';
import type { Field } from '../../src/message.ts';

const EARLY = 'Fri, 02 Jan 2026 03:04:05 GMT';
const LATE = 'Fri, 02 Jan 2026 03:04:06 GMT';

function head(fields: readonly Field[], changes: Partial<ScriptHead> = {}): ScriptHead {
  return { kind: 'document', hasStatus: false, status: 200, fields, ...changes } as ScriptHead;
}

function known(asked: readonly Field[], said: readonly Field[], method = 'GET'): boolean {
  return notModified({ method, fields: asked }, head(said))?.status === 304;
}

describe('notModified', () => {
  test.each<[string, string, boolean]>([
    ['"a"', '"a"', true],
    ['W/"a"', '"a"', true],
    ['"a"', 'W/"a"', true],
    ['"x", "a"', '"a"', true],
    ['*', '"a"', true],
    ['"b"', '"a"', false],
    ['a', '"a"', false],
    ['"a', '"a"', false],
  ])('If-None-Match %s and ETag %s: %s', (asked, tag, expected) => {
    expect(known([['if-none-match', asked]], [['etag', tag]])).toBe(expected);
    expect(known([['if-none-match', '"y"'], ['if-none-match', asked]], [['etag', tag]])).toBe(expected && asked !== '*'); // prettier-ignore
  });

  test.each<[string, string, boolean]>([
    [EARLY, EARLY, true],
    [LATE, EARLY, true],
    [EARLY, LATE, false],
    ['yesterday', EARLY, false],
    [EARLY, 'yesterday', false],
    ['Friday, 02-Jan-26 03:04:05 GMT', EARLY, false],
  ])('If-Modified-Since %s and Last-Modified %s: %s', (asked, modified, expected) => {
    expect(known([['if-modified-since', asked]], [['last-modified', modified]])).toBe(expected);
  });

  test('tags decide where there are some, whatever the dates say', () => {
    const said: Field[] = [['etag', '"a"'], ['last-modified', EARLY]]; // prettier-ignore
    expect(known([['if-none-match', '"b"'], ['if-modified-since', LATE]], said)).toBe(false); // prettier-ignore
    expect(known([['if-none-match', '"a"'], ['if-modified-since', EARLY]], [['etag', '"a"'], ['last-modified', LATE]])).toBe(true); // prettier-ignore
  });

  test('two dates are none', () => {
    expect(known([['if-modified-since', LATE], ['if-modified-since', LATE]], [['last-modified', EARLY]])).toBe(false); // prettier-ignore
  });

  test('leaves it to a script that says a status, to other methods and to other kinds of answers', () => {
    const asked = { method: 'GET', fields: [['if-none-match', '"a"']] as readonly Field[] };
    const said: Field[] = [['etag', '"a"']];
    expect(notModified(asked, head(said, { hasStatus: true }))).toBe(undefined);
    expect(notModified(asked, head(said, { kind: 'local-redirect' }))).toBe(undefined);
    expect(known(asked.fields, said, 'POST')).toBe(false);
    expect(known(asked.fields, said, 'HEAD')).toBe(true);
  });

  test('takes out what describes content that is not sent', () => {
    const said: Field[] = [
      ['etag', '"a"'],
      ['content-type', 'text/html'],
      ['content-location', '/a'],
      ['cache-control', 'no-cache'],
    ];
    expect(notModified({ method: 'GET', fields: [['if-none-match', '"a"']] }, head(said))?.fields).toEqual([
      ['etag', '"a"'],
      ['content-location', '/a'],
      ['cache-control', 'no-cache'],
    ]);
  });
});
