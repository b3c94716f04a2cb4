// Answers of one turn wait for its end, in order; what may not wait does not.

import { setImmediate as turned } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { writeAtTurnEnd, writeWaiting } from '../../src/connection/turn-end.ts';

let nowMs = 0;

beforeEach(() => {
  nowMs = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => nowMs);
});

afterEach(() => {
  vi.restoreAllMocks();
});

class Recorder {
  isEmpty = false;
  readonly name: string;
  readonly mayWait: boolean;
  readonly isTaken: boolean;
  readonly #log: string[];

  constructor(log: string[], name: string, { mayWait = true, isTaken = true } = {}) {
    this.#log = log;
    this.name = name;
    this.mayWait = mayWait;
    this.isTaken = isTaken;
  }

  flush(): boolean {
    this.#log.push(`write ${this.name}`);
    return this.isTaken;
  }

  stall(): void {
    this.#log.push(`stall ${this.name}`);
  }
}

function given(log: string[], name: string, options = {}): Recorder {
  const one = new Recorder(log, name, options);
  writeAtTurnEnd(one, one);
  return one;
}

describe('the end of a turn', () => {
  test('writes what waits in order, once', async () => {
    const log: string[] = [];
    for (const name of ['a', 'b', 'c']) given(log, name);
    expect(log).toEqual([]);
    await turned();
    await turned();
    expect(log).toEqual(['write a', 'write b', 'write c']);
  });

  test('tells whose client takes no more', async () => {
    const log: string[] = [];
    given(log, 'a', { isTaken: false });
    given(log, 'b');
    await turned();
    expect(log).toEqual(['write a', 'stall a', 'write b']);
  });

  test('is not waited for where the kernel may take a while, nor by what has nothing to say', async () => {
    const log: string[] = [];
    given(log, 'a', { mayWait: false, isTaken: false });
    expect(log).toEqual(['write a', 'stall a']);
    const nothing = new Recorder(log, 'b');
    nothing.isEmpty = true;
    writeAtTurnEnd(nothing, nothing);
    await turned();
    expect(log).toHaveLength(2);
  });

  test('comes early when it is called for, and then again', async () => {
    const log: string[] = [];
    given(log, 'a');
    writeWaiting();
    expect(log).toEqual(['write a']);
    given(log, 'b');
    await turned();
    await turned();
    expect(log).toEqual(['write a', 'write b']);
  });

  test('comes early for answers that took long to make, for each millisecond of them', async () => {
    const log: string[] = [];
    const written: number[] = [];
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) {
      given(log, name);
      written.push(log.length);
      nowMs += 0.6;
    }
    expect(written).toEqual([0, 0, 3, 3, 3, 6]);
    given(log, 'g');
    await turned();
    await turned();
    expect(log).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((name) => `write ${name}`));
  });
});
