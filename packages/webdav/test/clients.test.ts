// What Windows Explorer and Finder send, after descriptions of their requests and reports of servers that got it wrong: each
// table is a sequence of requests, with the status that the client goes on with. Neither system is at hand here.

import { afterEach, describe, expect, test } from 'vitest';
import { asking, lockInfo, Served } from './served.ts';

interface Step {
  readonly ask: string;
  readonly fields?: Readonly<Record<string, string>>;
  readonly content?: string;
  readonly status: number;
  /** What has to stand in the answer. */
  readonly says?: RegExp;
  readonly responds?: Readonly<Record<string, string>>;
}

let served: Served;

afterEach(() => served.close());

/** Runs the steps; `TOKEN` stands for the token of the last lock. */
async function run(steps: readonly Step[]): Promise<void> {
  served = await Served.start({ 'share/old.txt': 'old' }, { path: '/dav' });
  let token = '';
  for (const { ask, fields = {}, content, status, says, responds = {} } of steps) {
    const [method = '', path = ''] = ask.split(' ');
    const headers = Object.fromEntries(
      Object.entries(fields).map(([name, value]) => [
        name,
        value.replaceAll('TOKEN', token).replaceAll('URL', served.url),
      ]),
    );
    const answer = await served.ask(method, path, headers, content);
    expect([ask, answer.status]).toEqual([ask, status]);
    if (says !== undefined) expect(answer.text).toMatch(says);
    expect(answer.headers).toMatchObject(responds);
    token = /<([^>]+)>/.exec(String(answer.headers['lock-token'] ?? ''))?.[1] ?? token;
  }
}

const win32 = (names: readonly string[]): string => {
  const properties = names.map((name) => `<Z:${name}>Sat, 28 Nov 2026 10:00:00 GMT</Z:${name}>`).join('');
  return `<?xml version="1.0" encoding="utf-8" ?><D:propertyupdate xmlns:D="DAV:" xmlns:Z="urn:schemas-microsoft-com:"><D:set><D:prop>${properties}</D:prop></D:set></D:propertyupdate>`;
};

const TIMES = ['Win32CreationTime', 'Win32LastAccessTime', 'Win32LastModifiedTime', 'Win32FileAttributes'];
const WINDOWS = { 'user-agent': 'Microsoft-WebDAV-MiniRedir/10.0.19045', translate: 'f' };

