// The safety contract as data: what is asked over a raw socket, and what must come back.
//
// Nothing here knows which server it talks to: a runner starts one for each site (a set of options) and hands over a port.
// `docs/safety.md` prints this table; a test compares the two. In field values, `{etag /a.txt}` and `{modified /a.txt}` stand
// for what a plain GET of that path says.

import type { StaticOptions } from '../src/index.ts';
import { exchange, type RawResponse, SECRET } from './site.ts';

/** Option sets that cases need; each runs on a server of its own. */
export const CORPUS_SITES = {
  usual: { compression: false },
  compressing: {},
  listing: { listing: true, compression: false },
  hiding: { hide: ['*.key', '/private'], dotfiles: 'allow', compression: false },
  noLinks: { symlinks: 'deny', compression: false },
  windows: { windowsNames: 'deny', compression: false },
  cached: { maxAgeSeconds: 600, immutable: true, compression: false },
  shared: { cors: true, compression: false },
  sharedWithOne: { cors: { origins: ['https://good.example'], credentials: true }, compression: false },
  application: { fallback: '/index.html', compression: false },
  pages: { statusPages: true, compression: false },
  rules: { redirects: [{ from: '/old/*', to: '/*' }], cleanUrls: 'redirect', compression: false },
} as const satisfies Readonly<Record<string, StaticOptions>>;

export type CorpusSite = keyof typeof CORPUS_SITES;

/** What a response must be. A field given as null must be absent. */
export interface Expectation {
  readonly status: number | readonly number[];
  readonly content?: string | RegExp;
  readonly bytes?: number;
  readonly fields?: Readonly<Record<string, string | RegExp | null>>;
}

export interface CorpusRequest extends Expectation {
  readonly target: string;
  readonly method?: string;
  readonly version?: '1.0' | '1.1';
  readonly with?: Readonly<Record<string, string>>;
}

export interface CorpusCase {
  readonly id: string;
  /** What holds, as a sentence of the contract. */
  readonly holds: string;
  readonly site?: CorpusSite;
  readonly requests: readonly CorpusRequest[];
}

const DIGITS = '0123456789';
const A_DATE = 'Tue, 02 Jan 2024 03:04:05 GMT';

/** A Location that browsers can only read as a path of this site. */
const OWN_LOCATION = /^\/(?![/\\]|%2f|%5c)/i;

const refused = (status: number | readonly number[], ...targets: string[]): CorpusRequest[] =>
  targets.map((target) => ({ target, status }));

const answered = (...pairs: readonly (readonly [target: string, content: string])[]): CorpusRequest[] =>
  pairs.map(([target, content]) => ({ target, status: 200, content }));

