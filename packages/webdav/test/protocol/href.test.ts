import fc from 'fast-check';
import { WriteRefused } from '@onezero/static/tree';
import { describe, expect, test } from 'vitest';
import type { DavRequest } from '../../src/message.ts';
import { baseOf, destinationOf, encodeSegment, hrefOf, pathOfUrl } from '../../src/protocol/href.ts';

const request = (parts: Partial<DavRequest> = {}): DavRequest => ({
  method: 'MOVE',
  pathInfo: '/a',
  fields: [],
  authority: 'host:8080',
  scriptName: '/dav',
  ...parts,
});

/** Every name that a directory can hold, but those that no path leads to. */
const name = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 30 })
  .map((one) =>
    Buffer.from(one)
      .toString()
      .replaceAll(/[/\0\\]/g, '-'),
  )
  .filter((one) => one !== '.' && one !== '..' && !/^\.+$/.test(one));

describe('a name in a URL', () => {
  test.each([
    ['plain.txt', 'plain.txt'],
    ['a b', 'a%20b'],
    ['100%', '100%25'],
    ['%41', '%2541'],
    ['a#b?c', 'a%23b%3Fc'],
    ['ü', '%C3%BC'],
    ['u\u0308', 'u%CC%88'],
    ['😀', '%F0%9F%98%80'],
    ['a&b', 'a%26b'],
    ['<a>', '%3Ca%3E'],
    ["it's", "it's"],
    ['"quoted"', '%22quoted%22'],
    ['a;b=c,d+e@f:g$h', 'a;b=c,d+e@f:g$h'],
    ['line\nfeed', 'line%0Afeed'],
    ['[x]', '%5Bx%5D'],
    ['a|b^c`d{e}', 'a%7Cb%5Ec%60d%7Be%7D'],
    ['~', '~'],
  ])('%j is %s', (plain, encoded) => {
    expect(encodeSegment(plain)).toBe(encoded);
  });

  test('is read as it was written, and has no character that a URL has not', () => {
    fc.assert(
      fc.property(name, (one) => {
        const encoded = encodeSegment(one);
        expect(decodeURIComponent(encoded)).toBe(one);
        expect(encoded).toMatch(/^[\w.~!$&'()*+,;=:@%-]+$/);
      }),
    );
  });
});

describe('a path in a response', () => {
  test('ends with a slash for a collection, and for the root', () => {
    expect(hrefOf('', [], true)).toBe('/');
    expect(hrefOf('/dav', [], true)).toBe('/dav/');
    expect(hrefOf('/dav', ['a', 'b c'], true)).toBe('/dav/a/b%20c/');
    expect(hrefOf('/dav', ['a', 'b c'], false)).toBe('/dav/a/b%20c');
  });

  test.each([
    [undefined, ''],
    ['', ''],
    ['/dav', '/dav'],
    ['/dav/', '/dav'],
    ['/my files/ü', '/my%20files/%C3%BC'],
  ])('below %j begins with %j', (scriptName, base) => {
    expect(baseOf(request({ scriptName }))).toBe(base);
  });

  test('is the path that a URL with it leads to', () => {
    fc.assert(
      fc.property(fc.array(name, { minLength: 1, maxLength: 5 }), fc.boolean(), (segments, isCollection) => {
        const asked = request();
        const href = hrefOf(baseOf(asked), segments, isCollection);
        const expected = `/${segments.join('/')}${isCollection ? '/' : ''}`;
        expect(pathOfUrl(href, asked)).toBe(expected);
        expect(pathOfUrl(`http://host:8080${href}`, asked)).toBe(expected);
      }),
    );
  });
});

describe('a URL', () => {
  test.each([
    ['/dav/b', '/b'],
    ['/dav/', '/'],
    ['/dav', '/'],
    ['/davenport/b', undefined],
    ['/other/b', undefined],
    ['/', undefined],
    ['http://host:8080/dav/b', '/b'],
    ['https://host:8080/dav/b', '/b'],
    ['HTTP://HOST:8080/dav/b', '/b'],
    ['http://ada:secret@host:8080/dav/b', '/b'],
    ['http://host:8080/dav/b?query', '/b'],
    ['http://host:8080/dav/b#part', '/b'],
    ['http://host:8080', undefined],
    ['http://host:8081/dav/b', undefined],
    ['http://host/dav/b', undefined],
    ['http://host.example:8080/dav/b', undefined],
    ['http://elsewhere/dav/b', undefined],
    ['http:///dav/b', undefined],
    ['/dav/%41%20b', '/A b'],
    ['/dav/a/../b', '/b'],
    ['/dav/../dav/b', '/b'],
    ['/dav/../../b', undefined],
    ['/dav/%2e%2e/%2e%2e/b', undefined],
    ['/dav/..', undefined],
    ['/dav/a%00b', undefined],
    ['/dav/a%', undefined],
    ['/dav/%ff', undefined],
  ])('%s leads to %j', (url, path) => {
    expect(pathOfUrl(url, request())).toBe(path);
  });

  test.each([
    ['http://site/dav/b', 'site', '/b'],
    ['http://site:80/dav/b', 'site', '/b'],
    ['https://site:443/dav/b', 'site', '/b'],
    ['https://site/dav/b', 'site:443', '/b'],
    ['http://site:/dav/b', 'site', '/b'],
    ['http://[::1]:8080/dav/b', '[::1]:8080', '/b'],
    ['http://[::1]/dav/b', '[::1]:8080', undefined],
  ])('%s is compared with %s by host and unusual port', (url, authority, path) => {
    expect(pathOfUrl(url, request({ authority }))).toBe(path);
  });

  test('may name the host of the Host field too, as proxies pass it on', () => {
    const asked = request({ authority: '127.0.0.1:9000', fields: [['host', 'files.example']] });
    expect(pathOfUrl('https://files.example/dav/b', asked)).toBe('/b');
    expect(pathOfUrl('http://127.0.0.1:9000/dav/b', asked)).toBe('/b');
    expect(pathOfUrl('https://other.example/dav/b', asked)).toBeUndefined();
  });

  test('of a mount at the root is any path', () => {
    expect(pathOfUrl('/b', request({ scriptName: '' }))).toBe('/b');
    expect(pathOfUrl('http://host:8080', request({ scriptName: '' }))).toBe('/');
    expect(pathOfUrl('/b', request({ scriptName: undefined }))).toBe('/b');
  });
});

describe('Destination', () => {
  const outcome = (value: string | undefined): string | number => {
    try {
      return destinationOf(request({ fields: value === undefined ? [] : [['destination', value]] }));
    } catch (error) {
      if (error instanceof WriteRefused) return error.response.status;
      throw error;
    }
  };

  test.each([
    ['http://host:8080/dav/b', '/b'],
    ['/dav/b/', '/b/'],
    ['http://host:8080/dav/%C3%BC', '/ü'],
    ['http://host:8080/dav/a%2525', '/a%25'],
    [undefined, 400],
    ['', 400],
    ['b', 400],
    ['dav/b', 400],
    ['http:/host/dav/b', 400],
    ['http://host:8080/dav/a b', 400],
    ['http://host:8080/dav/a%0', 400],
    ['http://host:8080/dav/%00', 400],
    ['http://host:8080/dav/../../b', 400],
    ['/../b', 400],
    ['http://elsewhere/dav/b', 502],
    ['ftp://elsewhere/dav/b', 502],
    ['ftp://host:8080/dav/b', 502],
    ['file://host:8080/dav/b', 502],
    ['http://host:8080/dav/b#part', 400],
    ['/dav/b#', 400],
    ['http://host:8080/other/b', 502],
    ['/other/b', 502],
    ['//elsewhere/dav/b', 502],
  ])('%j is %j', (value, expected) => {
    expect(outcome(value)).toBe(expected);
  });

  test('never throws anything but a refusal, and never leads above the root', () => {
    const piece = fc.constantFrom(
      '/',
      '..',
      '.',
      '%2e',
      '%2F',
      'dav',
      'http://host:8080',
      'a',
      '%',
      '?',
      '#',
      '\\',
      '%5C',
      '//',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 10 }), (pieces) => {
        const path = outcome(pieces.join(''));
        if (typeof path === 'string') expect(path.split('/')).not.toContain('..');
        else expect([400, 502]).toContain(path);
      }),
      { numRuns: 1_000 },
    );
  });
});
