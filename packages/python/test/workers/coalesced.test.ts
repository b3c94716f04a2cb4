import { describe, expect, test } from 'vitest';
import { Coalesced } from '../../src/workers/coalesced.ts';

interface Run {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** A task whose runs end when they are told to. */
function controlled(): { task: Coalesced; runs: Run[] } {
  const runs: Run[] = [];
  const task = new Coalesced(() => new Promise((resolve, reject) => runs.push({ resolve, reject })));
  return { task, runs };
}

describe('Coalesced', () => {
  test('runs at once when nothing runs, and again afterwards', async () => {
    const { task, runs } = controlled();
    const first = task.run();
    expect(runs).toHaveLength(1);
    runs[0]?.resolve();
    await first;
    const second = task.run();
    expect(runs).toHaveLength(2);
    runs[1]?.resolve();
    await second;
  });

  test('gives all that come during a run one more run, which begins after it', async () => {
    const { task, runs } = controlled();
    const first = task.run();
    const later = [task.run(), task.run(), task.run()];
    expect(runs).toHaveLength(1);
    let isDone = false;
    void Promise.all(later).then(() => (isDone = true));
    runs[0]?.resolve();
    await first;
    await expect.poll(() => runs.length).toBe(2);
    expect(isDone).toBe(false);
    runs[1]?.resolve();
    await Promise.all(later);
    expect(runs).toHaveLength(2);
  });

  test('runs again although the run before has failed, and tells each caller of its own run', async () => {
    const { task, runs } = controlled();
    const first = task.run();
    const second = task.run();
    runs[0]?.reject(new Error('the first'));
    await expect(first).rejects.toThrow('the first');
    await expect.poll(() => runs.length).toBe(2);
    runs[1]?.reject(new Error('the second'));
    await expect(second).rejects.toThrow('the second');
    const third = task.run();
    runs[2]?.resolve();
    await third;
  });
});
