import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Stop, type Stoppable } from '../src/stop.ts';
import type { Listening } from '../src/transport/listening.ts';

function parts(): { connections: Set<never>; listening: never[]; accepted: () => number; drain: () => void } {
  return { connections: new Set(), listening: [], accepted: () => 0, drain: () => {} };
}

describe('Stop', () => {
  test('lasts as long as its delay, unless it is asked again', async () => {
    const stop = new Stop(parts());
    stop.cutOffAfter(10, false);
    let isOver = false;
    const running = stop.run(3_600_000).finally(() => {
      isOver = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(isOver).toBe(false);
    stop.cutOffAfter(10, true);
    await running;
  });

  test('closes the listeners when no connection was accepted for a turn', async () => {
    let accepted = 0;
    const close = vi.fn(async () => {});
    const arriving = setInterval(() => {}, 1000);
    const waiting = [1, 2, 3];
    const listening = [{ close, abandonHandshakes: () => {}, address: undefined, renewCertificate: () => {} }];
    const stop = new Stop({
      connections: new Set(),
      listening: listening as never,
      drain: () => {},
      // Each look finds one more, as each turn of the loop accepts one.
      accepted: () => (waiting.pop() === undefined ? accepted : ++accepted),
    });
    stop.cutOffAfter(1000, false);
    await stop.run(0);
    clearInterval(arriving);
    expect(waiting).toEqual([]);
    expect(close).toHaveBeenCalledOnce();
  });
});

describe('a stop under way', () => {
  /** Connections of which each leaves after so many looks; undefined: never by itself. */
  function stopping(looks: readonly (number | undefined)[]): {
    stop: Stop;
    left: string[];
    handshakes: () => number;
    drained: () => number;
  } {
    const left: string[] = [];
    const connections = new Set<Stoppable>();
    let handshakes = 0;
    let drained = 0;
    const listening = [
      { close: async () => {}, abandonHandshakes: () => void (handshakes += 1) },
    ] as unknown as readonly Listening[];
    const stop = new Stop({ connections, listening, accepted: () => 0, drain: () => void (drained += 1) });
    for (const [index, count] of looks.entries()) {
      let seen = 0;
      const leave = (how: string): void => {
        if (!connections.delete(connection)) return;
        left.push(`${index} ${how}`);
        stop.closed();
      };
      const connection: Stoppable = {
        transport: { destroy: () => leave('destroyed') },
        leaveIfSilent: () => void (++seen === count && leave('left')),
      };
      connections.add(connection);
    }
    return { stop, left, handshakes: () => handshakes, drained: () => drained };
  }

  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval', 'clearTimeout', 'clearInterval'] }));
  afterEach(() => void vi.useRealTimers());
  /** Lets time pass, and what follows from it. */
  async function pass(ms: number): Promise<void> {
    for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve));
    await vi.advanceTimersByTimeAsync(ms);
    for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve));
  }

  test('looks every 50 ms who has been silent, and is over with the last', async () => {
    const { stop, left, drained } = stopping([2, 1, 3]);
    stop.cutOffAfter(10_000, false);
    const over = vi.fn();
    void stop.run(0).then(over);
    await pass(0);
    expect([left, drained()]).toEqual([[], 1]);
    await pass(100);
    expect(left).toEqual(['1 left', '0 left']);
    expect(over).not.toHaveBeenCalled();
    await pass(50);
    expect(left).toEqual(['1 left', '0 left', '2 left']);
    expect(over).toHaveBeenCalledTimes(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('cuts off whoever is left when the grace is over, which a second call shortens', async () => {
    const { stop, left } = stopping([undefined, 1, undefined]);
    stop.cutOffAfter(10_000, false);
    const over = vi.fn();
    void stop.run(0).then(over);
    await pass(5000);
    expect(left).toEqual(['1 left']);
    stop.cutOffAfter(100, true);
    await pass(99);
    expect(left).toHaveLength(1);
    await pass(1);
    expect(left).toEqual(['1 left', '0 destroyed', '2 destroyed']);
    expect(over).toHaveBeenCalledTimes(1);
  });

  test('leaves handshakes a second, or less where the grace is less', async () => {
    const patient = stopping([undefined]);
    patient.stop.cutOffAfter(10_000, false);
    void patient.stop.run(0);
    await pass(999);
    expect(patient.handshakes()).toBe(0);
    await pass(1);
    expect(patient.handshakes()).toBe(1);
    const hasty = stopping([undefined]);
    hasty.stop.cutOffAfter(200, false);
    void hasty.stop.run(0);
    await pass(200);
    expect(hasty.handshakes()).toBeGreaterThanOrEqual(1);
    expect(hasty.left).toEqual(['0 destroyed']);
  });

  test('counts its grace from the end of its delay, in which nobody is cut off', async () => {
    const { stop, left, drained } = stopping([1]);
    stop.cutOffAfter(100, false);
    void stop.run(5000);
    await pass(4999);
    expect([left, drained()]).toEqual([[], 0]);
    await pass(1);
    expect(drained()).toBe(1);
    await pass(50);
    expect(left).toEqual(['0 left']);
  });
});
