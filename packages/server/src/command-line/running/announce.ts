// Says that the server listens, to people, programs, a file and a browser, and waits for its end.

import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import type { Address } from '../../options.ts';
import { type Announcement, bannerText, readyLine, urlOf } from './banner.ts';
import { servedInWords } from './generation.ts';
import type { Configuration } from '../options/table.ts';
import { report } from './report.ts';
import { type Controlled, untilStopped } from './signals.ts';
import type { EarlySignals } from './early-signals.ts';
import type { Notify } from './systemd.ts';
import { version } from '../../installed-files.ts';
import { visible } from '../../standard-error.ts';

/** A server that accepts connections. */
export interface Opened {
  readonly addresses: readonly Address[];
  readonly port: number;
  /** Resolves when every application is loaded. */
  readonly whenReady: Promise<void>;
  readonly warnings: readonly string[];
  /** Tells the supervisor. */
  readonly notify: Notify;
  /** Signals that have come so far. */
  readonly signals: EarlySignals;
}

/** Whether a banner is shown, which has the warnings in it. */
export function showsBanner({ json, quiet }: Configuration): boolean {
  return process.stdout.isTTY && process.env['CI'] === undefined && !json && !quiet;
}

/** Says that it listens, then waits for the signal to stop. Resolves to the exit code. */
export async function announce(
  configuration: Configuration,
  { addresses, port, warnings, whenReady, notify, signals }: Opened,
  controlled: Controlled,
): Promise<number> {
  const announcement: Announcement = {
    version: version(),
    what: visible(servedInWords(configuration, process.cwd())),
    addresses,
    base: configuration.base ?? '/',
    wantedPort: wantedPort(configuration, port),
    warnings: warnings.map(visible),
  };
  const stopped = untilStopped({
    ...controlled,
    stop: (graceMs) => {
      if (graceMs === undefined) notify('STOPPING=1');
      return controlled.stop(graceMs);
    },
  });
  signals.handOver();
  if (!configuration.json && !configuration.quiet) {
    const isTerminal = showsBanner(configuration);
    process.stdout.write(bannerText(announcement, { isTerminal, useColor: isTerminal && process.stdout.hasColors() }));
  }
  let hasStopped = false;
  void whenReady.then(() => hasStopped || sayReady(configuration, readyLine(announcement), notify));
  const first = addresses.find(({ port }) => port !== 0);
  if (configuration.open !== false && first !== undefined)
    openBrowser(urlOf(first, announcement.base), configuration.open);
  const code = await stopped;
  hasStopped = true;
  if (configuration.readyFile !== undefined) removeFile(configuration.readyFile);
  return code;
}

/** For programs and supervisors: requests are answered from now on. */
function sayReady({ json, readyFile }: Configuration, line: string, notify: Notify): void {
  notify('READY=1');
  if (json) process.stdout.write(`${line}\n`);
  if (readyFile !== undefined) writeReadyFile(readyFile, line);
}

/** The configured port, where another had to be taken. */
function wantedPort({ listen, port: configured }: Configuration, port: number): number | undefined {
  return listen === undefined && configured !== 0 && port !== 0 && port !== configured ? configured : undefined;
}

/** Whole at once, so that who waits for the file never reads half of it. */
function writeReadyFile(path: string, line: string): void {
  const unfinished = `${path}.${process.pid}`;
  try {
    writeFileSync(unfinished, `${line}\n`);
    renameSync(unfinished, path);
  } catch (error) {
    report(`Error: cannot write the ready file: ${(error as Error).message}`);
    if (existsSync(unfinished)) removeFile(unfinished);
  }
}

function removeFile(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch (error) {
    report(`Warning: cannot remove ${path}: ${(error as Error).message}`);
  }
}

function openBrowser(url: string, path: string | boolean): void {
  const usual = { darwin: 'open', win32: 'explorer' }[process.platform as 'darwin' | 'win32'] ?? 'xdg-open';
  const failed = (error: Error): void => report(`Warning: cannot open the browser: ${error.message}`);
  try {
    const target = typeof path === 'string' ? new URL(path, url).href : url;
    const child = process
      .getBuiltinModule('node:child_process')
      .spawn(process.env['BROWSER'] ?? usual, [target], { stdio: 'ignore', detached: true });
    child.on('error', failed);
    child.unref();
  } catch (error) {
    failed(error as Error);
  }
}
