import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Field, RequestParser, ResponseParser } from '../src/index.ts';
import { isAuthority, isToken } from '../src/grammar.ts';
import { decodeLatin1, decodeLatin1Portably, encodeLatin1, encodeLatin1Portably, startsWith } from '../src/native.ts';
import { RequestWriter, ResponseWriter, serializeHead } from '../src/serializer.ts';
import { bytesOf, cut, replay, textOf } from './replay.ts';

const SETTINGS = { numRuns: 300 };
const FRAMING = /^(?:host|content-length|transfer-encoding|connection|expect|upgrade|trailer)$/;
const character = (accept: RegExp): fc.Arbitrary<string> =>
  fc.constantFrom(
    ...Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).filter((one) => accept.test(one)),
  );
const tokenCharacter = character(/[!#$%&'*+\-.^_`|~0-9A-Za-z]/);
const token = fc.string({ unit: tokenCharacter, minLength: 1, maxLength: 20 });
const name = token.map((text) => text.toLowerCase()).filter((text) => !FRAMING.test(text));
const value = fc
  .string({ unit: character(/[\t\x20-\x7e\x80-\xff]/), maxLength: 40 })
  .map((text) => text.replace(/^[ \t]+|[ \t]+$/g, ''));
const fields: fc.Arbitrary<Field[]> = fc.array(fc.tuple(name, value), { maxLength: 8 });
const target = fc.string({ unit: character(/[!"$-~]/), maxLength: 30 }).map((text) => `/${text}`);
const method = token.filter((text) => text !== 'CONNECT');
const content = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 5 });
const cuts = fc.array(fc.nat(2000), { maxLength: 6 });

const joined = (parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));
const inChunks = (bytes: Uint8Array, offsets: readonly number[]): Uint8Array[] =>
  cut(bytes, ...offsets.map((offset) => offset % (bytes.length + 1)).toSorted((a, b) => a - b));

describe('parse(serialize(x)) = x', () => {
  test('for requests with content, however they are cut', () => {
    fc.assert(
      fc.property(
        method,
        target,
        fields,
        content,
        fc.boolean(),
        cuts,
        (method, target, fields, parts, chunked, offsets) => {
          const writer = new RequestWriter();
          const whole = joined(parts);
          const all: Field[] = [['host', 'a'], ...fields];
          const head = writer.head({ method, target, fields: all }, chunked ? 'chunked' : whole.length);
          const wire = joined([head, ...parts.flatMap((part) => writer.write(part)), ...writer.end()]);
          const parser = new RequestParser();
          const read: Uint8Array[] = [];
          const types: string[] = [];
          for (const chunk of inChunks(wire, offsets)) {
            for (const event of parser.push(chunk)) {
              types.push(event.type);
              if (event.type === 'content') read.push(event.bytes.slice());
              if (event.type !== 'head') continue;
              const framing: Field = chunked
                ? ['transfer-encoding', 'chunked']
                : ['content-length', String(whole.length)];
              expect([event.head.method, event.head.target, event.head.fields]).toEqual([
                method,
                target,
                [...all, framing],
              ]);
            }
          }
          expect(joined(read)).toEqual(whole);
          expect([types[0], types.at(-1)]).toEqual(['head', 'end']);
          expect(parser.remainder).toHaveLength(0);
        },
      ),
      SETTINGS,
    );
  });

  test('for responses with content, however they are cut', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 206, max: 303 }),
        value,
        fields,
        content,
        fc.boolean(),
        cuts,
        (status, reason, fields, parts, chunked, offsets) => {
          const whole = joined(parts);
          const writer = new ResponseWriter();
          writer.open({ persistent: true, upgrade: undefined, head: { method: 'GET', version: '1.1' } });
          const head = writer.head({ status, reason, fields }, { contentLength: chunked ? undefined : whole.length });
          const wire = joined([head, ...parts.flatMap((part) => writer.write(part)), ...writer.end()]);
          const parser = new ResponseParser();
          const events = [...parser.next({ method: 'GET' })];
          const read: Uint8Array[] = [];
          for (const chunk of inChunks(wire, offsets)) {
            for (const event of parser.push(chunk)) {
              if (event.type === 'content') read.push(event.bytes.slice());
              else events.push(event);
            }
          }
          expect(events).toMatchObject([
            { head: { status, reason, fields: expect.arrayContaining(fields) } },
            { type: 'end' },
          ]);
          expect(joined(read)).toEqual(whole);
        },
      ),
      SETTINGS,
    );
  });
});

describe('any input', () => {
  test('gives events or an error, the same for any chunking', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), cuts, (bytes, offsets) => {
        const log = replay([bytes]);
        if (!log.some((line) => line.includes('simple') || line.includes(' 0.9 '))) {
          expect(replay(inChunks(bytes, offsets))).toEqual(log);
        }
      }),
      SETTINGS,
    );
  });

  test('that a parser accepts can be written again, and is read as the same', () => {
    fc.assert(
      fc.property(method, target, fields, (method, target, fields) => {
        const head = { method, target, fields: [['host', 'a'] as const, ...fields] };
        const once = textOf(serializeHead(head));
        const [event] = new RequestParser().push(bytesOf(once));
        expect(
          event?.type === 'head' &&
            textOf(serializeHead({ method: event.head.method, target: event.head.target, fields: event.head.fields })),
        ).toBe(once);
      }),
      SETTINGS,
    );
  });
});

describe('a lone refusal', () => {
  test('of a name is what the grammar says of a token', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 6 }), (name) => {
        const write = (): unknown => serializeHead({ status: 200, fields: [[name, 'x']] });
        if (isToken(name)) write();
        else expect(write).toThrow();
      }),
      SETTINGS,
    );
  });

  test('of a Host is what the grammar says of an authority', () => {
    const host = fc.string({ unit: fc.constantFrom(...'a1:.[]%v,@/-~\u00e9 '.split('')), maxLength: 12 });
    fc.assert(
      fc.property(host, (text) => {
        const log = replay([bytesOf(`GET / HTTP/1.1\r\nHost: ${text}\r\n\r\n`)]);
        expect(log.some((line) => line.startsWith('bad-host'))).toBe(!isAuthority(text.trim()));
      }),
      SETTINGS,
    );
  });
});

describe('without native help', () => {
  test('text and bytes become each other all the same', () => {
    const large = Uint8Array.from({ length: 10_000 }, (_, index) => index & 0xff);
    for (const bytes of [large, large.subarray(3, 300)]) {
      const text = decodeLatin1(bytes, 1, bytes.length);
      expect(decodeLatin1Portably(bytes, 1, bytes.length)).toBe(text);
      const copy = new Uint8Array(text.length + 2);
      encodeLatin1Portably(text, copy, 2);
      expect(copy.subarray(2)).toEqual(bytes.slice(1));
      expect(encodeLatin1(text)).toEqual(bytes.slice(1));
    }
  });

  test('short and long beginnings are compared octet for octet', () => {
    for (const length of [0, 1, 100, 127, 128, 1000]) {
      const expected = new Uint8Array(length).fill(7);
      const bytes = new Uint8Array(length + 4).fill(7);
      expect(startsWith(bytes, 2, bytes.length, expected)).toBe(true);
      expect(startsWith(bytes, 2, length + 1, expected)).toBe(false);
      if (length > 0) bytes[length + 1] = 8;
      expect(startsWith(bytes, 2, bytes.length, expected)).toBe(length === 0);
    }
  });
});
