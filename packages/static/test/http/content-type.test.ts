// Media types by name, and what the first bytes of a file have to say about them.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { contentType as usualType } from 'mime-types';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  contentTypeOf,
  type ContentTypeOptions,
  isCompressible,
  ownCoding,
  parseMimeTypes,
  typeOverrides,
} from '../../src/http/content-type.ts';

const NONE: ContentTypeOptions = { types: new Map(), defaultType: 'application/octet-stream', charset: 'utf-8' };

const typeOf = (name: string, text = '', options: Partial<ContentTypeOptions> = {}): string =>
  contentTypeOf(name, { ...NONE, ...options }, Buffer.from(text, 'latin1'));

describe('a name', () => {
  test.each([
    ['index.html', 'text/html; charset=utf-8'],
    ['INDEX.HTM', 'text/html; charset=utf-8'],
    ['deep/er/style.css', 'text/css; charset=utf-8'],
    ['app.js', 'text/javascript; charset=utf-8'],
    ['app.mjs', 'text/javascript; charset=utf-8'],
    ['data.json', 'application/json; charset=utf-8'],
    ['feed.atom', 'application/atom+xml; charset=utf-8'],
    ['site.webmanifest', 'application/manifest+json; charset=utf-8'],
    ['logo.svg', 'image/svg+xml; charset=utf-8'],
    ['photo.jpeg', 'image/jpeg'],
    ['module.wasm', 'application/wasm'],
    ['font.woff2', 'font/woff2'],
    ['archive.tar.gz', 'application/gzip'],
    ['source.ts', 'text/typescript; charset=utf-8'],
    ['source.rs', 'text/plain; charset=utf-8'],
    ['source.PY', 'text/plain; charset=utf-8'],
  ])('%s is %s', (name, type) => {
    expect(typeOf(name)).toBe(type);
  });

  test.each(['', 'README', '.html', 'folder.html/README', 'name.', 'x.unknownext', 'x.constructor', 'x.__proto__'])(
    'without a known extension has the default type: %j',
    (name) => {
      expect(typeOf(name)).toBe('application/octet-stream');
      expect(typeOf(name, '', { defaultType: 'text/plain' })).toBe('text/plain; charset=utf-8');
    },
  );

  test('has the type that others give it, but for sources', () => {
    const usual = fc.constantFrom('png', 'gif', 'pdf', 'mp4', 'zip', 'html', 'css', 'json', 'xml', 'txt', 'csv', 'md');
    const base = fc.string({ minLength: 1, maxLength: 12 }).filter((text) => !/[./\\]/.test(text));
    fc.assert(
      fc.property(base, usual, (name, extension) => {
        const theirs = usualType(extension) || '';
        const [media = '', charset] = typeOf(`${name}.${extension}`).split('; ');
        expect(theirs.split('; ')[0]).toBe(media);
        if (theirs.includes('charset')) expect(charset).toBe('charset=utf-8');
      }),
    );
  });

  test('may be given another type, which is sent as it is where it names a charset itself', () => {
    const types = new Map([
      ['html', 'text/plain'],
      ['x', 'text/x; charset=koi8-r'],
      ['', 'text/markdown'],
    ]);
    expect(typeOf('a.html', '', { types })).toBe('text/plain; charset=utf-8');
    expect(typeOf('a.x', '', { types })).toBe('text/x; charset=koi8-r');
    expect(typeOf('README', '', { types })).toBe('text/markdown; charset=utf-8');
  });

  test('has no charset where none is wanted, and another where another is', () => {
    expect(typeOf('a.html', '', { charset: false })).toBe('text/html');
    expect(typeOf('a.html', '', { charset: 'windows-1252' })).toBe('text/html; charset=windows-1252');
    expect(typeOf('a.png', '', { charset: 'windows-1252' })).toBe('image/png');
  });
});