describe('Windows Explorer', () => {
  test('connects, and finds that it may', () =>
    run([
      { ask: 'OPTIONS /dav/', fields: WINDOWS, status: 200, responds: { dav: '1, 2, 3', 'ms-author-via': 'DAV' } },
      { ask: 'PROPFIND /dav/', fields: { ...WINDOWS, depth: '0' }, status: 207, says: /<D:collection\/>/ },
      { ask: 'PROPFIND /dav/share', fields: { ...WINDOWS, depth: '0' }, status: 207, says: /\/dav\/share\/</ },
      { ask: 'PROPFIND /dav/share/', fields: { ...WINDOWS, depth: '1' }, status: 207, says: /old\.txt/ },
      { ask: 'PROPFIND /dav/share/desktop.ini', fields: { ...WINDOWS, depth: '0' }, status: 404 },
    ]));

  test('copies a file to the share', () =>
    run([
      { ask: 'PROPFIND /dav/share/new.docx', fields: { ...WINDOWS, depth: '0' }, status: 404 },
      { ask: 'PUT /dav/share/new.docx', fields: { ...WINDOWS, 'content-length': '0' }, status: 201 },
      // Without a Depth.
      {
        ask: 'LOCK /dav/share/new.docx',
        fields: { ...WINDOWS, timeout: 'Second-3600' },
        content: lockInfo('exclusive', '<D:href>PC\\ada</D:href>'),
        status: 200,
        says: /<D:locktoken>/,
      },
      {
        ask: 'PROPPATCH /dav/share/new.docx',
        fields: { ...WINDOWS, if: '(<TOKEN>)' },
        content: win32(TIMES),
        status: 207,
        says: /Win32FileAttributes[^]*200 OK/,
      },
      { ask: 'HEAD /dav/share/new.docx', fields: WINDOWS, status: 200 },
      { ask: 'PUT /dav/share/new.docx', fields: { ...WINDOWS, if: '(<TOKEN>)' }, content: 'the document', status: 204 },
      {
        ask: 'PROPPATCH /dav/share/new.docx',
        fields: { ...WINDOWS, if: '(<TOKEN>)' },
        content: win32(TIMES.slice(0, 3)),
        status: 207,
      },
      // Without content it refreshes.
      {
        ask: 'LOCK /dav/share/new.docx',
        fields: { ...WINDOWS, if: '(<TOKEN>)', timeout: 'Second-3600' },
        status: 200,
        says: /Second-3[56]\d\d</,
      },
      { ask: 'UNLOCK /dav/share/new.docx', fields: { ...WINDOWS, 'lock-token': '<TOKEN>' }, status: 204 },
      {
        ask: 'PROPFIND /dav/share/new.docx',
        fields: { ...WINDOWS, depth: '0' },
        status: 207,
        says: /Win32CreationTime/,
      },
    ]));

  test('makes, renames and removes a folder', () =>
    run([
      { ask: 'MKCOL /dav/share/New%20folder', fields: WINDOWS, status: 201 },
      {
        ask: 'MOVE /dav/share/New%20folder',
        fields: { ...WINDOWS, destination: 'URL/dav/share/Letters', overwrite: 'F' },
        status: 201,
      },
      {
        ask: 'MOVE /dav/share/Letters',
        fields: { ...WINDOWS, destination: 'URL/dav/share/LETTERS', overwrite: 'F' },
        status: 201,
      },
      { ask: 'DELETE /dav/share/LETTERS', fields: WINDOWS, status: 204 },
    ]));
});

const FINDER = { 'user-agent': 'WebDAVFS/3.0.0 (03008000) Darwin/23.0.0' };

describe('Finder', () => {
  test('mounts for writing, and finds no files of its own', () =>
    run([
      { ask: 'OPTIONS /dav/', fields: FINDER, status: 200, responds: { dav: '1, 2, 3' } },
      {
        ask: 'PROPFIND /dav/',
        fields: { ...FINDER, depth: '0' },
        content: asking('<D:quota-available-bytes/><D:quota-used-bytes/><D:quota/><D:quotaused/>'),
        status: 207,
        says: /<D:quota-available-bytes>\d+</,
      },
      { ask: 'PROPFIND /dav/._.', fields: { ...FINDER, depth: '0' }, status: 404 },
      { ask: 'PROPFIND /dav/.DS_Store', fields: { ...FINDER, depth: '0' }, status: 404 },
      {
        ask: 'PROPFIND /dav/',
        fields: { ...FINDER, depth: '1' },
        content: asking('<D:getlastmodified/><D:getcontentlength/><D:resourcetype/>'),
        status: 207,
      },
    ]));

  test('copies a file with what it keeps beside it', () =>
    run([
      { ask: 'PUT /dav/share/a.pdf', fields: { ...FINDER, 'content-length': '0' }, status: 201 },
      {
        ask: 'LOCK /dav/share/a.pdf',
        fields: { ...FINDER, depth: '0', timeout: 'Second-600' },
        content: lockInfo(),
        status: 200,
      },
      { ask: 'PROPFIND /dav/share/a.pdf', fields: { ...FINDER, depth: '0' }, status: 207 },
      {
        ask: 'PUT /dav/share/a.pdf',
        fields: { ...FINDER, if: '(<TOKEN>)', 'transfer-encoding': 'chunked', 'x-expected-entity-length': '3' },
        content: 'pdf',
        status: 204,
      },
      { ask: 'UNLOCK /dav/share/a.pdf', fields: { ...FINDER, 'lock-token': '<TOKEN>' }, status: 204 },
      { ask: 'LOCK /dav/share/._a.pdf', fields: { ...FINDER, depth: '0' }, content: lockInfo(), status: 201 },
      {
        ask: 'PUT /dav/share/._a.pdf',
        fields: { ...FINDER, if: '(<TOKEN>)', 'transfer-encoding': 'chunked' },
        content: 'forks',
        status: 204,
      },
      { ask: 'UNLOCK /dav/share/._a.pdf', fields: { ...FINDER, 'lock-token': '<TOKEN>' }, status: 204 },
      { ask: 'GET /dav/share/a.pdf', fields: FINDER, status: 200, says: /^pdf$/ },
      {
        ask: 'PUT /dav/share/.DS_Store',
        fields: { ...FINDER, 'transfer-encoding': 'chunked' },
        content: 'store',
        status: 201,
      },
    ]));
});

