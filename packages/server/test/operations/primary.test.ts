// A worker's side of the channel: a process that obeys, whose channel and signals are this test's.

import { EventEmitter } from 'node:events';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { createMetrics } from '../../src/operations/metrics.ts';
import { Primary, type WorkerDuties } from '../../src/operations/primary.ts';
import type { Notice, Order } from '../../src/operations/worker-messages.ts';

const COUNTS = createMetrics().snapshot({ connections: 1, requests: 0 });
const NOWHERE = { url: 'x', secure: false, address: '', port: 0 };

afterEach(() => void vi.unstubAllGlobals());

interface Worker {
  readonly primary: Primary;
  readonly notices: readonly Notice[];
  /** What the duties were called with, in order. */
  readonly did: string[];
  readonly tell: (order: Order) => void;
  /** A signal, or the end of the channel. */
  readonly happen: (event: string) => void;
  readonly hears: (event: string) => boolean;
  /** The exit code, once there is one. */
  readonly code: () => number | undefined;
}

/** A worker with these duties instead. */
function work(changes: (did: string[], primary: Primary) => Partial<WorkerDuties> = () => ({})): Worker {
  const notices: Notice[] = [];
  const did: string[] = [];
  const events = new EventEmitter();
  const channel = {
    connected: true,
    send: (notice: Notice, _handle: unknown, _options: unknown, sent: () => void) => {
      notices.push(notice);
      setImmediate(sent);
      return true;
    },
    on: (event: string, listener: (...words: unknown[]) => void) => events.on(event, listener),
  };
  vi.stubGlobal('process', Object.assign(Object.create(process) as object, channel));
  const primary = new Primary();
  const duties: WorkerDuties = {
    begin: async (listeners, isStopping) => {
      did.push(`begin ${JSON.stringify(listeners)} ${isStopping()}`);
      return { addresses: [NOWHERE], ready: Promise.resolve() };
    },
    reload: async () => void did.push('reload'),
    reopenLog: () => void did.push('reopen'),
    stop: async (graceMs) => void did.push(`stop ${graceMs}`),
    snapshot: () => COUNTS,
    failed: (error) => {
      did.push(`failed ${(error as Error).message}`);
      return 5;
    },
    ...changes(did, primary),
  };
  let code: number | undefined;
  void primary.obey(duties).then((ended) => (code = ended));
  return {
    primary,
    notices,
    did,
    tell: (order) => void events.emit('message', order),
    happen: (event) => void events.emit(event),
    hears: (event) => events.listenerCount(event) > 0,
    code: () => code,
  };
}

const kinds = ({ notices }: Worker): readonly string[] => notices.map(({ kind }) => kind);

