// The primary as one of its workers sees it: orders come from there in place of signals, and notices go there. Signals that a
// terminal or a process group sends to every process are the primary's to handle.

import type { Address } from '../options.ts';
import { addUpMetrics, type MetricsSnapshot } from './metrics.ts';
import type { InheritedListener, Notice, Order } from './worker-messages.ts';

/** What a worker does when it is ordered to. */
export interface WorkerDuties {
  /**
   * Accepts from these sockets; `ready` resolves when its applications are loaded. A rejection ends the worker. Must not accept
   * once `isStopping()`: what this process took then would be lost.
   */
  begin(
    listeners: readonly InheritedListener[],
    isStopping: () => boolean,
    configuration?: unknown,
  ): Promise<{ readonly addresses: readonly Address[]; readonly ready: Promise<void> }>;
  /** Rejects when everything is as before. */
  reload(configuration?: unknown): Promise<void>;
  reopenLog(): void;
  /** Ends what is under way within `graceMs`, which may become shorter by another call. Before `begin` there is nothing to do. */
  stop(graceMs: number | undefined): Promise<void>;
  /** What it has counted; undefined where it counts nothing or does not run yet. */
  snapshot(): MetricsSnapshot | undefined;
  /** Reports why it could not begin or stop; the exit code. */
  failed(error: unknown): number;
}

/** The channel to the primary. */
export class Primary {
  readonly #collecting = new Map<number, (snapshots: readonly MetricsSnapshot[]) => void>();
  #lastId = 0;

  /** What all workers have counted, added up. */
  async collect(): Promise<MetricsSnapshot> {
    const id = ++this.#lastId;
    const snapshots = new Promise<readonly MetricsSnapshot[]>((resolve) => this.#collecting.set(id, resolve));
    void tell({ kind: 'collect', id });
    return addUpMetrics(await snapshots);
  }

  /** Does as it is ordered until the primary says stop, or is gone. Resolves to the exit code. */
  obey(duties: WorkerDuties): Promise<number> {
    return new Promise((resolve) => {
      let isStopping = false;
      const begin = async ({ listeners, configuration }: Extract<Order, { kind: 'begin' }>): Promise<void> => {
        try {
          const { addresses, ready } = await duties.begin(listeners, () => isStopping, configuration);
          void tell({ kind: 'listening', addresses });
          void ready.then(() => tell({ kind: 'ready' }));
        } catch (error) {
          // What a stop breaks off is no failure.
          if (isStopping) return;
          await tell({ kind: 'failed', message: (error as Error).message });
          resolve(duties.failed(error));
        }
      };
      // A supervisor may signal every process of a group, which the primary's order then repeats: that is no second request.
      const stop = async (within?: number): Promise<void> => {
        if (isStopping && within === undefined) return;
        isStopping = true;
        try {
          await duties.stop(within);
          await tellCounts(duties, 0);
          resolve(0);
        } catch (error) {
          resolve(duties.failed(error));
        }
      };
      process.on('message', (order: Order) => {
        if (order.kind === 'begin') void begin(order);
        else if (order.kind === 'stop') void stop(order.graceMs);
        else if (order.kind === 'reload') {
          const { configuration } = order;
          void reload(duties, configuration).then((error) => tell({ kind: 'reloaded', error }));
        } else if (order.kind === 'reopen-log') duties.reopenLog();
        else if (order.kind === 'count') void tellCounts(duties, order.id);
        else {
          this.#collecting.get(order.id)?.(order.snapshots);
          this.#collecting.delete(order.id);
        }
      });
      for (const signal of ['SIGINT', 'SIGHUP', 'SIGUSR1'] as const) process.on(signal, () => undefined);
      process.on('SIGTERM', () => void stop());
      process.on('disconnect', () => void stop());
      void tell({ kind: 'started' });
    });
  }
}

/** The error of a reload that failed. */
async function reload(duties: WorkerDuties, configuration: unknown): Promise<string | undefined> {
  try {
    await duties.reload(configuration);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

async function tellCounts(duties: WorkerDuties, id: number): Promise<void> {
  const snapshot = duties.snapshot();
  if (snapshot !== undefined) await tell({ kind: 'snapshot', id, snapshot });
}

/** Resolves when the notice is sent, or cannot be: the channel is closed once the primary is gone; `disconnect` says so. */
function tell(notice: Notice): Promise<void> {
  return new Promise((resolve) => {
    if (!process.connected || process.send === undefined) resolve();
    else process.send(notice, undefined, undefined, () => resolve());
  });
}