const OFFICE = { 'user-agent': 'Microsoft Office Word 2014', 'x-office-major-version': '16', translate: 'f' };

describe('Word', () => {
  test('opens a document, keeps it locked, saves it, and lets it go', () =>
    run([
      { ask: 'OPTIONS /dav/share/', fields: OFFICE, status: 200, responds: { 'ms-author-via': 'DAV' } },
      { ask: 'HEAD /dav/share/old.txt', fields: OFFICE, status: 200, responds: { 'content-length': '3' } },
      {
        ask: 'LOCK /dav/share/old.txt',
        fields: { ...OFFICE, depth: '0', timeout: 'Second-600', 'content-type': 'text/xml' },
        content: lockInfo('exclusive', 'PC\\ada'),
        status: 200,
        says: /<D:depth>0<[^]*PC\\ada[^]*Second-[56]\d\d</,
      },
      { ask: 'GET /dav/share/old.txt', fields: OFFICE, status: 200, says: /^old$/ },
      // The owner file, for others who open the document.
      { ask: 'PUT /dav/share/~$old.txt', fields: OFFICE, content: 'ada', status: 201 },
      { ask: 'LOCK /dav/share/old.txt', fields: { ...OFFICE, if: '(<TOKEN>)', timeout: 'Second-600' }, status: 200 },
      {
        ask: 'PUT /dav/share/old.txt',
        fields: { ...OFFICE, if: '<URL/dav/share/old.txt> (<TOKEN>)' },
        content: 'new',
        status: 204,
      },
      {
        ask: 'PROPPATCH /dav/share/old.txt',
        fields: { ...OFFICE, if: '(<TOKEN>)' },
        content: win32(TIMES),
        status: 207,
        says: /200 OK/,
      },
      { ask: 'UNLOCK /dav/share/old.txt', fields: { ...OFFICE, 'lock-token': '<TOKEN>' }, status: 204 },
      { ask: 'DELETE /dav/share/~$old.txt', fields: OFFICE, status: 204 },
      { ask: 'GET /dav/share/old.txt', fields: OFFICE, status: 200, says: /^new$/ },
    ]));

  test('on another machine finds the document locked, and reads it', () =>
    run([
      { ask: 'LOCK /dav/share/old.txt', fields: OFFICE, content: lockInfo(), status: 200 },
      { ask: 'LOCK /dav/share/old.txt', fields: OFFICE, content: lockInfo(), status: 423, says: /no-conflicting-lock/ },
      {
        ask: 'PROPFIND /dav/share/old.txt',
        fields: { ...OFFICE, depth: '0' },
        content: asking('<D:lockdiscovery/><D:supportedlock/>'),
        status: 207,
        says: /example\.org\/ada[^]*<D:lockentry>/,
      },
      { ask: 'GET /dav/share/old.txt', fields: OFFICE, status: 200 },
      { ask: 'PUT /dav/share/old.txt', fields: OFFICE, content: 'lost', status: 423 },
    ]));

  test('saves by way of a new file and two renames', () =>
    run([
      { ask: 'PUT /dav/share/1A2B.tmp', fields: OFFICE, content: 'new', status: 201 },
      {
        ask: 'MOVE /dav/share/old.txt',
        fields: { ...OFFICE, destination: 'URL/dav/share/3C4D.tmp', overwrite: 'F' },
        status: 201,
      },
      {
        ask: 'MOVE /dav/share/1A2B.tmp',
        fields: { ...OFFICE, destination: 'URL/dav/share/old.txt', overwrite: 'F' },
        status: 201,
      },
      { ask: 'DELETE /dav/share/3C4D.tmp', fields: OFFICE, status: 204 },
      { ask: 'GET /dav/share/old.txt', fields: OFFICE, status: 200, says: /^new$/ },
    ]));
});

