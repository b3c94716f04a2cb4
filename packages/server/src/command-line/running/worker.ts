// One of several workers: runs the same server as a single process would, and does what the primary says in place of what
// signals say.

import { Primary } from '../../operations/primary.ts';
import type { EarlySignals } from './early-signals.ts';
import { Running } from './running.ts';
import { report } from './report.ts';
import { failed, type Start } from './start.ts';

/** Serves until the primary says stop, or is gone. Resolves to the exit code. */
export function work(start: Start, signals: EarlySignals): Promise<number> {
  const { configuration } = start.resolved;
  const primary = new Primary();
  let running: Running | undefined;
  let hasBegun!: () => void;
  const begun = new Promise<void>((resolve) => {
    hasBegun = resolve;
  });
  const working = primary.obey({
    begin: async (inherited, isStopping) => {
      const settled = { port: 0, mayMovePort: false, inherited };
      const addUpWorkers = (): ReturnType<Primary['collect']> => primary.collect();
      const prepared = await Running.prepare({ configuration, ...settled, report, addUpWorkers });
      if (isStopping()) throw new Error('it was stopped before it listened');
      running = prepared;
      await running.listen();
      hasBegun();
      return { addresses: running.addresses, ready: running.whenReady };
    },
    reload: async () => {
      // A worker that is just starting runs what it read before.
      await begun;
      const { configuration: next, problems } = start.resolve();
      if (problems.length > 0) throw new Error(problems.join('; '));
      await running?.reload(next);
    },
    reopenLog: () => void begun.then(() => running?.reopenLog()),
    stop: async (graceMs) => running?.stop(graceMs),
    snapshot: () => running?.snapshot(),
    failed: (error) => failed(error, configuration, running === undefined ? 2 : 1),
  });
  signals.handOver();
  return working;
}