describe('the first bytes', () => {
  const packets = (count: number): string => `\x47${'\0'.repeat(187)}`.repeat(count);

  test('show a transport stream by the first byte of three packets', () => {
    expect(typeOf('film.ts', packets(3))).toBe('video/mp2t');
    expect(typeOf('film.mts', packets(5))).toBe('video/mp2t');
    expect(typeOf('film.ts', packets(2))).toBe('text/typescript; charset=utf-8');
    expect(typeOf('film.ts', `${packets(2)}\x48`)).toBe('text/typescript; charset=utf-8');
    expect(typeOf('film.ts', `Get${'x'.repeat(600)}`)).toBe('text/typescript; charset=utf-8');
    expect(typeOf('film.css', packets(3))).toBe('text/css; charset=utf-8');
  });

  test.each([
    ['a.html', '<meta charset="windows-1252">'],
    ['a.html', '<META CHARSET=Shift_JIS>'],
    ['a.html', '<Meta Charset="ISO-8859-1">'],
    ['a.html', "<!doctype html>\n<head><meta\n charset = 'koi8-r'>"],
    ['a.html', '<meta http-equiv="Content-Type" content="text/html; charset=iso-8859-1">'],
    ['a.html', '<meta http-equiv="Content-Type" content="text/html; Charset=iso-8859-1">'],
    ['a.xhtml', '<?xml version="1.0" encoding="iso-8859-15"?>'],
    ['a.xml', "<?xml version='1.0' encoding='UTF-16'?>"],
    ['a.svg', '<?xml version="1.0" encoding="ISO-8859-1" standalone="no"?>'],
    ['a.css', '@charset "iso-8859-1";'],
    ['a.html', '\xff\xfe<\0'],
    ['a.txt', '\xfe\xff\0a'],
  ])('of %s that name another encoding keep it: %j', (name, text) => {
    expect(typeOf(name, text)).toBe(typeOf(name).split(';')[0]);
  });

  test.each([
    ['a.html', '<meta charset="utf-8">'],
    ['a.html', '<META charset=UTF8>'],
    ['a.html', '<meta charset="Utf_8">'],
    ['a.html', '<p>the charset is windows-1252</p>'],
    ['a.html', '<metadata-of>charset=latin1'],
    ['a.html', `${' '.repeat(1024)}<meta charset="latin1">`],
    ['a.xml', ' <?xml version="1.0" encoding="latin1"?>'],
    ['a.css', 'a{} @charset "latin1";'],
    ['a.css', "@charset 'latin1';"],
    ['a.js', '<meta charset="latin1">'],
    ['a.json', '@charset "latin1";'],
    ['a.txt', '\xef\xbb\xbftext'],
  ])('of %s that name none change nothing: %j', (name, text) => {
    expect(typeOf(name, text)).toBe(typeOf(name));
  });

  test('make no difference where no charset is sent, and take little time whatever they are', () => {
    expect(typeOf('a.png', '<meta charset="latin1">')).toBe('image/png');
    fc.assert(
      fc.property(
        fc.constantFrom('a.html', 'a.css', 'a.xml', 'a.ts', 'a.txt'),
        fc.array(fc.constantFrom('<meta ', 'charset=', '<?xml ', 'encoding=', '"', '>', '\xff\xfe', ' '), {
          maxLength: 400,
        }),
        (name, parts) => {
          expect(typeOf(name, parts.join(''))).toMatch(/^text\/[a-z]+(?:; charset=utf-8)?$|^application\/xml/);
        },
      ),
    );
  });

  test('tell whether an svgz is what its name says', () => {
    expect(ownCoding('a.svgz', Buffer.from([0x1f, 0x8b, 8]))).toBe('gzip');
    expect(ownCoding('A.SVGZ', Buffer.from([0x1f, 0x8b]))).toBe('gzip');
    expect(ownCoding('a.svgz', Buffer.from('<svg'))).toBeUndefined();
    expect(ownCoding('a.svgz', Buffer.alloc(0))).toBeUndefined();
    expect(ownCoding('a.svg', Buffer.from([0x1f, 0x8b]))).toBeUndefined();
    expect(ownCoding('a.gz', Buffer.from([0x1f, 0x8b]))).toBeUndefined();
  });
});

test.each([
  ['text/plain', true],
  ['TEXT/HTML; charset=utf-8', true],
  ['application/json', true],
  ['application/problem+json', true],
  ['application/wasm', true],
  ['image/svg+xml; charset=utf-8', true],
  ['image/bmp', true],
  ['font/ttf', true],
  ['model/gltf-binary', true],
  ['font/woff2', false],
  ['image/png', false],
  ['video/mp4', false],
  ['application/zip', false],
  ['application/octet-stream', false],
  ['application/jsonish', false],
  ['x-text/plain', false],
  ['', false],
])('coding pays off for %s: %s', (type, isIt) => {
  expect(isCompressible(type)).toBe(isIt);
  // The second answer comes from memory.
  expect(isCompressible(type)).toBe(isIt);
});

describe('a table of types', () => {
  test('is read as Apache reads it', () => {
    const text = [
      '# a comment',
      'text/html html HTM # another',
      '\timage/x-one\tone  two ',
      'text/nothing',
      '',
      '#text/off off',
      'a/b c#d',
    ].join('\r\n');
    expect(parseMimeTypes(text)).toEqual([
      ['html', 'text/html'],
      ['htm', 'text/html'],
      ['one', 'image/x-one'],
      ['two', 'image/x-one'],
      ['c', 'a/b'],
    ]);
  });

  test('stands below the types that are given one by one, with a dot or without, in any case', () => {
    const folder = mkdtempSync(join(tmpdir(), 'onezero-types-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, 'mime.types'), 'text/one one\ntext/two two\ntext/three one\n');
    expect(typeOverrides(undefined, {})).toEqual(new Map());
    expect(typeOverrides(join(folder, 'mime.types'), { '.TWO': 'a/b', three: 'a/c' })).toEqual(
      new Map([
        ['one', 'text/three'],
        ['two', 'a/b'],
        ['three', 'a/c'],
      ]),
    );
    expect(() => typeOverrides(join(folder, 'absent'), {})).toThrow('ENOENT');
  });
});
