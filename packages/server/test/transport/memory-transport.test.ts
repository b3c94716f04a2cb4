// The connection in memory, held to what every transport promises.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MemoryTransport } from '../../src/transport/memory-transport.ts';

interface Pair {
  readonly transport: MemoryTransport;
  /** What both ends were told, in order. */
  readonly told: readonly string[];
  readonly got: () => number;
}

function open(): Pair {
  const told: string[] = [];
  let got = 0;
  const transport = new MemoryTransport(true, {
    received: (bytes) => void (got += bytes.length),
    ended: (isWhole) => void told.push(isWhole ? 'ended' : 'broken off'),
  });
  transport.open({
    received: (bytes) => void told.push(`received ${Buffer.from(bytes).toString()}`),
    finished: () => void told.push('finished'),
    closed: () => void told.push('closed'),
  });
  return { transport, told, got: () => got };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const FULL = 262_144;

describe('writing', () => {
  test('says whether the client keeps up, and when it has', async () => {
    const { transport, got } = open();
    expect(transport.write(Buffer.alloc(FULL - 1))).toBe(true);
    expect(await transport.flushed()).toBe(true);
    expect(transport.writeAll([Buffer.alloc(1), Buffer.alloc(0), Buffer.alloc(9)])).toBe(false);
    expect([transport.pendingBytes, transport.writtenBytes, got()]).toEqual([FULL + 9, FULL + 9, FULL + 9]);
    let isTaken: boolean | undefined;
    void transport.flushed().then((taken) => (isTaken = taken));
    transport.taken(9);
    await turn();
    expect(isTaken).toBeUndefined();
    transport.taken(1);
    await turn();
    expect(isTaken).toBe(true);
  });

  test('counts what waits as it is written and taken', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat(100_000)), { maxLength: 20 }), (moves) => {
        const { transport } = open();
        let waiting = 0;
        for (const [isWrite, bytes] of moves) {
          if (isWrite) {
            waiting += bytes;
            expect(transport.write(Buffer.alloc(bytes))).toBe(waiting < FULL);
          } else {
            const taken = Math.min(bytes, waiting);
            waiting -= taken;
            transport.taken(taken);
          }
          expect(transport.pendingBytes).toBe(waiting);
        }
      }),
      { numRuns: 50 },
    );
  });

  test('to a closed connection takes nothing', async () => {
    const { transport, got } = open();
    transport.destroy();
    expect(transport.write(Buffer.from('a'))).toBe(false);
    expect(await transport.flushed()).toBe(false);
    expect([got(), transport.writtenBytes]).toEqual([0, 0]);
  });
});

describe('the end', () => {
  test.each([
    ['end', ['ended', 'closed']],
    ['leave', ['ended', 'closed']],
    ['destroy', ['broken off', 'closed']],
    ['reset', ['broken off', 'closed']],
    ['leaveAsClient', ['broken off', 'closed']],
  ] as const)('by %s is told once, to the server behind what is going on', async (way, expected) => {
    const { transport, told } = open();
    transport[way]();
    expect(told).toEqual([expected[0]]);
    transport.end();
    transport.destroy();
    transport.leaveAsClient();
    await turn();
    expect(told).toEqual(expected);
    expect(transport.isClosed).toBe(true);
  });

  test('wakes whoever waits: the writer in vain, the sender to stop', async () => {
    const { transport, told } = open();
    transport.write(Buffer.alloc(FULL));
    const flushed = transport.flushed();
    transport.pause();
    const sent = transport.send(Buffer.from('late'));
    transport.destroy();
    expect(await flushed).toBe(false);
    await sent;
    expect(told).toEqual(['broken off', 'closed']);
  });
});

describe('sending', () => {
  test('waits while the server does not read, and goes on in order', async () => {
    const { transport, told } = open();
    await transport.send(Buffer.from('a'));
    transport.pause();
    expect(transport.isPaused).toBe(true);
    const both = (async () => {
      await transport.send(Buffer.from('b'));
      await transport.send(Buffer.from('c'));
    })();
    await turn();
    expect(told).toEqual(['received a']);
    transport.resume();
    await both;
    expect(told).toEqual(['received a', 'received b', 'received c']);
    expect(transport.isBroken).toBe(false);
  });
});