describe('Windows Explorer, further', () => {
  test('moves a file to another folder, and asks before it replaces one', () =>
    run([
      { ask: 'MKCOL /dav/other', fields: WINDOWS, status: 201 },
      {
        ask: 'MOVE /dav/share/old.txt',
        fields: { ...WINDOWS, destination: 'URL/dav/other/old.txt', overwrite: 'F' },
        status: 201,
      },
      { ask: 'PUT /dav/share/old.txt', fields: WINDOWS, content: 'second', status: 201 },
      {
        ask: 'MOVE /dav/share/old.txt',
        fields: { ...WINDOWS, destination: 'URL/dav/other/old.txt', overwrite: 'F' },
        status: 412,
      },
      {
        ask: 'MOVE /dav/share/old.txt',
        fields: { ...WINDOWS, destination: 'URL/dav/other/old.txt', overwrite: 'T' },
        status: 204,
      },
    ]));

  test('removes a folder with what is in it, and finds that it is gone', () =>
    run([
      { ask: 'DELETE /dav/share', fields: WINDOWS, status: 204 },
      { ask: 'PROPFIND /dav/share', fields: { ...WINDOWS, depth: '0' }, status: 404 },
      { ask: 'PROPFIND /dav/', fields: { ...WINDOWS, depth: '1' }, status: 207 },
      { ask: 'MKCOL /dav/share', fields: WINDOWS, status: 201 },
    ]));

  test('asks for everything without content, with a Content-Length of 0', () =>
    run([
      {
        ask: 'PROPFIND /dav/share',
        fields: { ...WINDOWS, depth: '1', 'content-length': '0' },
        status: 207,
        says: /<D:getcontentlength>3<[^]*<D:getlastmodified>[^]*<D:creationdate>/,
      },
    ]));
});

describe('Finder, further', () => {
  test('renames a file with its companion, and removes both', () =>
    run([
      { ask: 'PUT /dav/share/._old.txt', fields: FINDER, content: 'forks', status: 201 },
      {
        ask: 'MOVE /dav/share/old.txt',
        fields: { ...FINDER, destination: 'URL/dav/share/n%20e%CC%81w.txt', overwrite: 'F' },
        status: 201,
      },
      {
        ask: 'MOVE /dav/share/._old.txt',
        fields: { ...FINDER, destination: 'URL/dav/share/._n%20e%CC%81w.txt', overwrite: 'F' },
        status: 201,
      },
      // It stores names decomposed, and asks for them so.
      {
        ask: 'PROPFIND /dav/share/n%20e%CC%81w.txt',
        fields: { ...FINDER, depth: '0' },
        status: 207,
        says: /n%20e%CC%81w/,
      },
      { ask: 'PROPFIND /dav/share/n%20%C3%A9w.txt', fields: { ...FINDER, depth: '0' }, status: 404 },
      { ask: 'DELETE /dav/share/._n%20e%CC%81w.txt', fields: FINDER, status: 204 },
      { ask: 'DELETE /dav/share/n%20e%CC%81w.txt', fields: FINDER, status: 204 },
    ]));

  test('makes a folder, and a copy of one', () =>
    run([
      { ask: 'PROPFIND /dav/untitled%20folder', fields: { ...FINDER, depth: '0' }, status: 404 },
      { ask: 'MKCOL /dav/untitled%20folder/', fields: FINDER, status: 201 },
      {
        ask: 'PROPFIND /dav/untitled%20folder/',
        fields: { ...FINDER, depth: '0' },
        status: 207,
        says: /<D:collection\/>/,
      },
      {
        ask: 'MOVE /dav/untitled%20folder/',
        fields: { ...FINDER, destination: 'URL/dav/Letters/', overwrite: 'F' },
        status: 201,
      },
      {
        ask: 'COPY /dav/share/',
        fields: { ...FINDER, destination: 'URL/dav/share%20copy/', overwrite: 'F', depth: 'infinity' },
        status: 201,
      },
      { ask: 'DELETE /dav/share%20copy/', fields: FINDER, status: 204 },
    ]));

  test('reads a part of a large file', () =>
    run([
      {
        ask: 'GET /dav/share/old.txt',
        fields: { ...FINDER, range: 'bytes=1-2' },
        status: 206,
        says: /^ld$/,
        responds: { 'content-range': 'bytes 1-2/3' },
      },
    ]));
});

