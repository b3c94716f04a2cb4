import { describe, expect, test, vi } from 'vitest';
import { Stop } from '../src/stop.ts';

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
