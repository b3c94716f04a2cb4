// A response beside what others have set: validators, conditions and fields, without a socket.

import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { answerBehind, discard, seenBehind, setHead } from '../../src/adapters/node-response.ts';
import type { Field, StaticRequest, StaticResponse } from '../../src/message.ts';

type Fields = Readonly<Record<string, string>>;

/** A response on which middleware has set fields and, maybe, a status. */
function responseWith(fields: Fields = {}, status = 200): ServerResponse {
  const response = new ServerResponse(new IncomingMessage(new Socket()));
  for (const [name, value] of Object.entries(fields)) response.setHeader(name, value);
  response.statusCode = status;
  return response;
}

const requestWith = (fields: Fields = {}, method = 'GET'): StaticRequest => ({
  method,
  pathInfo: '/a',
  fields: Object.entries(fields),
});

const names = ({ fields }: StaticRequest): readonly string[] => fields.map(([name]) => name);

describe('the request as the core sees it', () => {
  const all: Fields = {
    'if-match': '"mine"',
    'if-none-match': '"mine"',
    'if-modified-since': 'Tue, 14 Nov 2023 22:13:20 GMT',
    'if-unmodified-since': 'Tue, 14 Nov 2023 22:13:20 GMT',
    'if-range': '"mine"',
    range: 'bytes=0-1',
    'accept-encoding': 'gzip',
    host: 'a.example',
  };

  test('is the same where nobody set anything', () => {
    const request = requestWith(all);
    expect(seenBehind(responseWith(), request)).toBe(request);
    expect(seenBehind(responseWith({ etag: '"x"' }), { ...request, method: 'PUT' })).toMatchObject({
      method: 'PUT',
      fields: request.fields,
    });
  });

  test('has no codings where others have coded, and no conditions for an error page', () => {
    expect(names(seenBehind(responseWith({ 'content-encoding': 'br' }), requestWith(all)))).not.toContain(
      'accept-encoding',
    );
    expect(names(seenBehind(responseWith({}, 404), requestWith(all)))).toEqual(['if-range', 'accept-encoding', 'host']);
  });

  test.each<readonly [Fields, Fields, readonly string[]]>([
    // A condition on a tag that is not ours is for answerBehind; that on the date is void beside it.
    [{ etag: '"theirs"' }, all, ['accept-encoding', 'host']],
    [{ etag: '"mine"' }, all, ['range', 'accept-encoding', 'host']],
    [{ etag: '"mine"' }, { 'if-range': '"mine"', range: 'bytes=0-1' }, ['range']],
    [{ etag: '"theirs"' }, { 'if-range': '"mine"', range: 'bytes=0-1' }, []],
    [{ etag: 'W/"mine"' }, { 'if-range': 'W/"mine"', range: 'bytes=0-1' }, []],
    [{ etag: '"theirs"' }, { range: 'bytes=0-1' }, ['range']],
    [{ etag: '"theirs"' }, { 'if-modified-since': 'x', host: 'h' }, ['if-modified-since', 'host']],
    [
      { 'last-modified': 'Tue, 14 Nov 2023 22:13:20 GMT' },
      all,
      ['if-match', 'if-none-match', 'if-range', 'range', 'accept-encoding', 'host'],
    ],
    [
      { 'last-modified': 'Tue, 14 Nov 2023 22:13:20 GMT' },
      { 'if-range': 'Tue, 14 Nov 2023 22:13:20 GMT', range: 'x' },
      ['if-range'],
    ],
    [{ 'last-modified': 'yesterday' }, { 'if-modified-since': 'x', range: 'y' }, ['if-modified-since', 'range']],
  ])('beside %j keeps of %j: %j', (theirs, asked, kept) => {
    expect(names(seenBehind(responseWith(theirs), requestWith(asked)))).toEqual(kept);
  });
});

