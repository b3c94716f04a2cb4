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
        says: /Second-3600/,
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
