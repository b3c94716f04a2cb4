import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseResponseHead, responseHead } from '../../src/content/response-head.ts';

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
    for (const head of heads) expect(responseHead(head)).toEqual(parseResponseHead(head));
    const head = responseHead('Status: 404 Not Found\nx-a: b');
    expect(responseHead('Status: 404 Not Found\nx-a: b')).toBe(head);
    expect([Object.isFrozen(head.fields), Object.isFrozen(head.fields[0])]).toEqual([true, true]);
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
