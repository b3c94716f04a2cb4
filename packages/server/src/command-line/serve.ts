// `onezero [directory]`: starts, says where, and does what signals ask. In one process, or as the primary of several.

import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { closeSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import type { Address } from '../options.ts';
import { type Announcement, bannerText, readyLine, urlOf } from './banner.ts';
import type { Resolved } from './configuration.ts';
import { servedInWords } from './generation.ts';
import { inspect } from './inspection.ts';
import { freePort, listenFailure } from './listeners.ts';
import type { Configuration } from './options-table.ts';
import { Running } from './running.ts';
import { version } from './version.ts';

/** What the command was started with. */
export interface Start {
  readonly resolved: Resolved;
  /** Reads all sources again, for a reload. */
  readonly resolve: () => Resolved;
}

/** What signals act on: one server, or several workers. */
export interface Controlled {
  reload(): Promise<void>;
  reopenLog(): void;
  stop(graceMs?: number): Promise<void>;
}

/** Writes whole lines to standard error. */
export function report(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Serves until it is told to stop. Resolves to the exit code. */
export async function serve(start: Start): Promise<number> {
  const { configuration, sources, warnings } = start.resolved;
  const findings = inspect(configuration);
  for (const problem of findings.problems) report(`Error: ${problem}`);
  if (findings.problems.length > 0) return 2;
  const allWarnings = [...warnings, ...findings.warnings];
  if (!process.stdout.isTTY && !configuration.quiet) for (const warning of allWarnings) report(`Warning: ${warning}`);
  const mayMovePort = sources.get('port')?.from === 'default' && !configuration.strictPort;
  const isManaged = process.send !== undefined;
  if (isManaged && (await import('node:cluster')).default.isWorker) {
    return (await import('./worker.ts')).work(start, mayMovePort);
  }
  const count = configuration.workers === 'auto' ? availableParallelism() : configuration.workers;
  if (count > 1) {
    return serveWithWorkers(start, count, allWarnings);
  }
  return serveAlone(start, mayMovePort, allWarnings);
}

async function serveAlone(start: Start, mayMovePort: boolean, warnings: readonly string[]): Promise<number> {
  const { configuration } = start.resolved;
  let running: Running;
  try {
    running = new Running({ configuration, port: configuration.port, mayMovePort, report });
  } catch (error) {
    return failed(error, configuration, 2);
  }
  try {
    await running.listen();
  } catch (error) {
    await running.stop(0);
    return failed(error, configuration, 1);
  }
  const controlled: Controlled = {
    reload: () => reloadChecked(start, (next) => running.reload(next)),
    reopenLog: () => running.reopenLog(),
    stop: (graceMs) => running.stop(graceMs),
  };
  return announce(start, { addresses: running.addresses, port: running.port, warnings }, controlled);
}

async function serveWithWorkers(start: Start, count: number, warnings: readonly string[]): Promise<number> {
  const { Workers, WorkersFailed } = await import('../operations/workers.ts');
  const { configuration } = start.resolved;
  // Settled before any of them starts, since a port that the first found would be lost if all of them died.
  const port =
    configuration.port === 0 && configuration.listen === undefined ? await freePort(configuration) : undefined;
  const workers = new Workers({ count, report, port });
  try {
    await workers.start();
  } catch (error) {
    if (!(error instanceof WorkersFailed)) throw error;
    return error.exitCode;
  }
  const graceMs = Math.round(configuration.closeTimeout * 1000);
  const controlled: Controlled = {
    reload: () => reloadChecked(start, () => workers.reload()),
    reopenLog: () => workers.reopenLog(),
    stop: (within) => workers.stop(within ?? graceMs),
  };
  return announce(start, { addresses: workers.addresses, port: workers.port, warnings }, controlled);
}

/** Reads the configuration again and hands it on if it is sound; says so otherwise, and everything stays as it is. */
export async function reloadChecked(start: Start, apply: (next: Configuration) => Promise<void>): Promise<void> {
  try {
    const { configuration, problems, warnings } = start.resolve();
    const findings = inspect(configuration);
    const all = [...problems, ...findings.problems];
    if (all.length === 0) await apply(configuration);
    for (const problem of all) report(`Error: ${problem}`);
    for (const warning of warnings) report(`Warning: ${warning}`);
    if (all.length > 0) report('Error: not reloaded; the configuration before stays in use');
    else if (!configuration.quiet) report('Reloaded the configuration');
  } catch (error) {
    report(`Error: not reloaded; the configuration before stays in use: ${(error as Error).message}`);
  }
}

interface Opened {
  readonly addresses: readonly Address[];
  readonly port: number;
  readonly warnings: readonly string[];
}

/** Says that it listens, then waits for the signal to stop. Resolves to the exit code. */
async function announce(start: Start, { addresses, port, warnings }: Opened, controlled: Controlled): Promise<number> {
  const { configuration } = start.resolved;
  const announcement: Announcement = {
    version: version(),
    what: servedInWords(configuration, process.cwd()),
    addresses,
    wantedPort: wantedPort(configuration, port),
    warnings,
  };
  // A reader that went away (`onezero | head -1`) must not end the server.
  process.stdout.on('error', ignoreClosedPipe);
  process.stderr.on('error', ignoreClosedPipe);
  const stopped = untilStopped(controlled);
  if (configuration.json) process.stdout.write(`${readyLine(announcement)}\n`);
  else if (!configuration.quiet) {
    const isTerminal = process.stdout.isTTY && process.env['CI'] === undefined;
    process.stdout.write(bannerText(announcement, { isTerminal, useColor: isTerminal && process.stdout.hasColors() }));
  }
  const { readyFile } = configuration;
  if (readyFile !== undefined) writeReadyFile(readyFile, readyLine(announcement));
  const first = addresses.find(({ port }) => port !== 0);
  if (configuration.open !== false && first !== undefined) openBrowser(urlOf(first), configuration.open);
  const code = await stopped;
  if (readyFile !== undefined) rmSync(readyFile, { force: true });
  return code;
}

/** The configured port, where another had to be taken. */
function wantedPort({ listen, port: configured }: Configuration, port: number): number | undefined {
  return listen === undefined && configured !== 0 && port !== configured ? configured : undefined;
}

/** Whole at once, so that who waits for the file never reads half of it. */
function writeReadyFile(path: string, line: string): void {
  const unfinished = `${path}.${process.pid}`;
  try {
    writeFileSync(unfinished, `${line}\n`);
    renameSync(unfinished, path);
  } catch (error) {
    report(`Error: cannot write the ready file: ${(error as Error).message}`);
  }
}

function openBrowser(url: string, path: string | boolean): void {
  const target = typeof path === 'string' ? new URL(path, url).href : url;
  const usual = { darwin: 'open', win32: 'explorer' }[process.platform as 'darwin' | 'win32'] ?? 'xdg-open';
  const child = spawn(process.env['BROWSER'] ?? usual, [target], { stdio: 'ignore', detached: true });
  child.on('error', (error) => report(`Warning: cannot open the browser: ${error.message}`));
  child.unref();
}

/** Obeys signals until the stop has ended: gracefully at the first, at once at the second. Resolves to the exit code. */
function untilStopped(controlled: Controlled): Promise<number> {
  return new Promise((resolve) => {
    let isStopping = false;
    const stop = (signal: NodeJS.Signals): void => {
      if (isStopping) {
        // Scripts are told to end, then there is nothing more to wait for.
        const code = signal === 'SIGINT' ? 130 : 143;
        void Promise.race([controlled.stop(0), new Promise((late) => setTimeout(late, 500))]).finally(() =>
          resolve(code),
        );
        return;
      }
      isStopping = true;
      if (signal === 'SIGINT' && process.stderr.isTTY)
        report(' Finishing what is under way; press Ctrl+C again to stop now.');
      controlled.stop().then(
        () => resolve(0),
        (error: unknown) => {
          report(`Error: ${(error as Error).message}`);
          resolve(1);
        },
      );
    };
    process.on('SIGINT', stop);
    process.on('SIGTERM', stop);
    const wasStartedInTerminal = hasTerminal();
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

// SIGHUP asks for a reload, except when it is what it was made for: the window was closed. Then nobody is left to stop the
// server, so it stops.
function hasTerminal(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r'));
    return true;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    return false;
  }
}

/** One line for what kept the server from starting. */
export function failed(error: unknown, { debug }: Configuration, code: number): number {
  report(`Error: ${listenFailure(error)}`);
  if (debug && error instanceof Error) report(error.stack ?? '');
  return code;
}

function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
}
