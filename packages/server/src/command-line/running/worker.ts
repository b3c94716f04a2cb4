// One of several workers: runs the same server as a single process would, and does what the primary says in place of what
// signals say. Those that a terminal or a process group sends to everybody are the primary's to handle.

import { addUp, type MetricsSnapshot } from '../../operations/metrics.ts';
import type { InheritedListener, Notice, Order } from '../../operations/worker-messages.ts';
import { Running } from './running.ts';
import { report } from './report.ts';
import { failed, type Start } from './start.ts';

/** Serves until the primary says stop, or is gone. Resolves to the exit code. */
export function work(start: Start): Promise<number> {
  const { configuration } = start.resolved;
  const collecting = new Map<number, (snapshots: readonly MetricsSnapshot[]) => void>();
  let lastId = 0;
  const addUpWorkers = async (): Promise<MetricsSnapshot> => {
    const id = ++lastId;
    const snapshots = new Promise<readonly MetricsSnapshot[]>((resolve) => collecting.set(id, resolve));
    tell({ kind: 'collect', id });
    return addUp(await snapshots);
  };
  let running: Running | undefined;
  let isStopping = false;
  return new Promise((resolve) => {
    const begin = async (inherited: readonly InheritedListener[]): Promise<void> => {
      let started: Running;
      try {
        const settled = { port: 0, mayMovePort: false, inherited };
        started = await Running.prepare({ configuration, ...settled, report, addUpWorkers });
      } catch (error) {
        resolve(failed(error, configuration, 2));
        return;
      }
      if (isStopping) return;
      running = started;
      try {
        await started.listen();
      } catch (error) {
        // What a stop breaks off is no failure.
        if (!isStopping) resolve(failed(error, configuration, 1));
        return;
      }
      tell({ kind: 'listening', addresses: started.addresses });
      void started.whenReady.then(() => tell({ kind: 'ready' }));
    };
    // A supervisor may signal every process of a group, which the primary's order then repeats: that is no second request.
    const stop = (within?: number): void => {
      if (isStopping && within === undefined) return;
      isStopping = true;
      if (running === undefined) resolve(0);
      else
        running.stop(within).then(
          () => resolve(0),
          (error: unknown) => resolve(failed(error, configuration, 1)),
        );
    };
    process.on('message', (order: Order) => {
      if (order.kind === 'begin') void begin(order.listeners);
      else if (order.kind === 'stop') stop(order.graceMs);
      else if (order.kind === 'reload') void reload(start, running).then((error) => tell({ kind: 'reloaded', error }));
      else if (order.kind === 'reopen-log') running?.reopenLog();
      else if (order.kind === 'count' && running !== undefined) {
        tell({ kind: 'snapshot', id: order.id, snapshot: running.snapshot() });
      } else if (order.kind === 'collected') {
        collecting.get(order.id)?.(order.snapshots);
        collecting.delete(order.id);
      }
    });
    for (const signal of ['SIGINT', 'SIGHUP', 'SIGUSR1'] as const) process.on(signal, () => undefined);
    process.on('SIGTERM', () => stop());
    process.on('disconnect', () => stop());
    tell({ kind: 'started' });
  });
}

/** The error of a reload that failed. */
async function reload({ resolve }: Start, running: Running | undefined): Promise<string | undefined> {
  try {
    const { configuration, problems } = resolve();
    if (problems.length > 0) return problems.join('; ');
    await running?.reload(configuration);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

function tell(notice: Notice): void {
  // The channel is closed once the primary is gone; `disconnect` says so.
  if (process.connected) process.send?.(notice, undefined, undefined, () => undefined);
}