export const CORPUS: readonly CorpusCase[] = [
  {
    id: 'P1',
    holds: 'A path that climbs above the root is refused, encoded or not.',
    requests: refused(400, '/../secret.txt', '/%2e%2e/secret.txt', '/.%2e/secret.txt', '/sub/../../secret.txt'),
  },
  {
    id: 'P2',
    holds: 'An encoded slash is a slash, before dot segments are resolved.',
    requests: refused(400, '/..%2fsecret.txt', '/%2e%2e%2fsecret.txt', '/sub/..%2f..%2fsecret.txt'),
  },
  {
    id: 'P3',
    holds: 'Decoding happens exactly once.',
    requests: refused(404, '/%252e%252e/secret.txt', '/%252e%252e%252fsecret.txt'),
  },
  {
    id: 'P4',
    holds: 'A backslash is a character of a name, or refused where it separates names.',
    requests: refused([400, 404], '/..%5csecret.txt', '/..\\secret.txt'),
  },
  {
    id: 'P5',
    holds: 'A neighbour whose name begins like the root is not inside it.',
    requests: refused(400, '/../www-secret/s.txt', '/%2e%2e%2fwww-secret/s.txt'),
  },
  {
    id: 'P6',
    holds: 'Every spelling of a path is the same path to every policy.',
    site: 'hiding',
    requests: refused(
      [400, 404],
      '/private/p.txt',
      '//private/p.txt',
      '/./private/p.txt',
      '/sub/../private/p.txt',
      '/private%2fp.txt',
      '/%70rivate/p.txt',
      '/private//p.txt',
      '/PRIVATE/p.txt',
    ),
  },
  {
    id: 'P7',
    holds: 'A NUL is refused.',
    requests: refused(400, '/a.txt%00', '/a.txt%00.html', '/%00'),
  },
  {
    id: 'P8',
    holds: 'A stray percent sign, overlong and other invalid UTF-8 are refused.',
    requests: refused(400, '/%', '/%zz', '/%c0%ae%c0%ae/secret.txt', '/%ff'),
  },
  {
    id: 'P9',
    holds: 'Long names and deep paths are missing, not an error.',
    requests: [
      ...refused(404, `/${'a'.repeat(300)}`, `/${'a/'.repeat(3000)}`),
      ...refused([404, 414], `/${'a'.repeat(9000)}`),
    ],
  },
  {
    id: 'P10',
    holds: 'Every name that a file can have can be asked for.',
    requests: answered(
      ['/a%2etxt', DIGITS],
      ['/with%20space.txt', 'space'],
      ['/50%25.txt', 'percent'],
      ['/caf%C3%A9.txt', 'accent'],
      ['/a+b.txt', 'plus'],
      ['/a%2Bb.txt', 'plus'],
      ['/hash%23.txt', 'hash'],
      ['/q%3F.txt', 'question'],
      ['/dots..txt', 'dots'],
      ['/back%5Cslash.txt', 'backslash'],
    ),
  },
  {
    id: 'P11',
    holds: 'A file is not a directory.',
    requests: refused(404, '/a.txt/', '/a.txt/x'),
  },
  {
    id: 'P12',
    holds: 'Empty and dot segments are resolved.',
    requests: answered(
      ['//a.txt', DIGITS],
      ['/sub//index.html', '<p>sub</p>'],
      ['/./a.txt', DIGITS],
      ['/sub/../a.txt', DIGITS],
    ),
  },
  {
    id: 'P13',
    holds: 'The absolute form of a target works; a target that is no path is refused.',
    requests: [{ target: 'http://127.0.0.1/a.txt', status: 200, content: DIGITS }, ...refused(400, 'a.txt', '*')],
  },
  {
    id: 'P14',
    holds: 'Dotfiles do not exist.',
    requests: refused(404, '/.env', '/%2eenv', '/.git/config', '/sub/.x/y', '/.well-known/.x'),
  },
  { id: 'P15', holds: '/.well-known does.', requests: answered(['/.well-known/acme', 'acme']) },
  {
    id: 'P17',
    holds: 'A link that ends inside the root is followed.',
    requests: answered(['/link-in', DIGITS], ['/linksub/', '<p>sub</p>']),
  },
  {
    id: 'P17a',
    holds: 'Where links are denied, none is followed, in whatever part of the path.',
    site: 'noLinks',
    requests: refused(404, '/link-in', '/linksub/index.html', '/linksub/', '/linksub'),
  },
  {
    id: 'P18',
    holds: 'A link that leaves the root is followed nowhere: file, directory, index file, loop.',
    requests: refused(
      404,
      '/link-out',
      '/linkdir/o.txt',
      '/linkdir/',
      '/linkdir',
      '/linkindex/',
      '/linkindex',
      '/loop',
    ),
  },
  {
    id: 'P18a',
    holds: 'Nor is it listed.',
    site: 'listing',
    requests: [
      { target: '/?format=text', status: 200, content: /^(?![^]*(?:link-out|linkdir|loop|fifo))[^]*link-in\n/ },
      ...refused(404, '/linkdir/', '/link-out'),
    ],
  },
  {
    id: 'P21',
    holds: 'What is not a regular file is not there, and never waited for.',
    requests: [...refused(404, '/fifo', '/fifo', '/fifo', '/fifo', '/fifo'), ...answered(['/a.txt', DIGITS])],
  },
  { id: 'P22', holds: 'A directory is not an index file.', requests: refused(404, '/dirindex/') },
  {
    id: 'P23',
    holds: 'Where Windows names are denied, names that mean something else there are missing.',
    site: 'windows',
    requests: refused(
      [400, 404],
      '/CON',
      '/nul.txt',
      '/aux.tar.gz',
      '/com1%20.txt',
      '/a.txt.',
      '/a.txt%20',
      '/a.txt::$DATA',
      '/PROGRA~1/',
      '/C:/x',
      '/back%5Cslash.txt',
    ),
  },
  {
    id: 'P24',
    holds: 'A hidden file is missing under its name in any case, under its coding, and below a hidden directory.',
    site: 'hiding',
    requests: [
      ...refused(404, '/x.key', '/X.KEY', '/x.key.gz', '/x.key.GZ', '/private/', '/private'),
      { target: '/x.key', with: { 'Accept-Encoding': 'gzip' }, status: 404 },
    ],
  },
  {
    id: 'R1',
    holds: 'A directory without its slash redirects to it, with the query.',
    requests: [
      { target: '/sub', status: 301, fields: { location: '/sub/' } },
      { target: '/sub?x=1', status: 301, fields: { location: '/sub/?x=1' } },
      { target: '/sub?x=/%0d%0aX:%201', status: 301, fields: { location: '/sub/?x=/%0d%0aX:%201', x: null } },
    ],
  },
  {
    id: 'R2',
    holds: 'No redirect leads to another host.',
    requests: [
      '//evil.com/..%2fsub',
      '//evil.com/%2e%2e/sub',
      '//sub',
      '///evil.com/%2f..',
      '/\\evil.com/../sub',
      '/%5cevil.com/%2e%2e/sub',
      '/..%2F%5cevil.com%2F%3f%2F..%2F..',
      '/%2f%2fevil.com/..%2fsub',
    ].map((target) => ({ target, status: [301, 400, 404], fields: { location: OWN_LOCATION } })),
  },
  {
    id: 'R2a',
    holds: 'Nor does one that a rule builds from the path.',
    site: 'rules',
    requests: [
      { target: '/old/a.txt?x=1', status: 301, fields: { location: '/a.txt?x=1' } },
      { target: '/old//evil.com/', status: 301, fields: { location: OWN_LOCATION } },
      { target: '/old/%2fevil.com/', status: 301, fields: { location: OWN_LOCATION } },
      { target: '/old/%5cevil.com/', status: 404, fields: { location: null } },
    ],
  },
  {
    id: 'R3',
    holds: 'Line ends in a path never reach the head.',
    requests: [{ target: '/sub/%0d%0aX-Inj:%201/..', status: [200, 404, 301], fields: { 'x-inj': null } }],
  },
  {
    id: 'R5',
    holds: 'An error says nothing of the path, and cannot be taken for a page.',
    requests: ['/%3Cscript%3Ealert(1)%3C/script%3E', '/<script>alert(1)</script>'].map((target) => ({
      target,
      status: [400, 404],
      content: /^(?![^]*<script>)/,
      fields: { 'x-content-type-options': 'nosniff' },
    })),
  },
  {
    id: 'R6',
    holds: 'A listing shows names as text, links to each file, hides what is hidden and runs nothing.',
    site: 'listing',
    requests: [
      {
        target: '/nolist/',
        status: 200,
        content:
          /^(?![^]*(?:<img src=x|"onmouseover="x|href="javascript:|\.hidden))[^]*href="\.\/%3Cimg%20src%3Dx%20onerror%3Dalert%281%29%3E\.txt"/,
        fields: {
          'content-type': 'text/html; charset=utf-8',
          'content-security-policy': /^default-src 'none'; style-src 'sha256-[^']+'(?!.*unsafe)/,
          'x-content-type-options': 'nosniff',
        },
      },
    ],
  },
  {
    id: 'R7',
    holds: 'Unknown values in a listing query are ignored, known ones escaped.',
    site: 'listing',
    requests: [
      {
        target: '/nolist/?sort=%22%3E%3Cscript%3E&search=%3Cb%3E&page=-1&order=x',
        status: 200,
        content: /^(?![^]*(?:<script|<b>))[^]*value="&lt;b&gt;"/,
      },
    ],
  },
  {
    id: 'R10',
    holds: 'A method that is not offered is 405 with Allow, whatever is at the path.',
    requests: [
      ...['POST', 'PUT', 'DELETE', 'PATCH'].map((method) => ({
        target: '/a.txt',
        method,
        status: 405,
        fields: { allow: 'GET, HEAD, OPTIONS' },
      })),
      // A server may have refused it before it comes to files.
      { target: '/a.txt', method: 'TRACE', status: [405, 501], fields: { allow: /^GET, HEAD\b/ } },
    ],
  },
  {
    id: 'R11',
    holds: 'OPTIONS answers with Allow; a preflight is answered for allowed origins only, and varies by Origin.',
    site: 'sharedWithOne',
    requests: [
      { target: '/a.txt', method: 'OPTIONS', status: 204, fields: { allow: 'GET, HEAD, OPTIONS', vary: /origin/ } },
      {
        target: '/a.txt',
        method: 'OPTIONS',
        with: { Origin: 'https://good.example', 'Access-Control-Request-Method': 'GET' },
        status: 204,
        fields: {
          'access-control-allow-origin': 'https://good.example',
          'access-control-allow-credentials': 'true',
          'access-control-allow-methods': /GET/,
          vary: /origin/,
        },
      },
      {
        target: '/a.txt',
        method: 'OPTIONS',
        with: { Origin: 'https://bad.example', 'Access-Control-Request-Method': 'GET' },
        status: 204,
        fields: { 'access-control-allow-origin': null, 'access-control-allow-methods': null, vary: /origin/ },
      },
    ],
  },
  {
    id: 'R12',
    holds: 'Access for every origin never comes with credentials.',
    site: 'shared',
    requests: [
      {
        target: '/a.txt',
        with: { Origin: 'https://any.example' },
        status: 200,
        fields: { 'access-control-allow-origin': '*', 'access-control-allow-credentials': null },
      },
      { target: '/none.txt', status: 404, fields: { 'access-control-allow-origin': '*' } },
    ],
  },
  {
    id: 'C1',
    holds: 'A matching entity tag is 304 with the fields a cache updates, and no content.',
    requests: [
      {
        target: '/a.txt',
        with: { 'If-None-Match': '{etag /a.txt}' },
        status: 304,
        bytes: 0,
        fields: { etag: /^"/, 'cache-control': 'no-cache', 'content-type': null, 'content-length': null },
      },
    ],
  },
  {
    id: 'C2',
    holds: 'If-None-Match is a list, an asterisk, and compares weakly.',
    requests: ['"x", {etag /a.txt}, "y"', '*', 'W/{etag /a.txt}', '"a,b",{etag /a.txt}'].map((value) => ({
      target: '/a.txt',
      with: { 'If-None-Match': value },
      status: 304,
      bytes: 0,
    })),
  },
  {
    id: 'C3',
    holds: 'If-None-Match decides, If-Modified-Since is not asked then.',
    requests: [
      { target: '/a.txt', with: { 'If-None-Match': '"x"', 'If-Modified-Since': A_DATE }, status: 200, content: DIGITS },
      { target: '/a.txt', with: { 'If-None-Match': 'x{etag /a.txt}x', 'If-Modified-Since': A_DATE }, status: 304 },
    ],
  },
  {
    id: 'C4',
    holds: 'If-Modified-Since is read in three forms; a date in the future says nothing.',
    requests: [
      ...[A_DATE, 'Tuesday, 02-Jan-24 03:04:05 GMT', 'Tue Jan  2 03:04:05 2024', 'Wed, 03 Jan 2024 03:04:05 GMT'].map(
        (date) => ({ target: '/a.txt', with: { 'If-Modified-Since': date }, status: 304, bytes: 0 }),
      ),
      {
        target: '/a.txt',
        with: { 'If-Modified-Since': 'Mon, 01 Jan 2024 03:04:05 GMT' },
        status: 200,
        content: DIGITS,
      },
      {
        target: '/a.txt',
        with: { 'If-Modified-Since': 'Fri, 31 Dec 9999 23:59:59 GMT' },
        status: 200,
        content: DIGITS,
      },
    ],
  },
  {
    id: 'C5',
    holds: 'A date that is none says nothing.',
    requests: ['junk', '1704164645', 'Tue, 31 Feb 2024 03:04:05 GMT', 'Tue, 02 Jan 2024 25:04:05 GMT'].map((date) => ({
      target: '/a.txt',
      with: { 'If-Modified-Since': date },
      status: 200,
      content: DIGITS,
    })),
  },
  {
    id: 'C6',
    holds: 'A failed precondition is 412.',
    requests: [
      { target: '/a.txt', with: { 'If-Match': '"nope"' }, status: 412 },
      { target: '/a.txt', with: { 'If-Unmodified-Since': 'Mon, 01 Jan 2024 03:04:05 GMT' }, status: 412 },
      { target: '/a.txt', with: { 'If-Match': '{etag /a.txt}' }, status: 200, content: DIGITS },
      { target: '/a.txt', with: { 'If-Match': '*' }, status: 200, content: DIGITS },
      { target: '/a.txt', with: { 'If-Unmodified-Since': A_DATE }, status: 200, content: DIGITS },
    ],
  },
  {
    id: 'C7',
    holds: 'If-Match compares strongly.',
    requests: [{ target: '/a.txt', with: { 'If-Match': 'W/{etag /a.txt}' }, status: 412 }],
  },
  {
    id: 'C8',
    holds: 'Preconditions come before ranges.',
    requests: [{ target: '/a.txt', with: { 'If-None-Match': '{etag /a.txt}', Range: 'bytes=0-3' }, status: 304 }],
  },
  {
    id: 'C9',
    holds:
      'If-Range takes the very tag, strong; anything else gets everything, the date of a file whose date was set included.',
    requests: [
      { target: '/a.txt', with: { Range: 'bytes=0-3', 'If-Range': '{etag /a.txt}' }, status: 206, content: '0123' },
      ...[
        A_DATE,
        'W/{etag /a.txt}',
        '"nope"',
        '{etag /a.txt}x',
        'x{etag /a.txt}',
        'Wed, 03 Jan 2024 03:04:05 GMT',
        'junk',
      ].map((value) => ({
        target: '/a.txt',
        with: { Range: 'bytes=0-3', 'If-Range': value },
        status: 200,
        content: DIGITS,
      })),
    ],
  },
  {
    id: 'C10',
    holds: 'One range: bounded, open, suffix, first byte, beyond the end.',
    requests: (
      [
        ['0-3', '0123', '0-3/10'],
        ['4-', '456789', '4-9/10'],
        ['-3', '789', '7-9/10'],
        ['0-0', '0', '0-0/10'],
        ['5-100', '56789', '5-9/10'],
      ] as const
    ).map(([range, content, contentRange]) => ({
      target: '/a.txt',
      with: { Range: `bytes=${range}` },
      status: 206,
      content,
      fields: {
        'content-range': `bytes ${contentRange}`,
        'content-length': String(content.length),
        etag: /^"/,
        'content-type': 'text/plain; charset=utf-8',
      },
    })),
  },
  {
    id: 'C11',
    holds: 'A suffix longer than the file is the whole file.',
    requests: [
      {
        target: '/a.txt',
        with: { Range: 'bytes=-100' },
        status: 206,
        content: DIGITS,
        fields: { 'content-range': 'bytes 0-9/10' },
      },
    ],
  },
  {
    id: 'C12',
    holds: 'A range outside the file is 416 with its length.',
    requests: ['100-', '10-', '-0', '10-20,30-'].map((range) => ({
      target: '/a.txt',
      with: { Range: `bytes=${range}` },
      status: 416,
      content: /^(?![^]*0123)/,
      fields: { 'content-range': 'bytes */10' },
    })),
  },
  {
    id: 'C13',
    holds: 'A range that is malformed, or of an unknown unit, is ignored; a huge end is the end.',
    requests: [
      ...['bytes=5-2', 'bytes=abc', 'bytes=', 'items=0-3', 'bytes=0-1,x', 'bytes=-', 'bytes=0x1-5', 'bytes 0-3'].map(
        (range) => ({
          target: '/a.txt',
          with: { Range: range },
          status: 200,
          content: DIGITS,
        }),
      ),
      { target: '/a.txt', with: { Range: 'bytes=0-99999999999999999999' }, status: 206, content: DIGITS },
      { target: '/a.txt', with: { Range: 'BYTES=0-3' }, status: 206, content: '0123' },
    ],
  },
  {
    id: 'C14',
    holds: 'Several ranges are multipart/byteranges, of exact length.',
    requests: [
      {
        target: '/a.txt',
        with: { Range: 'bytes=0-1,4-5' },
        status: 206,
        content:
          /^--(\w+)\r\nContent-Type: text\/plain; charset=utf-8\r\nContent-Range: bytes 0-1\/10\r\n\r\n01\r\n--\1\r\nContent-Type: text\/plain; charset=utf-8\r\nContent-Range: bytes 4-5\/10\r\n\r\n45\r\n--\1--\r\n$/,
        fields: { 'content-type': /^multipart\/byteranges; boundary=\w+$/, 'content-range': null },
      },
    ],
  },
  {
    id: 'C15',
    holds: 'Overlapping and touching ranges become one; too many, or too much, gets the file.',
    requests: [
      { target: '/a.txt', with: { Range: 'bytes=0-1,1-2' }, status: 206, content: '012' },
      { target: '/a.txt', with: { Range: 'bytes=4-5,2-3' }, status: 206, content: '2345' },
      { target: '/a.txt', with: { Range: `bytes=${Array(200).fill('0-').join()}` }, status: 200, content: DIGITS },
      { target: '/a.txt', with: { Range: `bytes=${Array(1000).fill('0-0').join()}` }, status: 200, content: DIGITS },
      { target: '/a.txt', with: { Range: 'bytes=0-,-10' }, status: 200, content: DIGITS },
    ],
  },
  {
    id: 'C16',
    holds: 'Of several ranges, those outside are left out.',
    requests: [
      {
        target: '/a.txt',
        with: { Range: 'bytes=0-3,100-' },
        status: 206,
        content: '0123',
        fields: { 'content-range': 'bytes 0-3/10' },
      },
    ],
  },
  {
    id: 'C17',
    holds: 'A range of an empty file is the empty file.',
    requests: ['bytes=0-', 'bytes=-5', 'bytes=0-3'].map((range) => ({
      target: '/empty.txt',
      with: { Range: range },
      status: 200,
      bytes: 0,
    })),
  },
  {
    id: 'C18',
    holds: 'HEAD has the fields of GET, ignores ranges, and has no content.',
    requests: [
      { target: '/a.txt', method: 'HEAD', status: 200, bytes: 0, fields: { 'content-length': '10', etag: /^"/ } },
      {
        target: '/a.txt',
        method: 'HEAD',
        with: { Range: 'bytes=0-3' },
        status: 200,
        bytes: 0,
        fields: { 'content-length': '10', 'content-range': null },
      },
      { target: '/none.txt', method: 'HEAD', status: 404, bytes: 0 },
    ],
  },
  {
    id: 'C19',
    holds: 'The coding is the best the client takes, by exact name and weight, and every answer says that it varies.',
    requests: (
      [
        ['gzip', 'gzip'],
        ['br', 'br'],
        ['zstd', 'zstd'],
        ['*', 'br'],
        ['gzip, deflate, br, zstd', 'br'],
        ['br;q=0, gzip', 'gzip'],
        ['gzip;q=1.0, br;q=0.5', 'gzip'],
        ['gzip;q=0', null],
        ['xbrx', null],
        ['x-gzip', 'gzip'],
        ['GZIP', 'gzip'],
        ['identity;q=0.5, gzip;q=0.1', null],
        ['identity;q=0, *;q=0', null],
        ['br;q=nonsense', null],
        ['', null],
      ] as const
    ).map(([acceptEncoding, coding]) => ({
      target: '/big.js',
      with: { 'Accept-Encoding': acceptEncoding },
      status: 200,
      fields: { 'content-encoding': coding, vary: /accept-encoding/, 'content-type': 'text/javascript; charset=utf-8' },
    })),
  },
  {
    id: 'C19a',
    holds: 'So does the answer to a request that names no coding, and the 304.',
    requests: [
      { target: '/big.js', status: 200, fields: { 'content-encoding': null, vary: /accept-encoding/ } },
      {
        target: '/big.js',
        with: { 'If-None-Match': '{etag /big.js}' },
        status: 304,
        fields: { vary: /accept-encoding/ },
      },
      { target: '/image.svg', status: 200, fields: { vary: null } },
    ],
  },
  {
    id: 'C20',
    holds: 'A precompressed file older than its source is ignored.',
    requests: [
      {
        target: '/old.js',
        with: { 'Accept-Encoding': 'gzip' },
        status: 200,
        content: /^export/,
        fields: { 'content-encoding': null },
      },
    ],
  },
  {
    id: 'C22',
    holds: 'A precompressed file asked for by its own name is just a file.',
    requests: [
      {
        target: '/big.js.gz',
        with: { 'Accept-Encoding': 'gzip' },
        status: 200,
        fields: { 'content-type': 'application/gzip', 'content-encoding': null },
      },
    ],
  },
  {
    id: 'C23',
    holds: 'A range is always one of the unencoded file.',
    requests: [
      {
        target: '/big.js',
        with: { 'Accept-Encoding': 'gzip, br', Range: 'bytes=0-5' },
        status: 206,
        content: 'export',
        fields: { 'content-encoding': null, vary: /accept-encoding/ },
      },
      {
        target: '/made.js',
        with: { 'Accept-Encoding': 'gzip, br', Range: 'bytes=0-5', 'If-Range': '{etag /made.js}' },
        status: 206,
        content: 'export',
      },
      ...['/big.js', '/made.js'].map((target) => ({
        target,
        with: { 'Accept-Encoding': 'gzip, identity;q=0', Range: 'bytes=0-5' },
        status: 200,
        fields: { 'content-encoding': 'gzip', 'content-range': null },
      })),
    ],
    site: 'compressing',
  },
  {
    id: 'C30',
    holds: 'Every response has a type that fits its name; text says its charset; TypeScript is no video.',
    requests: (
      [
        ['/big.js', 'text/javascript; charset=utf-8'],
        ['/app.mjs', 'text/javascript; charset=utf-8'],
        ['/source.ts', 'text/typescript; charset=utf-8'],
        ['/module.wasm', 'application/wasm'],
        ['/image.svg', 'image/svg+xml; charset=utf-8'],
        ['/data.json', 'application/json; charset=utf-8'],
        ['/page.xhtml', 'application/xhtml+xml; charset=utf-8'],
        ['/noext', 'application/octet-stream'],
        ['/thing.unknownext', 'application/octet-stream'],
      ] as const
    ).map(([target, contentType]) => ({
      target,
      status: 200,
      fields: { 'content-type': contentType, 'x-content-type-options': 'nosniff' },
    })),
  },
  {
    id: 'C31',
    holds: 'An HTTP/1.0 client gets a length, no chunks, and Expires beside Cache-Control.',
    site: 'cached',
    requests: [
      {
        target: '/a.txt',
        version: '1.0',
        status: 200,
        content: DIGITS,
        fields: {
          'content-length': '10',
          'transfer-encoding': null,
          'cache-control': 'public, max-age=600',
          expires: /^[A-Z][a-z]{2}, .* GMT$/,
        },
      },
      {
        target: '/assets/app-BsQk3x9Z.js',
        status: 200,
        fields: { 'cache-control': 'public, max-age=31536000, immutable', expires: null },
      },
    ],
  },
  {
    id: 'S1',
    holds: 'The page of an application answers navigations, and nothing else.',
    site: 'application',
    requests: [
      // The site has no such page.
      { target: '/some/where', with: { Accept: 'text/html,*/*;q=0.8' }, status: 404 },
      { target: '/some/where', with: { Accept: 'image/png' }, status: 404, fields: { vary: /accept/ } },
      { target: '/app.123.js', with: { Accept: 'text/html' }, status: 404 },
      { target: '/a.txt', with: { Accept: 'text/html' }, status: 200, content: DIGITS },
    ],
  },
  {
    id: 'S2',
    holds: 'The page for a status is content, not an answer: the status stays.',
    site: 'pages',
    requests: [
      {
        target: '/none.txt',
        status: 404,
        content: '<h1>gone</h1>',
        fields: { 'content-type': 'text/html; charset=utf-8', 'x-content-type-options': 'nosniff' },
      },
      { target: '/none.txt', method: 'HEAD', status: 404, bytes: 0, fields: { 'content-length': '13' } },
    ],
  },
  {
    id: 'S3',
    holds: 'A clean URL finds its file, and the long name leads to it, with the query.',
    site: 'rules',
    requests: [
      { target: '/about', status: 200, content: '<p>about</p>' },
      { target: '/about.html?x=1', status: 301, fields: { location: '/about?x=1' } },
      { target: '/sub/index.html', status: 301, fields: { location: '/sub/' } },
    ],
  },
];

/** Asks each request of a case of a server that serves the fixture with the case's site; throws at the first deviation. */
export async function checkCase({ id, requests }: CorpusCase, port: number): Promise<void> {
  for (const request of requests) {
    const { target, method = 'GET', version = '1.1' } = request;
    const fields = await fillIn(request.with ?? {}, port);
    const response = await exchange(port, target, { method, version, fields });
    const problems = deviations(request, response, method);
    if (problems.length > 0) {
      const asked = `${method} ${target.slice(0, 200)} ${JSON.stringify(fields)}`;
      throw new Error(`${id}: ${asked}\n${problems.join('\n')}\n${response.bytes.toString('latin1').slice(0, 600)}`);
    }
  }
}

async function fillIn(fields: Readonly<Record<string, string>>, port: number): Promise<Record<string, string>> {
  const filled: Record<string, string> = {};
  for (const [name, value] of Object.entries(fields)) {
    const match = /\{(etag|modified) ([^}]+)\}/.exec(value);
    if (match === null) filled[name] = value;
    else {
      const known = (await exchange(port, match[2] ?? '')).field(match[1] === 'etag' ? 'etag' : 'last-modified');
      if (known === undefined) throw new Error(`${match[2]} has no ${match[1]}`);
      filled[name] = value.replace(match[0], known);
    }
  }
  return filled;
}

/** A relative Location as a client reads it. */
function resolvedLocation(expected: Expectation, response: RawResponse): string | undefined {
  const location = response.field('location');
  if (location === undefined || location.startsWith('/') || !('target' in expected)) return location;
  const { pathname, search } = new URL(location, `http://host${String(expected.target)}`);
  return `${pathname}${search}`;
}

function deviations(expected: Expectation, response: RawResponse, method: string): string[] {
  const problems: string[] = [];
  const statuses = typeof expected.status === 'number' ? [expected.status] : expected.status;
  if (!statuses.includes(response.status))
    problems.push(`status ${response.status}, expected ${statuses.join(' or ')}`);
  const content = response.content.toString('utf8');
  if (response.bytes.includes(SECRET)) problems.push('a file that must not be seen was sent');
  if (typeof expected.content === 'string' ? content !== expected.content : expected.content?.test(content) === false) {
    problems.push(`content is not ${String(expected.content)}`);
  }
  if (expected.bytes !== undefined && response.content.length !== expected.bytes) {
    problems.push(`${response.content.length} bytes of content, expected ${expected.bytes}`);
  }
  const length = response.field('content-length');
  if (
    length !== undefined &&
    method !== 'HEAD' &&
    response.status !== 304 &&
    Number(length) !== response.content.length
  ) {
    problems.push(`content-length ${length} for ${response.content.length} bytes`);
  }
  for (const [name, value] of Object.entries(expected.fields ?? {})) {
    const found = name === 'location' ? resolvedLocation(expected, response) : response.field(name);
    // A redirect that is refused instead has no location to judge.
    if (value instanceof RegExp && name === 'location' && found === undefined && response.status !== 301) continue;
    const fits =
      value === null
        ? found === undefined
        : typeof value === 'string'
          ? found === value
          : found !== undefined && value.test(found);
    if (!fits) problems.push(`${name}: ${found}, expected ${String(value)}`);
  }
  return problems;
}