describe('the answer under validators of others', () => {
  const date = 'Tue, 14 Nov 2023 22:13:20 GMT';
  const later = 'Tue, 14 Nov 2023 22:13:21 GMT';
  const answer: StaticResponse = {
    status: 200,
    fields: [
      ['content-type', 'text/plain'],
      ['accept-ranges', 'bytes'],
      ['cache-control', 'no-cache'],
    ],
    content: Buffer.from('text'),
    file: ['a'],
  };
  const statusOf = (theirs: Fields, asked: Fields, given = answer, status = 200, method = 'GET'): number =>
    answerBehind(given, requestWith(asked, method), responseWith(theirs, status)).status;

  test.each<readonly [Fields, Fields, number]>([
    [{}, { 'if-none-match': '"a"' }, 200],
    [{ etag: '"a"' }, { 'if-none-match': '"a"' }, 304],
    [{ etag: '"a"' }, { 'if-none-match': 'W/"a"' }, 304],
    [{ etag: 'W/"a"' }, { 'if-none-match': '"a"' }, 304],
    [{ etag: '"a"' }, { 'if-none-match': '"b", "a"' }, 304],
    [{ etag: '"a"' }, { 'if-none-match': '"b"' }, 200],
    [{ etag: '"a"' }, { 'if-match': '"a"' }, 200],
    [{ etag: '"a"' }, { 'if-match': '"b"' }, 412],
    [{ etag: 'W/"a"' }, { 'if-match': 'W/"a"' }, 412],
    [{ 'last-modified': date }, { 'if-modified-since': date }, 304],
    [{ 'last-modified': later }, { 'if-modified-since': date }, 200],
    [{ 'last-modified': date }, { 'if-unmodified-since': date }, 200],
    [{ 'last-modified': later }, { 'if-unmodified-since': date }, 412],
    [{ etag: '"a"', 'last-modified': date }, { 'if-none-match': '"b"', 'if-modified-since': date }, 200],
    [{ etag: '"a"', 'last-modified': later }, { 'if-match': '"a"', 'if-unmodified-since': date }, 200],
  ])('%j for %j is %i', (theirs, asked, status) => {
    expect(statusOf(theirs, asked)).toBe(status);
  });

  test('is ours for what is no file, for an error of others, and for other methods', () => {
    const theirs = { etag: '"a"' };
    const asked = { 'if-none-match': '"a"' };
    expect(statusOf(theirs, asked, { ...answer, status: 404 })).toBe(404);
    expect(statusOf(theirs, asked, answer, 503)).toBe(200);
    expect(statusOf(theirs, asked, answer, 200, 'PUT')).toBe(200);
    expect(statusOf(theirs, asked, { ...answer, status: 416 })).toBe(304);
    expect(statusOf(theirs, asked, answer, 200, 'HEAD')).toBe(304);
  });

  test('has of a 304 nothing that describes content', () => {
    const response = answerBehind(answer, requestWith({ 'if-none-match': '"a"' }), responseWith({ etag: '"a"' }));
    expect(response).toEqual({ status: 304, fields: [['cache-control', 'no-cache']], file: ['a'] });
  });

  test('closes content that nobody reads', async () => {
    let isClosed = false;
    const content: AsyncIterableIterator<Uint8Array> = {
      next: () => Promise.resolve({ done: true, value: undefined }),
      return: () => {
        isClosed = true;
        return Promise.resolve({ done: true, value: undefined });
      },
      [Symbol.asyncIterator]: () => content,
    };
    answerBehind({ ...answer, content }, requestWith({ 'if-none-match': '"a"' }), responseWith({ etag: '"a"' }));
    expect(isClosed).toBe(true);
    // What is in memory, or nothing, needs no closing.
    discard(Buffer.from('x'));
    discard(undefined);
  });
});

