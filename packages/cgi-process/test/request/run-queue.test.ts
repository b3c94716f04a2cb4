// Places for running scripts: never more than there are, and fairly among clients.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CgiError } from '../../src/cgi-error.ts';
import { type Release, RunQueue } from '../../src/request/run-queue.ts';

const client = (address: string) => ({ remote: { address, port: 1 } });
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function codeOf(entering: Release | Promise<Release>): Promise<string> {
  try {
    await entering;
    return 'entered';
  } catch (error) {
    if (!(error instanceof CgiError)) throw error;
    return error.code;
  }
}

describe('RunQueue', () => {
  test('gives a place at once while there is one', async () => {
    const queue = new RunQueue({ max: 2, maxQueue: 0, queueTimeoutMs: 1000 });
    const first = queue.enter(client('a')) as Release;
    expect(typeof first).toBe('function');
    expect(typeof queue.enter(client('a'))).toBe('function');
    expect(await codeOf(queue.enter(client('a')))).toBe('queue-full');
    first();
    // A place is given back once.
    first();
    expect(typeof queue.enter(client('a'))).toBe('function');
    expect(await codeOf(queue.enter(client('a')))).toBe('queue-full');
  });

  test('takes turns between clients, however many requests one of them sends', async () => {
    const queue = new RunQueue({ max: 1, maxQueue: 100, queueTimeoutMs: 60_000 });
    let release = queue.enter(client('greedy')) as Release;
    const order: string[] = [];
    const ask = (name: string): void => {
      const entered = async (): Promise<void> => {
        release = await queue.enter(client(name));
        order.push(name);
      };
      void entered();
    };
    for (let index = 0; index < 10; index++) ask('greedy');
    ask('modest');
    ask('other');
    ask('modest');
    for (let index = 0; index < 13; index++) {
      release();
      await settle();
    }
    expect(order.slice(0, 6).filter((name) => name !== 'greedy')).toEqual(['modest', 'other', 'modest']);
    expect(order).toHaveLength(13);
  });

  test('never lets more run than it has places for, and forgets nobody', async () => {
    const steps = fc.array(
      fc.oneof(
        { weight: 3, arbitrary: fc.record({ enter: fc.constantFrom('a', 'b', 'c') }) },
        { weight: 2, arbitrary: fc.record({ release: fc.nat(10) }) },
        { weight: 1, arbitrary: fc.record({ leave: fc.nat(10) }) },
      ),
      { maxLength: 30 },
    );
    await fc.assert(
      fc.asyncProperty(steps, fc.integer({ min: 1, max: 3 }), fc.nat(5), async (all, max, length) => {
        const queue = new RunQueue({ max, maxQueue: length, queueTimeoutMs: 60_000 });
        const held: Release[] = [];
        const waiting: AbortController[] = [];
        let [asked, settled] = [0, 0];
        for (const step of all) {
          if ('enter' in step) {
            asked++;
            const controller = new AbortController();
            const entering = queue.enter({ ...client(step.enter), signal: controller.signal });
            if (typeof entering === 'function') {
              settled++;
              held.push(entering);
            } else {
              waiting.push(controller);
              const enter = async (): Promise<void> => {
                try {
                  held.push(await entering);
                } catch (error) {
                  expect(error).toBeInstanceOf(CgiError);
                }
                settled++;
              };
              void enter();
            }
          } else if ('release' in step) held.splice(step.release % Math.max(1, held.length), 1)[0]?.();
          else waiting[step.leave % Math.max(1, waiting.length)]?.abort();
          await settle();
          expect(held.length).toBeLessThanOrEqual(max);
          expect(asked - settled).toBeLessThanOrEqual(length);
          // A place that is free has nobody waiting for it.
          if (held.length < max) expect(asked - settled).toBe(0);
        }
        while (held.length > 0) {
          held.pop()?.();
          await settle();
        }
        expect(settled).toBe(asked);
      }),
      { numRuns: 200 },
    );
  });

  test('gives the place of who left to the next', async () => {
    const queue = new RunQueue({ max: 1, maxQueue: 1, queueTimeoutMs: 60_000 });
    const release = queue.enter(client('a')) as Release;
    const controller = new AbortController();
    const leaving = codeOf(queue.enter({ ...client('b'), signal: controller.signal }));
    controller.abort();
    expect(await leaving).toBe('client-gone');
    const next = codeOf(queue.enter(client('c')));
    release();
    expect(await next).toBe('entered');
    expect(() => queue.enter({ ...client('d'), signal: AbortSignal.abort() })).toThrow('the client left');
  });

  test('refuses everybody once it is closed, those who wait as well', async () => {
    const queue = new RunQueue({ max: 1, maxQueue: 5, queueTimeoutMs: 60_000 });
    void queue.enter(client('a'));
    const waiting = [codeOf(queue.enter(client('b'))), codeOf(queue.enter(client('c')))];
    queue.close();
    expect(await Promise.all(waiting)).toEqual(['closing', 'closing']);
    expect(() => queue.enter(client('d'))).toThrow('no more scripts are started');
  });

  test('refuses who waited too long', async () => {
    const queue = new RunQueue({ max: 1, maxQueue: 5, queueTimeoutMs: 10 });
    void queue.enter(client('a'));
    expect(await codeOf(queue.enter(client('b')))).toBe('queue-timed-out');
  });
});
