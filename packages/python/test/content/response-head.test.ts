import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseResponseHead, readHead } from '../../src/content/response-head.ts';

const headIn = (text: string): ReturnType<typeof readHead> => readHead(Buffer.from(text, 'latin1'));

describe('parseResponseHead', () => {
  test('takes a head apart', () => {
    const head = 'Status: 200 OK\ncontent-type: text/plain\nset-cookie: a=b: c\nset-cookie: d\ncontent-length: 12';
    expect(parseResponseHead(head)).toEqual({
      status: 200,
      reason: undefined,
      fields: [
        ['content-type', 'text/plain'],
        ['set-cookie', 'a=b: c'],
        ['set-cookie', 'd'],
      ],
      contentLength: 12,
    });
  });

  test('knows a status without a reason, and a reason of several words', () => {
    expect(parseResponseHead('Status: 204 ')).toEqual({
      status: 204,
      reason: undefined,
      fields: [],
      contentLength: undefined,
    });
    expect(parseResponseHead('Status: 418 I am a teapot').reason).toBe('I am a teapot');
  });

  test('is one value for heads that repeat, which nobody can change', () => {
    const heads = Array.from({ length: 1000 }, (_, index) => `Status: 200 OK\nx-a: ${index % 300}`);
    for (const head of heads) expect(headIn(`${head}\n\n`)).toMatchObject(parseResponseHead(head));
    const head = headIn('Status: 404 Not Found\nx-a: b\n\n');
    expect(headIn('Status: 404 Not Found\nx-a: b\n\n')).toBe(head);
    expect([Object.isFrozen(head?.fields), Object.isFrozen(head?.fields[0])]).toEqual([true, true]);
  });

  test('ends with the first empty line, also where the head before is a part of it', () => {
    const texts = ['Status: 200 OK\n\n', 'Status: 200 OK\nx-a: b\n\n', 'Status: 200 OK\nx-a: bc\n\n'];
    for (const text of [...texts, ...texts, ...texts.toReversed(), ...texts]) {
      for (const content of ['', 'x', '\n', '\n\n', 'Status: 200 OK\n\n']) {
        expect(headIn(text + content)).toMatchObject({ ...parseResponseHead(text.slice(0, -2)), size: text.length });
      }
    }
  });

  test('is not there before its end is', () => {
    const whole = 'Status: 200 OK\nx-whole: yes\n\n';
    for (let time = 0; time < 3; time++) {
      for (let end = 0; end < whole.length; end++) expect(headIn(whole.slice(0, end))).toBeUndefined();
      expect(headIn(whole)?.size).toBe(whole.length);
    }
  });

  test('keeps lines for heads that repeat, and none for long ones', () => {
    expect(headIn('Status: 200 OK\nx-b: c\n\n')?.lines).toBeUndefined();
    const lines = headIn('Status: 200 OK\nx-b: c\n\n')?.lines;
    expect(lines).toBeDefined();
    const bytes = Buffer.from('x-b: c\r\n\r\n');
    lines?.keep(bytes);
    bytes.fill(0);
    expect(String(headIn('Status: 200 OK\nx-b: c\n\n')?.lines?.kept)).toBe(
      String(Uint8Array.from(Buffer.from('x-b: c\r\n\r\n'))),
    );
    expect(headIn(`Status: 200 OK\nx-b: ${'c'.repeat(2000)}\n\n`)?.lines).toBeUndefined();
  });

  test('leaves Date and Server to the server', () => {
    expect(parseResponseHead('Status: 200 OK\ndate: x\nserver: y\nx-date: z').fields).toEqual([['x-date', 'z']]);
  });

  test('gives back every field as it was written', () => {
    const names = fc.stringMatching(/^x-[a-z-]{1,8}$/);
    const values = fc.stringMatching(/^[!-~ \x80-\xff]{0,12}$/);
    fc.assert(
      fc.property(fc.array(fc.tuple(names, values), { maxLength: 6 }), (fields) => {
        const text = ['Status: 200 OK', ...fields.map(([name, value]) => `${name}: ${value}`)].join('\n');
        expect(parseResponseHead(text).fields).toEqual(fields);
      }),
    );
  });
});
