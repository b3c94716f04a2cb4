// What waits, against a list of octets; and that reading again is asked for when something can have changed, and seldom.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ReceiveBuffer } from '../src/receive-buffer.ts';
import { bytesOf, textOf } from './replay.ts';

const waiting = ({ bytes, start, end }: ReceiveBuffer): string => textOf(bytes.subarray(start, end));

type Step =
  | { readonly kind: 'append'; readonly text: string; readonly from: number }
  | { readonly kind: 'keep' | 'wait'; readonly share: number }
  | { readonly kind: 'clear' };

const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      text: fc.string({ unit: fc.constantFrom('a', 'b', '\r', '\n'), maxLength: 700 }),
      from: fc.nat(3),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('keep' as const, 'wait' as const),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'clear' as const }) },
);

describe('the buffer', () => {
  test('holds what was put there and not taken, in order', () => {
    fc.assert(
      fc.property(fc.array(steps, { maxLength: 30 }), (all) => {
        const buffer = new ReceiveBuffer();
        let model = '';
        for (const step of all) {
          if (step.kind === 'append') {
            const from = Math.min(step.from, step.text.length);
            const given = bytesOf(step.text);
            buffer.append(given, from);
            // The bytes were borrowed: what becomes of them is not seen.
            given.fill(0x21);
            model += step.text.slice(from);
          } else if (step.kind === 'clear') {
            buffer.clear();
            model = '';
          } else {
            const taken = Math.floor(step.share * model.length);
            const start = buffer.start + taken;
            if (step.kind === 'keep') buffer.keepFrom(start);
            else buffer.waitFrom(start);
            model = model.slice(taken);
          }
          expect(buffer.length).toBe(model.length);
          expect(waiting(buffer)).toBe(model);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('has no memory while nothing waits', () => {
    const buffer = new ReceiveBuffer();
    expect(buffer.bytes).toHaveLength(0);
    buffer.append(bytesOf('abc'), 0);
    expect(buffer.bytes.length).toBeGreaterThan(0);
    buffer.keepFrom(buffer.end);
    expect([buffer.bytes.length, buffer.length]).toEqual([0, 0]);
  });

  test('grows by doubling, and uses room again that was given up', () => {
    const buffer = new ReceiveBuffer();
    const sizes = new Set<number>();
    for (let index = 0; index < 10_000; index++) {
      buffer.append(Uint8Array.of(index), 0);
      sizes.add(buffer.bytes.length);
    }
    expect(sizes.size).toBeLessThan(8);
    const whole = buffer.bytes.length;
    for (let index = 0; index < 10_000; index++) {
      buffer.keepFrom(buffer.start + 1);
      buffer.append(Uint8Array.of(index), 0);
    }
    expect(buffer.bytes.length).toBeLessThanOrEqual(whole * 2);
    expect(buffer.length).toBe(10_000);
  });
});

describe('reading again is due', () => {
  const after = (text: string): ReceiveBuffer => {
    const buffer = new ReceiveBuffer();
    buffer.append(bytesOf(text), 0);
    buffer.waitFrom(0);
    return buffer;
  };
  const isDueAfter = (text: string, more: string, limit = 1_000_000): boolean => {
    const buffer = after(text);
    buffer.append(bytesOf(more), 0);
    return buffer.isDue(limit);
  };

  test.each([
    ['GET / HTTP/1.1', '\r\n', true],
    ['GET / HTTP/1.1', '\n', true],
    ['GET / HTTP/1.1', '\r', false],
    ['GET / HTTP/1.1\r', '\n', true],
    ['GET / HTTP/1.1\r\na: b', '\r\n', false],
    ['GET / HTTP/1.1\r\na: b\r\n', '\r\n', true],
    ['GET / HTTP/1.1\r\na: b\r\n\r', '\n', true],
    ['GET / HTTP/1.1\r\na: b\r\n', '\n', true],
    ['GET / HTTP/1.1\r\na: b', '\r\n\r\nmore', true],
    ['GET / HTTP/1.1\r\na: b', '\r\nc: d\r\n', false],
    ['', '\r\n', true],
  ])('behind %j when %j comes: %s', (text, more, isDue) => {
    expect(isDueAfter(text, more)).toBe(isDue);
  });

  test('when it has doubled, or has reached the limit', () => {
    const text = 'x'.repeat(100);
    expect(isDueAfter(text, 'x'.repeat(99))).toBe(false);
    expect(isDueAfter(text, 'x'.repeat(100))).toBe(true);
    expect(isDueAfter(text, 'x'.repeat(10), 111)).toBe(false);
    expect(isDueAfter(text, 'x'.repeat(10), 110)).toBe(true);
  });

  test('whenever a section ends, however it came, and else a few times only', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 60 }), (piece, lines) => {
        const section = `GET / HTTP/1.1\r\n${'field: value\r\n'.repeat(lines)}\r\n`;
        const buffer = new ReceiveBuffer();
        let reads = 0;
        let isRead = false;
        for (let at = 0; at < section.length; at += piece) {
          buffer.append(bytesOf(section.slice(at, at + piece)), 0);
          const isDue = at === 0 || buffer.isDue(1_000_000);
          isRead = isDue && waiting(buffer).endsWith('\r\n\r\n');
          if (!isDue) continue;
          reads++;
          buffer.waitFrom(0);
        }
        expect(isRead).toBe(true);
        // Twice for the first line and the last, once for each doubling.
        expect(reads).toBeLessThanOrEqual(4 + Math.log2(section.length));
      }),
    );
  });
});
