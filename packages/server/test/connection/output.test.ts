// Answers to pipelined requests leave together; what is large does not wait.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Output } from '../../src/connection/output.ts';
import { FakeTransport } from './fake-transport.ts';

const BATCH_BYTES = 65_536;

describe('Output', () => {
  test('writes at once while nothing is gathered', () => {
    const transport = new FakeTransport();
    const output = new Output(transport);
    expect(output.write([Buffer.from('a'), Buffer.from('b')])).toBe(true);
    expect(transport.writes.map(String)).toEqual(['ab']);
  });

  test('gathers small answers until it is told to write', () => {
    const transport = new FakeTransport();
    const output = new Output(transport);
    output.isBatching = true;
    for (const text of ['a', 'b', 'c']) expect(output.write([Buffer.from(text)])).toBe(true);
    expect(transport.writes).toEqual([]);
    expect(output.flush()).toBe(true);
    expect(transport.writes.map(String)).toEqual(['abc']);
    expect(output.flush()).toBe(true);
    expect(transport.writes).toHaveLength(1);
  });

  test('says whether the system has taken everything, also of what was gathered', () => {
    const transport = new FakeTransport();
    const output = new Output(transport);
    transport.isReady = false;
    output.isBatching = true;
    expect(output.write([Buffer.alloc(10)])).toBe(true);
    expect(output.flush()).toBe(false);
    expect(output.write([Buffer.alloc(BATCH_BYTES + 1)])).toBe(false);
  });

  test('says of what is there for the moment, too, that the system does not take what was gathered before', () => {
    const transport = new FakeTransport();
    const writeShared = (memory: Buffer, start: number, size: number): boolean =>
      transport.write(memory.subarray(start, start + size));
    const output = new Output(Object.assign(transport, { writeShared }));
    transport.isReady = false;
    output.isBatching = true;
    const page = Buffer.alloc(BATCH_BYTES / 2);
    expect(output.writeLent('', Buffer.alloc(0), page)).toBe(true);
    expect(output.writeLent('', Buffer.alloc(0), page)).toBe(true);
    expect(output.writeLent('', Buffer.alloc(0), page)).toBe(false);
    expect(transport.writtenBytes).toBe(3 * page.length);
  });

  test('keeps the order and every byte, and never holds more than a batch', () => {
    const steps = fc.array(
      fc.oneof(
        fc.record({
          write: fc.array(fc.constantFrom(0, 1, 100, BATCH_BYTES - 1, BATCH_BYTES, BATCH_BYTES + 1), { maxLength: 3 }),
        }),
        fc.record({ batch: fc.boolean() }),
        fc.constant('flush' as const),
      ),
      { maxLength: 20 },
    );
    fc.assert(
      fc.property(steps, (all) => {
        const transport = new FakeTransport();
        const output = new Output(transport);
        const given: Buffer[] = [];
        let number = 0;
        for (const step of all) {
          if (step === 'flush') output.flush();
          else if ('batch' in step) output.isBatching = step.batch;
          else {
            const pieces = step.write.map((length) => Buffer.alloc(length, `${number++},`));
            given.push(...pieces);
            output.write(pieces);
          }
          const held = given.reduce((sum, { length }) => sum + length, 0) - transport.writtenBytes;
          expect(held).toBeLessThanOrEqual(BATCH_BYTES);
        }
        output.flush();
        expect(Buffer.concat(transport.writes).equals(Buffer.concat(given))).toBe(true);
      }),
      { numRuns: 150 },
    );
  });
});
