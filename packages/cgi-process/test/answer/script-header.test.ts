import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CgiError } from '../../src/index.ts';
import type { ScriptHead } from '../../src/answer/script-header.ts';
import { KnownHeads, ScriptHeadParser } from '../../src/answer/script-header.ts';

const limits = { maxHeaderBytes: 65_536, maxHeaderLines: 200 };

function parse(text: string): ScriptHead | undefined {
  return new ScriptHeadParser(limits).push(Buffer.from(text, 'latin1'));
}

function refusal(text: string): string {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof CgiError) return error.code;
    throw error;
  }
  return 'accepted';
}

describe('ScriptHeadParser', () => {
  test('takes a document', () => {
    const head = parse('Content-Type: text/plain\nX-One: 1\n\nrest');
    expect(head).toMatchObject({
      kind: 'document',
      status: 200,
      fields: [
        ['content-type', 'text/plain'],
        ['x-one', '1'],
      ],
    });
    expect(Buffer.from(head?.rest ?? []).toString()).toBe('rest');
  });

  test.each([
    ['LF', 'A: 1\nB: 2\n\nx'],
    ['CRLF', 'A: 1\r\nB: 2\r\n\r\nx'],
    ['mixed', 'A: 1\r\nB: 2\n\r\nx'],
    ['mixed the other way', 'A: 1\nB: 2\r\n\nx'],
  ])('takes lines that end with %s', (_, text) => {
    const head = parse(text);
    expect(head?.fields).toEqual([
      ['a', '1'],
      ['b', '2'],
    ]);
    expect(head?.rest).toEqual(Buffer.from('x'));
  });

  test('comes to the same however the bytes arrive', () => {
    const text = 'Status: 404 Gone fishing\r\nContent-Type: text/html\nSet-Cookie: a\nSet-Cookie: b\r\n\r\n\nbody\n\n';
    const whole = parse(text);
    for (let split = 0; split <= text.length; split++) {
      const parser = new ScriptHeadParser(limits);
      let head = parser.push(Buffer.from(text.slice(0, split)));
      let rest = Buffer.from(head?.rest ?? []).toString();
      if (head === undefined) {
        head = parser.push(Buffer.from(text.slice(split)));
        rest = Buffer.from(head?.rest ?? []).toString();
      } else rest += text.slice(split);
      expect({ ...head, rest }).toEqual({ ...whole, rest: '\nbody\n\n' });
    }
  });

  test.each([
    ['Status: 404 Nope\n\n', 404, 'Nope'],
    ['Status: 404\tNope\n\n', 404, 'Nope'],
    ['Status: 404 \n\n', 404, undefined],
    ['Status: 404\n\n', 404, undefined],
    ['Status: 599 Öre\n\n', 599, 'Öre'],
    ['HTTP/1.0 403 No\nA: b\n\n', 403, 'No'],
    ['Location: http://a/\nStatus: 303 Over there\n\n', 303, 'Over there'],
  ])('takes the status of %j', (text, status, reason) => {
    expect(parse(text)).toMatchObject({ status, reason });
  });

  test.each([
    ['Location: http://a/b\n\n', 'client-redirect', 302],
    ['Location: other\n\n', 'client-redirect', 302],
    ['Location: //host/path\n\n', 'client-redirect', 302],
    ['Location: /path#part\n\n', 'client-redirect', 302],
    ['Location: /\\host\n\n', 'client-redirect', 302],
    ['Location: /path\nStatus: 307 x\n\n', 'client-redirect', 307],
    ['Location: /path\nSet-Cookie: a=b\n\n', 'client-redirect', 302],
    ['Location: /path?q\n\n', 'local-redirect', 302],
    ['Status: 200 OK\nLocation: other\n\n', 'client-redirect', 302],
    ['Status: 201 Created\nLocation: other\n\n', 'client-redirect', 201],
    ['Content-Type: a/b\n\n', 'document', 200],
    ['Content-Type:\n\n', 'document', 200],
  ])('sees what %j asks for', (text, kind, status) => {
    expect(parse(text)).toMatchObject({ kind, status });
  });

  test.each([
    ['a leading blank line', '\nA: b\n\n'],
    ['a line without colon', 'A: b\nnonsense\n\n'],
    ['white space before the colon', 'A : b\n\n'],
    ['a continuation line', 'A: b\n c\n\n'],
    ['an empty name', ': b\n\n'],
    ['a lone CR in a value', 'A: b\rX-Inj: 1\n\n'],
    ['NUL in a value', 'A: b\0c\n\n'],
    ['another control character', 'A: b\x1bc\n\n'],
    ['an informational status', 'Status: 100 Continue\n\n'],
    ['a status beyond 599', 'Status: 600 x\n\n'],
    ['a status of two digits', 'Status: 20\n\n'],
    ['a status of words', 'Status: OK\n\n'],
    ['a status and a letter', 'Status: 200x\n\n'],
    ['a status glued to its reason', 'Status: 200OK\n\n'],
    ['two statuses', 'Status: 200 a\nStatus: 200 a\n\n'],
    ['two types', 'Content-Type: a/b\ncontent-type: a/c\n\n'],
    ['two locations', 'Location: /a\nLocation: /b\n\n'],
    ['two different lengths', 'Content-Length: 1\nContent-Length: 2\n\n'],
    ['a negative length', 'Content-Length: -1\n\n'],
    ['a length list', 'Content-Length: 1, 1\n\n'],
    ['a hexadecimal length', 'Content-Length: 0x10\n\n'],
    ['a length beyond all', 'Content-Length: 99999999999999999999\n\n'],
    ['Transfer-Encoding', 'Transfer-Encoding: chunked\n\n'],
    ['a line of 70 KB', `A: ${'x'.repeat(70_000)}\n\n`],
    ['201 lines', `${'A: b\n'.repeat(201)}\n`],
    ['a header without end', 'A: b\n'.repeat(20_000)],
  ])('refuses %s', (_, text) => {
    expect(refusal(text)).toBe('bad-header');
  });

  test('takes exactly 200 lines', () => {
    expect(parse(`${'A: b\n'.repeat(200)}\n`)?.fields).toHaveLength(200);
  });

  test('removes what is the server’s', () => {
    const names = ['Date', 'Server', 'Connection', 'Keep-Alive', 'Upgrade', 'Trailer', 'Proxy-Connection', 'X-CGI-Foo'];
    expect(parse(`${names.map((name) => `${name}: x\n`).join('')}A: b\n\n`)?.fields).toEqual([['a', 'b']]);
  });

  test('keeps repeated fields apart', () => {
    expect(parse('Set-Cookie: a\nSet-Cookie: b\n\n')?.fields).toEqual([
      ['set-cookie', 'a'],
      ['set-cookie', 'b'],
    ]);
  });

  test('tells the length apart from the fields', () => {
    expect(parse('Content-Length: 5\nContent-Length: 5\n\n')).toMatchObject({ contentLength: 5, fields: [] });
  });

  test('makes a head or a CgiError of anything', () => {
    const pieces = fc.constantFrom('\n', '\r', '\r\n', ':', ' ', 'Status', 'Location', '/', '200', 'A: b', '\0', 'é');
    fc.assert(
      fc.property(fc.array(fc.oneof(pieces, fc.string())), (parts) => {
        const outcome = refusal(parts.join(''));
        expect(['accepted', 'bad-header']).toContain(outcome);
      }),
      { numRuns: 500 },
    );
  });

  test('never lets a control character through', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          const head = new ScriptHeadParser(limits).push(
            Buffer.concat([Buffer.from('A: '), bytes, Buffer.from('\n\n')]),
          );
          for (const part of head?.fields.flat() ?? []) expect(part).not.toMatch(/[\x00-\x08\x0a-\x1f\x7f]/);
        } catch (error) {
          expect(error).toBeInstanceOf(CgiError);
        }
      }),
    );
  });
});