describe('the head', () => {
  const headOf = (answer: Partial<StaticResponse>, theirs: Fields = {}, status = 200) => {
    const response = responseWith(theirs, status);
    setHead({ status: 200, fields: [], ...answer }, response);
    return { status: response.statusCode, fields: { ...response.getHeaders() } };
  };
  const file = ['a.txt'];
  const ours: readonly Field[] = [
    ['content-type', 'text/plain'],
    ['etag', '"ours"'],
    ['cache-control', 'no-cache'],
    ['vary', 'accept-encoding'],
    ['x-ours', '1'],
  ];

  test('is ours where nobody said anything', () => {
    expect(headOf({ fields: ours, file })).toEqual({ status: 200, fields: Object.fromEntries(ours) });
  });

  test('leaves what others said of a file', () => {
    const theirs = { 'Content-Type': 'text/x', ETag: '"theirs"', 'Cache-Control': 'private', 'X-Ours': '2' };
    expect(headOf({ fields: ours, file }, theirs).fields).toEqual({
      'content-type': 'text/x',
      etag: '"theirs"',
      'cache-control': 'private',
      vary: 'accept-encoding',
      'x-ours': '1',
    });
  });

  test('is ours for what is no file, but for caching', () => {
    const theirs = { 'content-type': 'text/x', 'cache-control': 'private' };
    expect(headOf({ fields: ours }, theirs).fields).toMatchObject({
      'content-type': 'text/plain',
      'cache-control': 'private',
    });
  });

  test.each([
    ['Origin', 'Origin, accept-encoding'],
    ['Accept-Encoding', 'Accept-Encoding'],
    ['origin, ACCEPT-ENCODING', 'origin, ACCEPT-ENCODING'],
    ['*', '*'],
  ])('joins Vary: %s gives %s', (theirs, joined) => {
    expect(headOf({ fields: ours, file }, { vary: theirs }).fields).toMatchObject({ vary: joined });
  });

  test('leaves the status of others in place of 200, and no other', () => {
    expect(headOf({}, {}, 404).status).toBe(404);
    expect(headOf({ status: 206 }, {}, 404).status).toBe(206);
    expect(headOf({ status: 304 }, {}, 200).status).toBe(304);
  });

  test('of a 304 has nothing of content', () => {
    const theirs = { 'content-type': 'a/b', 'content-length': '5', 'content-encoding': 'br', 'x-theirs': '1' };
    expect(headOf({ status: 304, file }, theirs).fields).toEqual({ 'x-theirs': '1' });
  });

  test.each<readonly [Fields, Fields]>([
    [{ etag: '"x"', 'last-modified': 'x', 'accept-ranges': 'bytes', 'content-length': '5' }, {}],
    [{ 'cache-control': 'public, max-age=60' }, {}],
    [{ 'cache-control': 'no-store' }, { 'cache-control': 'no-store' }],
    [{ 'cache-control': 'Private' }, { 'cache-control': 'Private' }],
    [{ 'x-theirs': '1' }, { 'x-theirs': '1' }],
  ])('of an error keeps of %j: %j', (theirs, kept) => {
    expect(headOf({ status: 404 }, theirs)).toEqual({ status: 404, fields: kept });
  });

  test.each([
    ['"a"', 'gzip', 'W/"a"'],
    ['W/"a"', 'gzip', 'W/"a"'],
    ['"a"', 'identity', '"a"'],
  ])('weakens %s when a wrapper codes as %s: %s', (tag, coding, expected) => {
    const response = responseWith();
    const write = response.write.bind(response);
    response.write = write;
    setHead({ status: 200, fields: [['etag', tag]], file }, response);
    response.setHeader('Content-Encoding', coding);
    expect(response.getHeader('etag')).toBe(expected);
  });

  test('weakens nothing where nobody is in between', () => {
    const response = responseWith();
    setHead({ status: 200, fields: [['etag', '"a"']], file }, response);
    response.setHeader('content-encoding', 'gzip');
    expect(response.getHeader('etag')).toBe('"a"');
  });
});
