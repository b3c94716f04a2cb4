import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Holds, HOLDS } from '../../src/connection/holds.ts';
import { FakeTransport } from './fake-transport.ts';

/** A transport that says whether it hands bytes over. */
class Paused extends FakeTransport {
  isPaused = false;

  override pause(): void {
    this.isPaused = true;
  }

  override resume(): void {
    this.isPaused = false;
  }
}

describe('Holds', () => {
  test('pause the transport exactly while there is a reason', () => {
    const reasons = fc.constantFrom(HOLDS.content, HOLDS.ahead, HOLDS.stalled, HOLDS.tunnel);
    const steps = fc.array(fc.tuple(fc.boolean(), reasons), { maxLength: 30 });
    fc.assert(
      fc.property(steps, (all) => {
        const transport = new Paused();
        const holds = new Holds(transport);
        const open = new Set<number>();
        for (const [isAdded, reason] of all) {
          if (isAdded) {
            holds.add(reason);
            open.add(reason);
          } else {
            holds.release(reason);
            open.delete(reason);
          }
          expect(holds.isHeld).toBe(open.size > 0);
          expect(transport.isPaused).toBe(open.size > 0);
        }
        holds.release();
        expect(transport.isPaused).toBe(false);
      }),
    );
  });

  test('let a client send 64 KiB ahead of its turn, with what still waits after each', () => {
    const transport = new Paused();
    const holds = new Holds(transport);
    holds.cameAhead(40_000);
    expect(transport.isPaused).toBe(false);
    holds.cameAhead(30_000);
    expect(transport.isPaused).toBe(true);
    holds.tookAhead(65_536);
    expect(transport.isPaused).toBe(true);
    holds.tookAhead(30_000);
    expect(transport.isPaused).toBe(false);
    holds.cameAhead(30_000);
    expect(transport.isPaused).toBe(false);
    holds.cameAhead(10_000);
    expect(transport.isPaused).toBe(true);
  });

  test('read no further request until the answers are taken', async () => {
    const transport = new Paused();
    transport.isReady = false;
    transport.pendingBytes = 16_384;
    const holds = new Holds(transport);
    holds.stall();
    expect(transport.isPaused).toBe(true);
    transport.settle(true);
    await expect.poll(() => transport.isPaused).toBe(false);
  });

  test('read on while a few bytes are on their way, as always over TLS', () => {
    const transport = new Paused();
    transport.isReady = false;
    transport.pendingBytes = 16_383;
    const holds = new Holds(transport);
    holds.stall();
    expect([transport.isPaused, transport.waiting]).toEqual([false, 0]);
  });

  test('several reasons end each by itself', () => {
    const transport = new Paused();
    const holds = new Holds(transport);
    holds.add(HOLDS.content | HOLDS.tunnel);
    holds.release(HOLDS.content);
    expect(transport.isPaused).toBe(true);
    holds.release(HOLDS.tunnel | HOLDS.ahead);
    expect(transport.isPaused).toBe(false);
  });
});
