import { describe, expect, test } from 'vitest';
import { LargeOutputs } from '../../src/spawner/large-outputs.ts';

describe('LargeOutputs', () => {
  test('remembers what a script wrote when it last ran', () => {
    const outputs = new LargeOutputs();
    outputs.note('/a', 65_536);
    outputs.note('/b', 65_535);
    expect([outputs.has('/a'), outputs.has('/b'), outputs.has('/c')]).toEqual([true, false, false]);
    outputs.note('/a', 10);
    expect(outputs.has('/a')).toBe(false);
  });

  test('forgets before it grows without end', () => {
    const outputs = new LargeOutputs();
    for (let index = 0; index <= 1000; index++) outputs.note(`/${index}`, 100_000);
    expect([outputs.has('/0'), outputs.has('/1000')]).toEqual([false, true]);
  });
});
