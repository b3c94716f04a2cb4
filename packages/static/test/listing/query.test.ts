// What a listing request asks for.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Field } from '../../src/index.ts';
import { archiveFormat, listingHref, listingQuery } from '../../src/listing/query.ts';

const ask = (query: string | undefined, accept?: string) => {
  const fields: readonly Field[] = accept === undefined ? [] : [['accept', accept]];
  return listingQuery({ method: 'GET', pathInfo: '/', query, fields });
};

const DEFAULTS = { format: 'html', sort: 'name', isDescending: false, page: 1, search: '' };

describe('listingQuery', () => {
  test('has defaults for whatever is missing or unknown', () => {
    expect(ask(undefined)).toEqual(DEFAULTS);
    expect(ask('')).toEqual(DEFAULTS);
    expect(ask('sort=colour&order=up&format=pdf&page=x')).toEqual(DEFAULTS);
    expect(ask('SORT=size')).toEqual(DEFAULTS);
  });

  test.each([
    ['0', 1],
    ['-1', 1],
    ['1.5', 1],
    ['1e3', 1000],
    ['9007199254740993', 1],
    ['Infinity', 1],
    ['', 1],
    ['7', 7],
  ])('page %s is %i', (text, page) => {
    expect(ask(`page=${text}`).page).toBe(page);
  });

  test('searches in lower case, without blanks around, for no more than a name can have', () => {
    expect(ask('search=+%C3%84B+').search).toBe('äb');
    expect(ask(`search=${'x'.repeat(1000)}`).search).toHaveLength(255);
  });

  test('reads again what it writes', () => {
    const queries = fc.record({
      format: fc.constantFrom('html' as const, 'json' as const, 'text' as const),
      sort: fc.constantFrom('name' as const, 'size' as const, 'modified' as const),
      isDescending: fc.boolean(),
      page: fc.integer({ min: 1, max: 10_000 }),
      search: fc.string({ maxLength: 20, unit: 'grapheme' }).map((text) => text.toLowerCase().trim()),
    });
    fc.assert(
      fc.property(queries, (query) => {
        fc.pre(query.search.toLowerCase().trim() === query.search);
        const href = listingHref(query);
        expect(href).toMatch(/^\.\/(?:\?[\x21-\x7e]*)?$/);
        expect(ask(new URL(href, 'http://a.example/b/').search.slice(1))).toEqual(query);
      }),
    );
  });

  test.each([
    [undefined, 'html'],
    ['*/*', 'html'],
    ['text/html,application/xhtml+xml;q=0.9', 'html'],
    ['application/json', 'json'],
    ['text/plain;q=0.5, application/json;q=0.4', 'text'],
    ['text/html;q=0, application/json', 'json'],
    ['APPLICATION/JSON', 'json'],
    ['application/json;q=x', 'html'],
    ['image/png', 'html'],
  ])('Accept: %s gives %s', (accept, format) => {
    expect(ask(undefined, accept).format).toBe(format);
    // What the query says is what a person chose.
    expect(ask('format=text', accept).format).toBe('text');
  });
});

test('an archive is asked for by format alone', () => {
  expect(archiveFormat('format=tar')).toBe('tar');
  expect(archiveFormat('page=2&format=zip')).toBe('zip');
  expect(archiveFormat('format=TAR')).toBeUndefined();
  expect(archiveFormat('x=format=tar')).toBeUndefined();
  expect(archiveFormat(undefined)).toBeUndefined();
});
