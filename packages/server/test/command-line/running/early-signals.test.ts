// Signals that come while the server starts: kept for whoever can do what they ask, once.

import { setImmediate as turned } from 'node:timers/promises';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { earlySignals, type EarlySignals, unlessStopped } from '../../../src/command-line/running/early-signals.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1'] as const;

/** How many listen for each. */
const listeners = (): readonly number[] => SIGNALS.map((signal) => process.listenerCount(signal));

const opened: EarlySignals[] = [];

function open(): EarlySignals {
  const signals = earlySignals();
  opened.push(signals);
  return signals;
}

afterEach(() => {
  vi.restoreAllMocks();
  for (const signals of opened.splice(0)) signals.handOver();
});

/** Whether a promise is settled by now. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let isIt = false;
  void promise.then(() => (isIt = true));
  await turned();
  return isIt;
}

describe('signals', () => {
  test('are listened for from the start, and not after they are handed over', () => {
    const before = listeners();
    const signals = open();
    expect(listeners()).toEqual(before.map((count) => count + 1));
    signals.handOver();
    expect(listeners()).toEqual(before);
  });

  test.each([
    ['SIGINT', true],
    ['SIGTERM', true],
    ['SIGHUP', false],
    ['SIGUSR1', false],
  ] as const)('%s asks for the end: %s', async (signal, isEnd) => {
    const signals = open();
    process.emit(signal, signal);
    expect(await isSettled(signals.stop)).toBe(isEnd);
  });

  test('that came are sent again when somebody else listens, each once, in their order', () => {
    const signals = open();
    for (const signal of ['SIGHUP', 'SIGTERM', 'SIGHUP'] as const) process.emit(signal, signal);
    const heard: string[] = [];
    const hear = (signal: NodeJS.Signals): void => void heard.push(signal);
    for (const signal of SIGNALS) process.on(signal, hear);
    signals.handOver();
    for (const signal of SIGNALS) process.off(signal, hear);
    expect(heard).toEqual(['SIGHUP', 'SIGTERM']);
  });

  test('that nobody will listen for have their usual effect', () => {
    const kill = vi.spyOn(process, 'kill').mockReturnValue(true);
    const signals = open();
    process.emit('SIGTERM', 'SIGTERM');
    signals.giveUp();
    expect(kill.mock.calls).toEqual([[process.pid, 'SIGTERM']]);
    opened.length = 0;
  });
});

describe('work', () => {
  test('has its result, or its error, where no stop comes', async () => {
    const signals = open();
    expect(await unlessStopped(Promise.resolve(5), signals)).toBe(5);
    await expect(unlessStopped(Promise.reject(new Error('port')), signals)).rejects.toThrow('port');
  });

  test('is waited for no longer when a stop comes first, however it ends then', async () => {
    const signals = open();
    let fail!: (error: Error) => void;
    const work = new Promise<number>((_, reject) => {
      fail = reject;
    });
    const outcome = unlessStopped(work, signals);
    expect(await isSettled(outcome)).toBe(false);
    process.emit('SIGINT', 'SIGINT');
    expect(await outcome).toBeUndefined();
    // Nobody is told, and nothing is left unhandled.
    fail(new Error('late'));
    await turned();
  });
});
