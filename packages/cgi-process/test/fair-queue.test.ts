import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FairQueue } from '../src/fair-queue.ts';

function taken(queue: FairQueue<string>): string[] {
  const items: string[] = [];
  for (let item = queue.next(); item !== undefined; item = queue.next()) items.push(item);
  return items;
}

describe('FairQueue', () => {
  test('gives clients turns, and each its own order', () => {
    const queue = new FairQueue<string>(10);
    for (const item of ['a1', 'a2', 'a3', 'b1', 'c1', 'c2']) queue.add(item.charAt(0), item);
    expect(taken(queue)).toEqual(['a1', 'b1', 'c1', 'a2', 'c2', 'a3']);
  });

  test('lets a newcomer in front of the second request of a flood', () => {
    const queue = new FairQueue<string>(1000);
    for (let index = 0; index < 500; index++) queue.add('flood', `flood${index}`);
    expect(queue.next()).toBe('flood0');
    queue.add('visitor', 'visit');
    expect([queue.next(), queue.next()]).toEqual(['flood1', 'visit']);
  });

  test('that is full has room for a client with fewer requests, at the cost of the longest line', () => {
    const queue = new FairQueue<string>(3);
    for (const item of ['a1', 'a2', 'a3']) expect(queue.add('a', item)).toBeUndefined();
    expect(queue.add('a', 'a4')).toBe('a4');
    expect(queue.add('b', 'b1')).toBe('a3');
    expect(queue.add('b', 'b2')).toBe('b2');
    expect(queue.add('c', 'c1')).toBe('a2');
    expect(taken(queue)).toEqual(['a1', 'b1', 'c1']);
  });

  test('that may hold nothing refuses everything', () => {
    expect(new FairQueue<string>(0).add('a', 'a1')).toBe('a1');
  });

  test('forgets what leaves', () => {
    const queue = new FairQueue<string>(10);
    for (const item of ['a1', 'a2', 'b1']) queue.add(item.charAt(0), item);
    expect(queue.delete('a1')).toBe(true);
    expect(queue.delete('a1')).toBe(false);
    expect([...queue]).toEqual(['a2', 'b1']);
    expect(taken(queue)).toEqual(['a2', 'b1']);
    expect(queue.size).toBe(0);
  });

  test('keeps what it holds within its bound, gives everything once, and starves no client', () => {
    const step = fc.oneof(
      fc.nat(5).map((client) => `add ${client}`),
      fc.constant('next'),
      fc.nat(40).map((item) => `delete ${item}`),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), fc.integer({ min: 1, max: 8 }), (steps, max) => {
        const queue = new FairQueue<number>(max);
        const waiting = new Map<number, string>();
        /** Turns that a client with something to do has been passed over. */
        const passed = new Map<string, number>();
        let count = 0;
        for (const [word = '', operand = ''] of steps.map((text) => text.split(' '))) {
          if (word === 'add') {
            const item = count++;
            waiting.set(item, operand);
            const out = queue.add(operand, item);
            if (out !== undefined) expect(waiting.delete(out)).toBe(true);
          } else if (word === 'delete') expect(queue.delete(Number(operand))).toBe(waiting.delete(Number(operand)));
          else {
            const item = queue.next();
            expect(item === undefined).toBe(waiting.size === 0);
            const client = waiting.get(item ?? -1);
            waiting.delete(item ?? -1);
            for (const one of new Set(waiting.values()))
              passed.set(one, one === client ? 0 : (passed.get(one) ?? 0) + 1);
            for (const one of passed.keys()) if (![...waiting.values()].includes(one)) passed.delete(one);
            for (const turns of passed.values()) expect(turns).toBeLessThanOrEqual(6);
          }
          expect([...queue].toSorted((a, b) => a - b)).toEqual([...waiting.keys()]);
          expect(queue.size).toBeLessThanOrEqual(max);
        }
      }),
    );
  });
});