const GVFS = { 'user-agent': 'gvfs/1.50.3', accept: '*/*' };

describe('GNOME Files', () => {
  test('mounts, writes under a condition, renames and removes', () =>
    run([
      { ask: 'OPTIONS /dav/', fields: GVFS, status: 200, responds: { dav: '1, 2, 3' } },
      {
        ask: 'PROPFIND /dav/share',
        fields: { ...GVFS, depth: '0' },
        content: asking('<D:resourcetype/><D:getcontentlength/>'),
        status: 207,
        says: /<D:collection\/>/,
      },
      { ask: 'HEAD /dav/share/new.txt', fields: GVFS, status: 404 },
      { ask: 'PUT /dav/share/new.txt', fields: { ...GVFS, 'if-none-match': '*' }, content: 'one', status: 201 },
      { ask: 'PUT /dav/share/new.txt', fields: { ...GVFS, 'if-none-match': '*' }, content: 'two', status: 412 },
      {
        ask: 'MOVE /dav/share/new.txt',
        fields: { ...GVFS, destination: 'URL/dav/share/r%C3%A9sum%C3%A9.txt', overwrite: 'F' },
        status: 201,
      },
      { ask: 'DELETE /dav/share/r%C3%A9sum%C3%A9.txt', fields: GVFS, status: 204 },
      {
        ask: 'PROPFIND /dav/',
        fields: { ...GVFS, depth: '0' },
        content: asking('<D:quota-available-bytes/><D:quota-used-bytes/>'),
        status: 207,
        says: /<D:quota-used-bytes>\d/,
      },
    ]));
});

const DAVFS = { 'user-agent': 'davfs2/1.6.1 neon/0.32.2', te: 'trailers' };

describe('davfs2', () => {
  test('makes a file by locking it, fills it when it is closed, and lets go', () =>
    run([
      { ask: 'OPTIONS /dav/', fields: DAVFS, status: 200 },
      {
        ask: 'PROPFIND /dav/',
        fields: { ...DAVFS, depth: '1' },
        content: asking('<D:displayname/><D:getcontentlength/>'),
        status: 207,
      },
      { ask: 'HEAD /dav/share/new', fields: DAVFS, status: 404 },
      {
        ask: 'LOCK /dav/share/new',
        fields: { ...DAVFS, depth: '0', timeout: 'Second-1800' },
        content: lockInfo('exclusive', 'ada'),
        status: 201,
        says: /Second-1[78]\d\d</,
      },
      {
        ask: 'PUT /dav/share/new',
        fields: { ...DAVFS, if: '<URL/dav/share/new> (<TOKEN>)' },
        content: 'text',
        status: 204,
      },
      { ask: 'HEAD /dav/share/new', fields: DAVFS, status: 200, responds: { 'content-length': '4' } },
      { ask: 'UNLOCK /dav/share/new', fields: { ...DAVFS, 'lock-token': '<TOKEN>' }, status: 204 },
      {
        ask: 'PROPPATCH /dav/share/new',
        fields: DAVFS,
        content:
          '<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><executable xmlns="http://apache.org/dav/props/">T</executable></D:prop></D:set></D:propertyupdate>',
        status: 207,
      },
    ]));
});

