// The script at the end of pages: which answers are pages, and that nothing of them changes but their end.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { forWholePage, isNavigation, withScript } from '../../src/live/inject.ts';
import type { ContentOut, Field, ResponseMessage } from '../../src/message/message.ts';
import { request } from '../request.ts';

const SOURCE = '/.onezero/live.js?v=1';
const TAG = `\n<script src="${SOURCE}" async></script>\n`;
const HTML: Field = ['content-type', 'text/html; charset=utf-8'];

function page(content: ContentOut | undefined, fields: readonly Field[] = [HTML], status = 200): ResponseMessage {
  return { status, fields, content };
}

async function bytesOf(content: ContentOut | undefined): Promise<Buffer> {
  if (content === undefined) return Buffer.alloc(0);
  if (content instanceof Uint8Array) return Buffer.from(content);
  const chunks: Buffer[] = [];
  for await (const chunk of content) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

async function* streamed(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

/** Bytes split in two at every place, and into single bytes with nothing between some. */
function splits(bytes: Buffer): readonly (readonly Buffer[])[] {
  const halves = Array.from({ length: bytes.length + 1 }, (_, at) => [bytes.subarray(0, at), bytes.subarray(at)]);
  const single = [...bytes].flatMap((byte) => [Buffer.from([byte]), Buffer.alloc(0)]);
  return [...halves, [Buffer.alloc(0), ...single]];
}

describe('isNavigation', () => {
  const navigate: Field = ['sec-fetch-mode', 'navigate'];
  test.each([
    ['GET', [navigate], true],
    ['GET', [navigate, ['sec-fetch-dest', 'document']], true],
    ['GET', [navigate, ['sec-fetch-dest', 'iframe']], false],
    ['HEAD', [navigate], false],
    ['POST', [navigate], false],
    [
      'GET',
      [
        ['sec-fetch-mode', 'cors'],
        ['accept', 'text/html'],
      ],
      false,
    ],
    ['GET', [['accept', 'text/html,application/xhtml+xml,*/*;q=0.8']], true],
    ['GET', [['accept', 'application/json, text/HTML;q=0.9']], true],
    ['GET', [['accept', '*/*']], false],
    ['GET', [['accept', 'text/html5']], false],
    ['GET', [], false],
  ] as const)('of %s with %j is %s', (method, fields, is) => {
    expect(isNavigation({ method, fields })).toBe(is);
  });
});

describe('forWholePage', () => {
  test('asks for all of the page, as it is now, uncoded', () => {
    const fields: readonly Field[] = [
      ['accept-encoding', 'gzip'],
      ['if-none-match', '"a"'],
      ['if-modified-since', 'x'],
      ['accept', 'text/html'],
    ];
    expect(forWholePage(request({ fields })).fields).toEqual([['accept', 'text/html']]);
    const ranged = request({ fields: [...fields, ['range', 'bytes=0-1']] });
    expect(forWholePage(ranged)).toBe(ranged);
  });
});

describe('the script', () => {
  const text = Buffer.from('<!doctype html><title>é</title><p>密</p></body></html>');

  test('stands at the end of a page, wherever its content is split', async () => {
    expect(String(await bytesOf(withScript(page(text), SOURCE).content))).toBe(text + TAG);
    for (const chunks of splits(text)) {
      const answer = withScript(page(streamed(chunks)), SOURCE);
      expect(String(await bytesOf(answer.content))).toBe(text + TAG);
    }
    expect(String(await bytesOf(withScript(page(streamed([])), SOURCE).content))).toBe(TAG);
  });

  test.each([
    ['little', [0xff, 0xfe]],
    ['big', [0xfe, 0xff]],
  ])('is left out of UTF-16 (%s endian), wherever its mark is split', async (_, mark) => {
    const wide = Buffer.from([...mark, 0x3c, 0x00, 0x70, 0x00, 0x3e, 0x00]);
    expect(await bytesOf(withScript(page(wide), SOURCE).content)).toEqual(wide);
    for (const chunks of splits(wide)) {
      expect(await bytesOf(withScript(page(streamed(chunks)), SOURCE).content)).toEqual(wide);
    }
  });

  test('comes behind a byte order mark of UTF-8, and behind half a one of UTF-16', async () => {
    for (const start of [[0xef, 0xbb, 0xbf], [0xff], [0xfe], [0xff, 0xff], [0xfe, 0xfe]]) {
      const bytes = Buffer.from([...start]);
      for (const content of [bytes, streamed([bytes]), streamed([...bytes].map((byte) => Buffer.from([byte])))]) {
        expect(await bytesOf(withScript(page(content), SOURCE).content)).toEqual(
          Buffer.concat([bytes, Buffer.from(TAG)]),
        );
      }
    }
  });

  test.each([
    ['no HTML', page(text, [['content-type', 'text/plain']])],
    ['no type', page(text, [])],
    ['XHTML', page(text, [['content-type', 'application/xhtml+xml']])],
    ['a type that begins alike', page(text, [['content-type', 'text/html5']])],
    ['UTF-16 by its type', page(text, [['content-type', 'text/html; charset="UTF-16LE"']])],
    ['coded', page(text, [HTML, ['content-encoding', 'br']])],
    ['a part', page(text, [HTML], 206)],
    ['not modified', page(text, [HTML], 304)],
    ['without content', page(undefined)],
    ['written by a script itself', { ...page(text), nonParsed: true }],
    ['kept from scripts', page(text, [HTML, ['content-security-policy', 'sandbox']])],
  ] as const)('is in no answer that is %s', (_, answer) => {
    expect(withScript(answer, SOURCE)).toBe(answer);
  });

  test.each([404, 500, 200, 403])('is in a page of status %d', async (status) => {
    const answer = withScript(page(text, [['content-type', 'TEXT/HTML']], status), SOURCE);
    expect(answer.status).toBe(status);
    expect(String(await bytesOf(answer.content))).toContain(TAG);
  });

  test('takes along what spoke of the bytes, and nothing else', () => {
    const gone = ['content-length', 'etag', 'last-modified', 'accept-ranges', 'cache-control', 'expires', 'age'];
    const digests = ['content-md5', 'digest', 'content-digest', 'repr-digest'];
    const kept: readonly Field[] = [
      HTML,
      ['vary', 'accept'],
      ['set-cookie', 'a'],
      ['set-cookie', 'b'],
      ['x-etag', 'c'],
    ];
    const about = [...gone, ...digests].map((name): Field => [name, '1']);
    expect(withScript(page(text, [...about, ...kept]), SOURCE).fields).toEqual([
      ...kept,
      ['cache-control', 'no-store'],
    ]);
  });

  test('carries the nonce of a policy that wants one, a new one each time', async () => {
    const policy: Field = ['content-security-policy', "script-src 'STRICT-dynamic' 'nonce-x'"];
    const [first, second] = await Promise.all(
      [1, 2].map(async () => {
        const answer = withScript(page(text, [HTML, policy]), SOURCE);
        const written = answer.fields.find(([name]) => name === policy[0])?.[1] ?? '';
        const nonce = / nonce="([^"]+)"/.exec(String(await bytesOf(answer.content)))?.[1] ?? '';
        expect(written).toContain(`'nonce-${nonce}'`);
        return nonce;
      }),
    );
    expect(first).not.toBe(second);
  });

  test('is allowed by every one of several policies', () => {
    const policies: readonly Field[] = [
      ['content-security-policy', "default-src 'none', script-src 'none'"],
      ['content-security-policy', 'connect-src https:'],
    ];
    const { fields } = withScript(page(text, [HTML, ...policies]), SOURCE);
    const written = fields.filter(([name]) => name === 'content-security-policy').map(([, value]) => value);
    expect(written).toHaveLength(3);
    expect(written[0]).toMatch(/script-src 'self'; connect-src 'self'$/);
    expect(written[1]).toMatch(/^script-src 'self'/);
    expect(written[2]).toBe("connect-src https: 'self'");
  });

  test('closes the page that it was put in, once and at once', async () => {
    let closed = 0;
    const content = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise<IteratorResult<Uint8Array>>(() => {}),
        return: () => {
          closed += 1;
          return Promise.resolve({ done: true as const, value: undefined });
        },
      }),
    };
    const answer = withScript(page(content), SOURCE).content as AsyncIterable<Uint8Array>;
    const iterator = answer[Symbol.asyncIterator]();
    void iterator.next();
    await iterator.return?.();
    expect(closed).toBe(1);
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });

  test('never changes what stands before it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 6 }), { maxLength: 6 }), async (chunks) => {
        const whole = Buffer.concat(chunks);
        const isWide = /^(?:fffe|feff)/.test(whole.toString('hex'));
        const expected = isWide ? whole : Buffer.concat([whole, Buffer.from(TAG)]);
        expect(await bytesOf(withScript(page(streamed(chunks)), SOURCE).content)).toEqual(expected);
      }),
    );
  });
});
