import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { RunningScripts } from '../../src/answer/running-scripts.ts';
import type { LaunchedProcess } from '../../src/process/unix-process.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

interface Fake {
  readonly process: LaunchedProcess;
  readonly stop: ReturnType<typeof vi.fn>;
}

/** Only `stop` is asked for: by default it waits for what never ends. */
function fake(stopped: Promise<void> = new Promise(() => {})): Fake {
  const stop = vi.fn(() => stopped);
  return { stop, process: { stop } as unknown as LaunchedProcess };
}

/** Whether a promise has settled, once all that is ready has run. */
async function isSettled(promise: Promise<void>): Promise<boolean> {
  let settled = false;
  void promise.then(() => (settled = true));
  await vi.advanceTimersByTimeAsync(0);
  return settled;
}

describe('RunningScripts.close', () => {
  test('resolves at once where nothing runs, and leaves no timer', async () => {
    await new RunningScripts().close(60_000);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('lets runs end within the grace, and ends nothing then', async () => {
    const running = new RunningScripts();
    const { process, stop } = fake();
    const [first, second] = [running.begin(), running.begin()];
    running.watch(process);
    const closed = running.close(1000);
    await vi.advanceTimersByTimeAsync(999);
    first();
    expect(await isSettled(closed)).toBe(false);
    running.forget(process);
    second();
    expect(await isSettled(closed)).toBe(true);
    expect(stop).not.toHaveBeenCalled();
    expect(vi.getTimerCount()).toBe(0);
  });

  test('ends what is watched when the grace is over, and still waits for it', async () => {
    const running = new RunningScripts();
    const [watched, forgotten] = [fake(), fake()];
    const end = running.begin();
    running.watch(watched.process);
    running.watch(forgotten.process);
    running.forget(forgotten.process);
    const closed = running.close(1000);
    await vi.advanceTimersByTimeAsync(999);
    expect(watched.stop).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(watched.stop).toHaveBeenCalledTimes(1);
    expect(forgotten.stop).not.toHaveBeenCalled();
    expect(await isSettled(closed)).toBe(false);
    end();
    expect(await isSettled(closed)).toBe(true);
  });

  test('ends at once what becomes a process after the grace', async () => {
    const running = new RunningScripts();
    const { process, stop } = fake();
    const end = running.begin();
    const closed = running.close(0);
    await vi.advanceTimersByTimeAsync(1);
    running.watch(process);
    expect(stop).toHaveBeenCalledTimes(1);
    end();
    await closed;
  });

  test('waits no longer for what cannot be ended, as a script that is another user by now', async () => {
    const running = new RunningScripts();
    const [lost, slow] = [fake(Promise.resolve()), fake()];
    const ends = [running.begin(), running.begin()];
    running.watch(lost.process);
    running.watch(slow.process);
    const closed = running.close(0);
    await vi.advanceTimersByTimeAsync(1);
    expect(await isSettled(closed)).toBe(false);
    running.forget(slow.process);
    ends[1]?.();
    expect(await isSettled(closed)).toBe(true);
    // It ends by itself, and is not counted twice.
    running.forget(lost.process);
    ends[0]?.();
    const last = running.begin();
    const again = running.close(0);
    expect(await isSettled(again)).toBe(false);
    last();
    expect(await isSettled(again)).toBe(true);
  });

  test('resolves every call, and the shortest grace is the one that counts', async () => {
    const running = new RunningScripts();
    const { process, stop } = fake();
    const end = running.begin();
    running.watch(process);
    const slow = running.close(60_000);
    const quick = running.close(10);
    await vi.advanceTimersByTimeAsync(10);
    expect(stop).toHaveBeenCalledTimes(1);
    end();
    expect(await isSettled(quick)).toBe(true);
    expect(await isSettled(slow)).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('counts a run once, however often its end is said', async () => {
    const running = new RunningScripts();
    const [first, second] = [running.begin(), running.begin()];
    const closed = running.close(Number.POSITIVE_INFINITY);
    first();
    first();
    expect(await isSettled(closed)).toBe(false);
    second();
    expect(await isSettled(closed)).toBe(true);
  });
});
