// What signals ask of a running server, in one process or several.

import { closeSync, fstatSync, openSync } from 'node:fs';
import { isatty } from 'node:tty';
import { unlessRefused } from '../../paths.ts';
import { report } from './report.ts';

/** What signals act on: one server, or several workers. */
export interface Controlled {
  reload(): Promise<void>;
  reopenLog(): void;
  stop(graceMs?: number): Promise<void>;
}

/**
 * For how long the same signal again is not a second one. A terminal, or a supervisor, signals all processes of a group, and
 * npm among them sends it on to the command that it runs; on a busy machine a while later.
 */
const ECHO_MS = 500;

/** Obeys signals until the stop has ended: gracefully at the first, at once at the second. Resolves to the exit code. */
export function untilStopped(controlled: Controlled): Promise<number> {
  return new Promise((resolve) => {
    let first: { readonly signal: NodeJS.Signals; readonly at: number } | undefined;
    let code = 0;
    const stop = (signal: NodeJS.Signals): void => {
      if (first !== undefined) {
        if (signal === first.signal && performance.now() - first.at < ECHO_MS) return;
        // Scripts are told to end, then there is nothing more to wait for.
        code = signal === 'SIGINT' ? 130 : 143;
        void Promise.race([controlled.stop(0), new Promise((late) => setTimeout(late, 500))]).finally(() =>
          resolve(code),
        );
        return;
      }
      first = { signal, at: performance.now() };
      if (signal === 'SIGINT' && process.stderr.isTTY)
        report(' Finishing requests in progress; press Ctrl+C again to stop now.');
      controlled.stop().then(
        () => resolve(code),
        (error: unknown) => {
          report(`Error: ${(error as Error).message}`);
          resolve(1);
        },
      );
    };
    process.on('SIGINT', stop);
    process.on('SIGTERM', stop);
    const wasStartedInTerminal = hasTerminal() && !isDetached();
    let reloads = Promise.resolve();
    process.on('SIGHUP', () => {
      if (wasStartedInTerminal && !hasTerminal()) {
        void controlled.stop().finally(dieOfHangup);
        return;
      }
      controlled.reopenLog();
      reloads = reloads.then(() => controlled.reload());
    });
    process.on('SIGUSR1', () => controlled.reopenLog());
  });
}

// As programs do that nobody looks after any more. Not `process.exit`, which wants to tidy up a terminal that is gone, and
// aborts.
function dieOfHangup(): void {
  process.removeAllListeners('SIGHUP');
  process.kill(process.pid, 'SIGHUP');
}

// As nohup leaves a program, and who writes `> file < /dev/null &`: it shall outlive its window. Node forgets that SIGHUP was ignored.
// What is in a pipe has a parent that shows its output, and goes with it.
function isDetached(): boolean {
  const output = fstatSync(1);
  return !isatty(0) && !isatty(1) && !output.isFIFO() && !output.isSocket();
}

// SIGHUP asks for a reload, except when it is what it was made for: the window was closed. Then nobody is left to stop the
// server, so it stops.
function hasTerminal(): boolean {
  const terminal = unlessRefused(() => openSync('/dev/tty', 'r'));
  if (terminal !== undefined) closeSync(terminal);
  return terminal !== undefined;
}
