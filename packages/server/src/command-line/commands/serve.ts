// `onezero [directory]`: looks whether it can be served, and starts it: in one process, or as the primary of several.

import { setTimeout as delay } from 'node:timers/promises';
import { type InheritedListener, PRIMARY_VARIABLE } from '../../operations/worker-messages.ts';
import { announce, showsBanner } from '../running/announce.ts';
import { type EarlySignals, unlessStopped } from '../running/early-signals.ts';
import { certificatePlaces } from '../configuration/certificate-places.ts';
import { inspect } from '../configuration/inspection.ts';
import { timerMs } from '../../timer.ts';
import { workerCount } from '../running/mount-options.ts';
import { type Held, heldElsewhere, holdListeners } from '../running/held.ts';
import type { Configuration } from '../options/table.ts';
import { type Notify, takeNotify, takeSockets } from '../running/systemd.ts';
import { outliveReaders, report, reportWarnings } from '../running/report.ts';
import { Running } from '../running/running.ts';
import { failed, fixed, type Start } from '../running/start.ts';
import type { Controlled } from '../running/signals.ts';
import { holdYoungHeap } from '../running/young-heap.ts';

// What a server that could not start, or that shall not, gets to end what it had started.
const STOP_MS = 500;

/** Serves until it is told to stop. Resolves to the exit code. */
export async function serve(start: Start, signals: EarlySignals): Promise<number> {
  holdYoungHeap();
  outliveReaders();
  reportWarnings();
  const { configuration, sources, warnings } = start.resolved;
  const findings = inspect(configuration);
  for (const problem of findings.problems) report(`Error: ${problem}`);
  if (findings.problems.length > 0) return 2;
  const allWarnings = [...warnings, ...findings.warnings];
  const mayMovePort = sources.get('port')?.from === 'default' && !configuration.strictPort;
  if (!showsBanner(configuration) && !configuration.quiet)
    for (const warning of allWarnings) report(`Warning: ${warning}`);
  const hasCertificate = certificatePlaces(configuration).length > 0;
  const situation: Situation = {
    mayMovePort,
    warnings: allWarnings,
    inherited: takeSockets({ environment: process.env, pid: process.pid, hasCertificate }),
    notify: takeNotify(process.env, report),
    signals,
  };
  const count = workerCount(configuration);
  return count > 1 ? serveWithWorkers(start, count, situation) : serveAlone(start, situation);
}

async function serveAlone(start: Start, situation: Situation): Promise<number> {
  const { mayMovePort, inherited, signals } = situation;
  const { configuration } = start.resolved;
  let running: Running;
  try {
    running = await Running.prepare({ configuration, port: configuration.port, mayMovePort, inherited, report });
  } catch (error) {
    return failed(error, configuration, 2);
  }
  // The kernel ends with us what does not end in time.
  const end = (): Promise<unknown> => Promise.race([running.stop(0), delay(STOP_MS, undefined, { ref: false })]);
  try {
    const isListening = await unlessStopped(
      running.listen().then(() => true),
      signals,
    );
    if (isListening === undefined) return await end().then(() => 0);
  } catch (error) {
    await end();
    return failed(error, configuration, 1);
  }
  const controlled: Controlled = {
    reload: () => reloadChecked(start, (next) => running.reload(next)),
    reopenLog: () => running.reopenLog(),
    stop: (graceMs) => running.stop(graceMs),
  };
  const { addresses, port, whenReady } = running;
  return announce(configuration, { ...situation, addresses, port, whenReady }, controlled);
}

interface Situation {
  readonly mayMovePort: boolean;
  readonly warnings: readonly string[];
  /** Sockets that a supervisor handed over. */
  readonly inherited: readonly InheritedListener[] | undefined;
  readonly notify: Notify;
  /** Those that come before the server listens. */
  readonly signals: EarlySignals;
}

async function serveWithWorkers(start: Start, count: number, situation: Situation): Promise<number> {
  const { mayMovePort, inherited, signals } = situation;
  const { Workers, WorkersFailed } = await import('../../operations/workers.ts');
  const { configuration } = start.resolved;
  let held: Held;
  try {
    held = inherited === undefined ? await holdListeners(configuration, mayMovePort) : heldElsewhere(inherited);
  } catch (error) {
    return failed(error, configuration, 1);
  }
  const program = {
    module: process.argv[1] ?? '',
    words: process.argv.slice(2),
    environment: { [PRIMARY_VARIABLE]: String(process.pid) },
  };
  const workers = new Workers({ count, report, program, listeners: held.listeners, configuration });
  try {
    const isListening = await unlessStopped(
      workers.start().then(() => true),
      signals,
    );
    if (isListening === undefined) {
      held.close();
      await workers.stop(0, STOP_MS);
      return 0;
    }
  } catch (error) {
    held.close();
    if (!(error instanceof WorkersFailed)) throw error;
    return error.exitCode;
  }
  let current = configuration;
  const controlled: Controlled = {
    reload: () =>
      reloadChecked(start, async (next) => {
        await workers.reload(next);
        current = next;
      }),
    reopenLog: () => workers.reopenLog(),
    stop: (within) => {
      // Until the workers stop accepting; an order to hurry skips their delay as well.
      const isHurried = within !== undefined;
      const { closeTimeout, drainDelay } = current;
      setTimeout(() => held.close(), isHurried ? 0 : timerMs(drainDelay * 1000)).unref();
      return workers.stop(within, isHurried ? within : (drainDelay + closeTimeout) * 1000);
    },
  };
  const { addresses = workers.addresses, port } = held;
  return announce(configuration, { ...situation, addresses, port, whenReady: workers.whenReady }, controlled);
}

const NOT_RELOADED = 'Error: not reloaded; the previous configuration stays in use';

/** Reads the configuration again and hands it on if it is sound; says so otherwise, and everything stays as it is. */
async function reloadChecked(start: Start, apply: (next: Configuration) => Promise<void>): Promise<void> {
  try {
    const { configuration, problems, warnings } = start.resolve();
    const all = problems.length > 0 ? problems : inspect(configuration).problems;
    if (all.length === 0) await apply(configuration);
    for (const problem of all) report(`Error: ${problem}`);
    for (const warning of warnings) report(`Warning: ${warning}`);
    if (all.length > 0) return report(NOT_RELOADED);
    if (fixed(start.resolved.configuration) !== fixed(configuration))
      report('Warning: addresses, workers and the ready file change only at the next start');
    if (!configuration.quiet) report('Reloaded the configuration');
  } catch (error) {
    report(`${NOT_RELOADED}: ${(error as Error).message}`);
  }
}
