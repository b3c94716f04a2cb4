import { describe, expect, test, vi } from 'vitest';
import { createServer } from '@onezero/server';
import { timerMs } from '../src/timer.ts';
import { start } from './exchange.ts';

const day = 86_400_000;

describe('timerMs', () => {
  test.each([30 * day, 365 * day, Infinity])('%d does not run out at once', (ms) => {
    vi.useFakeTimers();
    let hasRun = false;
    setTimeout(() => {
      hasRun = true;
    }, timerMs(ms));
    vi.advanceTimersByTime(20 * day);
    expect(hasRun).toBe(false);
    vi.useRealTimers();
  });
});

test('a year of grace lets what is under way end', async () => {
  let answer!: () => void;
  const asked = new Promise<void>((resolve) => {
    answer = resolve;
  });
  const responder = async (): Promise<{ status: number; fields: [] }> => {
    await asked;
    return { status: 204, fields: [] };
  };
  const running = await start({
    routes: [{ responder }],
    limits: { hookTimeoutMs: 365 * day },
    onError: () => undefined,
  });
  const exchanged = running.exchange('GET / HTTP/1.0\r\n\r\n');
  await vi.waitFor(() => expect(running.server.requests).toBe(1), 120_000);
  const closed = running.server.close({ graceMs: 365 * day });
  // A timer that ran out at once would cut the connection before one that was set for the same time.
  await new Promise((resolve) => setTimeout(resolve, 1));
  await new Promise((resolve) => setTimeout(resolve, 1));
  answer();
  expect(await exchanged).toContain('204');
  await closed;
  await createServer().close({ graceMs: 30 * day });
});
