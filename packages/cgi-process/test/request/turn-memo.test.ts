import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { forTurn } from '../../src/request/turn-memo.ts';

describe('forTurn', () => {
  test('asks once for each key until the loop turns', async () => {
    const asked: string[] = [];
    const find = forTurn((key) => asked.push(key));
    expect([find('a'), find('b'), find('a'), find('b')]).toEqual([1, 2, 1, 2]);
    await turn();
    expect([find('a'), find('a')]).toEqual([3, 3]);
    expect(asked).toEqual(['a', 'b', 'a']);
  });

  test('keeps no failure', () => {
    const asked: string[] = [];
    const find = forTurn((key) => {
      asked.push(key);
      throw new Error(key);
    });
    expect(() => find('a')).toThrow('a');
    expect(() => find('a')).toThrow('a');
    expect(asked).toHaveLength(2);
  });
});