describe('a worker', () => {
  test('does what it is ordered to, and says what came of it', async () => {
    const worker = work();
    const { tell, notices, did, code } = worker;
    expect(kinds(worker)).toEqual(['started']);
    tell({ kind: 'begin', listeners: [{ descriptors: [4], secure: true }] });
    await expect.poll(() => kinds(worker)).toEqual(['started', 'listening', 'ready']);
    tell({ kind: 'reload' });
    await expect.poll(() => notices).toContainEqual({ kind: 'reloaded', error: undefined });
    tell({ kind: 'reopen-log' });
    tell({ kind: 'count', id: 7 });
    expect(notices).toContainEqual({ kind: 'snapshot', id: 7, snapshot: COUNTS });
    tell({ kind: 'stop', graceMs: 30 });
    await expect.poll(code).toBe(0);
    expect(did).toEqual(['begin [{"descriptors":[4],"secure":true}] false', 'reload', 'reopen', 'stop 30']);
    // What it had counted at the end, for the sum.
    expect(notices.at(-1)).toEqual({ kind: 'snapshot', id: 0, snapshot: COUNTS });
  });

  test('is ready when its applications are, and says what is wrong with a reload', async () => {
    let load!: () => void;
    const worker = work(() => ({
      begin: async () => ({ addresses: [NOWHERE], ready: new Promise<void>((resolve) => (load = resolve)) }),
      reload: () => Promise.reject(new Error('the file is broken')),
    }));
    worker.tell({ kind: 'begin', listeners: [] });
    await expect.poll(() => kinds(worker)).toEqual(['started', 'listening']);
    load();
    await expect.poll(() => kinds(worker)).toEqual(['started', 'listening', 'ready']);
    worker.tell({ kind: 'reload' });
    await expect.poll(() => worker.notices.at(-1)).toEqual({ kind: 'reloaded', error: 'the file is broken' });
  });

  test('asks what all have counted, any number of times at once', async () => {
    const { primary, tell, notices } = work();
    const both = Promise.all([primary.collect(), primary.collect()]);
    const [first = 0, second = 0] = notices.flatMap((one) => (one.kind === 'collect' ? [one.id] : []));
    expect(first).not.toBe(second);
    tell({ kind: 'collected', id: second, snapshots: [COUNTS, { ...COUNTS, contentBytes: 40 }] });
    tell({ kind: 'collected', id: 999, snapshots: [] });
    tell({ kind: 'collected', id: first, snapshots: [{ ...COUNTS, contentBytes: 2 }] });
    expect((await both).map(({ contentBytes }) => contentBytes)).toEqual([2, 40]);
  });

  test('that counts nothing says nothing of counts', async () => {
    const worker = work(() => ({ snapshot: () => undefined }));
    worker.tell({ kind: 'count', id: 1 });
    worker.tell({ kind: 'stop', graceMs: 0 });
    await expect.poll(worker.code).toBe(0);
    expect(kinds(worker)).toEqual(['started']);
  });

  test('that cannot begin says why and ends with its code', async () => {
    const worker = work(() => ({ begin: () => Promise.reject(new Error('the port is taken')) }));
    worker.tell({ kind: 'begin', listeners: [] });
    await expect.poll(worker.code).toBe(5);
    expect(worker.notices).toContainEqual({ kind: 'failed', message: 'the port is taken' });
    expect(worker.did).toEqual(['failed the port is taken']);
  });

  test('that cannot stop ends with its code too', async () => {
    const worker = work(() => ({ stop: () => Promise.reject(new Error('stuck')) }));
    worker.happen('SIGTERM');
    await expect.poll(worker.code).toBe(5);
    expect(worker.did).toEqual(['failed stuck']);
  });

  test('leaves signals of its terminal to the primary, and heeds the end of it once', async () => {
    const { happen, hears, tell, did, code } = work((calls) => ({
      stop: (graceMs) => {
        calls.push(`stop ${graceMs}`);
        return calls.length === 1 ? new Promise(() => {}) : Promise.resolve();
      },
    }));
    for (const signal of ['SIGINT', 'SIGHUP', 'SIGUSR1']) {
      expect(hears(signal)).toBe(true);
      happen(signal);
    }
    expect(did).toEqual([]);
    happen('SIGTERM');
    // The same request again, from whoever signals every process, is none; a shorter grace is.
    happen('SIGTERM');
    tell({ kind: 'stop', graceMs: undefined });
    expect(did).toEqual(['stop undefined']);
    tell({ kind: 'stop', graceMs: 1 });
    await expect.poll(code).toBe(0);
    expect(did).toEqual(['stop undefined', 'stop 1']);
  });

  test('stops when its primary is gone', async () => {
    const { happen, did, code } = work();
    happen('disconnect');
    await expect.poll(code).toBe(0);
    expect(did).toEqual(['stop undefined']);
  });

  test('whose start a stop breaks off has not failed', async () => {
    let breakOff!: (error: Error) => void;
    const worker = work((did) => ({
      begin: async (_, isStopping) => {
        await new Promise((_resolve, reject) => (breakOff = reject)).finally(() => did.push(String(isStopping())));
        throw new Error('not reached');
      },
      stop: async () => breakOff(new Error('broken off')),
      snapshot: () => undefined,
    }));
    worker.tell({ kind: 'begin', listeners: [] });
    worker.tell({ kind: 'stop', graceMs: 0 });
    await expect.poll(worker.code).toBe(0);
    expect(kinds(worker)).toEqual(['started']);
    expect(worker.did).toEqual(['true']);
  });
});
