// Workers that are killed, hang, are replaced and drained under load. Every request is counted: lost is at most what a worker was
// answering, and nothing that waited.

import { describe, expect, onTestFinished, test } from 'vitest';
import { asgi, wsgi, type PythonLimits, type PythonResponder } from '../../src/index.ts';
import type { PythonError } from '../../src/python-error.ts';
import { fixtures, isRunning, python, read, request, until, withLongerLimits } from '../harness.ts';

const CLIENTS = 16;
/** One place in each: of sixteen requests, fourteen wait. */
const PROCESSES = 2;

interface Load {
  /** How often there was which answer: a status, with the code of its error. */
  readonly seen: Readonly<Record<string, number>>;
  /** Resolves when there were so many answers of this kind. */
  reached(kind: string, count: number): Promise<void>;
  /** Resolves when every client has its last answer. */
  stop(): Promise<Readonly<Record<string, number>>>;
}

function startLoad(responder: PythonResponder): Load {
  const seen: Record<string, number> = {};
  let isOver = false;
  const clients = Array.from({ length: CLIENTS }, async () => {
    while (!isOver) {
      const { status, cause } = await read(responder(request('/pid')));
      const kind = cause === undefined ? String(status) : `${status} ${(cause as PythonError).code}`;
      seen[kind] = (seen[kind] ?? 0) + 1;
      // A refusal is there at once: who asks again at once would leave nobody a turn.
      await new Promise((resolve) => setImmediate(resolve));
    }
  });
  return {
    seen,
    reached: (kind, count) => until(() => (seen[kind] ?? 0) >= count),
    async stop() {
      isOver = true;
      await Promise.all(clients);
      return seen;
    },
  };
}

describe.each(['wsgi', 'asgi'] as const)('%s', (called) => {
  async function run(limits: PythonLimits = {}): Promise<PythonResponder> {
    const common = {
      application: `under_load:${called}`,
      cwd: fixtures,
      python,
      processes: PROCESSES,
      env: { PYTHONDONTWRITEBYTECODE: '1' },
      limits,
      log: () => {},
    };
    const responder =
      called === 'wsgi' ? wsgi({ ...common, threads: 1 }) : asgi({ ...common, concurrency: { max: 1 } });
    onTestFinished(() => responder.close(0));
    await responder.ready();
    return responder;
  }

  const pidOf = async (responder: PythonResponder): Promise<number> =>
    Number((await read(responder(request('/pid')))).text);

  test('a worker that is killed costs what it was answering', async () => {
    const kills = 2;
    const responder = await run();
    const load = startLoad(responder);
    for (let count = 1; count <= kills; count++) {
      const pid = await pidOf(responder);
      expect(pid).toBeGreaterThan(1);
      process.kill(pid, 'SIGKILL');
      await until(() => responder.state().restarts === count && responder.state().ready === PROCESSES);
      await load.reached('200', (load.seen['200'] ?? 0) + CLIENTS);
    }
    const { '200': answered, '502 worker-died': lost = 0, ...others } = await load.stop();
    expect(others).toEqual({});
    expect(lost).toBeLessThanOrEqual(kills);
    expect(answered).toBeGreaterThan(kills * CLIENTS);
  });

  test('a worker that hangs costs the request that it hangs in', async () => {
    await withLongerLimits(async (silenceTimeoutMs) => {
      const responder = await run({ silenceTimeoutMs });
      const load = startLoad(responder);
      try {
        expect(await read(responder(request('/hang')))).toMatchObject({ status: 504, cause: { code: 'timed-out' } });
        await load.reached('200', (load.seen['200'] ?? 0) + CLIENTS);
      } finally {
        await load.stop();
      }
      expect(Object.keys(load.seen)).toEqual(['200']);
      await expect.poll(() => responder.state().restarts, { timeout: 10_000 }).toBe(1);
    });
  });

  test('reloads and recycling cost nothing', async () => {
    const responder = await run({ maxRequests: 100 });
    const first = await pidOf(responder);
    const load = startLoad(responder);
    for (let count = 0; count < 2; count++) await responder.reload();
    await load.reached('200', 400);
    expect(Object.keys(await load.stop())).toEqual(['200']);
    await until(() => !isRunning(first));
    expect(responder.state().restarts).toBe(0);
  });

  test('the end answers what was begun, and tells the others', async () => {
    const responder = await run();
    const load = startLoad(responder);
    await load.reached('200', 2 * CLIENTS);
    const closed = responder.close();
    await load.reached('503 closing', CLIENTS);
    await closed;
    const { '200': answered, '503 closing': refused, ...others } = await load.stop();
    expect(others).toEqual({});
    expect([answered! >= 2 * CLIENTS, refused! >= CLIENTS]).toEqual([true, true]);
    expect(responder.state()).toMatchObject({ ready: 0, busy: 0, queued: 0, restarts: 0 });
  });
});