describe('programs that keep notes', () => {
  const NOTES = { 'user-agent': 'okhttp/4.12.0' };

  test('ask for all below, are told how far they may, and go step by step', () =>
    run([
      { ask: 'PROPFIND /dav/', fields: { ...NOTES, depth: 'infinity' }, status: 403, says: /propfind-finite-depth/ },
      { ask: 'PROPFIND /dav/', fields: NOTES, status: 403 },
      { ask: 'PROPFIND /dav/', fields: { ...NOTES, depth: '1' }, status: 207, says: /\/dav\/share\// },
      { ask: 'PROPFIND /dav/share/', fields: { ...NOTES, depth: '1' }, status: 207, says: /getetag/ },
      { ask: 'PROPFIND /dav/share/old.txt', fields: { ...NOTES, depth: 'infinity' }, status: 207 },
    ]));

  test('make folders that may be there already, and files in folders that may not be', () =>
    run([
      { ask: 'MKCOL /dav/notes', fields: NOTES, status: 201 },
      { ask: 'MKCOL /dav/notes', fields: NOTES, status: 405 },
      { ask: 'MKCOL /dav/notes/', fields: NOTES, status: 405 },
      { ask: 'PUT /dav/none/a.md', fields: NOTES, content: 'x', status: 409 },
      { ask: 'MKCOL /dav/none/sub', fields: NOTES, status: 409 },
      { ask: 'PUT /dav/notes/a.md', fields: { ...NOTES, 'x-oc-mtime': '1700000000' }, content: 'x', status: 201 },
      { ask: 'DELETE /dav/notes/none.md', fields: NOTES, status: 404 },
      { ask: 'GET /dav/notes/a.md', fields: { ...NOTES, 'accept-encoding': 'gzip' }, status: 200, says: /^x$/ },
    ]));
});

describe('programs that synchronise', () => {
  test('write what they have read, and only over that', async () => {
    served = await Served.start({ 'note.md': 'one' }, { path: '/dav' });
    const { etag } = (await served.ask('GET', '/dav/note.md')).headers;
    const put = async (tag: string, text: string): Promise<number> =>
      served.status('PUT', '/dav/note.md', { 'if-match': tag }, text);
    expect(await put(String(etag), 'two')).toBe(204);
    expect(await put(String(etag), 'three')).toBe(412);
    expect(await served.status('PUT', '/dav/new.md', { 'if-none-match': '*' }, 'new')).toBe(201);
    expect(await served.status('PUT', '/dav/new.md', { 'if-none-match': '*' }, 'again')).toBe(412);
    expect([served.read('note.md'), served.read('new.md')]).toEqual(['two', 'new']);
  });

  test('from pages of other origins are told what they may', async () => {
    const allowFields = ['authorization', 'depth', 'content-type', 'destination', 'if-match'];
    served = await Served.start({}, { path: '/dav', files: { cors: { origins: ['app://obsidian.md'], allowFields } } });
    const origin = 'app://obsidian.md';
    const preflight = await served.ask('OPTIONS', '/dav/', {
      origin,
      'access-control-request-method': 'PROPFIND',
      'access-control-request-headers': 'authorization, depth',
    });
    expect(preflight.headers).toMatchObject({ 'access-control-allow-origin': origin });
    expect(preflight.headers['access-control-allow-methods']).toContain('PROPFIND');
    expect(preflight.headers['access-control-allow-headers']).toContain('depth');
    const answer = await served.ask('PROPFIND', '/dav/', { origin, depth: '1' });
    expect(answer.headers['access-control-allow-origin']).toBe(origin);
    expect(
      (await served.ask('PROPFIND', '/dav/', { origin: 'http://other.example', depth: '1' })).headers[
        'access-control-allow-origin'
      ],
    ).toBeUndefined();
  });
});