describe('KnownHeads', () => {
  test('come to the same as those that are read, with the content that came this time', () => {
    const known = new KnownHeads();
    const texts = ['A: b\n\nrest', 'Status: 404 No\r\nB: c\r\n\r\nmore', 'A: b\n\n', 'A: b\n\nrest', 'A: b\r\n\nx'];
    for (const text of [...texts, ...texts]) {
      const head = new ScriptHeadParser(limits, known).push(Buffer.from(text));
      expect({ ...head, lent: undefined }).toEqual(new ScriptHeadParser(limits).push(Buffer.from(text)));
    }
  });

  test('are no way around a limit or an error, and are not many', () => {
    const known = new KnownHeads();
    const push = (text: string): unknown => new ScriptHeadParser(limits, known).push(Buffer.from(text));
    for (let count = 0; count < 2; count++) expect(() => push('nonsense\n\n')).toThrow('not a field');
    push(`A: ${'x'.repeat(3000)}\n\n`);
    expect(known.get(`A: ${'x'.repeat(3000)}\n\n`)).toBeUndefined();
    for (let count = 0; count < 65; count++) push(`A: ${count}\n\n`);
    expect([known.get('A: 0\n\n'), known.get('A: 64\n\n')]).toEqual([undefined, expect.anything()]);
  });
});
