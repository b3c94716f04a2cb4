// One of several workers: runs the same server as a single process would, and does what the primary says in place of what
// signals say. The primary also says what it serves: what a file says by now is nobody's business before a reload.

import { Primary } from '../../operations/primary.ts';
import { PRIMARY_VARIABLE } from '../../operations/worker-messages.ts';
import type { Configuration } from '../options/table.ts';
import type { EarlySignals } from './early-signals.ts';
import { Running } from './running.ts';
import { outliveReaders, report, reportWarnings } from './report.ts';
import { failed } from './start.ts';
import { holdYoungHeap } from './young-heap.ts';

/** Serves until the primary, which `primaryId` says is ours, says stop or is gone. Resolves to the exit code. */
export async function work(primaryId: string, signals: EarlySignals): Promise<number> {
  // Not for the scripts that this process starts.
  delete process.env[PRIMARY_VARIABLE];
  // A worker whose primary ended before it came this far is nobody's; going on, it would become a primary of its own.
  if (primaryId !== String(process.ppid)) return 0;
  holdYoungHeap();
  outliveReaders();
  reportWarnings();
  const primary = new Primary();
  let debug = false;
  let running: Running | undefined;
  let hasBegun!: () => void;
  const begun = new Promise<void>((resolve) => {
    hasBegun = resolve;
  });
  const working = primary.obey({
    begin: async (inherited, isStopping, told) => {
      const configuration = told as Configuration;
      debug = configuration.debug;
      const settled = { port: 0, mayMovePort: false, inherited };
      const addUpWorkers = (): ReturnType<Primary['collect']> => primary.collect();
      const prepared = await Running.prepare({ configuration, ...settled, report, addUpWorkers });
      if (isStopping()) throw new Error('it was stopped before it listened');
      running = prepared;
      await running.listen();
      hasBegun();
      return { addresses: running.addresses, ready: running.whenReady };
    },
    reload: async (told) => {
      // A worker that is just starting runs what it was told before.
      await begun;
      await running?.reload(told as Configuration);
    },
    reopenLog: () => void begun.then(() => running?.reopenLog()),
    stop: async (graceMs) => running?.stop(graceMs),
    snapshot: () => running?.snapshot(),
    failed: (error) => failed(error, { debug }, running === undefined ? 2 : 1),
  });
  signals.handOver();
  return working;
}
