// A script that is over: its whole output becomes an answer, or one error that says why not.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { answerOf, isNonParsed, redirectTo, responseOf, unparsedOf } from '../../src/answer/finished-answer.ts';
import { CgiError } from '../../src/cgi-error.ts';

const options = {
  script: '/srv/a.cgi',
  limits: { maxHeaderBytes: 1000, maxHeaderLines: 10 },
  method: 'GET',
  tail: 'oops',
};

const finished = (output: string, code: number | null = 0, signal: NodeJS.Signals | null = null) => ({
  status: signal === null ? { code: code ?? 0, signal: null } : { code: null, signal },
  output: Buffer.from(output, 'latin1'),
  errors: Buffer.alloc(0),
});

function answer(output: string, more: Partial<typeof options> = {}): string {
  const { head, content } = answerOf(finished(output), { ...options, ...more });
  const { status, fields, content: sent } = responseOf(head, content);
  const lines = fields.map(([name, value]) => `${name}: ${value}`).join(', ');
  return `${status} [${lines}] ${sent === undefined ? 'none' : Buffer.from(sent as Uint8Array).toString('latin1')}`;
}

describe('answerOf', () => {
  test.each([
    ['Content-Type: text/plain\n\nhello', '200 [content-type: text/plain] hello'],
    ['Content-Type: text/plain\r\n\r\nhello', '200 [content-type: text/plain] hello'],
    ['Status: 404 Gone\nContent-Type: text/plain\n\nno', '404 [content-type: text/plain] no'],
    ['Status: 204\nContent-Type: text/plain\n\nignored', '204 [] none'],
    ['Status: 205\nContent-Type: text/plain\n\nignored', '205 [] none'],
    ['Status: 304\nETag: "a"\n\n', '304 [etag: "a"] none'],
    ['Content-Type: text/plain\nContent-Length: 3\n\nhello', '200 [content-type: text/plain, content-length: 3] hel'],
    ['Status: 200\n\nuntyped', '200 [x-content-type-options: nosniff] untyped'],
    ['Content-Type: text/plain\n\n', '200 [content-type: text/plain] '],
  ])('of %j is %s', (output, expected) => {
    expect(answer(output)).toBe(expected);
  });

  test.each([
    ['', 0, null, 'no-output', 'it exited with code 0 before its header ended'],
    ['', 3, null, 'no-output', 'it exited with code 3'],
    ['', 0, 'SIGSEGV', 'no-output', 'it was ended by SIGSEGV'],
    ['Content-Type: a/b\n', 0, null, 'bad-header', 'before its header ended'],
    ['no header at all\n\n', 0, null, 'bad-header', '/srv/a.cgi'],
    ['Content-Type: a/b\n\nhalf', 0, 'SIGKILL', 'killed', 'SIGKILL'],
    ['Content-Type: a/b\nContent-Length: 9\n\nshort', 0, null, 'content-cut', 'announced 9 bytes and wrote 5'],
  ] as const)('of %j that ended with %s %s is refused: %s', (output, code, signal, expected, message) => {
    let thrown: unknown;
    try {
      answerOf(finished(output, code, signal), options);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(CgiError);
    expect(thrown).toMatchObject({ code: expected, script: '/srv/a.cgi', stderr: 'oops' });
    expect((thrown as CgiError).message).toContain(message);
  });

  test('asks for no content of HEAD', () => {
    expect(answer('Content-Type: a/b\nContent-Length: 9\n\n', { method: 'HEAD' })).toContain('content-length: 9');
  });

  test('passes every byte of the content on', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.constantFrom('\n', '\r\n'), (bytes, end) => {
        const output = Buffer.concat([Buffer.from(`Content-Type: a/b${end}${end}`), bytes]);
        const { content } = answerOf({ ...finished(''), output }, options);
        expect(Buffer.from(content).equals(Buffer.from(bytes))).toBe(true);
      }),
    );
  });

  test('never throws anything but a CgiError, whatever a script writes', () => {
    const parts = fc.constantFrom(
      'Content-Type',
      ':',
      ' ',
      '\n',
      '\r\n',
      '\0',
      'Status: 200',
      'Location: /a',
      '\xff',
      'a',
      '\t',
    );
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 20 }), fc.constantFrom(0, 1), (all, code) => {
        try {
          answerOf(finished(all.join(''), code), options);
        } catch (error) {
          expect(error).toBeInstanceOf(CgiError);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

test('a local redirect works with servers that do not know the word', () => {
  expect(redirectTo('/a?b')).toEqual({ status: 302, fields: [['location', '/a?b']], localRedirect: '/a?b' });
});

test('a script that writes the whole response is known by its name', () => {
  expect(['/a/nph-x', 'nph-', '/nph-dir/x', '/a/xnph-'].map(isNonParsed)).toEqual([true, true, false, false]);
  expect(unparsedOf(finished('HTTP/1.0 200 OK\r\n\r\n'), options).toString()).toBe('HTTP/1.0 200 OK\r\n\r\n');
  expect(() => unparsedOf(finished(''), options)).toThrow('it exited with code 0');
  expect(() => unparsedOf(finished('HTTP/1.0', 0, 'SIGTERM'), options)).toThrow('it was ended (SIGTERM)');
});
